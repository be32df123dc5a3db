"""Requests: what data subjects asked for and were told, and what was declared and offered to whom.

A part of the docket: one state row.
"""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from projections.fact import Fact


class Requests(Struct, frozen=True):
    """State after some number of entries."""


STEPS: dict[type[Any], Callable[[Requests, Fact, int], Requests]] = {}
