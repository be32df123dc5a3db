"""Time-stamping: what RFC 3161 authorities answer about a log's checkpoint goes into the log itself.

Authorities are asked over HTTP, all at once, each with a nonce. An answer to another request is refused; one
to ours is stored as it came, and each order decides whether it believes its authority. One that is silent is
told and counted: the anchor is made without it, and nobody who appends waits for any of this.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

import aiohttp
import structlog

from ledger.intake import Stored
from ledger.openlog import Log
from ledger.problems import Refused
from ledger.service import Service
from projections.events import CheckpointTimestamped
from signing.encoding import encode_base64
from signing.errors import FormatError, ProofError
from signing.note import Note, format_note
from signing.timestamp import MAX_RESPONSE_BYTES, check_response

TIMEOUT_S: Final = 5.0
# One that fails for a moment is asked again; then the anchor goes without it, and the next one asks anew.
PAUSES_S: Final = (1.0, 2.0)

_HEADERS: Final = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
_log = structlog.get_logger(__name__)


class Unanswered(Exception):
    """An authority that gave no answer to our request, and why."""


class Timestamps:
    """The time-stamp authorities of a service."""

    def __init__(self, service: Service, urls: Sequence[str], session: aiohttp.ClientSession) -> None:
        self._service = service
        self._session = session
        self.urls: Final = tuple(urls)

    async def stamp(self, log: Log, checkpoint: Note, size: int) -> list[Stored]:
        """Have the log's checkpoint stamped by every authority, and post what they answer."""
        note = Note(checkpoint.text, checkpoint.signatures[:1])
        responses = await asyncio.gather(*(self._ask(log, url, note.text.encode()) for url in self.urls))
        posted = []
        for place, response in enumerate(responses):
            outcome = None if response is None else await self._post(log, note, size, response, place)
            if isinstance(outcome, Stored):
                posted.append(outcome)
        return posted

    async def _post(self, log: Log, note: Note, size: int, response: bytes, place: int) -> Stored | Refused:
        data = CheckpointTimestamped(
            controller=log.registry.controller,
            note=encode_base64(format_note(note)),
            response=encode_base64(response),
        )
        outcome = await log.post_own(data, f"timestamp-{size}-{place}")
        if isinstance(outcome, Refused):
            _log.error("timestamp_not_posted", log=log.name, authority=self.urls[place], why=outcome.detail)
        return outcome

    async def _ask(self, log: Log, url: str, text: bytes) -> bytes | None:
        """An authority's answer about a text; None once all tries failed."""
        for pause_s in (*PAUSES_S, None):
            try:
                return await self._try(url, text)
            except (aiohttp.ClientError, TimeoutError, OSError, FormatError, ProofError, Unanswered) as error:
                why = str(error) or type(error).__name__
            self._service.metrics.timestamp_troubles.labels(log.name, url).inc()
            _log.warning("timestamp_not_had", log=log.name, authority=url, why=why)
            if pause_s is not None:
                await asyncio.sleep(pause_s)
        return None

    async def _try(self, url: str, text: bytes) -> bytes:
        from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

        request = TimestampRequestBuilder(text, HashAlgorithm.SHA256, nonce=True, cert_req=True).build()
        assert request.nonce is not None, "it was asked for"
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with self._session.post(
            url, data=request.as_bytes(), headers=_HEADERS, timeout=timeout, allow_redirects=False
        ) as response:
            if response.status != 200:
                raise Unanswered(f"it answers {response.status}")
            answer = b""
            async for chunk in response.content.iter_any():
                answer += chunk
                if len(answer) > MAX_RESPONSE_BYTES:
                    raise Unanswered(f"an answer of over {MAX_RESPONSE_BYTES:,} bytes")
        check_response(answer, text, request.nonce)
        return answer
