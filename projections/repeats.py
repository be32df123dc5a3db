"""Repeats: events that share source and id with an earlier one, found in a log too large for a dictionary.

Eight bytes an entry are kept, and in the end four at most for a table of bits, in which a hash that stands in
the log again finds its bit set. So do some others, by chance: these are told apart by the hashes themselves.
Equal names always have equal hashes, so no repeat is missed; two names with one hash are settled by whoever
can read the two entries.
"""

from array import array

_BITS_AN_ENTRY = 16


class Repeats:
    """Collects the hashes of `chunk.id_hashes`, in the order of the log."""

    def __init__(self) -> None:
        """Begin with no entries."""
        self._hashes = array("Q")

    def add(self, id_hashes: bytes) -> None:
        """Take the next entries' hashes."""
        self._hashes.frombytes(id_hashes)

    def candidates(self) -> list[tuple[int, int]]:
        """(first entry, later entry) for every hash that stands more than once, by the later entry."""
        suspects = self._suspects()
        suspects.discard(0)
        first: dict[int, int] = {}
        places: list[tuple[int, int]] = []
        if suspects:
            for index, one in enumerate(self._hashes):
                if one in suspects and first.setdefault(one, index) != index:
                    places.append((first[one], index))
        return places

    def _suspects(self) -> set[int]:
        """The hashes whose bit was set before: all that stand more than once, and few besides."""
        bits = (len(self._hashes) * _BITS_AN_ENTRY).bit_length()
        table, mask = bytearray(1 << max(bits - 3, 0)), (1 << bits) - 1
        suspects: set[int] = set()
        for one in self._hashes:
            bit = one & mask
            place, at = bit >> 3, 1 << (bit & 7)
            if table[place] & at:
                suspects.add(one)
            else:
                table[place] |= at
        return suspects
