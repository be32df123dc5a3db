"""`writ keygen`: make a signing key, a witness's key, or a blinding key."""

import argparse
import json
import os
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ keygen`."""
    parser.add_argument("name", metavar="NAME", help="the key's name, such as crawler.clearview.example")
    parser.add_argument("--out", default=".", metavar="DIR", help="where the key file goes (default: here)")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--witness", action="store_true", help="a key that cosigns checkpoints")
    kind.add_argument("--blinding", action="store_true", help="a secret that turns native ids into handles")


def run(args: argparse.Namespace) -> int:
    """Make the key in a new file of mode 0600 and print its public half."""
    return _make_blinding_key(args) if args.blinding else _make_signing_key(args)


def key_path(folder: Path, name: str) -> Path:
    """The file of a key, whose name may be a path."""
    return folder / f"{name.replace('/', '_')}.key"


def _make_signing_key(args: argparse.Namespace) -> int:
    from ledger.keyfiles import make_key
    from signing.keys import COSIGNATURE, ED25519, format_vkey

    path = key_path(Path(args.out), args.name)
    key = make_key(path, args.name, COSIGNATURE if args.witness else ED25519)
    vkey = format_vkey(key.verifier)
    if args.json:
        print(json.dumps({"name": key.name, "file": str(path), "vkey": vkey}))
    else:
        print(f"private key  {path}  (keep it to yourself)")
        print(f"public key   {vkey}")
    return 0


def _make_blinding_key(args: argparse.Namespace) -> int:
    from ledger.keyfiles import write_key
    from signing.encoding import encode_base64
    from signing.handle import blinding_commitment

    path = Path(args.out) / f"{args.name.replace('/', '_')}.blinding"
    secret = os.urandom(32)
    write_key(path, secret.hex())
    commitment = encode_base64(blinding_commitment(secret))
    if args.json:
        print(json.dumps({"file": str(path), "blinding_commitment": commitment}))
    else:
        print(f"blinding key  {path}  (who has it can link handles to people)")
        print(f"commitment    {commitment}")
    return 0
