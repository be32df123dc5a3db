"""What a dishonest operator would hand over instead of the bundle that the demonstration exports."""

import zipfile
from pathlib import Path

from signing.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from signing.entry import format_entry, parse_entry
from signing.keys import SigningKey
from signing.merkle import leaf_hash, leaf_hashes_of, range_of, root_of
from signing.note import format_note
from signing.tiles import ENTRIES, WIDTH, decode_bundle, static_tree, tile_at, tile_path

ERASURE = b'"type":"writ.data.deleted.v1"}'


def flip_byte(bundle: Path, forged: Path) -> str:
    """Change one byte of an entry, as a hurried forger would. Returns the file that holds it."""
    files = _read(bundle)
    path = next(name for name in files if name.startswith("tile/entries/"))
    raw = bytearray(files[path])
    raw[len(raw) // 2] ^= 1
    _write(forged, files | {path: bytes(raw)})
    return path


def leave_out_erasure(bundle: Path, forged: Path, log_key: SigningKey) -> int:
    """Take out one erasure, number and chain all that follows anew, and sign the new tree with the log's key.

    Whoever holds the log's key can do that. Returns the index of the entry left out.
    """
    files = _read(bundle)
    entries = _entries(files, open_checkpoint(files["checkpoint"], log_key.verifier)[0])
    gone = max(index for index, raw in enumerate(entries) if raw.endswith(ERASURE))
    kept = _chain(entries[:gone], entries[gone + 1 :])
    rest = {name: raw for name, raw in files.items() if not name.startswith("tile/")}
    checkpoint = Checkpoint(log_key.name, len(kept), root_of(range_of(0, leaf_hashes_of(kept))))
    signed = format_note(sign_checkpoint(checkpoint, log_key))
    _write(forged, rest | static_tree(kept) | {"checkpoint": signed})
    return gone


def _chain(before: list[bytes], after: list[bytes]) -> list[bytes]:
    entries = list(before)
    for raw in after:
        entry = parse_entry(raw)
        previous = leaf_hash(entries[-1])
        entries.append(
            format_entry(type(entry)(entry.kind, len(entries), entry.time_us, previous, entry.body))
        )
    return entries


def _entries(files: dict[str, bytes], checkpoint: Checkpoint) -> list[bytes]:
    entries: list[bytes] = []
    for index in range(-(-checkpoint.size // WIDTH)):
        tile = tile_at(ENTRIES, index, checkpoint.size)
        entries += decode_bundle(files[tile_path(tile)], tile.width)
    return entries


def _read(bundle: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(bundle) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _write(path: Path, files: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in files.items():
            archive.writestr(name, raw)
