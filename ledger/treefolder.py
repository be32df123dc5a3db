"""A log's static tree on disk, as a plain web server hands it out; a crash leaves nothing false in it.

    DIR/checkpoint, DIR/tile/…      the tree (C2SP tlog-tiles)
    DIR.state/lock                  who writes
    DIR.state/pending               the checkpoint whose tiles are being fetched
    DIR.state/evidence/…            checkpoints that were refused, and proofs of forks

Each file is put under its name whole. The checkpoint comes last, once all that it speaks of is durable.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from ledger.durable import alone, remove_durably, replace_durably, replace_whole, sync_folder
from signing.tiles import ENTRIES, WIDTH, Tile, tile_path

_MODE = 0o644
_MAX_LEVELS = 8
# So many tiles of a level stand in one folder.
_GROUP = 1000


class TreeFolder:
    """The tree in one folder. One process writes at a time; any number read."""

    def __init__(self, root: Path) -> None:
        """The folder may be new."""
        self.root = root.resolve()
        self.state = self.root.with_name(f"{self.root.name}.state")
        self._touched: set[Path] = set()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Keep others from writing until the block ends."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.state.mkdir(mode=0o700, exist_ok=True)
        with alone(self.state / "lock", f"writes to {self.root}"):
            yield

    @property
    def checkpoint(self) -> bytes | None:
        """The checkpoint of what is all there."""
        return _read(self.root / "checkpoint")

    @property
    def pending(self) -> bytes | None:
        """The checkpoint that an interrupted run was going for."""
        return _read(self.state / "pending")

    def announce(self, checkpoint: bytes) -> None:
        """Remember what is being gone for: a log that takes it back after an interruption is found out."""
        if self.pending != checkpoint:
            replace_durably(self.state / "pending", checkpoint)

    def read(self, tile: Tile) -> bytes | None:
        """What is there of a tile; None when nothing is."""
        return _read(self.root / tile_path(tile))

    def keep(self, tile: Tile, content: bytes) -> None:
        """Put a tile under its name. A crash leaves it whole or absent; the next run checks it again."""
        path = self.root / tile_path(tile)
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_whole(path, content, mode=_MODE)
        folder = path.parent
        while folder not in self._touched:
            self._touched.add(folder)
            folder = folder if folder == self.root else folder.parent

    def commit(self, checkpoint: bytes) -> None:
        """Let the tree be that of this checkpoint, all of whose tiles were kept."""
        for folder in self._touched:
            sync_folder(folder)
        self._touched.clear()
        replace_durably(self.root / "checkpoint", checkpoint, mode=_MODE)
        # A crash here leaves a pending checkpoint that is the tree's own: it asks for nothing.
        remove_durably(self.state / "pending")

    def drop_partials(self, size_before: int, size: int, *, all_widths: bool) -> None:
        """Remove partial tiles that a full one has replaced and, with `all_widths`, narrower ones of the edge
        itself, for which a reader of an older checkpoint may still come."""
        for level in (ENTRIES, *range(_MAX_LEVELS)):
            before, (edge, width) = _edge(level, size_before)[0], _edge(level, size)
            for group in {before // _GROUP, edge // _GROUP}:
                folder = (self.root / tile_path(Tile(level, group * _GROUP))).parent
                for path in folder.glob("[0-9][0-9][0-9].p") if folder.is_dir() else ():
                    index = group * _GROUP + int(path.name[:3])
                    if index < edge:
                        shutil.rmtree(path, ignore_errors=True)
                    elif index == edge and all_widths:
                        _remove_but(path, str(width))

    def accuse(self, name: str, content: bytes) -> Path:
        """Keep evidence against the log; the same twice is one file."""
        folder = self.state / "evidence"
        folder.mkdir(mode=0o700, exist_ok=True)
        path = folder / f"{name}-{sha256(content).hexdigest()[:16]}.txt"
        replace_durably(path, content)
        sync_folder(self.state)
        return path


def _edge(level: int, size: int) -> tuple[int, int]:
    """The index of a level's open tile, and how many of its places are filled."""
    return divmod(size >> (8 * max(level, 0)), WIDTH)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _remove_but(folder: Path, name: str) -> None:
    for path in folder.iterdir():
        if path.name != name:
            path.unlink(missing_ok=True)
