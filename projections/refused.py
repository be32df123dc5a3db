"""Policy saying no: an ordinary answer, given as a value to whoever asked."""

from typing import Literal

from msgspec import Struct

Problem = Literal[
    "wrong-source",
    "unknown-key",
    "unknown-token",
    "revoked",
    "not-allowed",
    "registration-conflict",
    "wrong-log",
]


class Refused(Struct, frozen=True):
    """Why an event or a credential is not accepted. `field` is the path at fault, where there is one.

    The ledger's table of problems says with which HTTP status each is answered.
    """

    problem: Problem
    detail: str
    field: str | None = None
