"""Mirroring: a log's tree, copied as far as its signed checkpoint confirms it.

Nothing is kept on anybody's word. The partial tiles of the right edge give the root that the log signed; each
full tile is what its hash in the tile above says; each entry is what its hash at level 0 says. So a file is
confirmed before it gets its name, and a copy that was interrupted goes on from what is there. It needs PyNaCl
and msgspec alone.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import islice

import msgspec

from ledger.growth import Refuted, Signed, find_fork, join_signatures, open_signed
from ledger.treefolder import TreeFolder
from projections.runners.source import Denied, DirectorySource, Source
from projections.runners.tiles import TileReader
from signing.encoding import HASH_SIZE
from signing.errors import FormatError, ProofError
from signing.fork import format_fork
from signing.keys import VerifierKey
from signing.merkle import leaf_hashes_of
from signing.note import format_note
from signing.tiles import (
    ENTRIES,
    WIDTH,
    Tile,
    decode_bundle,
    encode_bundle,
    root_from_tiles,
    split_hashes,
    tile_at,
    tile_path,
    tile_root,
    tiles_for_root,
)

CONNECTIONS = 8
_FIRST_PAUSE_S = 0.1

Progress = Callable[[int, int], None]


class Copied(msgspec.Struct, frozen=True):
    """What a run came to: the log's size now and before, and how many files were new."""

    signed: Signed
    size_before: int
    files: int


class Patient:
    """A source that is asked again for a while when it does not answer."""

    def __init__(self, source: Source, patience_s: float) -> None:
        """`patience_s` is for each file."""
        self._source = source
        self._patience_s = patience_s

    def read(self, path: str) -> bytes:
        """See Source.read."""
        deadline_s, pause_s = time.monotonic() + self._patience_s, _FIRST_PAUSE_S
        while True:
            try:
                return self._source.read(path)
            except Denied:
                raise
            except OSError:
                if time.monotonic() + pause_s > deadline_s:
                    raise
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, 5.0)

    def has(self, path: str) -> bool:
        """See Source.has."""
        return self._source.has(path)

    def close(self) -> None:
        """See Source.close."""
        self._source.close()


def mirror(
    source: Source,
    folder: TreeFolder,
    key: VerifierKey,
    *,
    progress: Progress | None = None,
    all_widths: bool = True,
) -> Copied:
    """Bring the folder to the checkpoint that the source shows. With `all_widths` partial tiles of older
    checkpoints go; a folder that others read keeps them until the full tile is there (tlog-tiles)."""
    with folder.writing():
        before = _own(folder.checkpoint, key)
        shown = open_signed(source.read("checkpoint"), key)
        for known in (before, _own(folder.pending, key)):
            if known is not None:
                _require_growth(source, folder, known, shown)
        size_before = 0 if before is None else before.size
        if before is not None and before.size == shown.size:
            joined = format_note(join_signatures(before.note, shown.note))
            if joined != before.raw:
                folder.commit(joined)
            return Copied(shown, size_before, 0)
        # From here on the checkpoint binds the log, however often this run is interrupted.
        folder.announce(shown.raw)
        files = _Copy(source, folder, shown).run(size_before, progress)
        folder.commit(shown.raw)
        folder.drop_partials(size_before, shown.size, all_widths=all_widths)
        return Copied(shown, size_before, files)


class _Copy:
    """One run: from a size that is all there to the size of a signed checkpoint."""

    def __init__(self, source: Source, folder: TreeFolder, signed: Signed) -> None:
        self._folder = folder
        self._size = signed.size
        self._reader = TileReader(source, signed.size)
        self._files = 0
        self._edge: dict[Tile, bytes] = {}
        for tile in tiles_for_root(self._size):
            self._edge[tile] = self._reader.read(tile)
        if root_from_tiles(self._size, self._edge) != signed.checkpoint.root:
            raise ProofError(
                f"the partial tiles of {signed.checkpoint.origin} at size {self._size} do not give the root "
                "that it signed: one of them was altered"
            )

    def run(self, size_before: int, progress: Progress | None) -> int:
        """Fetch what is new; returns how many files it was."""
        pool = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="mirror")
        try:
            top = max((tile.level for tile in self._edge), default=0)
            for level in range(top, 0, -1):
                _in_turn(pool, partial(self._copy_tile, level), self._new(level, size_before), None)
            leaves = self._new(0, size_before)
            _in_turn(pool, self._copy_leaves, leaves, _teller(progress, len(leaves)))
            self._copy_edge()
        finally:
            pool.shutdown(cancel_futures=True)
        return self._files

    def _new(self, level: int, size_before: int) -> range:
        """The full tiles of a level that were not full before."""
        span = WIDTH ** (level + 1)
        return range(size_before // span, self._size // span)

    def _copy_leaves(self, index: int) -> None:
        hashes = self._copy_tile(0, index)
        raw = self._folder.read(Tile(ENTRIES, index))
        if raw is None or not _holds(raw, hashes):
            self._keep(Tile(ENTRIES, index), self._bundle(index, hashes))

    def _copy_tile(self, level: int, index: int) -> bytes:
        """See that a full tile is there, as the tile above says; returns it."""
        tile = Tile(level, index)
        said = self._hash_above(level, index)
        content = self._folder.read(tile)
        if content is not None and _is_tile(content, said):
            return content
        content = self._reader.read(tile)
        if not _is_tile(content, said):
            raise ProofError(f"{tile_path(tile)} is not what the checkpoint confirms: it was altered")
        self._keep(tile, content)
        return content

    def _hash_above(self, level: int, index: int) -> bytes:
        above = tile_at(level + 1, index // WIDTH, self._size)
        content = self._edge.get(above) or self._folder.read(above)
        if content is None or len(content) != above.width * HASH_SIZE:
            raise ProofError(f"{tile_path(above)} is not in {self._folder.root} any more: begin a new folder")
        at = index % WIDTH * HASH_SIZE
        return content[at : at + HASH_SIZE]

    def _copy_edge(self) -> None:
        for tile, hashes in self._edge.items():
            self._keep(tile, hashes)
        if width := self._size % WIDTH:
            index = self._size // WIDTH
            self._keep(Tile(ENTRIES, index, width), self._bundle(index, self._edge[Tile(0, index, width)]))

    def _bundle(self, index: int, hashes: bytes) -> bytes:
        """The entries behind a level-0 tile that is confirmed."""
        entries = self._reader.entries(index)
        for at, (found, said) in enumerate(zip(leaf_hashes_of(entries), split_hashes(hashes), strict=True)):
            if found != said:
                raise ProofError(
                    f"entry {index * WIDTH + at} is not what the checkpoint confirms: it was altered"
                )
        return encode_bundle(entries)

    def _keep(self, tile: Tile, content: bytes) -> None:
        self._folder.keep(tile, content)
        self._files += 1


def _teller(progress: Progress | None, tiles: int) -> Callable[[int], None] | None:
    return None if progress is None else lambda done: progress(done * WIDTH, tiles * WIDTH)


def _in_turn(
    pool: ThreadPoolExecutor,
    work: Callable[[int], object],
    indexes: Iterable[int],
    tell: Callable[[int], None] | None,
) -> None:
    """Do work for each index, several at a time, and tell how far it is. The first failure ends it."""
    waiting: deque[Future[object]] = deque()
    left, done = iter(indexes), 0
    while True:
        waiting.extend(pool.submit(work, index) for index in islice(left, 2 * CONNECTIONS - len(waiting)))
        if not waiting:
            return
        waiting.popleft().result()
        done += 1
        if tell is not None:
            tell(done)


def _own(raw: bytes | None, key: VerifierKey) -> Signed | None:
    return None if raw is None else open_signed(raw, key)


def _require_growth(source: Source, folder: TreeFolder, known: Signed, shown: Signed) -> None:
    """Return only if what is shown continues what is known; else keep what there is against the log."""
    older, newer = (shown, known) if shown.size < known.size else (known, shown)
    # A tree that is all here speaks for itself; of another one the source must show the tiles.
    here = newer is known and folder.checkpoint == known.raw
    tiles = TileReader(DirectorySource(folder.root) if here else source, newer.size)
    origin = known.checkpoint.origin
    try:
        fork = find_fork(tiles, older, newer)
    except ProofError as error:
        if newer is shown:
            folder.accuse(f"unproved-{shown.size}", shown.raw)
            raise ProofError(
                f"nothing shows that size {shown.size} of {origin} continues size {known.size}, which was "
                f"signed before: {error}"
            ) from error
        fork = None
    if fork is not None:
        path = folder.accuse(f"fork-{older.size}-{newer.size}", format_fork(fork))
        raise Refuted(
            f"{origin} forked: it signed size {older.size} and size {newer.size}, which can't both be true; "
            f"the proof is {path}",
            f"show it to its witnesses and to the authority; anybody checks it: writ fork {path} --log VKEY",
        )
    if newer is known and newer.size > older.size:
        kept = [folder.accuse(f"rollback-{one.size}", one.raw) for one in (older, newer)]
        raise Refuted(
            f"{origin} shows size {shown.size}, but it signed size {known.size} before; both checkpoints "
            f"are in {kept[0].parent}",
            "ask the operator for the whole log: what is here stays as it is",
        )


def _is_tile(content: bytes, said: bytes) -> bool:
    return len(content) == WIDTH * HASH_SIZE and tile_root(content) == said


def _holds(raw: bytes, hashes: bytes) -> bool:
    """Whether a bundle is that of the entries with these hashes."""
    try:
        return b"".join(leaf_hashes_of(decode_bundle(raw, WIDTH))) == hashes
    except FormatError:
        return False
