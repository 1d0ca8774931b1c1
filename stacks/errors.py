"""The application's error."""


class ApplicationError(Exception):
    """Something that the user can correct. Its text is one line: what is wrong, then what to do."""
