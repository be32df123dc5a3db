"""Asking witnesses to cosign a checkpoint (C2SP tlog-witness, the log's side).

A witness tells which size it cosigned last; the log answers with a proof, made from its tiles, that its tree
is a continuation. A witness that has seen more of this log than the log itself knows, or another history, is
the one voice that a restored backup cannot silence: nothing may be signed then.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import aiohttp
import msgspec

from signing.checkpoint import Checkpoint
from signing.cosignature import verify_cosignature
from signing.encoding import parse_decimal
from signing.errors import FormatError, ProofError
from signing.keys import VerifierKey
from signing.note import Note, NoteSignature, add_signatures, parse_signature_line
from signing.policy import Policy, PolicyWitness
from signing.tiles import Tile, consistency_from_tiles, tiles_for_consistency
from signing.witness import AddCheckpoint, format_add_checkpoint

TIMEOUT_S: Final = 10.0
MAX_ANSWER_BYTES: Final = 64 * 1024
# The size in the first request may be out of date; the one that a 409 tells is not, unless others race us.
MAX_TRIES: Final = 4

ReadTiles = Callable[[Sequence[Tile], int], Awaitable[Mapping[Tile, bytes]]]
"""The tiles of the tree of a size."""


class Trouble(msgspec.Struct, frozen=True):
    """A witness that gave no cosignature, and why; that says nothing about the log."""

    witness: str
    why: str


class Contradiction(msgspec.Struct, frozen=True):
    """A witness that has cosigned what this log does not continue. `size` is the size it told."""

    witness: str
    size: int
    why: str


class Cosigned(msgspec.Struct, frozen=True):
    """A checkpoint with all cosignatures that could be had, each verified."""

    checkpoint: Checkpoint
    note: Note
    troubles: tuple[Trouble, ...]
    contradictions: tuple[Contradiction, ...]


class Witnesses:
    """The witnesses of a policy, and the size that each cosigned last, as far as this process knows."""

    def __init__(self, session: aiohttp.ClientSession, policy: Policy) -> None:
        self._session = session
        self._witnesses = policy.witnesses
        self._sizes: dict[tuple[str, str], int] = {}

    async def cosign(self, checkpoint: Checkpoint, note: Note, read_tiles: ReadTiles) -> Cosigned:
        """Ask every witness at once; `note` is the log's signed checkpoint."""
        answers = await asyncio.gather(
            *(self._ask(witness, checkpoint, note, read_tiles) for witness in self._witnesses)
        )
        signatures = [answer for answer in answers if isinstance(answer, NoteSignature)]
        return Cosigned(
            checkpoint,
            add_signatures(note, *signatures),
            tuple(answer for answer in answers if isinstance(answer, Trouble)),
            tuple(answer for answer in answers if isinstance(answer, Contradiction)),
        )

    async def _ask(
        self, witness: PolicyWitness, checkpoint: Checkpoint, note: Note, read_tiles: ReadTiles
    ) -> NoteSignature | Trouble | Contradiction:
        if witness.url is None:
            return Trouble(witness.name, "the policy names no URL for it")
        known = (witness.name, checkpoint.origin)
        for _ in range(MAX_TRIES):
            old_size = self._sizes.get(known, 0)
            proof = await _prove(old_size, checkpoint.size, read_tiles)
            try:
                status, body = await self._post(witness.url, AddCheckpoint(old_size, proof, note))
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                return Trouble(witness.name, f"{witness.url} is not reached: {error or type(error).__name__}")
            if status == 409:
                size = read_size(body)
                if isinstance(size, str):
                    return Trouble(witness.name, size)
                if size > checkpoint.size:
                    return Contradiction(witness.name, size, f"it cosigned size {size} of this log")
                if size == old_size == checkpoint.size:
                    return _another_tree(witness, size)
                self._sizes[known] = size
                continue
            outcome = judge(status, body, witness, note, old_size)
            if isinstance(outcome, NoteSignature):
                self._sizes[known] = checkpoint.size
            return outcome
        return Trouble(witness.name, f"it names another size each time, after {MAX_TRIES} tries")

    async def _post(self, url: str, request: AddCheckpoint) -> tuple[int, bytes]:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        target = url.rstrip("/") + "/add-checkpoint"
        body = format_add_checkpoint(request)
        async with self._session.post(target, data=body, timeout=timeout, allow_redirects=False) as response:
            content = b""
            async for chunk in response.content.iter_any():
                content += chunk
                if len(content) > MAX_ANSWER_BYTES:
                    raise aiohttp.ClientPayloadError(f"an answer of over {MAX_ANSWER_BYTES} bytes")
            return response.status, content


def judge(
    status: int, body: bytes, witness: PolicyWitness, note: Note, old_size: int
) -> NoteSignature | Trouble | Contradiction:
    """What a witness's answer amounts to; a cosignature counts only when it verifies."""
    if status == 422:
        # Our proof is made from our own tiles. That it fails there means: another history was cosigned.
        return _another_tree(witness, old_size)
    if status != 200:
        text = body[:200].decode("utf-8", "replace").strip()
        return Trouble(witness.name, f"it answers {status}: {text}")
    try:
        return find_cosignature(body, witness.key, note.text)
    except (FormatError, ProofError) as error:
        return Trouble(witness.name, f"its cosignature is of no use: {error}")


def _another_tree(witness: PolicyWitness, size: int) -> Contradiction:
    return Contradiction(witness.name, size, f"it cosigned another tree of size {size} than this log has")


def find_cosignature(body: bytes, key: VerifierKey, text: str) -> NoteSignature:
    """The verified cosignature of a witness among the signature lines that it answered."""
    lines = body.decode("utf-8", "replace")
    if not lines.endswith("\n"):
        raise FormatError("the answer does not end in a newline")
    # Lines of unknown keys are to be ignored: a witness may answer several kinds.
    for line in lines[:-1].split("\n"):
        signature = parse_signature_line(line)
        if signature.name == key.name and signature.key_id == key.key_id:
            verify_cosignature(text, signature, key)
            return signature
    raise ProofError(f"no line is of {key.name} with key {key.key_id.hex()}")


def read_size(body: bytes) -> int | str:
    """The size in a 409, or why there is none."""
    try:
        if not body.endswith(b"\n"):
            raise FormatError("no newline at its end")
        return parse_decimal(body[:-1].decode("ascii"), what="size")
    except ValueError as error:
        return f"its 409 is not a size on one line: {error}"


async def _prove(old_size: int, size: int, read_tiles: ReadTiles) -> tuple[bytes, ...]:
    if old_size in (0, size):
        return ()
    tiles = await read_tiles(tiles_for_consistency(old_size, size), size)
    return tuple(consistency_from_tiles(old_size, size, tiles))
