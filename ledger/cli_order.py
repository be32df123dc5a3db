"""`writ order`: an authority puts its order into the log, whole and signed."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ledger import cli_connect as connect
from ledger import cli_review

if TYPE_CHECKING:
    from ledger.reviewing import Concern
    from projections.order import Order


def add_issue_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ order issue`."""
    parser.add_argument("file", metavar="FILE.json", help="the order; settings left out take their defaults")
    connect.add_post_arguments(parser)
    parser.add_argument("--controller", metavar="ID", help="where the order names several controllers")
    cli_review.add_arguments(parser)


def read_order(args: argparse.Namespace) -> "tuple[Order, str, list[Concern]]":
    """The order of a file, whose log it goes into, and what speaks against it and was accepted."""
    from ledger.failure import Failure
    from ledger.keyfiles import read_key
    from projections.order import check_order, parse_order

    order = parse_order(Path(args.file).read_bytes())
    controller = args.controller or order.controllers[0]
    if args.controller is None and len(order.controllers) != 1:
        raise Failure(f"{args.file} names several controllers", "say whose log this is: --controller ID")
    problems = check_order(order, read_key(Path(args.key)).verifier.name, controller, args.log)
    if problems:
        raise Failure(f"{args.file}: {'; '.join(problems)}", "correct the order and issue it again")
    return order, controller, cli_review.accept(args, order)


def issue(args: argparse.Namespace) -> int:
    """Post `order.issued` with the authority's key."""
    import msgspec

    from projections.order import order_hash

    order, controller, concerns = read_order(args)
    data = {
        "controller": controller,
        "effective_at": order.effective,
        "instrument_sha256": order.instrument_sha256,
        "order": msgspec.to_builtins(order),
    }

    async def work() -> int:
        receipt = await connect.post_one(args, "writ.order.issued.v1", data)
        connect.note_controller(connect.state_folder(args), args.log, controller)
        digest = order_hash(order).hex()
        value = {
            "order": order.id,
            "version": order.version,
            "order_sha256": digest,
            "concerns": msgspec.to_builtins(concerns),
            "receipt": connect.receipt_value(receipt),
        }
        stands = f"order {order.id}, version {order.version}, stands as entry {receipt.index + 1}"
        return connect.answer(args, value, stands, f"SHA-256 of the order  {digest}")

    return connect.run(work())
