"""The one base of every error that is the user's to mend."""


class ForelandError(Exception):
    """Something the caller can put right; the text says rule, value and next step.

    The command line prints it on one line and exits with status 2; the service turns it into a
    problem document. A bug is never raised as one of these.
    """


class InputError(ForelandError):
    """A file, a value or an option cannot be used as it is."""
