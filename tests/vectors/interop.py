"""Record what a witness that others wrote answers to our requests: `python -m tests.vectors.interop URL`.

It watches two logs: `GrowingLog()` of the tests, and none else. What it said is kept in `litewitness/`.
"""

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

from signing.note import add_signatures, sign_note
from signing.witness import AddCheckpoint, format_add_checkpoint
from tests.ledger.growing_log import GrowingLog

LOG, FORK = GrowingLog(), GrowingLog(history=1)
UNKNOWN = GrowingLog("ledger.example/unknown")


def requests() -> Iterator[tuple[str, bytes]]:
    """Each with what it is, in an order in which every answer follows from those before."""
    yield "the first checkpoint", LOG.request(0, 5)
    yield "a continuation", LOG.request(5, 300)
    yield "an old size that is out of date", LOG.request(5, 300)
    yield "the same checkpoint again", LOG.request(300, 300)
    yield "another history, larger", FORK.request(300, 301)
    yield "another history of the same size", FORK.request(300, 300)
    yield "a log that it does not know", UNKNOWN.request(0, 5)
    yield "an old size beyond the checkpoint's", LOG.request(0, 5).replace(b"old 0", b"old 6")
    yield "a signature over another size", LOG.request(300, 301).replace(b"\n301\n", b"\n302\n")
    yield "no checkpoint", b"old 0\n\nnot a note\n"
    yield "an old size with a leading zero", LOG.request(300, 300).replace(b"old 300", b"old 0300")
    extended = sign_note(LOG.note(301).text + "extension\n", LOG.key)
    yield "lines of extensions", format_add_checkpoint(AddCheckpoint(300, LOG.proof(300, 301), extended))
    stranger = sign_note(LOG.note(302).text, UNKNOWN.key).signatures
    note = add_signatures(LOG.note(302), *stranger)
    yield (
        "a stranger's line beside the log's",
        format_add_checkpoint(AddCheckpoint(301, LOG.proof(301, 302), note)),
    )


def main() -> None:
    """Ask, and print the exchanges."""
    url = sys.argv[1].rstrip("/")
    exchanges = [{"what": what, "request": body.decode(), **_ask(url, body)} for what, body in requests()]
    print(json.dumps(exchanges, indent=1, ensure_ascii=False))


def _ask(url: str, body: bytes) -> dict[str, Any]:
    request = urllib.request.Request(f"{url}/add-checkpoint", data=body, method="POST")
    try:
        with urllib.request.urlopen(request) as response:
            return _answer(response)
    except urllib.error.HTTPError as error:
        return _answer(error)


def _answer(response: Any) -> dict[str, Any]:
    kind = response.headers.get_content_type()
    return {"status": response.status, "content_type": kind, "body": response.read().decode()}


if __name__ == "__main__":
    main()
