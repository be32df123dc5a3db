"""`writ verify`: check an evidence bundle offline, from the authority's public key alone.

Needs PyNaCl and msgspec only. Exit codes: 0 sound and carried out; 3 sound, and not carried out; 4 sound, but
resting on the operator's word alone; 1 not sound; 2 usage.
"""

import argparse
import time
from pathlib import Path

import msgspec

from projections.moments import rfc3339_us
from projections.runners import resume_option
from projections.runners.compact import verify_compact
from projections.runners.full import Request, verify_full
from projections.runners.held import Held, parse_held
from projections.runners.outcome import Outcome, as_json, prose
from projections.runners.progress import progress_bar
from projections.runners.record import verify_record
from projections.runners.resuming import Resuming
from projections.runners.source import ZipSource
from projections.runners.usage import UsageError, tell
from projections.runners.width import fitted
from signing.errors import FormatError, MissingPackage, ProofError
from signing.keys import ED25519, parse_vkey
from signing.policy import Policy, read_policy


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ verify`."""
    parser.epilog = (
        "Ends with 0: sound and carried out (a record's bundle: sound); 3: sound, not carried out; 4: sound, "
        "but resting on the operator's word alone; 1: not sound; 2: nothing was checked, and why."
    )
    parser.add_argument("bundle", metavar="FILE.zip", help="the evidence bundle")
    parser.add_argument(
        "--authority",
        metavar="VKEY",
        help="the authority's public key: of an order's bundle, the one thing to bring",
    )
    parser.add_argument("--log", metavar="VKEY", help="of a record's bundle: the log's public key")
    parser.add_argument(
        "--policy", metavar="FILE", help="of a record's bundle: the witnesses to believe, as tlog-policy"
    )
    parser.add_argument(
        "--with",
        dest="held",
        metavar="NOTE",
        nargs="+",
        action="extend",
        default=[],
        help="submissions or receipts that you hold, which must be in the log",
    )
    parser.add_argument(
        "--now", metavar="TIME", help="the time now, as 2026-12-24T00:00:00Z (default: the clock)"
    )
    resume_option.add_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Verify the bundle, print the report and return the exit code."""
    with resume_option.resuming(args, "verify") as resuming:
        try:
            outcome = verify_bundle(Path(args.bundle), _request(args, resuming))
        except UsageError as error:
            return tell("verify", error, str(error), error.remedy, as_json=args.json)
        report = (
            f"{msgspec.json.encode(as_json(outcome)).decode()}\n" if args.json else fitted(prose(outcome))
        )
        print(report, end="", flush=True)
        # Only now: a kill before this loses nothing that was found out.
        if resuming is not None and outcome.failure is None:
            resuming.remove()
    return outcome.code


def verify_bundle(path: Path, request: Request) -> Outcome:
    """Verify the bundle at `path`. What is wrong with it is in the outcome; UsageError: there is no
    such file, or this bundle has no use for what was brought."""
    outcome = Outcome(bundle=path.name)
    try:
        with ZipSource(path) as source:
            if source.has("record"):
                verify_record(source, request, outcome)
            elif any(name.startswith("tile/") for name in source.paths):
                verify_full(source, request, outcome)
            else:
                verify_compact(source, request, outcome)
    except (ProofError, FormatError) as error:
        outcome.failure = str(error)
    except MissingPackage as error:
        raise UsageError(str(error), error.remedy) from error
    except OSError as error:
        is_folder = isinstance(error, IsADirectoryError)
        remedy = "writ replay reads folders" if is_folder else "see that it is there, and may be read"
        raise UsageError(f"{error.filename or path}: {error.strerror or error}", remedy) from error
    return outcome


def _request(args: argparse.Namespace, resuming: Resuming | None) -> Request:
    return Request(
        authority=_key("--authority", args.authority, "signs no orders"),
        log_vkey=_key("--log", args.log, "signs no log"),
        policy=_policy(args.policy),
        now=_now(args.now),
        held=tuple(_held(name) for name in args.held),
        progress=progress_bar("verifying"),
        resuming=resuming,
    )


def _key(option: str, vkey: str | None, otherwise: str) -> str | None:
    if vkey is None:
        return None
    try:
        key = parse_vkey(vkey)
    except FormatError as error:
        raise UsageError(f"{option}: {error}", "give the whole line, name and plus signs included") from error
    if key.algorithm != ED25519:
        raise UsageError(f"{option}: this is a witness's key, which {otherwise}")
    return vkey


def _policy(name: str | None) -> Policy | None:
    if name is None:
        return None
    try:
        return read_policy(Path(name).read_text(encoding="utf-8"))
    except (FormatError, UnicodeDecodeError) as error:
        raise UsageError(f"--policy {name}: {error}") from error
    except OSError as error:
        raise UsageError(f"--policy {name}: {error.strerror or error}") from error


def _now(text: str | None) -> int:
    if text is None:
        return int(time.time())
    try:
        return rfc3339_us(text) // 1_000_000
    except (ValueError, TypeError) as error:
        raise UsageError(f"--now: {text} is not a time as 2026-12-24T00:00:00Z: {error}") from error


def _held(name: str) -> Held:
    try:
        return parse_held(Path(name).name, Path(name).read_bytes())
    except (FormatError, ProofError) as error:
        raise UsageError(f"--with: {error}") from error
    except OSError as error:
        raise UsageError(f"--with {name}: {error.strerror or error}") from error
