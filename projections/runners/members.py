"""Members: in a bundle stands what its kind has, and nothing else.

What nobody reads, nobody checks: two readers could be shown two things. A wider tile than the tree has is
such a thing, and so is an attestation behind a missing one, or a proof under another spelling of its number.
"""

from collections.abc import Callable, Collection
from typing import Final

from projections.runners.source import Missing
from signing.errors import FormatError, ProofError
from signing.tiles import parse_tile_path, tile_at, tile_path, tiles_of

ORDER_MEMBERS: Final = frozenset({"README.txt", "checkpoint", "report.html", "statement"})
RECORD_MEMBERS: Final = frozenset({"README.txt", "checkpoint", "record"})
PROOF_MEMBERS: Final = frozenset(
    {"event", "event.tlog-proof", "source.tlog-proof", "submission", "submission.tlog-proof"}
)


def check_full(paths: Collection[str], size: int) -> None:
    """A full bundle of a log with so many entries: every tile as wide as that log has it."""
    _check("a full bundle", paths, ORDER_MEMBERS, lambda path: _is_tile(path, size))
    there = sum(path.startswith("tile/") for path in paths)
    if there < sum(1 for _ in tiles_of(size)):
        known = frozenset(paths)
        missing = next(path for path in map(tile_path, tiles_of(size)) if path not in known)
        raise Missing(f"{missing} is missing from the bundle")


def check_compact(paths: Collection[str]) -> None:
    """A compact bundle."""
    _check("a compact bundle", paths, ORDER_MEMBERS, _is_proof)


def check_record(paths: Collection[str]) -> None:
    """A record's bundle."""
    _check("a record's bundle", paths, RECORD_MEMBERS, _is_proof)


def _check(what: str, paths: Collection[str], named: frozenset[str], is_other: Callable[[str], bool]) -> None:
    attested = sum(path.startswith("attestation/") for path in paths) if "statement" in named else 0
    numbered = {f"attestation/{number}" for number in range(attested)}
    for path in paths:
        if path not in named and path not in numbered and not is_other(path):
            raise ProofError(f"{path}: no part of {what}")


def _is_tile(path: str, size: int) -> bool:
    try:
        tile = parse_tile_path(path)
        return tile == tile_at(tile.level, tile.index, size)
    except FormatError:
        return False


def _is_proof(path: str) -> bool:
    top, _, place = path.partition("/")
    index, _, name = place.partition("/")
    canonical = index.isascii() and index.isdecimal() and str(int(index)) == index
    return top == "proof" and canonical and name in PROOF_MEMBERS
