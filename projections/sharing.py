"""Sharing: who else has the data: disclosures and what recipients say of them, backups.

A part of the docket: one state row.
"""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from projections.fact import Fact


class Sharing(Struct, frozen=True):
    """State after some number of entries."""


STEPS: dict[type[Any], Callable[[Sharing, Fact, int], Sharing]] = {}
