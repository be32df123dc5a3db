"""`writ key`: the administrator lets keys in and ends them, by events."""

import argparse

from ledger import cli_connect as connect

ROLES = ("controller", "processor", "recipient", "authority", "auditor", "gateway", "operator", "admin")


def add_register_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ key register`."""
    _add_key_arguments(parser)
    parser.add_argument("--country", metavar="CC", help="ISO 3166-1 alpha-2, where the role asks for one")


def add_revoke_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ key revoke`."""
    _add_key_arguments(parser)
    parser.add_argument("--reason", help="compromised, lost, superseded, retired or other")
    parser.add_argument(
        "--compromised-since", metavar="TIME", help="what it posted from then on is not to be believed"
    )


def register(args: argparse.Namespace) -> int:
    """Let a key post in a role."""
    return _post(args, "writ.key.registered.v1", {"country": args.country}, f"may post as {args.role}")


def revoke(args: argparse.Namespace) -> int:
    """End a key's validity."""
    fields = {"compromised_since": args.compromised_since, "reason": args.reason}
    return _post(args, "writ.key.revoked.v1", fields, f"may not post any more as {args.role}")


def _add_key_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("vkey", metavar="VKEY", help="the key's public half")
    parser.add_argument(
        "--role", required=True, choices=ROLES, help="what it may post: `writ events --role ROLE`"
    )
    connect.add_post_arguments(parser)
    connect.add_controller_argument(parser)


def _post(args: argparse.Namespace, type: str, fields: dict[str, str | None], done: str) -> int:
    name = connect.read_vkey("VKEY", args.vkey).name
    controller = connect.controller_of(args)
    data = {"controller": controller, "name": name, "role": args.role, "vkey": args.vkey, **fields}

    async def work() -> int:
        receipt = await connect.post_one(args, type, data)
        value = {"vkey": args.vkey, "role": args.role, "receipt": connect.receipt_value(receipt)}
        return connect.answer(args, value, f"{name} {done}, from entry {receipt.index + 1} on")

    return connect.run(work())
