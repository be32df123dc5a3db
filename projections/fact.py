"""A fact: one event of a verified log, with where it stands and who posted it."""

from typing import Any

from msgspec import Struct

from projections.events import Event
from projections.registry import Poster


class Fact(Struct, frozen=True):
    """One event as the folds see it: already checked against chain, tree, signature and role.

    `index` is the entry's place in the log, `time_us` its recorded time in Unix microseconds
    (the operator's clock), `poster` the key or token it was posted under.
    """

    index: int
    time_us: int
    poster: Poster
    event: Event[Any]
