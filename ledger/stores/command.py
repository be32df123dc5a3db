"""A plain command that prints ids: what reads any store for which there is no connector.

It is run by bash, with `pipefail`: a pipe of which one link fails must not pass for a shorter list.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final

from ledger.failure import Failure
from ledger.stores.opening import Where
from ledger.stores.source import Part

_PIECE_BYTES: Final = 1 << 19
_LONGEST_BYTES: Final = 1 << 20


def open(where: Where) -> "CommandSource":
    """Ready to run the command: it is run when its ids are read."""
    shell = shutil.which("bash")
    if shell is None:
        raise Failure("--command is run by bash, which is not installed", "install bash")
    return CommandSource(shell, where.rest, b"\0" if where.zero_ended else b"\n")


class CommandSource:
    """See `ledger.stores.source.Source`. The command prints an id and a newline, and so on; of a composite id
    its canonical JSON array."""

    is_snapshot = False

    def __init__(self, shell: str, command: str, end: bytes) -> None:
        self._words = [shell, "-o", "pipefail", "-c", command]
        self._end = end
        self._process: subprocess.Popen[bytes] | None = None

    def estimate(self) -> int | None:
        """Nobody knows before it has ended."""
        return None

    def parts(self) -> Sequence[Part]:
        """The whole: what a command prints, it prints from its beginning."""
        return [Part("all")]

    def keys(self, part: Part) -> Iterator[Sequence[str]]:
        """See `Source.keys`."""
        # A session of its own, so that all links of a pipe can be ended.
        self._process = process = subprocess.Popen(
            self._words, stdout=subprocess.PIPE, start_new_session=True
        )
        assert process.stdout is not None, "it is a pipe"
        number, cut = 0, b""
        while piece := process.stdout.read(_PIECE_BYTES):
            whole, found, cut = (cut + piece).rpartition(self._end)
            if len(cut) > _LONGEST_BYTES:
                raise Failure(
                    f"an id that the command printed is longer than {_LONGEST_BYTES:,} bytes",
                    "see that each id ends as is said: with a newline, or with a zero byte under --zero",
                )
            if found:
                ids = _decoded(whole, self._end, number)
                number += len(ids)
                yield ids
        if code := process.wait():
            raise Failure(
                f"the command ended with {code} after {number:,} ids: they may not be all", "see what it says"
            )
        if cut:
            raise Failure(
                f"what the command printed breaks off in id {number + 1:,}", "each id ends with a newline"
            )

    def close(self) -> None:
        """End the command, if it still runs."""
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _decoded(whole: bytes, end: bytes, before: int) -> list[str]:
    raw = whole.split(end)
    try:
        ids = whole.decode().split(end.decode())
    except UnicodeDecodeError:
        at = next(at for at, one in enumerate(raw, before + 1) if not _is_text(one))
        raise Failure(f"id {at:,} that the command printed is not UTF-8", "print ids as UTF-8") from None
    if "" in ids:
        at = before + ids.index("") + 1
        raise Failure(f"id {at:,} that the command printed is empty", "print an id a line and nothing else")
    return ids


def _is_text(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
