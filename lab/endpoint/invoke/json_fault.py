"""What is wrong with a payload that is not JSON, in the words of AWS's parser (Jackson).

Invoke quotes its parser's message. Recorded ones (AWS answers in LocalStack's validated snapshots of November 2025, and
in public issue threads) give the forms below; payloads that break JSON in other ways get the nearest of them.
"""

import json
import re
from typing import NoReturn

VALUE = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
SOURCE = "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: {line}, column: {column}]"
EXPECTED = {  # by the start of Python's message
    "Expecting property name": "was expecting double-quote to start field name",
    "Illegal trailing comma": "was expecting double-quote to start field name",
    "Expecting ':' delimiter": "was expecting a colon to separate field name and value",
    "Expecting ',' delimiter": "was expecting comma to separate {kind} entries",
    "Extra data": "Expected space separating root-level values",
    "": f"expected a valid value {VALUE}",
}
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
    what, place = _fault(text)
    if bad_byte is not None and (what is None or bad_byte.start() < place):
        what, place = f"Invalid UTF-8 start byte 0x{ord(bad_byte[0]) - 0xDC00:02x}", bad_byte.end()
    line, column = text.count("\n", 0, place) + 1, place - text.rfind("\n", 0, place)
    return f"{what}\n at {SOURCE.format(line=line, column=column)}"


def _fault(text: str) -> tuple[str | None, int]:
    """What is wrong, and the place that Jackson names; None if only the bytes are."""
    try:
        _DECODER.decode(text)
    except json.JSONDecodeError as error:
        return _by_place(text, error.pos, error.msg)
    except RecursionError:
        return "Document nesting depth exceeds the maximum allowed (1000)", 0
    except ValueError as error:
        constant = str(error)
        if constant in ("NaN", "Infinity", "-Infinity"):
            hint = "enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow"
            return f"Non-standard token '{constant}': {hint}", text.find(constant) + len(constant)
        return "Number value length exceeds the maximum allowed (1000)", len(text)
    return None, 0


def _by_place(text: str, place: int, problem: str) -> tuple[str, int]:
    if problem.startswith("Unterminated string"):
        return "Unexpected end-of-input: was expecting closing quote for a string value", len(text)
    kind = _innermost(text[:place])
    if place >= len(text):
        what = f"Unexpected end-of-input: expected close marker for {kind}"
        return what if kind else "No content to map due to end-of-input", len(text)
    if problem.startswith("Invalid control character"):
        what = f"Illegal unquoted character ({_named(text[place])})"
        return f"{what}: has to be escaped using backslash to be included in string value", place + 1
    if problem.startswith("Invalid \\escape"):
        return f"Unrecognized character escape {_named(text[place + 1 : place + 2])}", place + 2
    token = _TOKEN.match(text, place)
    if problem == "Expecting value" and token is not None:
        shown = token[0] if len(token[0]) <= _LONGEST_TOKEN else f"{token[0][:_LONGEST_TOKEN]}..."
        return f"Unrecognized token '{shown}': was expecting {VALUE}", min(token.end() + 1, len(text))
    expected = next(words for start, words in EXPECTED.items() if problem.startswith(start))
    return f"Unexpected character ({_named(text[place])}): {expected.format(kind=kind)}", place


def _innermost(text: str) -> str | None:
    """What is still open at the end of a text: an Object, an Array, or neither."""
    inside: list[str] = []
    for mark in _NO_BRACKETS.sub("", _STRING.sub("", text)):
        if mark in "{[":
            inside.append(mark)
        elif inside:
            inside.pop()
    return {"{": "Object", "[": "Array"}[inside[-1]] if inside else None


def _named(mark: str) -> str:
    code = ord(mark) - 0xDC00 if _BAD_BYTE.match(mark) else ord(mark)
    is_control = code < 0x20 or 0x7F <= code <= 0x9F
    return f"(CTRL-CHAR, code {code})" if is_control else f"'{chr(code)}' (code {code})"
