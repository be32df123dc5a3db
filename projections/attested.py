"""Attested: who vouches: attestations and rejections, probes, samples.

A part of the docket: one state row.
"""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from projections.fact import Fact


class Attested(Struct, frozen=True):
    """State after some number of entries."""


STEPS: dict[type[Any], Callable[[Attested, Fact, int], Attested]] = {}
