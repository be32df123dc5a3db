"""Processing: what the controller declared of its activities: purposes apart, on what basis and for how long.

A part of the docket. Every declaration stays, with its place in the log: which one governs a
collection is decided where it is read.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct, UnsetType

from projections import events as ev
from projections.fact import Fact
from projections.series import Series


class Activity(Struct, frozen=True, array_like=True, omit_defaults=True):
    """A declaration. No condition: none was named. `retention_days` below 0: no period was named."""

    index: int
    time_us: int
    by: int
    activity: str
    lawful_basis: str
    art9_condition: str = ""
    retention_days: int = -1


class Processing(Struct, frozen=True):
    """State after some number of entries, in log order."""

    activities: Series[Activity] = Series()


def _declared(part: Processing, fact: Fact, by: int) -> Processing:
    data: ev.ProcessingDeclared = fact.event.data
    one = Activity(
        fact.index,
        fact.time_us,
        by,
        data.activity,
        data.lawful_basis,
        "" if isinstance(data.art9_condition, UnsetType) else data.art9_condition,
        -1 if isinstance(data.retention_days, UnsetType) else data.retention_days,
    )
    return msgspec.structs.replace(part, activities=part.activities.grown(one))


STEPS: dict[type[Any], Callable[[Processing, Fact, int], Processing]] = {ev.ProcessingDeclared: _declared}
