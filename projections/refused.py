"""Policy saying no: an ordinary answer, given as a value to whoever asked."""

from msgspec import Struct


class Refused(Struct, frozen=True):
    """Why a submission, an event or a credential is not accepted, with the HTTP status that the design gives it.

    401 unknown key or token · 403 revoked, or not for this role · 409 in conflict with what is there ·
    422 well-formed, and at odds with this log. `field` is the path at fault, `line` that of the event in its
    submission, from 0, where that is known.
    """

    status: int
    reason: str
    field: str | None = None
    line: int | None = None
