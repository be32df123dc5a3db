"""The vault: a folder with sealed documents, their keys, and the memory of what was said of them in the log.

    VAULT/memory            what was kept, asked to be erased, erased (SQLite)
    VAULT/keys/ID.key       the keys: one for each order or record, and another after each erasure
    VAULT/pieces/SHA256     the documents, sealed, each named by its evidence hash

What follows decides nothing by itself and asks nobody: `announcing.py` says when. Each step can be taken
again after a crash, and takes up what the one before it left.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final

from msgspec import UNSET

from ledger.durable import alone, sync_folder
from ledger.failure import Failure
from ledger.vault.keyring import Keyring
from ledger.vault.memory import Identity, Memory, Piece
from ledger.vault.sealed import Opened, open_sealed, read_key_id, seal
from projections import events as ev
from projections import vocabulary as v
from signing.errors import FormatError, ProofError
from signing.evidence import SALT_BYTES, EvidenceHash

_READ_BYTES: Final = 1 << 20
_UNDER_WAY: Final = ".new"

Say = Callable[[ev.Data], bytes]
"""Makes the line of an event in the vault's source log."""


class Vault:
    """A vault that this process alone has open."""

    def __init__(self, folder: Path, memory: Memory) -> None:
        self.memory = memory
        self._keys = Keyring(folder / "keys")
        self._folder = folder / "pieces"
        self._folder.mkdir(exist_ok=True, mode=0o700)

    def keep(
        self, documents: Sequence[Path | bytes], kind: v.EvidenceKind, subject: str, say: Say
    ) -> list[v.Evidence]:
        """Seal documents under the key of an order or a record, and decide to say so. The originals stay.

        What is given as bytes stands nowhere in the clear.
        """
        self._require_here(set(self.memory.keys_in_use(subject)))
        key_id = self._key_for(subject)
        sealed = [self._seal_new(document, key_id) for document in documents]
        # A crash before this leaves documents that nobody speaks of: `sweep` removes them.
        evidence = sorted((v.Evidence(kind=kind, sha256=one) for one in sealed), key=_by_hash)
        with self.memory.at_once():
            for some in _in_events(evidence):
                self.memory.take(say(_kept(subject, some, self._controller)))
        return evidence

    def request(
        self, pieces: Sequence[Piece], erasure: str, cause: v.ErasureCause, ref: str, say: Say
    ) -> None:
        """Decide to ask for an erasure. Nothing is erased by that."""
        evidence = sorted((one.evidence for one in pieces), key=_by_hash)
        with self.memory.at_once():
            for some in _in_events(evidence):
                data = ev.EvidenceErasureRequested(
                    cause=cause,
                    cause_ref=ref or UNSET,
                    controller=self._controller,
                    erasure=erasure,
                    evidence=tuple(some),
                )
                self.memory.take(say(data))

    def erase_requested(self, acknowledged: int, say: Say) -> None:
        """Erase what was asked to be, as far as the log has acknowledged that; then decide to say so."""
        due = self.memory.pieces("requested < ? AND erased IS NULL", (acknowledged,))
        for subject in sorted({one.subject for one in due}):
            doomed = {one.sha256 for one in due if one.subject == subject}
            keys = self._keys_of(subject, doomed)
            self._require_here(keys)
            self._erase(subject, doomed, keys)
        with self.memory.at_once():
            for erasure in sorted({str(one.erasure) for one in due}):
                evidence = sorted((one.evidence for one in due if one.erasure == erasure), key=_by_hash)
                for some in _in_events(evidence):
                    self.memory.take(say(self._erased(erasure, some)))

    def destroy_again(self, learned: Collection[str] = ()) -> None:
        """Destroy what is there of keys and documents that are gone by the memory: a crash left them, or
        somebody has put a backup back.

        `learned`: pieces of which the memory learned this only now, so that it does not know their keys as
        gone, which may be back without them.
        """
        keys = [(key_id, subject) for key_id, subject in self.memory.doomed() if self._keys.has(key_id)]
        gone = [
            one
            for one in self.memory.pieces("erased IS NOT NULL")
            if one.sha256 in learned or (self._folder / one.sha256).exists()
        ]
        for subject in sorted({one.subject for one in gone} | {subject for _, subject in keys}):
            doomed = {one.sha256 for one in gone if one.subject == subject}
            back = {key_id for key_id, whose in keys if whose == subject}
            self._erase(subject, doomed, back | self._keys_of(subject, doomed))

    def sweep(self) -> None:
        """Remove what a crash left of documents that nobody ever spoke of. Only once the log was heard."""
        spoken_of = {one.sha256 for one in self.memory.pieces()}
        for path in self._folder.iterdir():
            if path.name not in spoken_of:
                path.unlink()

    @contextmanager
    def open_piece(self, sha256: str) -> Iterator[Opened]:
        """One document, its hash checked by the time that its content ends. ProofError: it is another."""
        path = self._folder / sha256
        try:
            file = path.open("rb")
        except FileNotFoundError:
            raise Failure(f"{path} is gone", "restore it from a backup of the vault's pieces") from None
        with file:
            try:
                opened = _open(file, self._keys, path)
                yield Opened(opened.salt, _checked(opened, sha256))
            except ProofError as error:
                raise ProofError(f"{path}: {error}; restore it from a backup, or erase it too") from error

    @property
    def _controller(self) -> str:
        identity = self.memory.identity
        assert identity is not None, "a vault that says something has been introduced"
        return identity.controller

    def _key_for(self, subject: str, *, but: Collection[bytes] = ()) -> bytes:
        for key_id in self.memory.keys_in_use(subject):
            if key_id not in but and self._keys.has(key_id):
                return key_id
        # A crash behind this leaves a key that seals nothing.
        key_id = self._keys.make()
        self.memory.add_key(key_id, subject)
        return key_id

    def _seal_new(self, document: Path | bytes, key_id: bytes) -> str:
        salt = os.urandom(SALT_BYTES)
        hashed = EvidenceHash(salt)

        def content() -> Iterator[bytes]:
            with BytesIO(document) if isinstance(document, bytes) else document.open("rb") as file:
                while piece := file.read(_READ_BYTES):
                    hashed.update(piece)
                    yield piece

        under_way = self._folder / f"{os.urandom(8).hex()}{_UNDER_WAY}"
        _write(under_way, seal(key_id, self._keys.read(key_id), salt, content()))
        sha256 = hashed.hexdigest()
        os.replace(under_way, self._folder / sha256)
        sync_folder(self._folder)
        return sha256

    def _keys_of(self, subject: str, doomed: set[str]) -> set[bytes]:
        """The keys that could open some pieces. Of one that is not here any more, a copy may be elsewhere: so
        these are all keys of its order or record."""
        keys = {self._key_of(sha256) for sha256 in doomed}
        known = set(self.memory.keys_in_use(subject)) if None in keys else set()
        return known | {key_id for key_id in keys if key_id is not None}

    def _require_here(self, keys: set[bytes]) -> None:
        """Return only if the keys can be destroyed, or have been: one that is elsewhere is not gone."""
        gone = {key_id for key_id, _ in self.memory.doomed()}
        for key_id in sorted(keys - gone):
            self._keys.require_here(key_id)

    def _erase(self, subject: str, doomed: set[str], keys: set[bytes]) -> None:
        """Destroy keys, and the pieces that they are destroyed for; first seal anew what else they seal."""
        for piece in self.memory.pieces("subject = ? AND erased IS NULL", (subject,)):
            key_id = None if piece.sha256 in doomed else self._key_of(piece.sha256)
            # What no key opens any more is lost already, and no reason to keep another's.
            if key_id in keys and self._keys.has(key_id):
                self._seal_again(piece.sha256, self._key_for(subject, but=keys))
        for key_id in sorted(keys):
            self.memory.doom(key_id)
            # A crash here leaves a key that is remembered as gone: whoever opens the vault next destroys it.
            self._keys.destroy(key_id)
        for sha256 in doomed:
            (self._folder / sha256).unlink(missing_ok=True)
        sync_folder(self._folder)

    def _key_of(self, sha256: str) -> bytes | None:
        """The id of the key that a document is sealed under, by its own first bytes; None: it is gone."""
        try:
            with (self._folder / sha256).open("rb") as file:
                return read_key_id(file.read)
        except (FileNotFoundError, FormatError):
            return None

    def _seal_again(self, sha256: str, key_id: bytes) -> None:
        """Seal a document under another key. Salt and hash stay."""
        under_way = self._folder / f"{sha256}{_UNDER_WAY}"
        with self.open_piece(sha256) as opened:
            _write(under_way, seal(key_id, self._keys.read(key_id), opened.salt, opened.content))
        os.replace(under_way, self._folder / sha256)
        # Durable before the old key goes, or a power cut would leave what only that key opens.
        sync_folder(self._folder)

    def _erased(self, erasure: str, evidence: Sequence[v.Evidence]) -> ev.EvidenceErased:
        return ev.EvidenceErased(
            controller=self._controller, erasure=erasure, evidence=tuple(evidence), method="crypto_erase"
        )


@contextmanager
def open_vault(folder: Path, *, make: bool = False) -> Iterator[Vault]:
    """Open a vault alone. What its memory says is gone is gone when this returns, whoever put it back."""
    if not make and not (folder / "memory").exists():
        raise Failure(f"{folder} is no vault", "name a vault's folder; `writ vault keep` makes one")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with alone(folder / "lock", f"has the vault {folder} open"):
        memory = Memory(folder / "memory")
        try:
            vault = Vault(folder, memory)
            vault.destroy_again()
            yield vault
        finally:
            memory.close()


def introduce(vault: Vault, identity: Identity) -> Identity:
    """Tie a new vault to its log; one that is tied must be tied to the same, and keeps its source log."""
    known = vault.memory.identity
    if known is None:
        vault.memory.introduce(identity)
        return identity
    if (known.log, known.controller) != (identity.log, identity.controller):
        raise Failure(
            f"this vault speaks of {known.controller} in {known.log.split('+')[0]}",
            "give that log, or keep the evidence in another vault",
        )
    return known


def _kept(subject: str, evidence: Sequence[v.Evidence], controller: str) -> ev.EvidenceKept:
    kind, _, name = subject.partition(":")
    return ev.EvidenceKept(
        controller=controller,
        evidence=tuple(evidence),
        order=name if kind == "order" else UNSET,
        records=(name,) if kind == "record" else UNSET,
    )


def _open(file: BinaryIO, keys: Keyring, path: Path) -> Opened:
    try:
        key = keys.read(read_key_id(file.read))
        file.seek(0)
        return open_sealed(file.read, key)
    except FormatError as error:
        raise Failure(f"{path}: {error}", "restore it from a backup of the vault's pieces") from error


def _checked(opened: Opened, sha256: str) -> Iterator[bytes]:
    hashed = EvidenceHash(opened.salt)
    for piece in opened.content:
        hashed.update(piece)
        yield piece
    if hashed.hexdigest() != sha256:
        raise ProofError("this is another document than its name says")


def _in_events(evidence: Sequence[v.Evidence]) -> Iterator[Sequence[v.Evidence]]:
    """As many as an event can name at a time."""
    for begin in range(0, len(evidence), v.MAX_LIST):
        yield evidence[begin : begin + v.MAX_LIST]


def _by_hash(one: v.Evidence) -> tuple[str, str]:
    return one.kind, one.sha256


def _write(path: Path, content: Iterable[bytes]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        for block in content:
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
