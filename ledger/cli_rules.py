"""`writ rules`: the rules that verdicts name, each in a sentence."""

import argparse
import json
import textwrap


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ rules`."""
    what = parser.add_mutually_exclusive_group()
    what.add_argument("name", nargs="?", metavar="NAME", help="such as erasure.late; left out: all of them")
    what.add_argument("--page", action="store_true", help="print them as the page docs/spec/rules.md")


def run(args: argparse.Namespace) -> int:
    """Print one rule, or all of them."""
    from ledger.failure import Failure
    from projections.rulebook import RULES, format_rulebook

    if args.page:
        print(format_rulebook(), end="")
        return 0
    if args.name is not None and args.name not in RULES:
        raise Failure(f"no rule is named {args.name}", "`writ rules` lists them")
    chosen = RULES if args.name is None else {args.name: RULES[args.name]}
    if args.json:
        print(json.dumps(chosen))
        return 0
    width = max(len(name) for name in chosen) + 2
    for name, sentence in chosen.items():
        lines = textwrap.wrap(sentence, 100 - width, break_long_words=False)
        print(f"{name:{width}}{lines[0]}", *(" " * width + line for line in lines[1:]), sep="\n")
    return 0
