"""What operations, queries and dashboards are refused with."""


class UnsupportedError(Exception):
    """A dashboard, a query or a statistic is not supported here. The text says what, as the end of a sentence."""


class CloudWatchError(Exception):
    """The error that an operation answers with. The code is that of the Query protocol, or the name of an exception."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.status = code, status
