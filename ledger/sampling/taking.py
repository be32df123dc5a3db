"""Taking a sample: asked for, anchored, drawn, looked for, and told; going on wherever it was interrupted.

Its lines stand in a source log of its own, so its size says how many of them are posted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from uuid import uuid4

import msgspec
from msgspec import UNSET

from ledger.client import Poster
from ledger.control import require_control
from ledger.failure import Failure
from ledger.remote import RemoteLog
from ledger.remote_sets import erased_set
from ledger.sampling.draft import Draft
from ledger.sampling.drawing import Drawn, Request, draw, find_cosignature, find_request
from ledger.sampling.looking import Looked
from projections import events as ev
from projections import vocabulary as v
from signing.encoding import encode_base64


async def new_draft(
    log: RemoteLog, order: str, store: str, n: int, *, controller: str, source: str, nonce: bytes
) -> Draft:
    """A request for a sample of what the order has erased from the store by now. Failure: that is nothing."""
    population = await erased_set(log, order, store)
    if not population.handles:
        raise Failure(
            f"at size {population.size} the order {order} had erased nothing from {store}",
            "there is nothing to draw from",
        )
    sample = source.rpartition("/")[2]
    data = ev.SampleRequested(
        controller=controller,
        log_size=population.size,
        n=n,
        nonce_sha256=sha256(nonce).hexdigest(),
        order=order,
        population_digest=encode_base64(population.seen.digest),
        sample=sample,
        store=store,
    )
    return Draft(
        sample=sample,
        order=order,
        store=store,
        n=n,
        log_size=population.size,
        nonce=nonce.hex(),
        request=_line(data, source),
    )


async def post_rest(poster: Poster, draft: Draft) -> None:
    """Post what of a draft is not in the log yet."""
    await poster.post(draft.lines[poster.folder.state.size :])


async def drawn_for(log: RemoteLog, draft: Draft) -> tuple[Request, Drawn] | None:
    """Who is drawn; None while no witness has cosigned a checkpoint behind the request."""
    request = await find_request(log, draft.sample, draft.log_size - 1)
    if request is None or request.source != _event(draft.request).source:
        raise Failure(f"the request of {draft.sample} is not in the log", "ask for a new sample")
    cosigned = await find_cosignature(log, request)
    if cosigned is None:
        return None
    return request, await draw(log, request, cosigned, bytes.fromhex(draft.nonce))


def with_result(
    draft: Draft, drawn: Drawn, looked: Looked, source: str, *, gone: frozenset[str], shown: str
) -> Draft:
    """The draft with what is to be told: of each handle that it was not there, or that it was. And the nonce.

    `gone` is what of the control was missed, and is live no more. Failure: nothing was found of those drawn,
    and not all of the rest of the control.
    """
    checked, found = len(looked.control - gone), len(looked.control - looked.missed)
    if not looked.found:
        require_control(checked, found, shown, draft.store)
    request: ev.SampleRequested = _event(draft.request).data
    absent = [handle for handle in drawn.handles if handle not in looked.found]
    verified = [
        ev.DeletionVerified(
            controller=request.controller, method="sample", records=tuple(some), store=draft.store
        )
        for some in _in_events(absent)
    ]
    attested = ev.SampleAttested(
        control_checked=checked,
        control_found=found,
        controller=request.controller,
        failed=tuple(sorted(looked.found))[: v.MAX_HANDLES] if looked.found else UNSET,
        failures=len(looked.found),
        n=len(drawn.handles),
        nonce=draft.nonce,
        sample=draft.sample,
    )
    result = tuple(_line(data, source) for data in (*verified, attested))
    return msgspec.structs.replace(draft, result=result)


def new_source(key_name: str) -> str:
    """The source log of a sample, whose last part is the sample's name."""
    return f"{key_name}/sample-{uuid4().hex[:12]}"


def _line(data: ev.Data, source: str) -> str:
    time = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    line = ev.encode_event(ev.make_event(data, id=uuid4().hex, source=source, time=time))
    ev.decode_event(line)  # says which field is wrong before anything is kept
    return line.decode()


def _event(line: str) -> ev.Event[ev.SampleRequested]:
    return ev.decode_event(line.encode())


def _in_events(handles: list[str]) -> Iterator[Iterable[str]]:
    for begin in range(0, len(handles), v.MAX_HANDLES):
        yield handles[begin : begin + v.MAX_HANDLES]
