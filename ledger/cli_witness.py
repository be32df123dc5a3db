"""`writ witness`: run a witness for one or more logs."""

import argparse
import asyncio
import json
import signal
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ witness`."""
    parser.add_argument(
        "--log", action="append", required=True, metavar="VKEY", help="a log to watch; repeatable"
    )
    parser.add_argument(
        "--key", required=True, metavar="FILE", help="the witness's key (writ keygen --witness)"
    )
    parser.add_argument(
        "--data", default="writ-witness", metavar="DIR", help="where it remembers what it cosigned"
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8322, help="0 for any free one")


def run(args: argparse.Namespace) -> int:
    """Serve until a signal comes."""
    asyncio.run(_serve(args))
    return 0


async def _serve(args: argparse.Namespace) -> None:
    from aiohttp import web

    from ledger.keyfiles import read_key
    from ledger.witness import Memory, make_app
    from signing.keys import format_vkey, parse_vkey

    signer = read_key(Path(args.key))
    logs = [parse_vkey(text) for text in args.log]
    app = make_app(Memory(Path(args.data) / "witness.sqlite"), logs, signer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        await web.TCPSite(runner, args.host, args.port).start()
        host, port = runner.addresses[0][:2]
        url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        _announce(signer.verifier.name, format_vkey(signer.verifier), url, args)
        await stop.wait()
    finally:
        await runner.cleanup()


def _announce(name: str, vkey: str, url: str, args: argparse.Namespace) -> None:
    if args.json:
        print(json.dumps({"name": name, "vkey": vkey, "url": url}), flush=True)
        return
    print(f"witness {name} listens on {url} for {len(args.log)} log(s)")
    print("line for a policy file:")
    print(f"  witness {name.replace('/', '-')} {vkey} {url}", flush=True)
