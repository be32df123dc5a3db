"""The fold: facts in, state out. The same class runs beside Postgres and on a laptop."""

from msgspec import Struct

from projections import docket, docket_rows, holdings
from projections.docket import Docket, Edge
from projections.fact import Fact
from projections.holdings import Held, Holdings, Parted
from projections.registry import Poster
from signing.setdigest import digest_of, digest_of_hashed, hash_buckets


class StateDigest(Struct, frozen=True):
    """The digest (base64 in documents) of one projection's rows, with the version that made them."""

    name: str
    version: int
    rows: int
    digest: bytes


class Fold:
    """State after the facts taken so far, in log order. Holdings may be a part: the caller's partition."""

    def __init__(self, state: Docket, edges: dict[int, Edge], held: Holdings) -> None:
        self.docket = state
        self.edges = edges
        self.holdings = held
        self.put_away: Parted | None = None
        """Once all facts are taken, what stands for `holdings` where these were too many to be kept."""
        self._last: tuple[Poster | None, int] = (None, 0)

    @classmethod
    def empty(cls) -> "Fold":
        return cls(docket.EMPTY, {}, {})

    def take(self, fact: Fact) -> None:
        """Apply one fact. The order of facts is the log's; a gap or a swap gives another state."""
        by = self._number(fact.poster)
        holdings.apply(self.holdings, fact, by)
        edge = docket.edge_of(fact, by)
        if edge is not None:
            self.edges[fact.index] = edge
        self.docket = docket.apply(self.docket, fact, by)

    @property
    def held(self) -> Held:
        """The holdings, wherever they are."""
        return self.holdings if self.put_away is None else self.put_away

    def digests(self) -> tuple[StateDigest, ...]:
        """What anybody who folds the same facts must arrive at."""
        if self.put_away is None:
            held = digest_of(holdings.rows(self.holdings))
        else:
            held = digest_of_hashed(self.put_away.each_rows(hash_buckets))
        rest = digest_of(docket_rows.rows(self.docket, self.edges))
        return (
            StateDigest(docket.NAME, docket.VERSION, rest.count, rest.digest),
            StateDigest(holdings.NAME, holdings.VERSION, held.count, held.digest),
        )

    def _number(self, poster: Poster) -> int:
        # Most facts come from the poster of the one before, whose hash takes longer than all this.
        last, number = self._last
        if poster is last:
            return number
        self.docket, number = docket.number_poster(self.docket, poster)
        self._last = (poster, number)
        return number
