"""Proceedings: the life of orders: served, stayed, set aside, discharged; exemptions, holds, penalties.

A part of the docket: one state row.
"""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from projections.fact import Fact


class Proceedings(Struct, frozen=True):
    """State after some number of entries."""


STEPS: dict[type[Any], Callable[[Proceedings, Fact, int], Proceedings]] = {}
