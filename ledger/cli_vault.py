"""`writ vault`: keep evidence outside the log, show it, erase it for good."""

import argparse
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from ledger import cli_connect as connect
from projections import vocabulary as v

if TYPE_CHECKING:
    from ledger.client import Poster
    from ledger.vault.memory import Piece
    from ledger.vault.vault import Vault


def add_keep_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ vault keep`."""
    parser.description = (
        "Seal files in a vault, under the key of an order or of a record, and put their salted hashes into "
        "the log. The files themselves stay where they are: remove them once they are kept."
    )
    _add_vault(parser)
    parser.add_argument("files", metavar="FILE", nargs="+", type=Path, help="what to keep")
    _add_subject(parser.add_mutually_exclusive_group(required=True))
    parser.add_argument(
        "--kind", choices=get_args(v.EvidenceKind), default="other", help="what they are (default: other)"
    )
    _add_poster(parser)


def add_erase_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ vault erase`."""
    parser.description = (
        "Erase evidence for good: the log is told first, then the keys are destroyed, then the log is told "
        "that they are. Without anything named: finish what was interrupted."
    )
    _add_vault(parser)
    named = parser.add_mutually_exclusive_group()
    _add_subject(named)
    named.add_argument("--piece", metavar="SHA256", nargs="+", action="extend", help="single pieces")
    parser.add_argument("--cause", choices=get_args(v.ErasureCause), default="other", help="why")
    parser.add_argument("--cause-ref", metavar="ID", default="", help="of what request or order")
    _add_poster(parser)


def add_show_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ vault show`."""
    parser.description = (
        "Write a piece of evidence to FILE and its salt to FILE.salt: together they open the hash in the log "
        "(docs/spec/evidence.md)."
    )
    _add_vault(parser)
    parser.add_argument("piece", metavar="SHA256", help="its evidence hash")
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, required=True, help="a new file")


def add_list_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ vault list`."""
    _add_vault(parser)


def keep(args: argparse.Namespace) -> int:
    """Seal, remember, post; print what events name."""
    from ledger.failure import Misuse

    for file in args.files:
        if not file.is_file():
            raise Misuse(f"{file} is no file", "name files that are there")
    return connect.run(_keep(args))


def erase(args: argparse.Namespace) -> int:
    """Ask in the log, destroy, say so in the log."""
    return connect.run(_erase(args))


def show(args: argparse.Namespace) -> int:
    """Write a document and its salt."""
    from ledger.failure import Failure
    from ledger.vault.vault import open_vault

    with open_vault(args.vault) as vault:
        piece = _piece(vault, args.piece)
        if piece.erased is not None or piece.requested is not None:
            done = "was erased" if piece.erased is not None else "is to be erased"
            raise Failure(f"{piece.sha256} {done} ({piece.erasure})", "nobody opens it any more")
        salt = _write_out(vault, piece.sha256, args.output)
    value = {"file": str(args.output), "salt": salt, "sha256": piece.sha256, "kind": piece.kind}
    opened = f"{args.output}: {piece.kind} {piece.sha256}, its salt in {args.output}.salt"
    return connect.answer(args, value, opened)


def list_pieces(args: argparse.Namespace) -> int:
    """Print every piece, and how it stands."""
    from ledger.vault.vault import open_vault

    with open_vault(args.vault) as vault:
        pieces = vault.memory.pieces()
    rows = [
        {
            "sha256": one.sha256,
            "kind": one.kind,
            "subject": one.subject,
            "state": _state(one),
            "erasure": one.erasure,
        }
        for one in pieces
    ]
    prose = [f"{one['sha256']}  {one['state']:<12}  {one['kind']:<11}  {one['subject']}" for one in rows]
    return connect.answer(args, {"pieces": rows}, *(prose or ["the vault is empty"]))


async def _keep(args: argparse.Namespace) -> int:
    from ledger.vault.announcing import settle, speaker

    async with _open(args, make=True) as (vault, poster):
        await settle(vault, poster)
        say = speaker(poster.folder.state.source)
        evidence = vault.keep(args.files, args.kind, _subject(args) or "", say)
        await settle(vault, poster)
    value = {"evidence": [{"kind": one.kind, "sha256": one.sha256} for one in evidence]}
    prose = [f"{one.sha256}  {one.kind}" for one in evidence]
    return connect.answer(args, value, *prose, f"kept in {args.vault}, and in the log")


async def _erase(args: argparse.Namespace) -> int:
    from uuid import uuid4

    from ledger.vault.announcing import settle, speaker

    async with _open(args) as (vault, poster):
        await settle(vault, poster)
        pieces = _chosen(vault, args)
        erasure = f"erasure-{uuid4().hex[:16]}"
        if pieces:
            say = speaker(poster.folder.state.source)
            vault.request(pieces, erasure, args.cause, args.cause_ref, say)
            await settle(vault, poster)
    value = {"erasure": erasure if pieces else None, "erased": [one.sha256 for one in pieces]}
    prose = [f"{one.sha256}  erased" for one in pieces]
    return connect.answer(args, value, *(prose or ["nothing was left to be done"]))


@asynccontextmanager
async def _open(args: argparse.Namespace, *, make: bool = False) -> "AsyncIterator[tuple[Vault, Poster]]":
    """The vault, and the poster of the source log that it has for itself."""
    from ledger.keyfiles import read_key
    from ledger.vault.memory import Identity
    from ledger.vault.vault import introduce, open_vault

    name = read_key(Path(args.key)).verifier.name
    with open_vault(args.vault, make=make) as vault:
        fresh = f"{name}/vault-{os.urandom(6).hex()}"
        known = vault.memory.identity
        controller = args.controller or (known.controller if known else connect.controller_of(args))
        args.source = introduce(vault, Identity(args.log, fresh, controller)).source
        async with connect.open_poster(args) as poster:
            yield vault, poster


def _chosen(vault: "Vault", args: argparse.Namespace) -> "list[Piece]":
    """The pieces that are to be erased, as far as nobody has asked for that before."""
    from ledger.failure import Failure

    subject = _subject(args)
    if subject is None:
        return [one for name in args.piece or () if (one := _piece(vault, name)).requested is None]
    pieces = vault.memory.pieces("subject = ?", (subject,))
    if not pieces:
        raise Failure(f"nothing is kept for {subject}", f"see `writ vault list {args.vault}`")
    return [one for one in pieces if one.requested is None]


def _piece(vault: "Vault", sha256: str) -> "Piece":
    from ledger.failure import Failure

    found = vault.memory.pieces("sha256 = ?", (sha256,))
    if not found:
        raise Failure(f"{sha256} was never kept in this vault", "`writ vault list` shows what was")
    return found[0]


def _write_out(vault: "Vault", sha256: str, output: Path) -> str:
    """Write a document and its salt, readable by whoever runs this alone; whole, or nothing."""
    from ledger.durable import replace_durably

    under_way = output.with_name(f"{output.name}.new")
    under_way.unlink(missing_ok=True)
    try:
        with vault.open_piece(sha256) as opened, open(under_way, "xb", opener=_private) as file:
            for block in opened.content:
                file.write(block)
        replace_durably(output.with_name(f"{output.name}.salt"), f"{opened.salt.hex()}\n".encode())
        # A link refuses to replace what is there already.
        os.link(under_way, output)
    finally:
        under_way.unlink(missing_ok=True)
    return opened.salt.hex()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _state(piece: "Piece") -> str:
    if piece.erased is not None:
        return "erased"
    return "kept" if piece.requested is None else "to be erased"


def _subject(args: argparse.Namespace) -> str | None:
    if args.order is not None:
        return f"order:{args.order}"
    return f"record:{args.record}" if args.record is not None else None


def _add_vault(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("vault", metavar="VAULT", type=Path, help="the vault's folder")


def _add_subject(group: Any) -> None:
    group.add_argument("--order", metavar="ID", help="the order that the evidence is about")
    group.add_argument("--record", metavar="HANDLE", help="the record that it is about")


def _add_poster(parser: argparse.ArgumentParser) -> None:
    connect.add_log_arguments(parser)
    parser.add_argument("--key", required=True, metavar="FILE", help="the keeper's signing key")
    parser.add_argument("--state", metavar="DIR", help="what the poster remembers (default: FILE.state)")
    connect.add_controller_argument(parser)
