"""`writ witness`: run a witness for any number of logs."""

import argparse
import asyncio
import json
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ledger import cli_connect as connect

if TYPE_CHECKING:
    from ledger.witness import Witness
    from signing.log_list import ListedLog


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ witness`."""
    parser.add_argument("--log", action="append", default=[], metavar="VKEY", help="watch a log; repeatable")
    parser.add_argument(
        "--config", metavar="FILE", help="watch the logs of a log list (logs/v0); SIGHUP reads it again"
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
    from ledger.failure import Misuse
    from ledger.loglines import configure_logging

    if not args.log and args.config is None:
        raise Misuse("no log to watch: give --log VKEY, or --config FILE with a list of them")
    configure_logging()
    asyncio.run(_serve(args))
    return 0


async def _serve(args: argparse.Namespace) -> None:
    from aiohttp import web

    from ledger.keyfiles import read_key
    from ledger.witness import Witness
    from ledger.witness_logs import Watch
    from ledger.witness_memory import Memory
    from signing.keys import format_vkey

    signer, watch = read_key(Path(args.key)), Watch(_logs(args))
    witness = Witness(Memory(Path(args.data) / "witness.sqlite"), watch, signer)
    runner = web.AppRunner(witness.application(), access_log=None)
    await runner.setup()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, _reload, witness, args)
    try:
        await web.TCPSite(runner, args.host, args.port).start()
        host, port = runner.addresses[0][:2]
        url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        _announce(signer.verifier.name, format_vkey(signer.verifier), url, len(watch), args)
        await stop.wait()
    finally:
        await runner.cleanup()


def _logs(args: argparse.Namespace) -> "Iterable[ListedLog]":
    from ledger.witness_logs import load_log_list, logs_of_keys

    listed = () if args.config is None else load_log_list(Path(args.config))
    return [*listed, *logs_of_keys(connect.read_vkey("--log", one, foreign=True) for one in args.log)]


def _reload(witness: "Witness", args: argparse.Namespace) -> None:
    from ledger.failure import Failure

    try:
        logs = _logs(args)
    except Failure as failure:
        witness.keep(failure)
    else:
        witness.replace(logs)


def _announce(name: str, vkey: str, url: str, logs: int, args: argparse.Namespace) -> None:
    if args.json:
        print(json.dumps({"name": name, "vkey": vkey, "url": url, "logs": logs}), flush=True)
        return
    print(f"witness {name} listens on {url} for {logs} log(s)")
    print("line for a policy file:")
    print(f"  witness {name.replace('/', '-')} {vkey} {url}", flush=True)
