"""`writ fork FILE`: check the evidence that a log forked. Offline; needs PyNaCl and msgspec alone."""

import argparse
from pathlib import Path

from ledger import cli_connect as connect


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ fork`."""
    parser.description = (
        "Check the evidence that a log signed two checkpoints which can't both be true. Ends with 0 when "
        "it is proved, and with 1 when it isn't."
    )
    parser.add_argument(
        "file", metavar="FILE", help="the evidence, as `writ mirror` and `writ watch` keep it"
    )
    parser.add_argument("--log", required=True, metavar="VKEY", help="the accused log's verifier key")


def run(args: argparse.Namespace) -> int:
    """Say whether the log forked."""
    from signing.encoding import encode_base64
    from signing.fork import MAX_FORK_BYTES, parse_fork, verify_fork

    key = connect.read_vkey("--log", args.log)
    with Path(args.file).open("rb") as file:
        raw = file.read(MAX_FORK_BYTES + 1)
    older, newer = verify_fork(parse_fork(raw), key)
    roots = [encode_base64(one.root) for one in (older, newer)]
    value = {"forked": True, "origin": newer.origin, "sizes": [older.size, newer.size], "roots": roots}
    return connect.answer(
        args,
        value,
        f"FORKED: {newer.origin} signed two histories",
        f"  at size {older.size:,} with root {roots[0]}",
        f"  at size {newer.size:,} with root {roots[1]}",
        "  and no log has both: the second gives another root for the first's entries.",
    )
