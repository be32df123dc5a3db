"""Repeats: events that share source and id with an earlier one, found in a log too large for a dictionary.

Eight bytes an entry are kept, and a set of a bounded share of them at a time. Equal names always have equal
hashes, so no repeat is missed; a chance collision is settled by whoever can read the two entries.
"""

from array import array

_PER_PASS = 1_000_000


class Repeats:
    """Collects the hashes of `chunk.id_hashes`, in the order of the log."""

    def __init__(self, per_pass: int = _PER_PASS) -> None:
        """Begin with no entries; hold at most about `per_pass` hashes in a set."""
        self._hashes = array("Q")
        self._per_pass = per_pass

    def add(self, id_hashes: bytes) -> None:
        """Take the next entries' hashes."""
        self._hashes.frombytes(id_hashes)

    def candidates(self) -> list[tuple[int, int]]:
        """(first entry, later entry) for every hash that stands more than once, by the later entry."""
        passes = len(self._hashes) // self._per_pass + 1
        suspects: set[int] = set()
        for number in range(passes):
            seen: set[int] = set()
            own = self._hashes if passes == 1 else [one for one in self._hashes if one % passes == number]
            # Most logs have none: then the set is as large as the list without its zeroes.
            seen.update(own)
            if len(seen) < len(own):
                suspects.update(_repeated(own))
        suspects.discard(0)
        return self._places(suspects) if suspects else []

    def _places(self, suspects: set[int]) -> list[tuple[int, int]]:
        first: dict[int, int] = {}
        places: list[tuple[int, int]] = []
        for index, one in enumerate(self._hashes):
            if one in suspects and first.setdefault(one, index) != index:
                places.append((first[one], index))
        return places


def _repeated(hashes: "array[int] | list[int]") -> set[int]:
    seen: set[int] = set()
    return {one for one in hashes if one in seen or seen.add(one)}  # type: ignore[func-returns-value]
