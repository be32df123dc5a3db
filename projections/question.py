"""A standing question: what a log says on a matter of law, beside any order.

An answer is a table of counts, and the members that it counts: records, requests or disclosures, each with
the entries for which it stands in its row. It is a pure function of the folded state, a moment (`as_of`) and
a size of the log, so whoever replays the log reaches the same rows and the same digest.
Format: docs/questions.md.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
from msgspec import Struct

from projections.docket_rows import row_key
from signing.handle import is_handle
from signing.setdigest import SetDigest, digest_of

VERSION: Final = 1
"""Of the rows: another version is another digest of the same facts."""


class Row(Struct, frozen=True, order=True):
    """One line of a table: what it is about, column by column, and its counts, measure by measure."""

    group: tuple[str, ...]
    counts: tuple[int, ...]


class Member(Struct, frozen=True, order=True):
    """A record (by its handle), a request or a disclosure (by its id) that a row counts, and why."""

    id: str
    group: tuple[str, ...]
    entries: tuple[int, ...]


class Bundle(Struct, frozen=True):
    """Members of one row that stand in it for the same entries: most records come in bulk."""

    group: tuple[str, ...]
    entries: tuple[int, ...]
    ids: tuple[str, ...]


class Answer(Struct, frozen=True):
    """What a log says to one question. Rows are sorted by what they are about, bundles are not."""

    name: str
    as_of: int
    size: int
    columns: tuple[str, ...]
    measures: tuple[str, ...]
    rows: tuple[Row, ...]
    bundles: tuple[Bundle, ...]

    @property
    def member_count(self) -> int:
        """How many members all rows have together; a record may stand in several rows."""
        return sum(len(bundle.ids) for bundle in self.bundles)

    def members(self) -> list[Member]:
        """Whom the rows count, sorted."""
        return sorted(Member(id, one.group, one.entries) for one in self.bundles for id in one.ids)

    def digest(self) -> SetDigest:
        """The digest of the answer's canonical lines: rows and members."""
        return digest_of(self.lines())

    def lines(self) -> Iterator[bytes]:
        """The lines of the digest: a state row's key, space, canonical JSON."""
        for row in self.rows:
            yield row_key([self.name, "row", list(row.group)]) + b" " + _line(row)
        for bundle in self.bundles:
            said = _encoder.encode({"entries": bundle.entries, "group": bundle.group})
            for id in bundle.ids:
                key = id.encode() if is_handle(id) else row_key([self.name, "member", id])
                yield key + b" " + said


class Sheet:
    """Where an answer is counted together. A measure ending in `_most` keeps the largest, others add up."""

    def __init__(self, columns: tuple[str, ...], measures: tuple[str, ...]) -> None:
        self.columns: Final = columns
        self.measures: Final = measures
        self._counts: dict[tuple[str, ...], list[int]] = {}
        self._ids: dict[tuple[tuple[str, ...], tuple[int, ...]], list[str]] = {}

    def count(self, group: tuple[str, ...], *counts: int) -> None:
        """Count into a row, measure by measure."""
        assert len(group) == len(self.columns)
        assert len(counts) == len(self.measures)
        known = self._counts.setdefault(group, [0] * len(counts))
        for place, (measure, more) in enumerate(zip(self.measures, counts, strict=True)):
            known[place] = max(known[place], more) if measure.endswith("_most") else known[place] + more

    def name(self, group: tuple[str, ...], ids: Iterable[str], entries: Iterable[int]) -> None:
        """Name members of a row, and the entries for which they stand there. Once per member and row."""
        self._ids.setdefault((group, tuple(sorted(set(entries)))), []).extend(ids)

    def answer(self, name: str, as_of: int, size: int) -> Answer:
        """What was counted."""
        return Answer(
            name,
            as_of,
            size,
            self.columns,
            self.measures,
            tuple(Row(group, tuple(counts)) for group, counts in sorted(self._counts.items())),
            # Neither digest nor page needs them in order before they are taken apart.
            tuple(Bundle(*key, tuple(ids)) for key, ids in self._ids.items()),
        )


_encoder: Final = msgspec.json.Encoder(order="deterministic")


def _line(row: Row) -> bytes:
    return _encoder.encode({"counts": row.counts, "group": row.group})
