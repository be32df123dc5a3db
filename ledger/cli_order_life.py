"""`writ order serve` to `writ order exempt`, and `writ hold`: an order's life after it was issued.

One table says which word posts which event; every event names the instrument that it rests on, by its hash.
"""

import argparse
import hashlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from ledger import cli_connect as connect
from ledger import cli_review

HANDLES_PER_EVENT: Final = 1_000


class Word(NamedTuple):
    """A subcommand: the event that it posts, and what it says when that stands."""

    event: str
    done: str


WORDS: Final[dict[str, Word]] = {
    "serve": Word("served", "was served"),
    "appeal": Word("appealed", "is under appeal"),
    "stay": Word("stayed", "is stayed"),
    "lift-stay": Word("stay_lifted", "is no longer suspended"),
    "set-aside": Word("set_aside", "is set aside"),
    "reinstate": Word("reinstated", "is reinstated"),
    "revoke": Word("revoked", "is revoked"),
    "discharge": Word("discharged", "is discharged"),
}


def add_turn_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of each word of the table; which it is, the parser knows."""
    parser.set_defaults(word=parser.prog.split(" ")[-1])
    _add_order_argument(parser)
    parser.add_argument(
        "--effective-at",
        metavar="TIME",
        help="from when on, as 2022-06-14 (default: now)",
    )
    rests = parser.add_mutually_exclusive_group(required=True)
    rests.add_argument(
        "--instrument", metavar="FILE", help="the document that this rests on: its hash is posted"
    )
    rests.add_argument("--instrument-sha256", metavar="HEX", help="or that document's SHA-256")
    _add_poster_arguments(parser)


def turn(args: argparse.Namespace) -> int:
    """Post one event of an order's life."""
    word = WORDS[args.word]
    effective_at = args.effective_at or connect.now()
    data = {
        "controller": connect.controller_of(args),
        "effective_at": effective_at,
        "instrument_sha256": args.instrument_sha256 or _sha256_of(args.instrument),
        "order": args.order,
    }
    says = f"order {args.order} {word.done} from {effective_at}"
    return _post(args, f"writ.order.{word.event}.v1", [data], {"order": args.order}, says)


def add_vary_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ order vary`."""
    parser.add_argument("file", metavar="FILE.json", help="the order's new, higher version, whole")
    parser.add_argument("--effective-at", metavar="TIME", help="from when it governs (default: now)")
    _add_poster_arguments(parser)
    cli_review.add_arguments(parser)


def vary(args: argparse.Namespace) -> int:
    """Post a higher version of an order."""
    import msgspec

    from ledger.cli_order import read_order

    order, controller, concerns = read_order(args)
    effective_at = args.effective_at or connect.now()
    data = {
        "controller": controller,
        "effective_at": effective_at,
        "instrument_sha256": order.instrument_sha256,
        "order": msgspec.to_builtins(order),
    }
    says = f"order {order.id}, version {order.version}, governs from {effective_at}"
    value = {"order": order.id, "version": order.version, "concerns": msgspec.to_builtins(concerns)}
    return _post(args, "writ.order.varied.v1", [data], value, says)


def add_exempt_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ order exempt`."""
    from projections.vocabulary import ExemptionGround

    _add_order_argument(parser)
    parser.add_argument("--obligation", required=True, metavar="ID", help="what is left out of")
    parser.add_argument("--ground", required=True, choices=_words(ExemptionGround))
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--category", metavar="NAME", help="a whole class of data, such as user.biometric")
    _add_records_argument(what)
    _add_poster_arguments(parser)


def exempt(args: argparse.Namespace) -> int:
    """Leave records or a class of data out of an obligation."""
    common = {
        "controller": connect.controller_of(args),
        "ground": args.ground,
        "obligation": args.obligation,
        "order": args.order,
    }
    if args.category:
        whole = [{**common, "category_class": args.category}]
        what = args.category
    else:
        handles = _handles(args.records)
        whole = [{**common, "records": some} for some in _chunks(handles)]
        what = f"{len(handles):,} records"
    says = f"order {args.order}, {args.obligation}: {what} exempt ({args.ground})"
    value = {"order": args.order, "obligation": args.obligation}
    return _post(args, "writ.exemption.granted.v1", whole, value, says)


def add_place_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ hold place`."""
    from projections.vocabulary import HoldBasis

    _add_hold_argument(parser)
    parser.add_argument("--basis", required=True, choices=_words(HoldBasis))
    parser.add_argument("--until", required=True, metavar="TIME", help="the last day, as 2023-12-31")
    _add_records_argument(parser, required=True)
    _add_poster_arguments(parser)


def place(args: argparse.Namespace) -> int:
    """Have records kept. What is placed again under the same id is added to it."""
    handles = _handles(args.records)
    common = {
        "basis": args.basis,
        "controller": connect.controller_of(args),
        "hold": args.hold,
        "until": args.until,
    }
    whole = [{**common, "records": some} for some in _chunks(handles)]
    says = f"hold {args.hold}: {len(handles):,} records are to be kept until {args.until}"
    return _post(args, "writ.hold.placed.v1", whole, {"hold": args.hold}, says)


def add_release_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ hold release`."""
    _add_hold_argument(parser)
    _add_poster_arguments(parser)


def release(args: argparse.Namespace) -> int:
    """End a hold before its day."""
    data = {"controller": connect.controller_of(args), "hold": args.hold}
    return _post(args, "writ.hold.released.v1", [data], {"hold": args.hold}, f"hold {args.hold} is released")


def _post(
    args: argparse.Namespace,
    type: str,
    whole: list[dict[str, object]],
    value: Mapping[str, object],
    says: str,
) -> int:
    async def work() -> int:
        receipts = await connect.post_all(args, type, whole)
        first = receipts[0].index + 1
        entries = f"entry {first}" if len(whole) == 1 else f"{len(whole)} events, from entry {first} on"
        shown = {
            **value,
            "entry": first,
            "events": len(whole),
            "receipt": connect.receipt_value(receipts[0]),
        }
        return connect.answer(args, shown, f"{says}: {entries}")

    return connect.run(work())


def _add_order_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("order", metavar="ORDER", help="the order's id, as authority.example/en-1")


def _add_hold_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("hold", metavar="HOLD", help="the hold's id")


def _add_records_argument(parser: "argparse._ActionsContainer", required: bool = False) -> None:
    parser.add_argument(
        "--records",
        metavar="FILE",
        required=required,
        help="handles, one a line, as `writ blind` prints them; - is standard input",
    )


def _add_poster_arguments(parser: argparse.ArgumentParser) -> None:
    connect.add_post_arguments(parser)
    connect.add_controller_argument(parser)


def _words(closed: object) -> tuple[str, ...]:
    from typing import get_args

    return get_args(closed)


def _sha256_of(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _handles(path: str) -> list[str]:
    """The distinct handles of a file, sorted as events want them."""
    from ledger.failure import Failure

    text = sys.stdin.read() if path == "-" else Path(path).read_text()
    handles = sorted(set(text.split()))
    if not handles:
        raise Failure(f"{path} names no records", "give handles, one a line")
    return handles


def _chunks(handles: list[str]) -> list[list[str]]:
    return [handles[at : at + HANDLES_PER_EVENT] for at in range(0, len(handles), HANDLES_PER_EVENT)]
