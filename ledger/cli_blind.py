"""`writ blind`: turn native ids into handles, so that scripts need no cryptography of their own."""

import argparse
import json
import sys
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ blind`."""
    parser.add_argument(
        "--key-file", required=True, metavar="FILE", help="the blinding key (writ keygen --blinding)"
    )
    parser.add_argument(
        "--namespace", required=True, metavar="ID", help="as the store's registration declares it"
    )
    parser.add_argument(
        "--composite", action="store_true", help='each line is a JSON array, such as ["aardsda01",2004,1]'
    )


def run(args: argparse.Namespace) -> int:
    """Read native ids from standard input, one a line, and write a handle a line."""
    from ledger.keyfiles import read_blinding_key
    from signing.errors import FormatError
    from signing.handle import handle

    key = read_blinding_key(Path(args.key_file))
    for number, raw in enumerate(sys.stdin.buffer, 1):
        try:
            native = raw.removesuffix(b"\n").decode("utf-8")
            made = handle(key, args.namespace, json.loads(native) if args.composite else native)
        except ValueError as error:
            raise FormatError(f"line {number}: {error}") from error
        print(json.dumps({"native_id": native, "handle": made}) if args.json else made)
    return 0
