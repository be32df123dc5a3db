"""Before an order is signed: what `writ order check` finds is told again, and a mistake stops it."""

import argparse
import sys
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ledger.failure import Failure

if TYPE_CHECKING:
    from ledger.reviewing import Concern
    from projections.order import Order


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare how a signer says that an order is meant as it stands."""
    parser.add_argument(
        "--yes", action="store_true", help="sign in spite of what ought to be thought about, without asking"
    )


def accept(args: argparse.Namespace, order: "Order") -> "list[Concern]":
    """What speaks against an order and is accepted by whoever signs it; a failure where it may not be.

    An order that can't be carried out, or reaches nobody, is never signed here. What ought to be decided on
    purpose is shown, and decided at the terminal, or by `--yes`.
    """
    from ledger.reviewing import review

    concerns = review(order)
    grave = [one for one in concerns if one.grave]
    if grave:
        raise Failure(_told(args.file, grave), f"correct it, and read it with `writ order check {args.file}`")
    if not concerns or (args.yes and args.json):
        return concerns
    if not args.yes and (args.json or not _is_somebody_there()):
        raise Failure(_told(args.file, concerns), "if all of it is meant so, give --yes")
    print("\n".join(paragraphs(concerns)), file=sys.stderr)
    if not args.yes and not _says_yes(f"Sign {order.id}, version {order.version}, as it stands? [y/N] "):
        raise Failure(f"{args.file} is not signed", "change what is not meant so, and sign it again")
    return concerns


def paragraphs(concerns: "Sequence[Concern]") -> Iterator[str]:
    """Concerns as people read them, mistakes first, each with its place in the order."""
    for title, grave in (("What is wrong", True), ("What to think about", False)):
        some = [one for one in concerns if one.grave == grave]
        if some:
            yield "\n".join([title, *(wrapped(_line(one), "- ", "  ") for one in some), ""])


def wrapped(text: str, first: str = "", rest: str = "") -> str:
    """A paragraph, broken to a page's width."""
    return textwrap.fill(
        text,
        100,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _told(file: str, concerns: "Sequence[Concern]") -> str:
    return f"{file}: {'; '.join(map(_line, concerns))}"


def _line(concern: "Concern") -> str:
    return f"{concern.field}: {concern.says} ({concern.rule})"


def _is_somebody_there() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _says_yes(question: str) -> bool:
    # Not `input`: it would ask on standard output, which may go to a file.
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
