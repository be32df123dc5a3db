"""A vault beside a log, worked from the command line; and what must hold whatever happened to it."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from ledger.vault.vault import open_vault
from signing.evidence import evidence_hash
from tests.ledger.command_line import Session
from tests.ledger.killed import killed
from tests.projections.evidence import ORDER

KEEPER = "dpo.clearview.example"
WORDS = {
    "kept": "writ.evidence.kept.v1",
    "requested": "writ.evidence.erasure_requested.v1",
    "erased": "writ.evidence.erased.v1",
}


class Keeping:
    """Where a keeper works."""

    def __init__(self, session: Session, key: str, vault: Path) -> None:
        self.session = session
        self.key = key
        self.vault = vault

    async def run(self, word: str, *words: str) -> Any:
        """Run a subcommand that talks to the log; its JSON."""
        return await self.session.value(*self._words(word, *words), key=self.key)

    async def refused(self, word: str, *words: str) -> str:
        """Run one that must fail; what it says."""
        code, _, said = await self.session.writ(*self._words(word, *words), key=self.key)
        assert code == 1, said
        return json.loads(said)["error"]  # type: ignore[no-any-return]

    async def killed(self, line: int, word: str, *words: str) -> int | None:
        """Run one and kill it at a line of its own work; None, or how many lines it took to its end."""
        door = ("--url", self.session.service.url, "--log", self.session.log_vkey, "--key", self.key)
        return await killed(line, *self._words(word, *words), *door)

    async def keep(self, *documents: str, subject: tuple[str, str] = ("--order", ORDER)) -> list[str]:
        """Keep documents of this content; their hashes, in the sequence of the documents."""
        files = [self.document(one) for one in documents]
        kept = await self.run("keep", *map(str, files), *subject, "--kind", "certificate")
        hashes = [one["sha256"] for one in kept["evidence"]]
        held = dict(zip(map(self.content, hashes), hashes, strict=True))
        return [held[one] for one in documents]

    def document(self, content: str) -> Path:
        """A file of this content, by its own hash."""
        path = self.vault.parent / f"{sha256(content.encode()).hexdigest()[:16]}.txt"
        path.write_text(content)
        return path

    def content(self, sha256: str) -> str:
        """What a piece holds; its salt opens its hash."""
        with open_vault(self.vault) as vault, vault.open_piece(sha256) as opened:
            content = b"".join(opened.content)
            assert evidence_hash(opened.salt, content) == sha256
            return content.decode()

    def key_ids(self) -> set[str]:
        """The keys that could still open something."""
        gone = "0" * 64
        return {path.stem for path in (self.vault / "keys").glob("*.key") if path.read_text().strip() != gone}

    def key_of(self, sha256: str) -> str:
        """The key that a piece is sealed under."""
        return (self.vault / "pieces" / sha256).read_bytes()[14:30].hex()

    def pieces(self) -> set[str]:
        """The sealed documents that are there."""
        return {path.name for path in (self.vault / "pieces").iterdir()}

    async def said(self) -> list[tuple[str, tuple[str, ...]]]:
        """What this vault said in the log: the word, and which pieces."""
        with open_vault(self.vault) as vault:
            identity = vault.memory.identity
        if identity is None:
            return []
        words = {name: word for word, name in WORDS.items()}
        return [
            (words[event["type"]], tuple(one["sha256"] for one in event["data"]["evidence"]))
            for event in await self.session.events()
            if event["source"] == identity.source
        ]

    def _words(self, word: str, *words: str) -> list[str]:
        return ["vault", word, str(self.vault), *words, "--controller", "clearview"]
