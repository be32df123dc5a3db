"""What the client commands share: how they reach a log, as whom they post, and how they answer."""

import argparse
import asyncio
import json
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

if TYPE_CHECKING:
    from ledger.client import Poster, Receipt
    from ledger.remote import RemoteLog
    from signing.keys import VerifierKey

DEFAULT_URL = "http://127.0.0.1:8321"


def add_service_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare how the service is reached."""
    parser.add_argument(
        "--url", default=DEFAULT_URL, type=service_url, help=f"the service (default {DEFAULT_URL})"
    )
    parser.add_argument(
        "--patience", type=float, default=30.0, metavar="SECONDS", help="how long to ask again (default 30)"
    )


def service_url(text: str) -> str:
    """A service's URL as given, if requests can go there at all; the parser tells what is wrong."""
    try:
        parts = urlsplit(text)
        # The port is read here because it is checked only when it is.
        usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port)
    except ValueError:
        usable = False
    if not usable:
        raise argparse.ArgumentTypeError(f"{text!r} is no URL of a service, such as {DEFAULT_URL}")
    return text


def add_log_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare how a log is reached: for commands that read."""
    add_service_arguments(parser)
    parser.add_argument("--log", required=True, metavar="VKEY", help="the log's verifier key")
    parser.add_argument(
        "--token", metavar="SECRET", help="a reader's bearer token, where the log is not public"
    )


def add_post_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare how a log is reached and who posts."""
    add_log_arguments(parser)
    parser.add_argument("--key", required=True, metavar="FILE", help="the poster's signing key")
    parser.add_argument("--source", metavar="NAME", help="the source log: the key's name or a path under it")
    parser.add_argument("--state", metavar="DIR", help="what the poster remembers (default: FILE.state)")


def add_controller_argument(parser: argparse.ArgumentParser) -> None:
    """Declare whose log it is; `log create` and `order issue` note it beside the key that they use."""
    parser.add_argument("--controller", metavar="ID", help="the log's controller (default: as before)")


def read_vkey(option: str, text: str, *, foreign: bool = False) -> "VerifierKey":
    """The public key that an option gives; what can't be read names the option."""
    from ledger.failure import Misuse
    from signing.errors import FormatError
    from signing.keys import parse_foreign_vkey, parse_vkey

    try:
        return parse_foreign_vkey(text) if foreign else parse_vkey(text)
    except FormatError as error:
        raise Misuse(f"{option}: {error}", "give the whole line, name and plus signs included") from error


@asynccontextmanager
async def open_log(args: argparse.Namespace) -> AsyncIterator["RemoteLog"]:
    """The log that the arguments name."""
    from ledger.client import open_session
    from ledger.remote import RemoteLog

    key = read_vkey("--log", args.log)
    async with open_session() as session:
        yield RemoteLog(session, args.url, key, token=args.token, patience_s=args.patience)


@asynccontextmanager
async def open_poster(args: argparse.Namespace) -> AsyncIterator["Poster"]:
    """The poster that the arguments name, what a crash left pending settled."""
    from ledger import client
    from ledger.keyfiles import read_key

    signer = read_key(Path(args.key))
    async with (
        open_log(args) as log,
        client.open_poster(log, signer, state_folder(args), args.source) as poster,
    ):
        yield poster


def state_folder(args: argparse.Namespace) -> Path:
    """Where a key's posters remember what they signed: beside the key, so that both move together."""
    return Path(args.state) if args.state else Path(f"{args.key}.state")


def controller_of(args: argparse.Namespace) -> str:
    """Whose log it is: as told, or as `log create`, `order issue` or `inventory` noted it."""
    from ledger.failure import Failure

    if args.controller:
        return str(args.controller)
    noted = controller_file(state_folder(args), args.log)
    try:
        return noted.read_text().strip()
    except FileNotFoundError:
        raise Failure(
            f"the controller of {args.log.split('+')[0]} is not known here", "give --controller ID"
        ) from None


def note_controller(state: Path, log_vkey: str, controller: str) -> None:
    """Remember whose log it is, so that the key's further commands need not be told."""
    noted = controller_file(state, log_vkey)
    noted.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    noted.write_text(f"{controller}\n")


def controller_file(state: Path, log_vkey: str) -> Path:
    """Where it is noted whose log it is."""
    from ledger.source_state import folder_path

    return folder_path(state, log_vkey, "x").parent / "controller"


async def post_one(args: argparse.Namespace, type: str, data: Mapping[str, object]) -> "Receipt":
    """Post one event of our own making; fields of its data that are None are left out."""
    return (await post_all(args, type, [data]))[0]


async def post_all(
    args: argparse.Namespace, type: str, whole: Sequence[Mapping[str, object]]
) -> "list[Receipt]":
    """Post events of one type; the receipts of the submissions that it took."""
    from projections.events import decode_event

    async with open_poster(args) as poster:
        lines = [make_line(type, data, poster.folder.state.source) for data in whole]
        for line in lines:
            decode_event(line)  # says which field is wrong before anything is sent
        return await poster.post(lines)


def make_line(type: str, data: Mapping[str, object], source: str) -> bytes:
    """An event's canonical line, with a new id and the time; data fields that are None are left out."""
    from signing.canonical import canonicalise

    given = {name: value for name, value in data.items() if value is not None}
    return canonicalise(
        {
            "data": given,
            "id": uuid4().hex,
            "source": source,
            "specversion": "1.0",
            "time": now(),
            "type": type,
        }
    )


def now() -> str:
    """The time for an event, in whole seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def run(work: Coroutine[Any, Any, int]) -> int:
    """Run a command's coroutine to its exit code."""
    return asyncio.run(work)


def answer(args: argparse.Namespace, value: dict[str, Any], *prose: str) -> int:
    """Print the result, as JSON when that was asked for, and return success."""
    print(json.dumps(value) if args.json else "\n".join(prose))
    return 0


def receipt_value(receipt: "Receipt") -> dict[str, Any]:
    """A receipt as JSON shows it."""
    from signing.encoding import encode_base64

    return {
        "index": receipt.index,
        "time_us": receipt.time_us,
        "source_size": receipt.source_size,
        "checkpoint": {
            "origin": receipt.checkpoint.origin,
            "size": receipt.checkpoint.size,
            "root": encode_base64(receipt.checkpoint.root),
        },
    }
