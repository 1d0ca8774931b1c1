r"""Log events of real invocations on AWS, as others published them. Request ids, traces and accounts are masked.

A capture is one invocation: its events in the order of the log, each as `FilterLogEvents` returns it. Where a source
shows spaces, Lambda's tabs are put back. The lines around a REPORT that a source leaves out are those of T1 and J4.
Sources (read in stored copies in November 2026):

- T1: a published read of a function's log group, python3.12, 2026-10-08 (after the billing change of August 2025).
- T2: DataBiosphere/azul issue 5622, JSON of Logs Insights, 2023-10-20.
- T3: awslabs/fhir-works-on-aws-deployment issue 825, 2023-02-27: REPORT, END and the timeout in this order.
- T4: AJ Stuyvenberg on suppressed init, 2024: `Status: timeout` without a line for the timeout.
- T5: a custom runtime (zenn.dev article on mysqldump in Lambda): the exit is in a line of its own.
- T6: a benchmark of a SnapStart function, version 23, 2025-05-21 (before the change).
- T7: an Amazon Lex demo (SnapStart, java11), 2023-06-02.
- T8: an ops report of 2026-04-24: a handler that cannot be imported.
- T9: an ops report of 2026-07: a handler that raised, with tracing.
- T10: a course on Lambda's logs, output of `sam logs`, 2024-04-23 (before the change).
- T11: oslabs-beta/Embr, primary-app/src/app/retrievedData.js, JSON of Logs Insights, 2023-12-05.
- J1: a test of a log viewer, from a log of 2025-01-08 (before the change).
- J2: figures of a cold start of 2026-02-05 (after the change), in the envelope of J1.
- J3: a bug report on CloudFormation custom resources, 2026-07-09: a timeout.
- J5: a parser's test, from a traced function of 2022-10-21.
- J6: a log forwarder's test, from a function of 2022-06-23: no status at all.
- J4: alexcasalboni/aws-lambda-power-tuning@b2544cc3, test/unit/test-utils.js: a restore. Its request id is a sample.
"""

# ruff: noqa: E501 -- the lines are as Lambda wrote them

from typing import Final, NamedTuple


class Captured(NamedTuple):
    """One invocation: its events, and what a record of it must hold. ``error_type`` is None if it answered."""

    name: str
    source: str
    request_id: str
    events: tuple[str, ...]
    duration_ms: float
    billed_ms: float
    memory_mb: int
    max_memory_mb: int
    init_ms: float | None = None
    restore_ms: float | None = None
    error_type: str | None = None


def _id(number: int) -> str:
    return f"5d1c0000-0000-4000-8000-{number:012d}"


def _trace(number: int, *, sampled: bool = True) -> str:
    return f"XRAY TraceId: 1-6ac70000-{number:024x}\tSegmentId: {number:016x}\t" + (
        "Sampled: true\n" if sampled else "\n"
    )


def _text(number: int, figures: str, *more: str, traced: bool = False, sampled: bool = True) -> tuple[str, ...]:
    report = f"REPORT RequestId: {_id(number)}\t{figures}\n" + (_trace(number, sampled=sampled) if traced else "")
    return (f"START RequestId: {_id(number)} Version: 3\n", *more, f"END RequestId: {_id(number)}\n", report)


def _json(number: int, report: str) -> tuple[str, ...]:
    start = '{"time":"2024-02-09T08:42:44.078Z","type":"platform.start","record":{"requestId":"%s","version":"8"}}'
    return (f"{start % _id(number)}\n", f"{report.replace('<id>', _id(number))}\n")


_INIT_START: Final = (
    "INIT_START Runtime Version: python:3.12.mainlinev2.v43\tRuntime Version ARN: arn:aws:lambda:us-east-1::runtime:"
    "36aeb19f3326e129d9f096dea0a3c6a9ca8dce2610e62d2b2060747602d863ae\n"
)
_T3 = _text(
    8, "Duration: 40068.65 ms\tBilled Duration: 40000 ms\tMemory Size: 512 MB\tMax Memory Used: 332 MB\t", traced=True
)

CAPTURED: Final = (
    Captured(
        "warm, before August 2025",
        "T11",
        _id(1),
        _text(1, "Duration: 14.97 ms\tBilled Duration: 15 ms\tMemory Size: 128 MB\tMax Memory Used: 67 MB\t"),
        14.97,
        15,
        128,
        67,
    ),
    Captured(
        "cold and traced, before August 2025",
        "T10",
        _id(2),
        (
            _INIT_START,
            *_text(
                2,
                "Duration: 978.56 ms\tBilled Duration: 979 ms\tMemory Size: 256 MB\tMax Memory Used: 95 MB\tInit Duration: 720.71 ms\t",
                traced=True,
            ),
        ),
        978.56,
        979,
        256,
        95,
        init_ms=720.71,
    ),
    Captured(
        "cold and traced, after August 2025",
        "T1",
        _id(3),
        (
            _INIT_START,
            *_text(
                3,
                "Duration: 2.46 ms\tBilled Duration: 417 ms\tMemory Size: 1024 MB\tMax Memory Used: 95 MB\tInit Duration: 413.61 ms\t",
                traced=True,
            ),
        ),
        2.46,
        417,
        1024,
        95,
        init_ms=413.61,
    ),
    Captured(
        "warm and traced",
        "T1",
        _id(4),
        _text(
            4, "Duration: 3.86 ms\tBilled Duration: 4 ms\tMemory Size: 1024 MB\tMax Memory Used: 532 MB\t", traced=True
        ),
        3.86,
        4,
        1024,
        532,
    ),
    Captured(
        "timed out and traced",
        "T1",
        _id(5),
        _text(
            5,
            "Duration: 600000.00 ms\tBilled Duration: 600000 ms\tMemory Size: 1024 MB\tMax Memory Used: 1024 MB\tStatus: timeout",
            traced=True,
        ),
        600_000,
        600_000,
        1024,
        1024,
        error_type="Sandbox.Timedout",
    ),
    Captured(
        "timed out at its cold start, traced",
        "T1",
        _id(6),
        (
            _INIT_START,
            *_text(
                6,
                "Duration: 600000.00 ms\tBilled Duration: 600517 ms\tMemory Size: 1024 MB\tMax Memory Used: 1024 MB\tInit Duration: 516.31 ms\tStatus: timeout",
                traced=True,
            ),
        ),
        600_000,
        600_517,
        1024,
        1024,
        init_ms=516.31,
        error_type="Sandbox.Timedout",
    ),
    Captured(
        "timed out, its REPORT without a status",
        "T2",
        _id(7),
        (
            f"START RequestId: {_id(7)} Version: $LATEST\n",
            f"2023-10-20T16:28:17.840Z {_id(7)} Task timed out after 31.01 seconds\n\n",
            f"END RequestId: {_id(7)}\n",
            f"REPORT RequestId: {_id(7)}\tDuration: 31012.52 ms\tBilled Duration: 31000 ms\tMemory Size: 128 MB\tMax Memory Used: 109 MB\t\n",
        ),
        31_012.52,
        31_000,
        128,
        109,
        error_type="Sandbox.Timedout",
    ),
    Captured(
        "timed out and traced, the timeout after the REPORT",
        "T3",
        _id(8),
        (_T3[0], _T3[2], _T3[1], f"2023-02-27T08:26:17.835Z {_id(8)} Task timed out after 40.07 seconds\n\n"),
        40_068.65,
        40_000,
        512,
        332,
        error_type="Sandbox.Timedout",
    ),
    Captured(
        "timed out, with a status only",
        "T4",
        _id(9),
        _text(
            9,
            "Duration: 3000.00 ms\tBilled Duration: 3000 ms\tMemory Size: 1024 MB\tMax Memory Used: 64 MB\tStatus: timeout",
        ),
        3000,
        3000,
        1024,
        64,
        error_type="Sandbox.Timedout",
    ),
    Captured(
        "out of memory and traced",
        "T1",
        _id(10),
        _text(
            10,
            "Duration: 10935.70 ms\tBilled Duration: 10936 ms\tMemory Size: 1024 MB\tMax Memory Used: 1024 MB\tStatus: error\tError Type: Runtime.OutOfMemory",
            traced=True,
        ),
        10_935.7,
        10_936,
        1024,
        1024,
        error_type="Runtime.OutOfMemory",
    ),
    Captured(
        "out of memory at its cold start, its trace not sampled",
        "T1",
        _id(11),
        _text(
            11,
            "Duration: 344356.22 ms\tBilled Duration: 344756 ms\tMemory Size: 1024 MB\tMax Memory Used: 1024 MB\tInit Duration: 399.33 ms\tStatus: error\tError Type: Runtime.OutOfMemory",
            traced=True,
            sampled=False,
        ),
        344_356.22,
        344_756,
        1024,
        1024,
        init_ms=399.33,
        error_type="Runtime.OutOfMemory",
    ),
    Captured(
        "exited, its REPORT without a status",
        "T5",
        _id(12),
        _text(
            12,
            "Duration: 83.18 ms\tBilled Duration: 84 ms\tMemory Size: 128 MB\tMax Memory Used: 4 MB\t",
            f"RequestId: {_id(12)} Error: Runtime exited with error: exit status 127\nRuntime.ExitError\n",
        ),
        83.18,
        84,
        128,
        4,
        error_type="Runtime.ExitError",
    ),
    Captured(
        "not importable, traced",
        "T8",
        _id(13),
        _text(
            13,
            "Duration: 97.30 ms\tBilled Duration: 98 ms\tMemory Size: 1024 MB\tMax Memory Used: 43 MB\tStatus: error\tError Type: Runtime.ImportModuleError",
            "[ERROR] Runtime.ImportModuleError: Unable to import module 'handler': No module named 'handler'\nTraceback (most recent call last):\n",
            "INIT_REPORT Init Duration: 87.28 ms\tPhase: invoke\tStatus: error\tError Type: Runtime.ImportModuleError\n",
            traced=True,
        ),
        97.3,
        98,
        1024,
        43,
        error_type="Runtime.ImportModuleError",
    ),
    Captured(
        "raised by the handler, cold and traced",
        "T9",
        _id(14),
        _text(
            14,
            "Duration: 3.10 ms\tBilled Duration: 546 ms\tMemory Size: 2048 MB\tMax Memory Used: 95 MB\tInit Duration: 542.01 ms\t",
            '[ERROR] RuntimeError: key missing\nTraceback (most recent call last):\n  File "/var/task/lambda_function.py", line 317, in lambda_handler\n    raise RuntimeError("key missing")\n',
            traced=True,
        ),
        3.1,
        546,
        2048,
        95,
        init_ms=542.01,
        error_type="RuntimeError",
    ),
    Captured(
        "restored, before August 2025",
        "T6",
        _id(15),
        (
            "RESTORE_REPORT Restore Duration: 789.64 ms\n",
            *_text(
                15,
                "Duration: 149.53 ms\tBilled Duration: 313 ms\tMemory Size: 3538 MB\tMax Memory Used: 163 MB\tRestore Duration: 789.64 ms\tBilled Restore Duration: 163 ms\t",
            ),
        ),
        149.53,
        313,
        3538,
        163,
        restore_ms=789.64,
    ),
    Captured(
        "restored, java",
        "T7",
        _id(16),
        (
            "RESTORE_REPORT Restore Duration: 398.97 ms\n",
            *_text(
                16,
                "Duration: 2338.66 ms\tBilled Duration: 2521 ms\tMemory Size: 3009 MB\tMax Memory Used: 173 MB\tRestore Duration: 398.97 ms\tBilled Restore Duration: 182 ms\t",
            ),
        ),
        2338.66,
        2521,
        3009,
        173,
        restore_ms=398.97,
    ),
    Captured(
        "JSON, cold, before August 2025",
        "J1",
        _id(17),
        _json(
            17,
            '{"time":"2025-01-08T21:21:30.201Z","type":"platform.report","record":{"requestId":"<id>","metrics":{"durationMs":329.177,"billedDurationMs":330,"memorySizeMB":1792,"maxMemoryUsedMB":125,"initDurationMs":503.083},"status":"success"}}',
        ),
        329.177,
        330,
        1792,
        125,
        init_ms=503.083,
    ),
    Captured(
        "JSON, cold, after August 2025",
        "J2",
        _id(18),
        _json(
            18,
            '{"time":"2026-02-05T21:34:20.458Z","type":"platform.report","record":{"requestId":"<id>","metrics":{"durationMs":2251.86,"billedDurationMs":3114,"memorySizeMB":1024,"maxMemoryUsedMB":184,"initDurationMs":861.71},"status":"success"}}',
        ),
        2251.86,
        3114,
        1024,
        184,
        init_ms=861.71,
    ),
    Captured(
        "JSON, cold and traced",
        "J5",
        _id(19),
        _json(
            19,
            '{"time":"2022-10-21T14:05:05.766Z","type":"platform.report","record":{"requestId":"<id>","metrics":{"durationMs":2599.4,"billedDurationMs":2600,"memorySizeMB":128,"maxMemoryUsedMB":94,"initDurationMs":549.04},"tracing":{"spanId":"24cd7d670fa455f0","type":"X-Amzn-Trace-Id","value":"Root=1-63520000-000000000000000000000013;Parent=0000000000000013;Sampled=1"},"status":"success"}}',
        ),
        2599.4,
        2600,
        128,
        94,
        init_ms=549.04,
    ),
    Captured(
        "JSON, warm, without a status",
        "J6",
        _id(22),
        _json(
            22,
            '{"time":"2022-06-23T18:14:45.499Z","type":"platform.report","record":{"requestId":"<id>","metrics":{"durationMs":537.68,"billedDurationMs":538,"memorySizeMB":1024,"maxMemoryUsedMB":92}}}',
        ),
        537.68,
        538,
        1024,
        92,
    ),
    Captured(
        "JSON, timed out",
        "J3",
        _id(20),
        _json(
            20,
            '{"time":"2026-07-09T06:05:50.581Z","type":"platform.report","record":{"requestId":"<id>","metrics":{"durationMs":5000.0,"billedDurationMs":5000,"memorySizeMB":128,"maxMemoryUsedMB":94},"status":"timeout"}}',
        ),
        5000,
        5000,
        128,
        94,
        error_type="Sandbox.Timedout",
    ),
    Captured(
        "JSON, restored",
        "J4",
        _id(21),
        _json(
            21,
            '{"time":"2024-02-09T08:42:44.080Z","type":"platform.report","record":{"requestId":"<id>","status":"success","metrics":{"durationMs": 147.156,"billedDurationMs": 201, "memorySizeMB": 512,"maxMemoryUsedMB": 91,"restoreDurationMs": 500.795,"billedRestoreDurationMs": 53 }}}',
        ),
        147.156,
        201,
        512,
        91,
        restore_ms=500.795,
    ),
)
