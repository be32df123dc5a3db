"""Vectors of the evidence that a log forked."""

from signing import (
    Checkpoint,
    Note,
    encode_base64,
    format_note,
    format_vkey,
    leaf_hashes_of,
    parse_note,
    parse_tile_path,
    range_of,
    root_of,
    sign_checkpoint,
)
from signing.fork import Fork, format_fork
from signing.tiles import prefix_from_tiles, static_tree, tiles_for_prefix
from tests.vectors.mutation import (
    ENTRIES,
    HEAD,
    LOG,
    OTHER,
    Vectors,
    altered,
    bad,
    false,
    flipped,
    loosened,
    signed,
)

_SIZE = 5
_REWRITTEN = [*ENTRIES[:3], b'{"seq":"another"}', *ENTRIES[4:]]


def forks() -> Vectors:
    """A log that signed five entries, and then eleven of which one of the first five is another."""
    older, newer = _signed(_REWRITTEN[:_SIZE]), sign_checkpoint(HEAD, LOG)
    path = _path(_SIZE)
    fork = Fork(older, newer, path)
    good = format_fork(fork)
    first = encode_base64(path[0])
    stranger = format_note(sign_checkpoint(Checkpoint(OTHER.name, len(ENTRIES), HEAD.root), OTHER))
    cases = [
        bad("no-newer", "there is one checkpoint", good[: good.rindex(f"\n{LOG.name}".encode())]),
        bad("no-final-newline", "the last line does not end in a newline", good[:-1]),
        bad("three", "there are three checkpoints", good + b"\n" + format_note(newer)),
        bad("65-hashes", "a path has at most 64 hashes", format_fork(Fork(older, newer, path[:1] * 65))),
        *altered(
            good,
            ("other-version", "another version", "fork/v1", "fork/v2"),
            ("no-version", "the first line is missing", "writ/fork/v1\n", ""),
            ("short-hash", "a hash has 32 bytes", first, encode_base64(path[0][:31])),
            ("loose-hash", "base64 has left-over bits", first, loosened(first)),
            ("crlf", "lines end in a newline alone", "fork/v1\n", "fork/v1\r\n"),
        ),
        false("no-fork", "the log signed the root that the path gives",
              format_fork(Fork(_signed(ENTRIES[:_SIZE]), newer, path))),
        false("same", "the same checkpoint twice", format_fork(Fork(newer, newer, ()))),
        false("no-path", "no path leads from one to the other", format_fork(Fork(older, newer, ()))),
        false("hash-altered", "the path does not give the root",
              format_fork(Fork(older, newer, (flipped(path[0]), *path[1:])))),
        false("hash-left-out", "the path is too short", format_fork(Fork(older, newer, path[1:]))),
        false("hash-added", "the path is too long", format_fork(Fork(older, newer, (*path, path[0])))),
        false("swapped", "the greater size comes first", format_fork(Fork(newer, older, path))),
        false("other-size", "the path is that from another size", format_fork(Fork(older, newer, _path(4)))),
        false("older-unsigned", "the log did not sign the smaller size",
              format_fork(Fork(_sign_other(older), newer, path))),
        false("newer-unsigned", "another log signed the greater size",
              good[: good.rindex(LOG.name.encode() + b"\n")] + stranger),
    ]  # fmt: skip
    return Vectors(good, {"vkey": format_vkey(LOG.verifier)}, cases)


def _sign_other(note: Note) -> Note:
    """The same text under a stranger's key."""
    return parse_note(signed(note.text, OTHER))


def _signed(entries: list[bytes]) -> Note:
    root = root_of(range_of(0, leaf_hashes_of(entries)))
    return sign_checkpoint(Checkpoint(LOG.name, len(entries), root), LOG)


def _path(size: int) -> tuple[bytes, ...]:
    files = {parse_tile_path(path): raw for path, raw in static_tree(ENTRIES).items()}
    tiles = {tile: files[tile] for tile in tiles_for_prefix(size, len(ENTRIES))}
    return tuple(prefix_from_tiles(size, len(ENTRIES), tiles))
