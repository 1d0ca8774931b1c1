"""What a run on a local endpoint observes beside its records."""

import dataclasses
import time
from typing import Any

from facts.names import Names
from lab.deploy.endpoint_control import EndpointControl
from lab.records.run_file import MeasuredSettings, Repetition, RunFile, RunIdentity, RunWarning, WireCounts
from lab.run.local_observer import LocalObserver

RUN = RunFile(run=RunIdentity(runtime="python3.14", source="dynamodb"), settings=MeasuredSettings(variants=("a", "b")))


class Control(EndpointControl):
    """An endpoint whose answers the test sets."""

    def __init__(self) -> None:
        self.functions: dict[str, Any] = {}
        self.answer: dict[str, Any] = {
            "interpreters": {"python3.14": {"interpreter": "3.14.0", "exact": True}},
            "profile": {"name": "typical", "text": "as assumed"},
            "startup": {"name": "none", "text": "as here"},
            "snapshots": [],
            "tiers": {"isolation": "process", "limits": "none"},
            "warnings": [],
        }

    def info(self) -> Any:
        return self.answer

    def wire(self) -> Any:
        return self.functions


def calls(downstream_calls: int, downstream_errors: int, read_units: float) -> dict[str, float]:
    return {
        "downstream_calls": downstream_calls,
        "downstream_errors": downstream_errors,
        "read_units": read_units,
    }


def test_the_calls_of_the_window_are_counted() -> None:
    control = Control()
    control.functions = {"cache-lab-a": calls(3, 1, 2.0)}
    observer = LocalObserver(control, Names())
    begun = observer.begin(RUN)
    control.functions = {"cache-lab-a": calls(13, 1, 52.0), "cache-lab-b": calls(5, 2, 3), "other": calls(9, 9, 9)}

    assert observer.end(begun).wire == {
        "a": WireCounts(downstream_calls=10, downstream_errors=0, read_units=50.0),
        "b": WireCounts(downstream_calls=5, downstream_errors=2, read_units=3.0),
    }


def test_only_dynamodb_has_read_units() -> None:
    control = Control()
    observer = LocalObserver(control, Names())
    begun = observer.begin(dataclasses.replace(RUN, run=RunIdentity(source="s3")))

    assert observer.end(begun).wire == dict.fromkeys("ab", WireCounts(downstream_calls=0, downstream_errors=0))


def test_the_endpoint_is_described() -> None:
    local = LocalObserver(Control(), Names()).begin(RUN).local

    assert local is not None
    assert (local.interpreter, local.profile, local.profile_text) == ("3.14.0", "typical", "as assumed")
    assert (local.startup, local.startup_text) == ("none", "as here")
    assert local.tiers == {"isolation": "process", "limits": "none"}


def test_the_endpoints_warnings_are_kept_except_the_one_that_the_report_derives() -> None:
    control, given = Control(), {"code": "snapshot_unusable", "message": "m", "advice": "a"}
    observer = LocalObserver(control, Names())
    begun = observer.begin(RUN)
    control.answer["warnings"] = [given, given | {"code": "interpreter_differs"}]

    assert observer.end(begun).warnings == (RunWarning(**given),)


def test_the_youngest_snapshot_of_a_driven_function_is_dated() -> None:
    control = Control()
    control.answer["snapshots"] = [
        {"function": "cache-lab-a", "version": "1", "age_s": 90.0},
        {"function": "cache-lab-b", "version": "2", "age_s": 30.0},
        {"function": "cache-lab-not-driven", "version": "1", "age_s": 1.0},
    ]
    observer = LocalObserver(control, Names())
    before, begun, after = time.time(), observer.begin(RUN), time.time()
    repetitions = (Repetition(number=0, measured_from=before + 7), Repetition(number=1, measured_from=before + 70))
    local = observer.end(dataclasses.replace(begun, repetitions=repetitions)).local

    assert local is not None
    assert local.snapshot_age_s is not None
    assert 37 - (after - before) - 0.001 <= local.snapshot_age_s <= 37.001


def test_without_a_snapshot_or_a_repetition_there_is_no_age() -> None:
    observer = LocalObserver(Control(), Names())
    local = observer.end(observer.begin(RUN)).local

    assert local is not None
    assert local.snapshot_age_s is None
