"""`writ log`: make a log, or look at one."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

import msgspec

from ledger import cli_connect as connect

if TYPE_CHECKING:
    from aiohttp import ClientSession


def add_create_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ log create`."""
    parser.add_argument("origin", metavar="ORIGIN", help="the log's name, such as ledger.example/clearview")
    parser.add_argument("--controller", required=True, metavar="ID", help="whose data the log is about")
    parser.add_argument("--public", action="store_true", help="anyone may read it; else only readers' tokens")
    connect.add_service_arguments(parser)
    parser.add_argument(
        "--key", default="writ-data/keys/administrator.key", metavar="FILE", help="the administrator's key"
    )
    parser.add_argument(
        "--state", metavar="DIR", help="what the administrator remembers (default: FILE.state)"
    )


def create(args: argparse.Namespace) -> int:
    """Have the service make the log's keys and its first entry, on the administrator's signature."""
    return connect.run(_create(args))


def add_show_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ log show`."""
    parser.add_argument("log", metavar="LOG", help="the log's verifier key, or its name")
    connect.add_service_arguments(parser)


def show(args: argparse.Namespace) -> int:
    """Show a log's checkpoint, its signature verified."""
    return connect.run(_show(args))


_T = TypeVar("_T")


class _Health(msgspec.Struct):
    wrong: dict[str, str]


class _Lag(msgspec.Struct):
    """How far the projections, which judge orders, are behind the log."""

    folded_size: int
    behind_entries: int
    behind_seconds: float


class _Heard(msgspec.Struct):
    name: str
    answer: str
    why: str | None = None


class _Witnessing(msgspec.Struct):
    """How the log stands with its witnesses."""

    without_quorum: str
    size: int | None
    quorum_seconds_ago: float | None
    witnesses: list[_Heard]
    held: str | None


async def _create(args: argparse.Namespace) -> int:
    from ledger.client import open_session
    from ledger.creation import Creation, sign_creation
    from ledger.keyfiles import read_key
    from ledger.remote import ask, refusal

    wish = Creation(args.origin, args.controller, args.public)
    signed = sign_creation(wish, read_key(Path(args.key)))
    url = f"{args.url.rstrip('/')}/logs"
    async with open_session() as session:
        made = await ask(session, "POST", url, signed, patience_s=args.patience)
    if made.status != 200:
        raise refusal(made, f"making {args.origin}")
    vkey = msgspec.json.decode(made.body, type=dict[str, str])["vkey"]
    connect.note_controller(connect.state_folder(args), vkey, args.controller)
    return connect.answer(
        args,
        {"origin": args.origin, "controller": args.controller, "vkey": vkey, "url": args.url},
        f"log {args.origin} is there; its verifier key, which orders and readers need:",
        f"  {vkey}",
        "next, let a key post:",
        f"  writ keygen crawler.{args.controller}.example",
        f"  writ key register VKEY --role controller --key {args.key} --url {args.url} --log {vkey}",
    )


async def _show(args: argparse.Namespace) -> int:
    from ledger.client import open_session
    from ledger.remote import ask, refusal
    from signing.checkpoint import parse_checkpoint, verify_checkpoint
    from signing.encoding import encode_base64
    from signing.keys import parse_vkey
    from signing.note import parse_note

    service, name = args.url.rstrip("/"), args.log.split("+")[0].rsplit("/", 1)[-1]
    async with open_session() as session:
        url = f"{service}/logs/{quote(name, safe='')}/checkpoint"
        shown = await ask(session, "GET", url, patience_s=args.patience)
        if shown.status != 200:
            raise refusal(shown, f"GET {url}")
        wrong = await _wrong_with(session, service, name)
        lag = await _ask_about(session, service, name, "projection", _Lag)
        witnessing = await _ask_about(session, service, name, "witnesses", _Witnessing)
    note = parse_note(shown.body)
    verified = "+" in args.log
    checkpoint = verify_checkpoint(note, parse_vkey(args.log)) if verified else parse_checkpoint(note.text)
    value = {
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "root": encode_base64(checkpoint.root),
        "signature_verified": verified,
        "wrong": wrong,
        "projection": msgspec.to_builtins(lag),
        "witnesses": msgspec.to_builtins(witnessing),
        "checkpoint": shown.body.decode(),
    }
    return connect.answer(
        args,
        value,
        *_headlines(f"{checkpoint.origin}: {checkpoint.size:,} entries", wrong, verified),
        _lag_in_words(lag),
        *_witnesses_in_words(witnessing),
        "",
        shown.body.decode().rstrip("\n"),
    )


def _headlines(log: str, wrong: str, verified: bool) -> list[str]:
    state = f"NOT WELL: {wrong}" if wrong else "well, says the service"
    signature = "verified" if verified else "not verified: give the log's verifier key instead of its name"
    return [f"{log}, {state}", f"signature {signature}"]


async def _wrong_with(session: "ClientSession", service: str, name: str) -> str:
    """What the service itself says is wrong with the log; empty when nothing is."""
    from ledger.remote import ask_once

    answer, _ = await ask_once(session, "GET", f"{service}/health")
    try:
        return msgspec.json.decode(answer.body, type=_Health).wrong.get(name, "")
    except msgspec.MsgspecError:
        return f"/health answers {answer.status}"


async def _ask_about(
    session: "ClientSession", service: str, name: str, what: str, answer_type: type[_T]
) -> _T | None:
    from ledger.remote import ask_once

    answer, _ = await ask_once(session, "GET", f"{service}/logs/{quote(name, safe='')}/{what}")
    try:
        return msgspec.json.decode(answer.body, type=answer_type)
    except msgspec.MsgspecError:
        return None


def _lag_in_words(lag: _Lag | None) -> str:
    if lag is None:
        return "how far judgments are behind the log, the service does not say"
    if not lag.behind_entries:
        return "judgments are up to date: every entry is folded"
    return (
        f"judgments are behind by {lag.behind_entries:,} entries, the first of which has waited "
        f"{lag.behind_seconds:,.1f} s"
    )


def _witnesses_in_words(witnessing: _Witnessing | None) -> list[str]:
    if witnessing is None:
        return ["how it stands with its witnesses, the service does not say"]
    if not witnessing.witnesses:
        return ["no witness was asked: nothing is proved about time"]
    cosigned = sum(one.answer == "cosigned" for one in witnessing.witnesses)
    ago_s = witnessing.quorum_seconds_ago
    quorum = "none since the service started" if ago_s is None else f"{ago_s:,.0f} s ago"
    lines = [
        f"witnesses: {cosigned} of {len(witnessing.witnesses)} cosigned size {witnessing.size or 0:,}; "
        f"last quorum {quorum}; without one: {witnessing.without_quorum}",
        *(f"  {one.name}: {one.why}" for one in witnessing.witnesses if one.answer != "cosigned"),
    ]
    return lines if witnessing.held is None else [*lines, f"NOTHING IS TAKEN IN: {witnessing.held}"]
