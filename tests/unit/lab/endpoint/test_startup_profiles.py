"""The start-up profiles of the local endpoint."""

from lab.endpoint.startup_profiles import STARTUP_PROFILES, TYPICAL
from lab.engine.startup import Share, Shares
from tests.function_versions import function_version


def test_the_names() -> None:
    assert list(STARTUP_PROFILES) == ["typical", "none"]


def test_the_median_is_the_published_one() -> None:
    shares, version = Shares(TYPICAL, 0.5), function_version("f", "1")
    assert shares.draw(version, restored=False) == Share(93, 93)
    assert shares.draw(version, restored=True) == Share(562.5, 45)


def test_the_text_has_the_rows_of_the_local_architecture() -> None:
    for row in ("python3.11 80/137", "python3.14 117/274", "restore 562.5/1500, of which billed 45/210"):
        assert row in TYPICAL.text
