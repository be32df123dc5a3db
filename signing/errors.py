"""The two ways in which bytes from outside can be wrong."""


class FormatError(ValueError):
    """These are not bytes that our formatter writes."""


class TooLargeError(FormatError):
    """The format would be right, but a size limit of the format is exceeded."""


class ProofError(Exception):
    """The format is right, but what it claims is false: a signature, a hash or a proof fails."""
