"""The codes of the warnings that limit what a run's numbers show."""

import enum


class WarningCode(enum.StrEnum):
    """A warning's code, and in which case it is given."""

    meaning: str

    def __new__(cls, code: str, meaning: str) -> "WarningCode":
        """Args: code: its value; meaning: in which case it is given."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    # Found in the records and in run.json, whenever a report is made (lab/analysis/warnings.py).
    RUN_NOT_FINISHED = "run_not_finished", "the run was killed or interrupted, or goes on"
    RECORDS_DAMAGED = "records_damaged", "lines of records.jsonl are not records"
    RUN_FILE_DAMAGED = "run_file_damaged", "values of run.json cannot be read"
    NOTHING_ANSWERED = "nothing_answered", "no invocation was answered"
    ERRORS_PRESENT = "errors_present", "invocations failed"
    SOURCE_THROTTLED = "source_throttled", "the source throttled calls: a quota, not its speed, made them slow or fail"
    BOUND_BROKEN = "bound_broken", "an answer was older than the variant's design allows"
    REPETITIONS_BAD = "repetitions_bad", "repetitions were disturbed, and are not used"
    FEW_REPETITIONS = "few_repetitions", "the run has too few repetitions for a recommendation"
    TTL_TOO_LONG = "ttl_too_long", "the TTL is longer than the measured time of a repetition"
    SNAPSHOT_YOUNG = "snapshot_young", "the snapshot was younger than the TTL when the measured time began"
    NO_BASELINE = "no_baseline", "the baseline was not run"
    TOO_FEW_SAMPLES = "too_few_samples", "a variant has too few warm answers for a p99"
    GENERATOR_LATE = "generator_late", "invocations were sent later than planned"
    MACHINE_SATURATED = "machine_saturated", "the machine could not keep up with the load"
    INTERPRETER_DIFFERS = "interpreter_differs", "functions ran on another Python than the deployed runtime's"
    DOWNSTREAM_COUNT_DIFFERS = "downstream_count_differs", "functions and wire, or CloudWatch, count calls differently"
    READ_UNITS_DIFFER = "read_units_differ", "functions and CloudWatch count DynamoDB's read units differently"
    DOWNSTREAM_COUNT_LATE = "downstream_count_late", "CloudWatch's count of the reads was not complete in time"
    DOWNSTREAM_CALLS_UNKNOWN = "downstream_calls_unknown", "failed invocations did not report their downstream calls"
    # Seen only while a run goes on, and kept in run.json (lab/run).
    STARTED_WARM = "started_warm", "the run met environments of an earlier one"
    UPDATES_FAILED = "updates_failed", "item updates were not acknowledged"
    NOT_AWS = "not_aws", "another address than AWS's answered"
    CLOCK_DIFFERENCE = "clock_difference", "this machine's clock is not AWS's"
    SDK_RETRIES = "sdk_retries", "requests of the lab itself were sent again"
    DOWNSTREAM_COUNT_UNREAD = "downstream_count_unread", "CloudWatch's count of the reads cannot be read"
    COLLECTED = "collected", "the run was made from logs"
    # Given by the local endpoint (lab/endpoint).
    NOT_CONFINED = "not_confined", "functions ran without a sandbox: this machine has no namespaces for them"
    SNAPSHOT_UNUSABLE = "snapshot_unusable", "a SnapStart version has no snapshot and starts cold"
    DESTINATION_FAILED = "destination_failed", "the record of an asynchronous invocation could not be sent"
