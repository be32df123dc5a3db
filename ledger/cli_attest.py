"""`writ attest SOURCE`: replay a log, and sign the statement that it gives, beside what was not checked."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ledger import cli_connect as connect

if TYPE_CHECKING:
    from projections.order import Order
    from projections.runners.restating import Brought, Restated
    from projections.runners.source import Source
    from signing.keys import VerifierKey
    from signing.note import Note


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ attest`."""
    parser.description = (
        "Replay a log, and add an assessor's signature to the statement that it gives. What the log does not "
        "give is not signed: the differences are named."
    )
    parser.add_argument("source", metavar="SOURCE", help="a bundle, a directory of tiles, or a log's URL")
    given = parser.add_mutually_exclusive_group()
    given.add_argument(
        "--statement", type=Path, metavar="FILE", help="a statement, or a bundle with one (default: SOURCE's)"
    )
    given.add_argument("--order", metavar="ID", help="the statement on this order, as of the log's end")
    parser.add_argument(
        "--authority", required=True, metavar="VKEY", help="the authority's public key, which names the order"
    )
    parser.add_argument("--key", required=True, metavar="FILE", help="the assessor's signing key")
    parser.add_argument(
        "--unchecked",
        metavar="WHAT",
        nargs="+",
        action="extend",
        default=[],
        help="what was not checked beyond the log: lineage, identity, store:ID, … (docs/spec/statement.md)",
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE",
        help="where the note goes (default: the FILE of --statement, if it is no bundle)",
    )  # fmt: skip
    parser.add_argument("--url", type=connect.service_url, help="the service to post it to (or SOURCE's)")
    parser.add_argument("--patience", type=float, default=30.0, metavar="SECONDS", help="how long to ask")
    parser.add_argument("--token", metavar="SECRET", help="a reader's bearer token, where a URL needs one")


def run(args: argparse.Namespace) -> int:
    """Replay, compare, sign, write, and post where there is a service."""
    from ledger.attesting import attest
    from ledger.durable import replace_all_durably
    from ledger.keyfiles import read_key
    from projections.runners.source import open_source
    from projections.statement import format_statement
    from signing.note import Note, add_signatures, format_note

    signer, output = read_key(Path(args.key)), _output(args)
    source = open_source(args.source, args.token)
    try:
        restated, brought = _reach(source, args)
    finally:
        source.close()
    _require_named(restated.issued.order, signer.verifier)
    # Only what the replay gave is signed: a text that was brought has proved to be the same.
    statement = restated.stated.statement
    text = format_statement(statement)
    signed, attestation = attest(statement, text, signer, tuple(args.unchecked))
    note = add_signatures(Note(text, brought.note.signatures if brought else ()), *signed.signatures)
    notes = {output.name: format_note(note), f"{output.name}.attestation": format_note(attestation)}
    replace_all_durably(output.parent, notes, mode=0o644)
    url = args.url or _service_of(args.source)
    if url is not None:
        deposit = _deposit(note, attestation, _checkpoint(restated, brought))
        connect.run(_post(url, args.patience, restated.issued.order.trust.log_vkey, deposit))
    return _answer(args, output, url, restated)


def _output(args: argparse.Namespace) -> Path:
    import zipfile

    from ledger.failure import Misuse

    if args.output is not None:
        return Path(args.output)
    if args.statement is not None and not zipfile.is_zipfile(args.statement):
        return Path(args.statement)
    raise Misuse("there is no file for the note", "give -o FILE")


def _reach(source: "Source", args: argparse.Namespace) -> "tuple[Restated, Brought | None]":
    """The statement, reached from the log itself. ProofError names what differs from the one brought."""
    from projections.runners import restating
    from projections.runners.offline import replay
    from projections.runners.progress import progress_bar
    from projections.runners.shelf import MOST_HELD
    from signing.checkpoint import verify_checkpoint
    from signing.keys import parse_vkey

    progress = progress_bar("replaying")
    brought = None
    if args.order is not None:
        replayed = replay(source, progress=progress, most_held=MOST_HELD)
        restated = restating.state_order(replayed, args.order, args.authority, None)
    else:
        file = args.statement
        brought = restating.statement_in(source) if file is None else restating.read_statement(file)
        replayed = restating.replay_to(source, brought, progress)
        restated = restating.reach(replayed, brought, args.authority)
    verify_checkpoint(replayed.note, parse_vkey(restated.issued.order.trust.log_vkey))
    return restated, brought


def _require_named(order: "Order", key: "VerifierKey") -> None:
    from ledger.failure import Failure
    from signing.keys import format_vkey

    if format_vkey(key) not in order.trust.assessors:
        named = ", ".join(order.trust.assessors) or "nobody"
        raise Failure(
            f"the order {order.id} does not name {format_vkey(key)}: its signature would count for nothing",
            f"sign with a key that it names: {named}",
        )


def _checkpoint(restated: "Restated", brought: "Brought | None") -> "Note | None":
    """The log's checkpoint of just the size that the statement is about, if the assessor has it: a compact
    bundle needs it with its cosignatures, which nobody makes again."""
    from signing.checkpoint import format_checkpoint

    text = format_checkpoint(restated.replayed.audited.checkpoint)
    candidates = (restated.replayed.note, brought.checkpoint if brought else None)
    return next((one for one in candidates if one is not None and one.text == text), None)


def _deposit(note: "Note", attestation: "Note", checkpoint: "Note | None") -> bytes:
    import msgspec

    from ledger.attesting import Deposit
    from signing.note import format_note

    deposit = Deposit(
        attestation=format_note(attestation).decode(),
        checkpoint="" if checkpoint is None else format_note(checkpoint).decode(),
        statement=format_note(note).decode(),
    )
    return msgspec.json.encode(deposit)


async def _post(url: str, patience_s: float, log_vkey: str, deposit: bytes) -> int:
    from ledger.client import open_session
    from ledger.remote import RemoteLog, refusal
    from signing.keys import parse_vkey

    async with open_session() as session:
        log = RemoteLog(session, url, parse_vkey(log_vkey), patience_s=patience_s)
        answer = await log.ask("POST", f"{log.url}/statements", deposit)
    if answer.status != 200:
        raise refusal(answer, f"posting to {log.url}/statements")
    return 0


def _service_of(source: str) -> str | None:
    """The service of a log's URL."""
    service, logs, _ = source.rpartition("/logs/")
    return service if logs and source.startswith(("http://", "https://")) else None


def _answer(args: argparse.Namespace, output: Path, url: str | None, restated: "Restated") -> int:
    from projections.runners import wording
    from projections.statement import format_statement
    from signing.attestation import statement_hash

    statement = restated.stated.statement
    identity = statement_hash(format_statement(statement)).hex()
    value = {
        "file": str(output),
        "attestation": f"{output}.attestation",
        "statement": identity,
        "order": statement.order.id,
        "size": statement.log.size,
        "unchecked": sorted(set(args.unchecked)),
        "posted": url,
    }
    return connect.answer(
        args,
        value,
        f"replayed {statement.log.size:,} entries of {statement.log.origin}: they give this statement",
        f"  {statement.order.id}: {wording.headline(statement)}",
        f"  {output}: signed; {output}.attestation: what was not checked",
        f"  statement {identity}" + (f", posted to {url}" if url else ", not posted: give --url"),
    )
