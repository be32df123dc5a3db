"""Verified replay from a directory of tiles, as `writ replay` does it, beside a bare SHA-256 loop.

    python -m tests.bench.replaying TREE check     every hash, link, tile, source root and signature
    python -m tests.bench.replaying TREE fold      that, the fold of every event and the state's digests
    python -m tests.bench.replaying TREE hash      SHA-256 of every entry, on one core, and nothing else

Each runs in a process of its own, timed from before the first byte is read; `hash` reads before its clock
starts.
"""

import gc
import sys
import time
from hashlib import sha256
from pathlib import Path

import msgspec

from projections.runners.offline import replay
from projections.runners.source import DirectorySource
from projections.runners.tiles import TileReader
from signing.checkpoint import parse_checkpoint, verify_checkpoint
from signing.keys import parse_vkey
from signing.note import parse_note
from signing.tiles import WIDTH
from tests.bench.figures import Figure
from tests.bench.growing import write_tree
from tests.bench.place import Place
from tests.bench.service import run_module

CHECK_TARGET = 120_000
FOLD_TARGET = 80_000


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """How much is measured."""

    rounds: int
    entries: int


FULL = Scale(rounds=5, entries=600_000)
QUICK = Scale(rounds=1, entries=15_000)


class Pass(msgspec.Struct, frozen=True, kw_only=True):
    """One pass over the log."""

    events: int
    took_s: float

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.took_s


async def measure(scale: Scale, place: Place) -> list[Figure]:
    """Replay a log of collections, each mode in turn in every round."""
    tree = place.folder / "tree"
    place.say(f"replaying: making a log of {scale.entries:,} entries")
    write_tree(tree, scale.entries)
    passes: dict[str, list[Pass]] = {"check": [], "fold": [], "hash": []}
    for number in range(scale.rounds):
        place.say(f"replaying: round {number + 1} of {scale.rounds}")
        for mode, done in passes.items():
            raw = await run_module("tests.bench.replaying", str(tree), mode)
            done.append(msgspec.json.decode(raw, type=Pass))
    rates = {mode: [one.rate for one in done] for mode, done in passes.items()}
    return [
        _figure("verified replay, two cores", rates["check"], CHECK_TARGET),
        _figure("· with the fold and its digests", rates["fold"], FOLD_TARGET),
        _figure("· a bare SHA-256 loop, one core", rates["hash"], None),
        _share("· verified replay by the loop", rates["check"], rates["hash"]),
        _share("· with the fold by the loop", rates["fold"], rates["hash"]),
    ]


def _figure(name: str, rates: list[float], target: float | None) -> Figure:
    return Figure(name=name, unit="events/s", samples=rates, target=target)


def _share(name: str, rates: list[float], of: list[float]) -> Figure:
    return Figure(name=name, unit="", samples=[one / other for one, other in zip(rates, of, strict=True)])


def check(tree: Path, *, fold: bool) -> Pass:
    """Replay the log, and digest the state if it is folded."""
    began_s = time.perf_counter()
    replayed = replay(DirectorySource(tree), fold=fold)
    verify_checkpoint(replayed.note, parse_vkey(replayed.audit.registry.log.log_vkey))
    if fold:
        states = replayed.fold.digests()
        assert sum(one.rows for one in states) > replayed.audited.events // 2, "the events were folded"
    return Pass(events=replayed.audited.events, took_s=time.perf_counter() - began_s)


def hash_bare(tree: Path) -> Pass:
    """Hash every entry in a loop."""
    source = DirectorySource(tree)
    size = parse_checkpoint(parse_note(source.read("checkpoint")).text).size
    reader = TileReader(source, size)
    entries = [entry for index in range(-(-size // WIDTH)) for entry in reader.entries(index)]
    gc.freeze()
    began_s = time.perf_counter()
    for entry in entries:
        sha256(entry).digest()
    took_s = time.perf_counter() - began_s
    return Pass(events=sum(entry.startswith(b"event ") for entry in entries), took_s=took_s)


def main() -> None:
    """Make one pass, and write how it went."""
    tree, mode = Path(sys.argv[1]), sys.argv[2]
    done = hash_bare(tree) if mode == "hash" else check(tree, fold=mode == "fold")
    print(msgspec.json.encode(done).decode())


if __name__ == "__main__":
    main()
