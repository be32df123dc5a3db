"""`writ demo`: plays one real case from order to proof, with real processes and real data."""

import argparse
import asyncio
import shutil
import time
from pathlib import Path

MARK = "made-by-writ-demo"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ demo`."""
    parser.add_argument(
        "--folder", default="writ-demo", metavar="DIR", help="where everything is kept; emptied at the start"
    )
    parser.add_argument(
        "--verifier",
        required=True,
        metavar="FILE",
        help="the `writ` of an environment with only the verifier's dependencies (make demo makes one)",
    )


def run(args: argparse.Namespace) -> int:
    """Play, and say where the bundle is and how to check it."""
    from rich.console import Console

    from ledger.demo.play import AUTHORITY, Play, perform
    from ledger.demo.stage import WIDTH, Stage

    folder = Path(args.folder).absolute()
    _empty(folder)
    (folder / "keys").mkdir(parents=True, mode=0o700)
    console = Console(highlight=False, stderr=args.json)
    console.width = min(console.width, WIDTH)
    started = time.monotonic()
    play = Play(Stage(folder, console), Path(args.verifier).absolute())
    bundle = asyncio.run(perform(play, folder))
    took_s = time.monotonic() - started
    vkey = play.keys[AUTHORITY][1]
    if args.json:
        import json

        print(json.dumps({"bundle": str(bundle), "authority": vkey, "seconds": round(took_s, 1)}))
        return 0
    console.print(f"\nPlayed in {took_s:.0f} s. The bundle: [bold]{bundle}[/bold]")
    console.print("Check it yourself, on any machine with PyNaCl and msgspec:")
    console.print(f"  writ verify {bundle} --authority {vkey}", soft_wrap=True)
    return 0


def _empty(folder: Path) -> None:
    """Make room, but only where an earlier demonstration stood."""
    from ledger.failure import Failure

    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARK).exists():
            raise Failure(f"{folder} holds something else", "name an empty or a new folder: --folder DIR")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).touch()
