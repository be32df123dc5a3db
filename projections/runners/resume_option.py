"""`--resume DIR`, of `writ verify` and `writ replay`: what is verified is kept there, until all of it is."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from projections.runners.resuming import Resuming


def add_argument(parser: argparse.ArgumentParser) -> None:
    """Declare it."""
    parser.add_argument(
        "--resume",
        type=Path,
        metavar="DIR",
        help="keep what is verified in this folder, every half minute or more often: after an interruption "
        "the same command goes on from there. It is made where there is none, removed once all is told, "
        "kept where something is not sound, and believed: it must be yours alone",
    )


@contextmanager
def resuming(args: argparse.Namespace, command: str) -> Iterator[Resuming | None]:
    """What keeps the verification, if that is asked for. On Ctrl-C it says how to go on."""
    if args.resume is None:
        yield None
        return
    kept = Resuming(args.resume)
    try:
        yield kept
    except KeyboardInterrupt:
        said = f"{kept.saved:,} entries are kept in {args.resume}: the same command goes on from there"
        print(f"\nwrit {command}: interrupted; {said}", file=sys.stderr)
        raise
    finally:
        kept.close()
