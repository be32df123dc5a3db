"""A source that a test holds in its hands."""

from collections.abc import Iterator, Sequence

from ledger.stores.source import Part


class Parts:
    """Parts by name, each a state and its ids. `read`: which were read. Reading breaks off after `stop`."""

    is_snapshot = False

    def __init__(self, **parts: tuple[str, list[str]]) -> None:
        self.held = parts
        self.read: list[str] = []
        self.stop = ""

    def estimate(self) -> int | None:
        return sum(len(ids) for _, ids in self.held.values())

    def parts(self) -> Sequence[Part]:
        return [Part(name, state) for name, (state, _) in self.held.items()]

    def keys(self, part: Part) -> Iterator[Sequence[str]]:
        self.read.append(part.name)
        ids = self.held[part.name][1]
        for at in range(0, len(ids), 7):
            yield ids[at : at + 7]
        if part.name == self.stop:
            raise KeyboardInterrupt

    def close(self) -> None:
        pass
