"""The words for payloads that are not JSON."""

import pytest

from lab.endpoint.invoke.json_fault import describe, is_json

VALUE = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"


@pytest.mark.parametrize(
    "payload", [b"{}", b" [1, 2.5e3, null]\n", b'"\xc3\xa9"', b'"\\ud800"', b"-0", b'{"a":1,"a":2}']
)
def test_json_is_json(payload: bytes) -> None:
    assert is_json(payload)


@pytest.mark.parametrize(
    ("payload", "line", "column", "message"),
    [
        (b"'test'", 1, 1, f"Unexpected character (''' (code 39)): expected a valid value {VALUE}"),
        (b"abc", 1, 4, f"Unrecognized token 'abc': was expecting {VALUE}"),
        (b'{\n "a": x}', 2, 9, f"Unrecognized token 'x': was expecting {VALUE}"),
        (b"{a:1}", 1, 2, "Unexpected character ('a' (code 97)): was expecting double-quote to start field name"),
        (
            b'{"a" 1}',
            1,
            6,
            "Unexpected character ('1' (code 49)): was expecting a colon to separate field name and value",
        ),
        (
            b'{"a[":1 "b":2}',
            1,
            9,
            "Unexpected character ('\"' (code 34)): was expecting comma to separate Object entries",
        ),
        (b'{"a":[1 2]}', 1, 9, "Unexpected character ('2' (code 50)): was expecting comma to separate Array entries"),
        (b"0D", 1, 2, "Unexpected character ('D' (code 68)): Expected space separating root-level values"),
        (b'{"a": 1', 1, 8, "Unexpected end-of-input: expected close marker for Object"),
        (b"[", 1, 2, "Unexpected end-of-input: expected close marker for Array"),
        (b'["a', 1, 4, "Unexpected end-of-input: was expecting closing quote for a string value"),
        (b"\n", 2, 1, "No content to map due to end-of-input"),
        (
            b'["\n"]',
            2,
            1,
            "Illegal unquoted character ((CTRL-CHAR, code 10)): "
            "has to be escaped using backslash to be included in string value",
        ),
        (b'["\\q"]', 1, 5, "Unrecognized character escape 'q' (code 113)"),
        (b"[NaN]", 1, 5, "Non-standard token 'NaN': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow"),
        (b'["\xff"]', 1, 4, "Invalid UTF-8 start byte 0xff"),
        (b"[" * 100_000, 1, 1, "Document nesting depth exceeds the maximum allowed (1000)"),
        (b"x" * 300, 1, 301, f"Unrecognized token '{'x' * 256}...': was expecting {VALUE}"),
    ],
)
def test_what_is_not_json_is_described_in_the_words_of_awss_parser(
    payload: bytes, line: int, column: int, message: str
) -> None:
    """Jackson's messages; those that AWS was recorded to answer with are tested in `tests/recorded`."""
    assert not is_json(payload)
    source = (
        f"[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: {line}, column: {column}]"
    )
    assert describe(payload) == f"{message}\n at {source}"
