"""`writ token`: bearer tokens, for those who post without a state or only read."""

import argparse
import secrets
from hashlib import sha256

from ledger import cli_connect as connect


def add_create_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ token create`."""
    parser.add_argument(
        "name", metavar="NAME", help="the token's name, which its events carry as their source"
    )
    parser.add_argument("--role", required=True, choices=("controller", "processor", "recipient", "reader"))
    parser.add_argument("--country", metavar="CC", help="ISO 3166-1 alpha-2")
    connect.add_post_arguments(parser)
    connect.add_controller_argument(parser)


def create(args: argparse.Namespace) -> int:
    """Register a new token by the hash of its secret, and print the secret: nobody can show it again."""
    # In hex: one that began with a dash would be taken for an option.
    secret = secrets.token_hex(32)
    data = {
        "controller": connect.controller_of(args),
        "country": args.country,
        "name": args.name,
        "role": args.role,
        "secret_sha256": sha256(secret.encode()).hexdigest(),
    }

    async def work() -> int:
        receipt = await connect.post_one(args, "writ.token.registered.v1", data)
        value = {
            "name": args.name,
            "role": args.role,
            "secret": secret,
            "receipt": connect.receipt_value(receipt),
        }
        return connect.answer(
            args, value, secret, f"(the secret of {args.name}, shown this once; role {args.role})"
        )

    return connect.run(work())
