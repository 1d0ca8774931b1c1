"""Frames of log records, cut from a log: in awslambdaric's own words, and in a function's that are none."""

import pytest

from lab.engine.logs.buffer import KEPT_BYTES, LogBuffer
from lab.engine.logs.framed_log import HEAD, MARK, MOST_BYTES, Joiner, Piece, cut, plain, whole_lines

KIND = 0xA55A000F


def frame(message: bytes, at: int = 1_000_000) -> bytes:
    return HEAD.pack(KIND, len(message), at) + message


def test_a_log_is_cut_into_lines_and_records() -> None:
    log = b"one\ntwo\n" + frame(b"a\nb\n", 5) + frame(b"c", 6) + b"\nthree"
    assert list(cut(log)) == [Piece(b"one\ntwo\n"), Piece(b"a\nb\n", 5), Piece(b"c", 6), Piece(b"three")]


@pytest.mark.parametrize(
    ("log", "text"),
    [
        (b"only text", b"only text"),
        (frame(b"a\nb"), b"a\nb\n"),
        (b"begun" + frame(b"a\n") + b"rest", b"begun\na\nrest"),
        (frame(b"a") + b"\nb\n", b"a\nb\n"),
        (frame(b"a") + b"b\n", b"a\nb\n"),
        ("åZ and \u00a5Z\n".encode(), "åZ and \u00a5Z\n".encode()),
    ],
)
def test_records_are_lines_of_their_own_in_text(log: bytes, text: bytes) -> None:
    assert plain(log) == text


def test_whole_lines_end_with_a_record_or_a_line() -> None:
    assert whole_lines(b"") == 0
    assert whole_lines(b"a\nb") == 2
    assert whole_lines(frame(b"x\ny") + b"b") == len(frame(b"x\ny"))
    assert whole_lines(frame(b"x") + b"b\nc") == len(frame(b"x")) + 2


@pytest.mark.parametrize("size", [1, 2, 3, 7, 15, 16, 17, 40])
def test_however_it_comes_a_log_has_the_same_records(size: int) -> None:
    messages = [b"plain\n", MARK * 6, "åZ\0\n".encode() * 3, b"", HEAD.pack(KIND, 9, 1)]
    log = b"".join(b"printed \xa5Z\n" + frame(message, at) + frame(message, at) for at, message in enumerate(messages))
    joiner = Joiner()
    passed = [joiner.feed(log[at : at + size]) for at in range(0, len(log), size)]
    assert b"".join(passed) == log
    assert [piece for part in passed for piece in cut(part) if piece.time_us is not None] == [
        Piece(message, at) for at, message in enumerate(messages) for _ in range(2)
    ]


def test_what_is_held_back_is_text_once_its_rest_is_not_to_come() -> None:
    joiner = Joiner()
    assert joiner.feed(b"a\n" + frame(b"of which the rest")[:-4] + MARK) == b"a\n"
    text = joiner.flush()
    assert MARK not in text
    assert b"of which the" in text
    assert not joiner.held
    assert joiner.feed(b"b\n") == b"b\n"


@pytest.mark.parametrize("size", [7_000, 1 << 16, 3 << 20])
def test_of_a_message_over_a_mib_the_first_is_the_record_and_the_rest_lines(size: int) -> None:
    message = b"one\n" + b"x" * MOST_BYTES + b"\nlast\n"
    log = b"before\n" + frame(message, 5) + frame(b"after", 6)
    joiner = Joiner()
    passed = b"".join(joiner.feed(log[at : at + size]) for at in range(0, len(log), size))
    assert list(cut(passed)) == [
        Piece(b"before\n"),
        Piece(message[:MOST_BYTES], 5),
        Piece(message[MOST_BYTES:]),
        Piece(b"after", 6),
    ]
    assert MARK not in plain(log)


def test_a_platform_line_is_never_part_of_a_record() -> None:
    overflown: list[bytes] = []
    buffer = LogBuffer(overflown.append)
    buffer.write(HEAD.pack(KIND, 500, 1) + b"begun")
    buffer.write_lines(b"END\n")
    tail, log = buffer.take(with_tail=True)
    assert tail.endswith(b"begun\nEND\n")
    assert [piece.time_us for piece in cut(log)] == [None]


def test_what_overflows_is_whole_records_and_the_tail_goes_on() -> None:
    overflown: list[bytes] = []
    buffer = LogBuffer(overflown.append)
    log = b"".join(frame(b"%d\n" % number + b"x" * 10_000) for number in range(20))
    for at in range(0, len(log), 7_000):
        buffer.write(log[at : at + 7_000])
    buffer.write_lines(b"END\n")
    tail, rest = buffer.take(with_tail=True)
    assert all(len(part) < 2 * KEPT_BYTES for part in overflown)
    assert len(overflown) == 2
    pieces = [piece for part in (*overflown, rest) for piece in cut(part)]
    assert [piece.text.partition(b"\n")[0] for piece in pieces] == [b"%d" % number for number in range(20)] + [b"END"]
    assert tail == b"x" * 4091 + b"\nEND\n"
