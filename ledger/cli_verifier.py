"""`writ verifier`: print the page that checks a bundle in a browser."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ verifier`: none."""


def run(args: argparse.Namespace) -> int:
    """Print the page; with `--json`, as a JSON string in an object."""
    import json

    from ledger.verifier_page import verifier_page

    print(json.dumps({"page": verifier_page()}) if args.json else verifier_page(), end="")
    return 0
