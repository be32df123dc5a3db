"""A log in memory, made with `signing` alone, whose operator can be made dishonest.

    log = LogBuilder()
    log.register("crawler.clearview.example", "controller")
    log.post("crawler.clearview.example", store, collected)
    log.anchor("witness.example/w1")
    tree = log.tree()                       # path -> bytes, as a static tlog-tiles tree

`rows` are the entries before they are chained and numbered. An operator who tampers with them and serves
`tree()` is a thorough one: he chains everything anew and signs a fitting checkpoint. One who tampers with the
tree's bytes is clumsy. Every key is derived from its name, so logs are the same bytes in every run.
"""

import base64
import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from projections import events as ev
from signing.checkpoint import Checkpoint, format_checkpoint, sign_checkpoint
from signing.cosignature import cosign
from signing.encoding import encode_base64
from signing.entry import Entry, Kind, format_entry
from signing.errors import FormatError
from signing.keys import COSIGNATURE, ED25519, SigningKey, format_vkey
from signing.merkle import EMPTY_RANGE, CompactRange, leaf_hash, leaf_hashes_of, range_of, root_of
from signing.note import add_signatures, format_note, parse_note
from signing.submission import make_submission
from signing.tiles import static_tree

ORIGIN = "ledger.example/clearview"
CONTROLLER = "clearview"
ADMIN = "admin.clearview.example"
OPERATOR = f"{ORIGIN}/operator"
GATEWAY = f"{ORIGIN}/gateway"
START_US = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
STEP_US = 1_000_000


def key_of(name: str, algorithm: int = ED25519) -> SigningKey:
    """The private key that every test gives to this name."""
    return SigningKey(name, algorithm, sha256(f"test key {name}".encode()).digest())


def vkey_of(name: str, algorithm: int = ED25519) -> str:
    """Its public half."""
    return format_vkey(key_of(name, algorithm).verifier)


def rfc3339(time_us: int) -> str:
    """A time as events write it, in whole seconds."""
    return datetime.fromtimestamp(time_us // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Row:
    """An entry before it is numbered and chained."""

    kind: Kind
    time_us: int
    body: bytes


@dataclass
class LogBuilder:
    """An honest log, until somebody changes `rows`."""

    origin: str = ORIGIN
    controller: str = CONTROLLER
    now_us: int = START_US
    public_reading: bool = True
    rows: list[Row] = field(default_factory=list)
    sources: dict[str, CompactRange] = field(default_factory=dict)
    keys: dict[str, SigningKey] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.post(ADMIN, self.created())

    def created(self) -> ev.LogCreated:
        """The event that begins this log."""
        return ev.LogCreated(
            admin_vkey=vkey_of(ADMIN),
            controller=self.controller,
            gateway_vkey=vkey_of(f"{self.origin}/gateway"),
            log_vkey=vkey_of(self.origin),
            operator_vkey=vkey_of(f"{self.origin}/operator"),
            origin=self.origin,
            public_reading=self.public_reading,
        )

    @property
    def size(self) -> int:
        """How many entries there are."""
        return len(self.rows)

    def key(self, name: str) -> SigningKey:
        """The key with which `name` signs; set `keys[name]` to give it another."""
        return self.keys.get(name) or key_of(name)

    def register(self, name: str, role: str, *, by: str = ADMIN) -> int:
        """Register the key of `name`."""
        vkey = format_vkey(self.key(name).verifier)
        said = {"controller": self.controller, "name": name, "role": role, "vkey": vkey}
        return self.post(by, msgspec.convert(said, ev.KeyRegistered))

    def revoke(self, name: str, role: str, *, by: str = ADMIN) -> int:
        """Revoke the key of `name`."""
        vkey = format_vkey(self.key(name).verifier)
        said = {"controller": self.controller, "name": name, "role": role, "vkey": vkey}
        return self.post(by, msgspec.convert(said, ev.KeyRevoked))

    def post(self, name: str, *data: ev.Data, source: str | None = None, time: str | None = None) -> int:
        """Post events as `name` in one submission; returns the index of its entry."""
        events = [self.event(one, source or name, time=time, at=at) for at, one in enumerate(data)]
        return self.post_events(name, *events, source=source)

    def event(self, data: ev.Data, source: str, *, time: str | None = None, at: int = 0) -> ev.Event[Any]:
        """An event with an id of its own."""
        return ev.make_event(data, id=f"e-{self.size}-{at}", source=source, time=time or rfc3339(self.now_us))

    def post_events(self, name: str, *events: ev.Event[Any], **how: Any) -> int:
        """Post ready-made events."""
        return self.post_lines(name, [ev.encode_event(event) for event in events], **how)

    def post_lines(
        self,
        name: str,
        lines: Sequence[bytes],
        *,
        source: str | None = None,
        log: str | None = None,
        seen: Checkpoint | None = None,
    ) -> int:
        """Post raw lines as they are; returns the index of the submission's entry."""
        source = source or name
        before = self.sources.get(source, EMPTY_RANGE)
        submission, after = make_submission(self.key(name), source, before, log or self.origin, seen, lines)
        self.sources[source] = after
        self.now_us += STEP_US
        self.rows.append(Row("submission", self.now_us, format_note(submission.note)))
        self.rows.extend(Row("event", self.now_us, line) for line in lines)
        return self.size - len(lines) - 1

    def anchor(self, *witnesses: str, time_s: int | None = None) -> int:
        """Let witnesses cosign the log as it stands and post that; returns the anchor's index."""
        note = self.checkpoint_note(self.size, *witnesses, time_s=time_s)
        data = ev.CheckpointAnchored(controller=self.controller, note=base64.b64encode(note).decode())
        return self.post(f"{self.origin}/operator", data) + 1

    def timestamp(self, response: Callable[[bytes], bytes], size: int | None = None) -> int:
        """Have the log as it stands time-stamped and post that; returns the entry's index."""
        note = self.checkpoint_note(size)
        data = ev.CheckpointTimestamped(
            controller=self.controller,
            note=encode_base64(note),
            response=encode_base64(response(parse_note(note).text.encode())),
        )
        return self.post(f"{self.origin}/operator", data) + 1

    # What the operator does with it.

    def change(self, index: int, old: bytes, new: bytes) -> None:
        """Alter the body of an entry."""
        body = self.rows[index].body
        assert old in body, body
        self.rows[index] = replace(self.rows[index], body=body.replace(old, new))

    def move(self, index: int, to: int) -> None:
        """Put an entry elsewhere."""
        self.rows.insert(to, self.rows.pop(index))

    # What a reader is given.

    def entries(self) -> list[bytes]:
        """The entries, numbered and chained."""
        raw: list[bytes] = []
        previous = bytes(32)
        for index, row in enumerate(self.rows):
            raw.append(format_entry(Entry(row.kind, index, row.time_us, previous, row.body)))
            previous = leaf_hash(raw[-1])
        return raw

    def checkpoint(self, size: int | None = None) -> Checkpoint:
        """The log's head at a size."""
        leaves = leaf_hashes_of(self.entries()[:size])
        return Checkpoint(self.origin, len(leaves), root_of(range_of(0, leaves)))

    def checkpoint_note(self, size: int | None, *witnesses: str, time_s: int | None = None) -> bytes:
        """The head as the log and its witnesses sign it."""
        checkpoint = self.checkpoint(size)
        note = sign_checkpoint(checkpoint, self.key(self.origin))
        at_s = self.now_us // 1_000_000 if time_s is None else time_s
        text = format_checkpoint(checkpoint)
        return format_note(
            add_signatures(note, *(cosign(text, key_of(one, COSIGNATURE), at_s) for one in witnesses))
        )

    def tree(self, *witnesses: str) -> dict[str, bytes]:
        """The log as a static tree: path -> bytes."""
        files = static_tree(self.entries())
        files["checkpoint"] = self.checkpoint_note(None, *witnesses)
        return files


@dataclass(frozen=True)
class MemorySource:
    """A source for `projections.runners` that holds its files in memory."""

    files: dict[str, bytes]

    def read(self, path: str) -> bytes:
        """The bytes under a path."""
        from projections.runners.source import Missing

        try:
            return self.files[path]
        except KeyError:
            raise Missing(f"{path} is missing") from None

    def has(self, path: str) -> bool:
        """Whether there are any."""
        return path in self.files

    def close(self) -> None:
        """Nothing to let go of."""


def write_tree(files: dict[str, bytes], folder: Path) -> Path:
    """The tree as a directory."""
    for path, raw in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(raw)
    return folder


def write_zip(files: dict[str, bytes], path: Path) -> Path:
    """The tree as a bundle."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in files.items():
            archive.writestr(name, raw)
    path.write_bytes(buffer.getvalue())
    return path


__all__ = [
    "FormatError",
    "LogBuilder",
    "MemorySource",
    "Row",
    "key_of",
    "vkey_of",
    "write_tree",
    "write_zip",
]
