#!/usr/bin/env python3
"""Check a bundle with Python's standard library and the openssl program: none of Writ's code.

    check.py BUNDLE.zip LOG_VKEY [AUTHORITY_VKEY]          (check_bytes.py and check_signed.py beside it)

It recomputes every hash that the bundle holds or proves, and has openssl verify every signature: the log's,
each poster's under the key that the log had registered by then, and, where the authority's key is given, whom
its order names: assessors under the statement, witnesses, time-stamp authorities. A full bundle is the whole
log; a compact one, and one about a single record, are proofs of some entries. What events mean, who may post
which, what a deadline makes of it and how old all this is, it does not judge: that takes `writ verify`.
Exit status 1 says what is wrong; 2, that nothing was checked, and why. It needs OpenSSL 3.
"""

import base64
import re
import sys
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from typing import Any, NamedTuple

from check_bytes import (  # type: ignore[import-not-found]
    TILE,
    Files,
    canonical,
    content,
    demand,
    need,
    number,
    read_submission,
    split_note,
    unbase64,
    unhash,
)
from check_signed import (  # type: ignore[import-not-found]
    Head,
    Keys,
    Proved,
    check_statement,
    name_of,
    require_keys,
    require_openssl,
    require_readable,
    verify,
)

REGISTERING = re.compile(r"writ\.(log\.created|(key|token)\.(registered|revoked))\.v1")
PROOF = r"proof/(0|[1-9][0-9]*)/(event|submission|(event|submission|source)\.tlog-proof)"
ABOUT_ORDER = r"README\.txt|report\.html|statement|checkpoint|attestation/[0-9]{1,2}"
MEMBERS = {
    "full": rf"{ABOUT_ORDER}|tile/(entries|[0-9]{{1,2}})/{TILE}",
    "compact": rf"{ABOUT_ORDER}|{PROOF}",
    "record": rf"README\.txt|record|checkpoint|{PROOF}",
}


HANDLES = ("records", "artefacts", "failed", "missing", "orphans", "probe", "tokens")
MOST_ENTRY, MOST_EVENT = 65535, 49152


class Entry(NamedTuple):
    """One entry: its header's fields, its body, and all its bytes."""

    kind: str
    at: int
    time: int
    previous: bytes
    body: bytes
    raw: bytes


def main(bundle: str, log_vkey: str, authority: str | None = None) -> None:
    files = Files(bundle)
    has_tiles = any(name.startswith("tile/") for name in files)
    kind = "record" if "record" in files else "full" if has_tiles else "compact"
    check_members(files, MEMBERS[kind])
    text, lines = split_note(need(files, "checkpoint"))
    origin, size, root = read_checkpoint(text)
    head = Head(log_vkey, origin, size, base64.b64encode(root).decode())
    is_its = origin == name_of(log_vkey)
    demand(is_its, f"checkpoint is of {origin}, not of the log that was asked for")
    demand(verify(text, lines, log_vkey), "checkpoint: the log's signature does not verify")
    print(f"checkpoint   {origin}, {size} entries, signed by the log")
    keys = Keys()
    if kind == "full":
        events = check_log(files, head, keys)
    else:
        events = list(check_proofs(files, head, keys, all_signatures=kind == "record"))
    if kind == "record":
        check_record(files, head, keys, events)
    else:
        check_statement(files, head, keys, events, authority)


# --- A whole log.


def check_log(files: Files, head: Head, keys: Keys) -> list[Proved]:
    """All events, if every entry, hash, tile, source log and signature is right."""
    entries = list(read_entries(files, head.size))
    check_chain(entries)
    print(f"chain        {head.size} entries, each names the leaf hash of the one before")
    submissions = list(check_sources(entries, head.origin))
    sources = {split_note(entries[at].body)[0].split(b"\n")[0] for at, _ in submissions}
    print(f"source logs  {len(sources)}, each submission states the root over all its poster's events")
    grouped = [
        (at, [Proved(one, read_event(entries[one]), entries[at].body) for one in own])
        for at, own in submissions
    ]
    events = [one for _, some in grouped for one in some]
    check_creation(events, head)
    quoted = [one for at, _ in submissions for one in quoted_by(entries[at])]
    root = check_roots(entries, [*quoted, *anchored(events, head.origin)])
    demand(root == unbase64(head.root), "tree: the entries do not give the checkpoint's root")
    print("tree         the entries give the checkpoint's root, and each that is quoted")
    print(f"tiles        {check_tiles(files, [leaf(entry.raw) for entry in entries])} hash tiles are right")
    signers = Counter(
        keys.check(f"entry {at}", entries[at].body, [one.event for one in some]) for at, some in grouped
    )
    by = ", ".join(f"{count} of {name}" for name, count in sorted(signers.items()))
    print(f"signatures   {by}: each by a key that the log had registered")
    return events


def read_entries(files: Files, size: int) -> Iterator[Entry]:
    """Each entry, from the entry bundles."""
    for first in range(0, size, 256):
        width = min(256, size - first)
        name = tile_name("entries", first // 256, width)
        raw, at = need(files, name), 0
        for _ in range(width):
            length = int.from_bytes(raw[at : at + 2], "big")
            demand(at + 2 + length <= len(raw), f"{name}: not {width} entries")
            yield parse_entry(raw[at + 2 : at + 2 + length])
            at += 2 + length
        demand(at == len(raw), f"{name}: not exactly {width} entries")


def check_chain(entries: list[Entry]) -> None:
    """Numbers and previous leaf hashes are right, and time never goes back."""
    before, time_before = bytes(32), 0
    for at, entry in enumerate(entries):
        demand(entry.at == at, f"entry {at}: its header says {entry.at}")
        demand(entry.previous == before, f"entry {at}: does not name the leaf hash before it")
        demand(entry.time >= time_before, f"entry {at}: recorded earlier than the one before")
        before, time_before = leaf(entry.raw), entry.time


def check_sources(entries: list[Entry], log: str) -> Iterator[tuple[int, range]]:
    """Each submission's entry and its events', if it states its source log's sizes and root."""
    sources: dict[str, Tree] = {}
    at = 0
    while at < len(entries):
        demand(entries[at].kind == "submission", f"entry {at}: an event that no submission announces")
        note = entries[at].body
        said = read_submission(note)
        source, tree = said.source, sources.setdefault(said.source, Tree())
        demand(said.log == log, f"entry {at}: a submission meant for {said.log}")
        demand(said.base == tree.size, f"entry {at}: {source} had {tree.size} events, not {said.base}")
        own = range(at + 1, at + 1 + said.size - tree.size)
        for index in own:
            is_there = index < len(entries) and entries[index].kind == "event"
            demand(is_there, f"entry {index}: not the event due")
            tree.append(leaf(entries[index].body))
        demand(tree.root() == said.root, f"entry {at}: its events do not give {source}'s root")
        yield at, own
        at = own.stop


def quoted_by(entry: Entry) -> Iterator[tuple[int, int, bytes]]:
    """The checkpoint that a submission's poster had verified, if any: where it says so, size, root."""
    seen = read_submission(entry.body).seen
    if seen is not None:
        yield entry.at, *seen


def anchored(events: list[Proved], origin: str) -> Iterator[tuple[int, int, bytes]]:
    """The checkpoints that stand in the log as anchors."""
    for index, event, _ in events:
        if event["type"] in ("writ.checkpoint.anchored.v1", "writ.checkpoint.timestamped.v1"):
            of, size, root = read_checkpoint(split_note(unbase64(event["data"]["note"]))[0])
            demand(of == origin, f"entry {index}: anchors a checkpoint of another log")
            yield index, size, root


def check_roots(entries: list[Entry], said: list[tuple[int, int, bytes]]) -> bytes:
    """The tree's root, if each root that some entry names is the one at that size, below that entry."""
    tree, roots, wanted = Tree(), {0: sha256(b"").digest()}, {size for _, size, _ in said}
    for entry in entries:
        tree.append(leaf(entry.raw))
        if tree.size in wanted:
            roots[tree.size] = tree.root()
    for index, size, root in said:
        is_so = 0 < size <= index and roots.get(size) == root
        demand(is_so, f"entry {index}: names a checkpoint of {size} entries that this log never had")
    return tree.root()


def check_tiles(files: Files, leaves: list[bytes]) -> int:
    """Compare every hash tile: 256 hashes a tile, each full one hashed into the level above."""
    level, hashes, names = 0, leaves, set()
    while hashes:
        for first in range(0, len(hashes), 256):
            tile = hashes[first : first + 256]
            entries, name = (tile_name(one, first // 256, len(tile)) for one in ("entries", str(level)))
            demand(need(files, name) == b"".join(tile), f"{name}: not the hashes of the tree")
            names.update([name] if level else [name, entries])
        whole = range(0, len(hashes) // 256 * 256, 256)
        hashes = [root_of(hashes[first : first + 256]) for first in whole]
        level += 1
    stray = {name for name in files if name.startswith("tile/")} - names
    demand(not stray, f"{min(stray, default='')}: no tile of this tree")
    return sum("/entries/" not in name for name in names)


# --- Some entries, with proofs.


def check_proofs(files: Files, head: Head, keys: Keys, *, all_signatures: bool) -> Iterator[Proved]:
    """Each event, if both it and its submission stand in the log, and it in the submission."""
    indexes = sorted({int(name.split("/")[1]) for name in files if name.startswith("proof/")})
    for index in indexes:
        place = f"proof/{index}"
        event, submission = (parse_entry(need(files, f"{place}/{one}")) for one in ("event", "submission"))
        demand(event.at == index, f"{place}/event: calls itself entry {event.at}")
        check_entry(files, f"{place}/event.tlog-proof", event, head)
        check_entry(files, f"{place}/submission.tlog-proof", submission, head)
        check_source(files, f"{place}/source.tlog-proof", event, submission, head)
        one = Proved(index, read_event(event), submission.body)
        if all_signatures:
            keys.check(f"entry {index}", submission.body, [one.event])
        yield one
    print(f"proofs       {len(indexes)} events stand in the log, each under its submission")


def check_entry(files: Files, path: str, entry: Entry, head: Head) -> None:
    """An entry stands in the log."""
    at, hashes, note = read_proof(need(files, path))
    text, lines = split_note(note)
    is_its = at == entry.at and text == split_note(files["checkpoint"])[0] and f"/{entry.kind}." in path
    demand(is_its and verify(text, lines, head.vkey), f"{path}: of another entry, or of another log")
    check_inclusion(path, leaf(entry.raw), at, hashes, text)


def check_source(files: Files, path: str, event: Entry, submission: Entry, head: Head) -> None:
    """An event stands in its poster's source log, at the place that its entry has."""
    at, hashes, note = read_proof(need(files, path))
    text, said = split_note(note)[0], read_submission(submission.body)
    is_its = note == submission.body and said.log == head.origin
    demand(is_its, f"{path}: not under this submission, or for another log")
    is_within = said.base <= at < said.size and event.at == submission.at + 1 + at - said.base
    demand(is_within, f"{path}: the event does not stand where its submission has it")
    check_inclusion(path, leaf(event.body), at, hashes, text)


def read_proof(raw: bytes) -> tuple[int, list[bytes], bytes]:
    """A tlog-proof's index, hashes and note."""
    head, _, note = raw.partition(b"\n\n")
    lines = head.decode("ascii").split("\n")
    if lines[1].startswith("extra "):
        demand(unbase64(lines.pop(1)[6:]) != b"", "a tlog-proof's extra data is left out, not empty")
    demand(lines[0] == "c2sp.org/tlog-proof@v1" and lines[1].startswith("index "), "not a tlog-proof")
    return number(lines[1][6:]), [unhash(line) for line in lines[2:]], note


def read_checkpoint(text: bytes) -> tuple[str, int, bytes]:
    """Origin, size and root: three lines and no more."""
    origin, size, root, nothing = text.decode().split("\n")
    demand(nothing == "", "a checkpoint is three lines")
    return origin, number(size), unhash(root)


def check_inclusion(path: str, node: bytes, index: int, hashes: list[bytes], text: bytes) -> None:
    """Fold a path as RFC 9162, 2.1.3.2, has it: the result must be the root in the checkpoint."""
    _, size, root = text.decode().split("\n")[:3]
    at, last = index, number(size) - 1
    demand(index <= last, f"{path}: the tree has no such leaf")
    for one in hashes:
        demand(last > 0, f"{path}: the path is too long")
        if at & 1 or at == last:
            node = sha256(b"\1" + one + node).digest()
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            node = sha256(b"\1" + node + one).digest()
        at, last = at >> 1, last >> 1
    demand(last == 0 and node == unbase64(root), f"{path}: does not give the root")


def check_record(files: Files, head: Head, keys: Keys, events: list[Proved]) -> None:
    """Which entries name the handle is signed by the operator, and they are these."""
    check_creation(events, head)
    text, lines = split_note(need(files, "record"))
    said = content(text, "writ/record/v1", "record")
    is_form = set(said) == {"entries", "handle", "log"} and set(said["log"]) == {"origin", "root", "size"}
    is_form = is_form and sorted(set(said["entries"])) == said["entries"]
    is_form = is_form and all(type(one) is int and one >= 0 for one in said["entries"])
    demand(is_form and bool(re.fullmatch("[0-9a-f]{32}", said["handle"])), "record: not in the form of one")
    about = (said["log"]["origin"], said["log"]["size"], said["log"]["root"])
    demand(about == head[1:], "record: about another log, or another size of it")
    is_signed = any(verify(text, lines, vkey) for vkey in keys.operators(head.origin))
    demand(is_signed, "record: the operator did not sign it")
    entries = {one.at: one.event for one in events if one.at in said["entries"]}
    for index in said["entries"]:
        demand(index in entries, f"entry {index}: signed as about this record, and not here")
        named = [entries[index]["data"].get(field, []) for field in HANDLES]
        demand(
            any(isinstance(some, list) and said["handle"] in some for some in named),
            f"entry {index}: does not name the record",
        )
    for index, event, _ in events:
        belongs = index in entries or REGISTERING.fullmatch(event["type"])
        demand(bool(belongs), f"entry {index}: not signed as about this record")
    print(f"record       {len(entries)} entries about {said['handle']}, as the operator signed")


def check_creation(events: list[Proved], head: Head) -> None:
    """Entry 1 creates this log."""
    is_there = bool(events) and events[0].at == 1 and events[0].event["type"] == "writ.log.created.v1"
    is_its = is_there and events[0].event["data"]["log_vkey"] == head.vkey
    is_its = is_its and events[0].event["data"]["origin"] == head.origin
    demand(is_its, "entry 1, which creates this log, is not here, or names another key of it")


# --- Entries, trees, files.


def parse_entry(raw: bytes) -> Entry:
    header, newline, body = raw.partition(b"\n")
    kind, index, time, previous = header.decode("ascii").split(" ")
    is_entry = kind in ("submission", "event") and len(body) > 0 and len(raw) <= MOST_ENTRY
    demand(is_entry and bool(newline), "an entry is not of its format")
    is_line = kind != "event" or (b"\n" not in body and len(body) <= MOST_EVENT)
    demand(is_line, f"entry {index}: an event is one line of at most {MOST_EVENT} bytes")
    demand(index != "0" or unhash(previous) == bytes(32), "entry 0: names an entry before it")
    return Entry(kind, number(index), number(time), unhash(previous), body, raw)


def read_event(entry: Entry) -> Any:
    return canonical(entry.body, f"entry {entry.at}")


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
    for one in leaves:
        tree.append(one)
    return tree.root()


def leaf(raw: bytes) -> bytes:
    return sha256(b"\0" + raw).digest()


def tile_name(level: str, index: int, width: int) -> str:
    groups = [f"{index % 1000:03d}"]
    while index := index // 1000:
        groups.insert(0, f"x{index % 1000:03d}")
    return f"tile/{level}/{'/'.join(groups)}" + ("" if width == 256 else f".p/{width}")


def check_members(files: Files, known: str) -> None:
    """Nothing is there that such a bundle does not have. What nobody reads, nobody checks."""
    attested = {f"attestation/{at}" for at in range(sum(name.startswith("attestation/") for name in files))}
    for name in files:
        is_known = re.fullmatch(known, name) and (name in attested or not name.startswith("attestation/"))
        demand(bool(is_known), f"{name}: no part of such a bundle")


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    require_readable(sys.argv[1])
    require_keys(sys.argv[2:])
    require_openssl()
    try:
        main(*sys.argv[1:])
    except Exception as error:  # a hostile file may end any reader's step: whatever does, it is not sound
        sys.exit(f"WRONG: not of the format: {error!r}")
