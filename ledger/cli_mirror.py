"""`writ mirror URL DIR` and `writ log publish DIR`: a log's static tree, copied as far as it is proved."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ledger import cli_connect as connect

if TYPE_CHECKING:
    from ledger.mirroring import Copied


def add_mirror_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ mirror`."""
    parser.description = (
        "Copy a log's checkpoint, tiles and entries into a folder, keeping only what its signed checkpoint "
        "confirms. A later run fetches what is new; an interrupted one goes on."
    )
    parser.add_argument(
        "source",
        metavar="URL",
        help="the log's URL, such as http://127.0.0.1:8321/logs/clearview, or a folder",
    )
    _add_arguments(parser)


def mirror(args: argparse.Namespace) -> int:
    """Bring the folder up to date."""
    return _copy(args, args.source, all_widths=True)


def add_publish_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ log publish`."""
    parser.description = (
        "Write a log's tree into a folder for a plain web server or a bucket: full tiles first, the "
        "checkpoint last. Everything is checked as a mirror checks it."
    )
    parser.add_argument(
        "--url", default=connect.DEFAULT_URL, type=connect.service_url,
        help=f"the service (default {connect.DEFAULT_URL})",
    )  # fmt: skip
    _add_arguments(parser)


def publish(args: argparse.Namespace) -> int:
    """Bring the published tree up to date."""
    name = args.log.split("+")[0].rsplit("/", 1)[-1]
    return _copy(args, f"{args.url.rstrip('/')}/logs/{name}", all_widths=False)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="DIR", help="where to; DIR.state holds what does not belong in it")
    parser.add_argument(
        "--log", required=True, metavar="VKEY", help="the log's verifier key: only its checkpoints count"
    )
    parser.add_argument(
        "--token", metavar="SECRET", help="a reader's bearer token, where the log is not public"
    )
    parser.add_argument(
        "--patience", type=float, default=30.0, metavar="SECONDS",
        help="how long to ask again for each file (default 30)",
    )  # fmt: skip


def _copy(args: argparse.Namespace, location: str, *, all_widths: bool) -> int:
    from ledger.failure import Failure
    from ledger.mirroring import Patient, mirror
    from ledger.treefolder import TreeFolder
    from projections.runners.progress import progress_bar
    from projections.runners.source import open_source
    from projections.runners.timed import NoAnswer

    key = connect.read_vkey("--log", args.log)
    source = Patient(open_source(location, args.token), args.patience)
    try:
        copied = mirror(
            source,
            TreeFolder(Path(args.folder)),
            key,
            progress=progress_bar("copying"),
            all_widths=all_widths,
        )
    except NoAnswer as error:
        remedy = "see that it is running and the URL right; the same line goes on"
        raise Failure(f"{location}: {error}", remedy) from error
    finally:
        source.close()
    return connect.answer(args, _value(copied, args.folder), *_words(copied, args.folder))


def _value(copied: "Copied", folder: str) -> dict[str, object]:
    from signing.encoding import encode_base64

    checkpoint = copied.signed.checkpoint
    return {
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "root": encode_base64(checkpoint.root),
        "size_before": copied.size_before,
        "files": copied.files,
        "folder": folder,
    }


def _words(copied: "Copied", folder: str) -> tuple[str, ...]:
    checkpoint = copied.signed.checkpoint
    new = checkpoint.size - copied.size_before
    return (
        f"{checkpoint.origin}: {checkpoint.size:,} entries in {folder}, {new:,} of them new; "
        "every tile and entry is what the log's signed checkpoint confirms",
        f"what they amount to, offline: writ replay {folder}",
    )
