"""What the user of the application can mend."""


class ApplicationError(Exception):
    """Something the user can mend. Its text is one line: the input, and the remedy."""
