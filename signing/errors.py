"""The two ways in which bytes from outside can be wrong, and the one in which they can't be read here."""


class FormatError(ValueError):
    """These are not bytes that our formatter writes."""


class TooLargeError(FormatError):
    """The format would be right, but a size limit of the format is exceeded."""


class ProofError(Exception):
    """The format is right, but what it claims is false: a signature, a hash or a proof fails."""


class MissingPackage(Exception):
    """What must be checked can't be: the package that reads it is not installed. `remedy` says what to do."""

    remedy = "pip install 'writ[time]'"
