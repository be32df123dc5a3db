"""Cosigning what `writ watch` has seen, with a witness's key, memory and rules (C2SP tlog-witness).

    DATA/cosigned/<origin hash>/checkpoint    the last one, with the log's signature and ours

A plain web server hands these out where tlog-witness wants them.
"""

from pathlib import Path

from ledger.durable import replace_durably
from ledger.witness_logs import Watch, logs_of_keys
from ledger.witness_memory import Memory, origin_hash, require_cosigner
from signing.checkpoint import parse_checkpoint
from signing.keys import Signer, VerifierKey
from signing.note import Note, parse_note
from signing.witness import AddCheckpoint, format_add_checkpoint

_MODE = 0o644


class Cosigner:
    """A witness without a door: it asks itself."""

    def __init__(self, data: Path, signer: Signer) -> None:
        """Its memory is `data`/witness.sqlite, which `writ witness` may share."""
        require_cosigner(signer)
        self._signer = signer
        self._memory = Memory(data / "witness.sqlite")
        self._folder = data / "cosigned"

    def last_size(self, key: VerifierKey) -> int:
        """The size of the last checkpoint cosigned for a log; 0 for none."""
        reply = self._memory.checkpoint(origin_hash(key.name))
        return parse_checkpoint(parse_note(reply.body).text).size if reply.status == 200 else 0

    def cosign(self, key: VerifierKey, note: Note, proof: tuple[bytes, ...], now_s: int) -> str:
        """Cosign a checkpoint, given the proof from the size cosigned last, and put it where it is fetched.
        Returns why not, or nothing; another process of this key may have come first."""
        request = AddCheckpoint(self.last_size(key), proof, note)
        reply = self._memory.add_checkpoint(
            format_add_checkpoint(request), Watch(logs_of_keys([key])), self._signer, now_s
        )
        if reply.status != 200:
            return f"not cosigned: {reply.status} {reply.body.decode().strip()}"
        folder = self._folder / origin_hash(key.name)
        folder.mkdir(parents=True, exist_ok=True)
        replace_durably(
            folder / "checkpoint", self._memory.checkpoint(origin_hash(key.name)).body, mode=_MODE
        )
        return ""

    def close(self) -> None:
        """Close the memory."""
        self._memory.close()
