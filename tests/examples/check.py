#!/usr/bin/env python3
"""Check a full bundle with Python's standard library and the openssl program: none of Writ's code.

    check.py BUNDLE.zip LOG_VKEY [POSTER_VKEY]

It recomputes every hash of the ledger: the chain, the tree, the tiles and each poster's source log, and has
openssl verify the log's signature and one poster's (unless named, the administrator's, whose key the first
event states). It does not know what events mean. Exit status 1 says what is wrong.
"""

import base64
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

SPKI_ED25519 = bytes.fromhex("302a300506032b6570032100")  # RFC 8410: the DER before the 32 bytes of a key


def main(bundle: str, log_vkey: str, poster_vkey: str | None = None) -> None:
    with zipfile.ZipFile(bundle) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    text, lines = split_note(need(files, "checkpoint"))
    origin, size_text, root = text.decode().splitlines()
    size = int(size_text)
    demand(origin == log_vkey.split("+")[0], f"checkpoint is of {origin}, not of the log that was asked for")
    demand(verify(text, lines, log_vkey), "checkpoint: the log's signature does not verify")
    print(f"checkpoint   {origin}, {size} entries, signed by the log")

    entries = list(read_entries(files, size))
    leaves = check_chain(entries)
    print(f"chain        {size} entries, each names the leaf hash of the one before")
    tree = Tree()
    for leaf in leaves:
        tree.append(leaf)
    demand(tree.root() == base64.b64decode(root), "tree: the entries do not give the checkpoint's root")
    print("tree         the entries give the checkpoint's root")
    print(f"tiles        {check_tiles(files, leaves)} hash tiles are those of the tree")

    submissions, sources = check_sources(entries, origin)
    print(f"source logs  {len(sources)}, each submission states the root over all its poster's events")
    check_poster(submissions, poster_vkey or json.loads(entries[1][2])["data"]["admin_vkey"])


def read_entries(files: dict[str, bytes], size: int) -> Iterator[tuple[list[bytes], bytes, bytes]]:
    """Each entry's header fields, whole bytes and body, from the entry bundles."""
    for first in range(0, size, 256):
        width = min(256, size - first)
        name = tile_name("entries", first // 256, width)
        raw, at = need(files, name), 0
        for _ in range(width):
            length = int.from_bytes(raw[at : at + 2], "big")
            entry = raw[at + 2 : at + 2 + length]
            header, _, body = entry.partition(b"\n")
            demand(len(entry) == length and header.count(b" ") == 3, f"{name}: not {width} entries")
            yield header.split(b" "), entry, body
            at += 2 + length
        demand(at == len(raw), f"{name}: not exactly {width} entries")


def check_chain(entries: list[tuple[list[bytes], bytes, bytes]]) -> list[bytes]:
    """The entries' leaf hashes, if their numbers and previous leaf hashes are right."""
    leaves: list[bytes] = []
    before, time_before = bytes(32), 0
    for number, ((_, index, time, previous), entry, _) in enumerate(entries):
        demand(index == b"%d" % number, f"entry {number}: its header says {index.decode()}")
        demand(previous == base64.b64encode(before), f"entry {number}: does not name the leaf hash before it")
        demand(int(time) >= time_before, f"entry {number}: recorded earlier than the one before")
        before, time_before = sha256(b"\0" + entry).digest(), int(time)
        leaves.append(before)
    return leaves


def check_tiles(files: dict[str, bytes], leaves: list[bytes]) -> int:
    """Compare every hash tile: 256 hashes a tile, each full one hashed into the level above."""
    level, hashes, names = 0, leaves, set()
    while hashes:
        for first in range(0, len(hashes), 256):
            tile = hashes[first : first + 256]
            name = tile_name(str(level), first // 256, len(tile))
            demand(need(files, name) == b"".join(tile), f"{name}: not the hashes of the tree")
            names.add(name)
        whole = range(0, len(hashes) // 256 * 256, 256)
        hashes = [root_of(hashes[first : first + 256]) for first in whole]
        level += 1
    stray = {name for name in files if name.startswith("tile/") and "/entries/" not in name} - names
    demand(not stray, f"{min(stray, default='')}: no tile of this tree")
    return len(names)


def check_sources(entries: list[tuple[list[bytes], bytes, bytes]], log: str) -> tuple[list[bytes], set[str]]:
    """All submissions' notes, if each states its source log's sizes and root, with its events after it."""
    sources: dict[str, Tree] = {}
    notes: list[bytes] = []
    at = 0
    while at < len(entries):
        (kind, *_), _, note = entries[at]
        demand(kind == b"submission", f"entry {at}: an event that no submission announces")
        source, size, root, meant_for, base, _ = split_note(note)[0].decode().splitlines()
        tree = sources.setdefault(source, Tree())
        demand(meant_for == log, f"entry {at}: a submission meant for {meant_for}")
        demand(int(base) == tree.size, f"entry {at}: {source} had {tree.size} events, not {base}")
        for number in range(at + 1, at + 1 + int(size) - tree.size):
            following = entries[number] if number < len(entries) else None
            demand(
                following is not None and following[0][0] == b"event", f"entry {number}: not the event due"
            )
            tree.append(sha256(b"\0" + entries[number][2]).digest())
        demand(tree.root() == base64.b64decode(root), f"entry {at}: its events do not give {source}'s root")
        notes.append(note)
        at += 1 + int(size) - int(base)
    return notes, set(sources)


def check_poster(notes: list[bytes], vkey: str) -> None:
    """Have openssl verify every submission that one poster signed."""
    name = vkey.split("+")[0]
    mine = [split_note(note) for note in notes]
    mine = [(text, lines) for text, lines in mine if lines[0].split(" ")[1] == name]
    for text, lines in mine:
        demand(
            verify(text, lines, vkey), f"{name}'s signature on its size {text.split()[1].decode()} is false"
        )
    demand(bool(mine), f"{name} has no submission here")
    print(f"signatures   {len(mine)} of {name} verify")


class Tree:
    """An RFC 6962 tree that keeps only the roots of its perfect subtrees."""

    def __init__(self) -> None:
        self.size = 0
        self.perfect: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        self.perfect.append(leaf)
        self.size += 1
        for _ in range((self.size & -self.size).bit_length() - 1):
            right, left = self.perfect.pop(), self.perfect.pop()
            self.perfect.append(sha256(b"\1" + left + right).digest())

    def root(self) -> bytes:
        root = b""
        for node in reversed(self.perfect):
            root = sha256(b"\1" + node + root).digest() if root else node
        return root or sha256(b"").digest()


def root_of(leaves: list[bytes]) -> bytes:
    tree = Tree()
    for leaf in leaves:
        tree.append(leaf)
    return tree.root()


def split_note(note: bytes) -> tuple[bytes, list[str]]:
    """A signed note's text, and its signature lines."""
    text, _, lines = note.rpartition(b"\n\n")
    return text + b"\n", lines.decode().splitlines()


def verify(text: bytes, lines: list[str], vkey: str) -> bool:
    """Whether openssl finds the key's Ed25519 signature on the text among the lines."""
    name, key_id, encoded = vkey.split("+", 2)
    for line in lines:
        _, signer, signature = line.split(" ")
        raw = base64.b64decode(signature)
        if signer == name and raw[:4].hex() == key_id:
            return openssl_verify(text, raw[4:], SPKI_ED25519 + base64.b64decode(encoded)[1:])
    return False


def openssl_verify(message: bytes, signature: bytes, key: bytes) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in (("message", message), ("signature", signature), ("key", key)):
            (Path(folder) / name).write_bytes(content)
        command = (
            "openssl pkeyutl -verify -rawin -pubin -keyform DER -inkey key -sigfile signature -in message"
        )
        return subprocess.run(command.split(), cwd=folder, capture_output=True, check=False).returncode == 0


def tile_name(level: str, index: int, width: int) -> str:
    groups = [f"{index % 1000:03d}"]
    while index := index // 1000:
        groups.insert(0, f"x{index % 1000:03d}")
    return f"tile/{level}/{'/'.join(groups)}" + ("" if width == 256 else f".p/{width}")


def need(files: dict[str, bytes], name: str) -> bytes:
    demand(name in files, f"{name} is missing")
    return files[name]


def demand(true: bool, otherwise: str) -> None:
    if not true:
        sys.exit(f"WRONG: {otherwise}")


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main(*sys.argv[1:])
