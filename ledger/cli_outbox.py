"""`writ outbox DIR`: what waits for the log, and the process that sends it."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ledger import cli_connect as connect

if TYPE_CHECKING:
    from ledger.kit.relay import PostgresFeed
    from ledger.outbox.sending import Sender
    from ledger.outbox.store import Outbox, Status

ACTIONS = ("status", "send", "put", "set-aside")
NEEDS = {"send": ("key",), "put": ("argument",), "set-aside": ("argument",)}
FOR_SENDING = ("log", "key", "source", "token", "once", "stores", "most_waiting")
SPELT = {"argument": "FILE|ID", "stores": "--from", "most_waiting": "--most-waiting"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ outbox`."""
    parser.description = (
        "An outbox keeps events until the log has them: they go out in order and once, whatever is away. "
        "`send` makes it at first and sends until it is stopped; any number of processes may put meanwhile. "
        "`status` ends with 1 while something keeps events from going out."
    )
    parser.add_argument("folder", metavar="DIR", help="where the outbox is")
    parser.add_argument("action", choices=ACTIONS, nargs="?", default="status", help="(default: status)")
    parser.add_argument(
        "argument", metavar="FILE|ID", nargs="?",
        help="put: canonical events, one a line (- for standard input); set-aside: the event to leave out",
    )  # fmt: skip
    connect.add_service_arguments(parser)
    parser.add_argument("--log", metavar="VKEY", help="the log's verifier key: the first time")
    parser.add_argument("--key", metavar="FILE", help="the poster's signing key: for send")
    parser.add_argument(
        "--source", metavar="NAME", help="the source log: a path under the key's name (default: NAME/outbox)"
    )
    parser.add_argument(
        "--token", metavar="SECRET", help="a reader's bearer token, where the log is not public"
    )
    parser.add_argument("--once", action="store_true", help="send what waits now, and end")
    parser.add_argument(
        "--from", dest="stores", action="append", default=[], metavar="URL",
        help="also take what waits in the outbox of this store (postgresql://…); may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--most-waiting", type=int, metavar="N", help="refuse further events while so many wait"
    )


def run(args: argparse.Namespace) -> int:
    """Do what was chosen."""
    from ledger.outbox.store import Outbox

    _check_usage(args)
    if args.action == "send":
        return connect.run(_send(args))
    with Outbox.open(Path(args.folder)) as outbox:
        if args.action == "put":
            return _put(args, outbox)
        if args.action == "set-aside":
            return _set_aside(args, outbox)
        return _show(args, outbox)


def _check_usage(args: argparse.Namespace) -> None:
    """Refuse a line that says too little, or something that nothing reads."""
    from ledger.failure import Misuse

    needs = NEEDS.get(args.action, ())
    reads = {*needs, *(FOR_SENDING if args.action == "send" else ())}
    for name in ("argument", *FOR_SENDING):
        spelt = SPELT.get(name, f"--{name}")
        if name in needs and getattr(args, name) is None:
            raise Misuse(f"writ outbox DIR {args.action} needs {spelt}", "see writ outbox --help")
        if getattr(args, name) and name not in reads:
            raise Misuse(f"writ outbox DIR {args.action} has no use for {spelt}", "leave it out")


def _open_to_send(args: argparse.Namespace, key_name: str) -> "Outbox":
    """The outbox that is there, or a new one where a log is named."""
    from ledger.outbox.store import Outbox

    folder = Path(args.folder)
    if args.log is None and args.source is None:
        outbox = Outbox.open(folder)
    elif args.log is None:
        with Outbox.open(folder) as there:
            outbox = Outbox.create(folder, there.log, args.source)
    else:
        outbox = Outbox.create(folder, args.log, args.source or f"{key_name}/outbox")
    if args.most_waiting is not None:
        outbox.limit(args.most_waiting)
    return outbox


async def _send(args: argparse.Namespace) -> int:
    from ledger.client import open_session
    from ledger.keyfiles import read_key
    from ledger.kit.relay import PostgresFeed
    from ledger.outbox.sending import open_sender
    from ledger.remote import RemoteLog
    from signing.keys import parse_vkey

    feeds = [PostgresFeed(url) for url in args.stores]
    signer = read_key(Path(args.key))
    with _open_to_send(args, signer.verifier.name) as outbox:
        async with open_session() as session:
            log = RemoteLog(
                session, args.url, parse_vkey(outbox.log), token=args.token, patience_s=args.patience
            )
            async with open_sender(outbox, log, signer) as sender:
                if args.once:
                    return await _send_once(args, sender, feeds)
                print(f"sending what waits in {args.folder} as {outbox.source}", file=sys.stderr, flush=True)
                await sender.send_on(feeds)
                return 0


async def _send_once(args: argparse.Namespace, sender: "Sender", feeds: "list[PostgresFeed]") -> int:
    taken = [await sender.take(feed) for feed in feeds]
    sent = await sender.send_all()
    for feed in feeds:
        await feed.close()
    status = sender.outbox.status()
    value = {"taken": sum(filter(None, taken)), "sent": sent, **as_json(status)}
    connect.answer(args, value, f"{sent} events sent", *as_prose(status))
    return 1 if status.troubles else 0


def _show(args: argparse.Namespace, outbox: "Outbox") -> int:
    from ledger.kit.intents import broken_off
    from ledger.outbox.sending import is_sending

    status, broken, sending = outbox.status(), broken_off(outbox), is_sending(outbox)
    value = as_json(status) | {
        "is_sending": sending,
        "broken_off": [
            {"store": one.store, "records": len(one.there), "begun_s": one.begun_s} for one in broken
        ],
    }
    prose = as_prose(status) + ([] if sending else ["nobody is sending now: writ outbox DIR send"])
    for one in broken:
        prose.append(
            f"erasing {len(one.there)} records from {one.store}, begun {_at(one.begun_s)}, was broken off"
        )
        prose.append("  start what erases there again: it resumes, and tells the log")
    connect.answer(args, value, *prose)
    return 1 if status.troubles or status.is_full or broken else 0


def _put(args: argparse.Namespace, outbox: "Outbox") -> int:
    raw = sys.stdin.buffer.read() if args.argument == "-" else Path(args.argument).read_bytes()
    new = outbox.put(raw.removesuffix(b"\n").split(b"\n"))
    return connect.answer(args, {"put": new}, f"{new} events wait that were not known before")


def _set_aside(args: argparse.Namespace, outbox: "Outbox") -> int:
    from ledger.failure import Failure
    from ledger.outbox.sending import open_source

    with open_source(outbox) as folder:
        if folder.pending is not None:
            raise Failure("a submission is under way", "send once more first: it may be in the log")
        outbox.set_aside(args.argument, folder.state.size)
    return connect.answer(args, {"set_aside": args.argument}, f"event {args.argument} is left out for good")


def as_json(status: "Status") -> dict[str, object]:
    """A status as JSON."""
    import msgspec

    value: dict[str, object] = msgspec.to_builtins(status)
    return value | {"is_full": status.is_full}


def as_prose(status: "Status") -> list[str]:
    """A status as lines to read."""
    log = status.log.split("+")[0]
    lines = [f"{status.source} in {log}: {status.in_log} events in the log, {status.waiting} wait"]
    if status.oldest_s is not None:
        lines.append(f"the oldest waits since {_at(status.oldest_s)}")
    if status.sent_s is not None:
        lines.append(f"last sent {_at(status.sent_s)}")
    if status.is_full:
        lines.append(f"full: {status.most_waiting} may wait, further events are refused")
    lines += [f"left out for good: event {id}" for id in status.aside]
    for trouble in status.troubles:
        lines.append(f"{trouble.kind}, since {_at(trouble.since_s)}: {trouble.what}")
        lines += [f"  {trouble.remedy}"] if trouble.remedy else []
    return lines


def _at(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
