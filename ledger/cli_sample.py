"""`writ sample ORDER`: draw from what an order erased, look for it in the store, and say what that shows."""

import argparse
import asyncio
from contextlib import closing, suppress
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING, Any, Final

from ledger import cli_connect as connect
from ledger.failure import Failure, Misuse
from ledger.stores.opening import add_source_arguments

if TYPE_CHECKING:
    from ledger.client import Poster
    from ledger.remote import RemoteLog
    from ledger.sampling.draft import Draft
    from ledger.sampling.drawing import Drawn
    from ledger.sampling.looking import Looked
    from ledger.set_wire import StoreLine

MAX_DRAWN: Final = 10_000
"""Whoever wants more looks for all of them: a probe costs the same pass over the store."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ sample`."""
    parser.description = (
        "Ask for a sample of what an order erased from a store, have a witness cosign the request, draw, "
        "look for those drawn in the store, and post what was found. Anybody can draw the same again."
    )
    parser.add_argument("order", metavar="ORDER", help="the order")
    parser.add_argument("--store", required=True, metavar="ID", help="the store, as the log declares it")
    add_source_arguments(parser)
    parser.add_argument("--blinding-key", required=True, metavar="FILE", help="the store's blinding key")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("-n", type=_size, default=300, metavar="N", help="how many to draw (default 300)")
    what.add_argument("--resume", metavar="SAMPLE", help="go on with a sample that was asked for")
    _add_poster(parser)


def add_redraw_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ redraw`."""
    parser.description = (
        "Draw a sample again from what the log says, and compare it with what its maker says he looked for."
    )
    parser.add_argument("sample", metavar="SAMPLE", help="the sample")
    connect.add_log_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Take a sample, or go on with one."""
    from ledger.keyfiles import read_blinding_key
    from ledger.stores.opening import require_present, where_of

    require_present(where_of(args))
    key = read_blinding_key(Path(args.blinding_key))
    declared, draft = asyncio.run(_request(args, key))
    if draft.result:
        asyncio.run(_post(args, draft))
        return _answer(args, draft, {}, None)
    drawn, controls = asyncio.run(_drawn(args, draft))
    looked = _look(args, key, declared, drawn, controls)
    gone = asyncio.run(_gone(args, looked.missed))
    from ledger.sampling.draft import write_draft
    from ledger.sampling.taking import with_result

    shown = where_of(args).shown
    draft = with_result(draft, drawn, looked, args.source, gone=gone, shown=shown)
    write_draft(_folder(args), draft)
    # From here on the same lines are posted, whatever happens.
    asyncio.run(_post(args, draft))
    return _answer(args, draft, looked.found, drawn)


def redraw(args: argparse.Namespace) -> int:
    """Draw again, and compare."""
    return connect.run(_redraw(args))


async def _request(args: argparse.Namespace, key: bytes) -> "tuple[StoreLine, Draft]":
    """The draft, whose request is in the log when this returns."""
    from ledger.keyfiles import read_key
    from ledger.sampling import draft as drafts
    from ledger.sampling.taking import new_draft, new_source, post_rest

    name = read_key(Path(args.key)).verifier.name
    args.source = f"{name}/{args.resume}" if args.resume else new_source(name)
    draft = drafts.read_draft(_folder(args), args.resume) if args.resume else None
    async with connect.open_poster(args) as poster:
        declared = await _declared(poster.log, args, key)
        if draft is None:
            draft = await new_draft(
                poster.log, args.order, args.store, args.n,
                controller=connect.controller_of(args), source=args.source, nonce=drafts.new_nonce(),
            )  # fmt: skip
            # Before it is posted: a request whose nonce nobody has can't be answered.
            drafts.write_draft(_folder(args), draft)
        elif (draft.order, draft.store) != (args.order, args.store):
            raise Misuse(f"{draft.sample} is a sample of {draft.order} in {draft.store}", "give these two")
        await post_rest(poster, draft)
    return declared, draft


async def _declared(log: "RemoteLog", args: argparse.Namespace, key: bytes) -> "StoreLine":
    from ledger.remote_sets import stores
    from signing.encoding import encode_base64
    from signing.handle import blinding_commitment

    declared = (await stores(log)).get(args.store)
    if declared is None:
        raise Failure(f"{log.key.name} has no store {args.store}", "name one that the log declares")
    if declared.blinding_commitment != encode_base64(blinding_commitment(key)):
        raise Failure(
            f"{args.blinding_key} is not the key whose commitment stands in the log for {args.store}",
            "another key makes other handles: none would be found in the store",
        )
    return declared


async def _drawn(args: argparse.Namespace, draft: "Draft") -> "tuple[Drawn, frozenset[str]]":
    """Have the request anchored, and draw; with some live handles for the positive control."""
    from ledger.control import draw_control
    from ledger.remote import Unreachable
    from ledger.sampling.looking import CONTROLS
    from ledger.sampling.taking import drawn_for

    async with connect.open_log(args) as log:
        found = await drawn_for(log, draft)
        if found is None:
            # Anchored at once where the witnesses are there; else once they are.
            with suppress(Unreachable):
                await log.ask("POST", f"{log.url}/anchor")
            found = await drawn_for(log, draft)
        if found is None:
            raise Failure(
                f"no witness of the order has cosigned the request of {draft.sample} yet",
                f"go on later: --resume {draft.sample}",
            )
        return found[1], await draw_control(log, draft.store, CONTROLS, SystemRandom())


async def _gone(args: argparse.Namespace, missed: frozenset[str]) -> frozenset[str]:
    """What of the control was missed, and is live no more."""
    from ledger.control import still_live

    async with connect.open_log(args) as log:
        return missed - await still_live(log, args.store, missed)


def _look(
    args: argparse.Namespace, key: bytes, declared: "StoreLine", drawn: "Drawn", controls: frozenset[str]
) -> "Looked":
    from ledger.cli_inventory import progress
    from ledger.sampling.looking import look
    from ledger.stores.opening import open_source

    if not controls:
        raise Failure(
            f"the ledger has nothing live in {args.store}, so a search that finds nothing shows nothing",
            "take an inventory (`writ inventory`): that of an empty store agrees or does not",
        )
    with closing(open_source(args)) as source:
        total = source.estimate()
        with progress("looking", total, quiet=args.json) as tell:
            return look(source, key, declared.namespace, drawn.handles, controls, tell)


async def _post(args: argparse.Namespace, draft: "Draft") -> None:
    from ledger.sampling.taking import post_rest

    poster: Poster
    async with connect.open_poster(args) as poster:
        await post_rest(poster, draft)


async def _redraw(args: argparse.Namespace) -> int:
    from ledger.sampling import drawing

    async with connect.open_log(args) as log:
        request = await drawing.find_request(log, args.sample)
        if request is None:
            raise Failure(f"{log.key.name} has no sample {args.sample}", "name one that was asked for")
        result = await drawing.find_result(log, request)
        if result is None or not isinstance(result.data.nonce, str):
            raise Failure(
                f"the sample {args.sample}, asked for by {request.source}, was never told with its nonce",
                "ask for it: whoever tells only the samples that he likes has told nothing",
            )
        cosigned = await drawing.find_cosignature(log, request)
        if cosigned is None:
            raise Failure(
                f"no witness has cosigned the request of {args.sample}", "so it was not drawn by the rule"
            )
        drawn = await drawing.draw(log, request, cosigned, bytes.fromhex(result.data.nonce))
    drawing.require_drawn(drawn, result)
    value = _shown(args.sample, len(drawn.handles), result.data.failures, drawn) | {"drawn": drawn.handles}
    prose = [f"{args.sample}: drawn again, the same {len(drawn.handles):,} handles", *_prose(value)]
    return connect.answer(args, value, *prose)


def _answer(
    args: argparse.Namespace, draft: "Draft", found: dict[str, list[str]], drawn: "Drawn | None"
) -> int:
    from projections.events import decode_event

    data = decode_event(draft.lines[-1]).data
    value = _shown(draft.sample, data.n, data.failures, drawn)
    failed = data.failed if data.failures else ()
    value |= {"found": {handle: found.get(handle, []) for handle in failed}}
    prose = [f"{draft.sample}: {data.n:,} drawn of what {draft.order} erased from {draft.store}"]
    prose += [f"found    {handle}  {' '.join(found.get(handle, []))}".rstrip() for handle in failed]
    connect.answer(args, value, *prose, *_prose(value))
    return 1 if data.failures else 0


def _shown(sample: str, n: int, failures: int, drawn: "Drawn | None") -> dict[str, Any]:
    from projections.sampling import rule_of_three, upper_bound

    shown: dict[str, Any] = {
        "sample": sample,
        "n": n,
        "failures": failures,
        "upper_bound": upper_bound(n, failures),
        "rule_of_three": None if failures else rule_of_three(n),
    }
    if drawn is not None:
        cosigned = drawn.cosigned
        shown |= {"population": drawn.population, "witness": cosigned.witness, "anchor": cosigned.anchor}
    return shown


def _prose(shown: dict[str, Any]) -> list[str]:
    """What it shows, and not more: of whom, how surely."""
    population = shown.get("population")
    said = f"{shown['failures']:,} of {shown['n']:,} were still there"
    seed = [f"seed: the cosignature of {shown['witness']} in entry {shown['anchor']}"] if population else []
    if population == shown["n"]:
        return [*seed, f"{said}, and there are no others: every one was looked for"]
    at_most = f"at most {shown['upper_bound']:.3%}"
    if population is not None:
        at_most += f" ({int(shown['upper_bound'] * population):,} of {population:,})"
    bound = f"so {at_most} are, at 95 %, by the exact binomial bound"
    if shown["rule_of_three"] is not None:
        bound += f"; by the rule of three (3/n), {shown['rule_of_three']:.3%}"
    return [*seed, said, bound]


def _folder(args: argparse.Namespace) -> Path:
    """Where the drafts are: with what the key's posters remember."""
    return connect.controller_file(connect.state_folder(args), args.log).parent / "samples"


def _size(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= MAX_DRAWN:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no number from 1 to {MAX_DRAWN:,} (`writ probe` looks for all)"
        )
    return int(text)


def _add_poster(parser: argparse.ArgumentParser) -> None:
    connect.add_log_arguments(parser)
    parser.add_argument("--key", required=True, metavar="FILE", help="the auditor's signing key")
    parser.add_argument("--state", metavar="DIR", help="what the poster remembers (default: FILE.state)")
    connect.add_controller_argument(parser)
