"""What is wrong with a payload that is not JSON, in the words of AWS's parser (Jackson).

Invoke quotes its parser's message. Recorded ones (AWS answers in LocalStack's validated snapshots of November 2025, and
in public issue threads) give the forms below; payloads that break JSON in other ways get the nearest of them.
"""

import json
import re
from typing import NoReturn

VALUE = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
SOURCE = "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: {line}, column: {column}]"
_TOKEN = re.compile(r"[\w$]+")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_NO_BRACKETS = re.compile(r"[^\[\]{}]+")
_BAD_BYTE = re.compile("[\udc80-\udcff]")  # as surrogateescape decodes it
_LONGEST_TOKEN = 256


def _not_json(constant: str) -> NoReturn:
    raise ValueError(constant)  # NaN and Infinity are Python's own


_DECODER = json.JSONDecoder(parse_constant=_not_json)


def is_json(payload: bytes) -> bool:
    """Whether it is one JSON text in UTF-8."""
    try:
        _DECODER.decode(payload.decode())
    except (ValueError, RecursionError):
        return False
    return True


def describe(payload: bytes) -> str:
    """What is wrong with a payload for which `is_json` is false."""
    text = payload.decode("utf-8", "surrogateescape")
    bad_byte = _BAD_BYTE.search(text)
    try:
        _DECODER.decode(text)
    except json.JSONDecodeError as error:
        if bad_byte is not None and bad_byte.start() < error.pos:
            return _invalid_byte(text, bad_byte.start())
        return _by_place(text, error.pos, error.msg)
    except RecursionError:
        return "Document nesting depth exceeds the maximum allowed (1000)" + _at(text, 0)
    except ValueError as error:
        return _constant_or_number(text, str(error))
    assert bad_byte is not None
    return _invalid_byte(text, bad_byte.start())


def _by_place(text: str, place: int, problem: str) -> str:
    if problem.startswith("Unterminated string"):
        return "Unexpected end-of-input: was expecting closing quote for a string value" + _at(text, len(text))
    if place >= len(text):
        return _end_of_input(text)
    if problem.startswith("Invalid control character"):
        what = f"Illegal unquoted character ({_named(text[place])})"
        return f"{what}: has to be escaped using backslash to be included in string value" + _at(text, place + 1)
    if problem.startswith("Invalid \\escape"):
        return f"Unrecognized character escape {_named(text[place + 1 : place + 2])}" + _at(text, place + 2)
    token = _TOKEN.match(text, place)
    if problem == "Expecting value" and token is not None:
        return _unrecognized(text, token[0], token.end())
    return f"Unexpected character ({_named(text[place])}): {_expectation(text, place, problem)}" + _at(text, place)


def _expectation(text: str, place: int, problem: str) -> str:
    if problem.startswith(("Expecting property name", "Illegal trailing comma")):
        return "was expecting double-quote to start field name"
    if problem == "Expecting ':' delimiter":
        return "was expecting a colon to separate field name and value"
    if problem == "Expecting ',' delimiter":
        kind = "Object" if _open_brackets(text[:place])[-1:] == ["{"] else "Array"
        return f"was expecting comma to separate {kind} entries"
    if problem == "Extra data":
        return "Expected space separating root-level values"
    return f"expected a valid value {VALUE}"


def _unrecognized(text: str, token: str, end: int) -> str:
    if _BAD_BYTE.match(text, end):
        return _invalid_byte(text, end)
    shown = token if len(token) <= _LONGEST_TOKEN else f"{token[:_LONGEST_TOKEN]}..."
    return f"Unrecognized token '{shown}': was expecting {VALUE}" + _at(text, min(end + 1, len(text)))


def _end_of_input(text: str) -> str:
    inside = _open_brackets(text)
    if not inside:
        return "No content to map due to end-of-input" + _at(text, len(text))
    kind = "Object" if inside[-1] == "{" else "Array"
    return f"Unexpected end-of-input: expected close marker for {kind}" + _at(text, len(text))


def _invalid_byte(text: str, place: int) -> str:
    return f"Invalid UTF-8 start byte 0x{ord(text[place]) - 0xDC00:02x}" + _at(text, place + 1)


def _constant_or_number(text: str, problem: str) -> str:
    if problem in ("NaN", "Infinity", "-Infinity"):
        hint = "enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow"
        return f"Non-standard token '{problem}': {hint}" + _at(text, text.find(problem) + len(problem))
    return "Number value length exceeds the maximum allowed (1000)" + _at(text, len(text))


def _open_brackets(text: str) -> list[str]:
    inside: list[str] = []
    for mark in _NO_BRACKETS.sub("", _STRING.sub("", text)):
        if mark in "{[":
            inside.append(mark)
        elif inside:
            inside.pop()
    return inside


def _named(mark: str) -> str:
    code = ord(mark) - 0xDC00 if "\udc80" <= mark <= "\udcff" else ord(mark)
    is_control = code < 0x20 or 0x7F <= code <= 0x9F
    return f"(CTRL-CHAR, code {code})" if is_control else f"'{chr(code)}' (code {code})"


def _at(text: str, place: int) -> str:
    before = text[:place]
    line = before.count("\n") + 1
    column = place - (before.rfind("\n") + 1) + 1
    return "\n at " + SOURCE.format(line=line, column=column)
