"""A sample under way, on its maker's disk: the nonce that nobody else may know yet, and what is to be posted.

A draft is written before the request is posted, since a request whose nonce is lost can't be answered; and
again before the result is, so that whoever is interrupted posts the same lines once.
"""

import os
from pathlib import Path

import msgspec

from ledger.durable import replace_durably
from ledger.failure import Failure
from projections.sampling import NONCE_BYTES


class Draft(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One sample. `result` is empty until it was looked for."""

    sample: str
    order: str
    store: str
    n: int
    log_size: int
    nonce: str
    request: str
    result: tuple[str, ...] = ()

    @property
    def lines(self) -> list[bytes]:
        """What is to stand in the sample's source log, from its beginning."""
        return [line.encode() for line in (self.request, *self.result)]


def new_nonce() -> bytes:
    """A nonce that nobody can guess."""
    return os.urandom(NONCE_BYTES)


def write_draft(folder: Path, draft: Draft) -> None:
    """Put a draft on the disk; on return it lasts."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    replace_durably(_path(folder, draft.sample), msgspec.json.format(msgspec.json.encode(draft)) + b"\n")


def read_draft(folder: Path, sample: str) -> Draft:
    """Read a draft again."""
    path = _path(folder, sample)
    try:
        return msgspec.json.decode(path.read_bytes(), type=Draft)
    except FileNotFoundError:
        raise Failure(
            f"there is no sample {sample} in {folder}", "ask for a new one, without --resume"
        ) from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Failure(f"{path} is damaged: {error}", "restore it, or ask for a new sample") from error


def _path(folder: Path, sample: str) -> Path:
    return folder / f"{sample}.json"
