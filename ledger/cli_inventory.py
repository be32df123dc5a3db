"""`writ inventory`: list a store's real keys, blind them, post how many they are and their set's digest."""

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ledger import cli_connect as connect
from ledger.failure import Failure, Misuse
from ledger.stores.opening import Where, add_source_arguments, where_of

if TYPE_CHECKING:
    from ledger.inventory.findings import Found, Look
    from ledger.inventory.folder import Subject, WorkFolder
    from ledger.inventory.taking import Taken, Told
    from ledger.set_wire import StoreLine
    from projections.vocabulary import InventoryMethod

METHODS: Final[dict[str, "InventoryMethod"]] = {
    "outbox": "snapshot",
    "quiescent": "quiescent",
    "auditor": "reconcile",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ inventory`."""
    parser.description = (
        "List a store's real keys, blind them, and post how many they are and the digest of their set. The "
        "keys and the blinding key stay here. What is read is kept in the work folder, so that what was "
        "interrupted goes on where it can."
    )
    parser.add_argument("store", metavar="STORE", help="the store, as the log declares it")
    add_source_arguments(parser)
    group = parser.add_argument_group("its place in the log")
    place = group.add_mutually_exclusive_group(required=True)
    place.add_argument(
        "--outbox", action="store_true", help="exact: begun through the store's own outbox (PostgreSQL)"
    )
    place.add_argument(
        "--quiescent", action="store_true", help="vouch that nothing writes to the store until this has ended"
    )
    place.add_argument(
        "--auditor", action="store_true",
        help="name the log's checkpoint before the look: an event since must explain each difference",
    )  # fmt: skip
    parser.add_argument("--blinding-key", required=True, metavar="FILE", help="the store's blinding key")
    parser.add_argument("--namespace", metavar="ID", help="the store's (default: as the log declares it)")
    add_work_argument(parser)
    parser.add_argument("--anew", action="store_true", help="forget what the work folder has, and read all")
    _add_door_arguments(parser)


def add_work_argument(parser: argparse.ArgumentParser) -> None:
    """Declare where what was read is kept."""
    parser.add_argument("--work", metavar="DIR", help="the work folder (default: STORE.inventory)")


def _add_door_arguments(parser: argparse.ArgumentParser) -> None:
    """How it is posted: with a key, or through the store's outbox, which needs no way to the log."""
    connect.add_service_arguments(parser)
    parser.add_argument("--log", metavar="VKEY", help="the log's verifier key; not needed with --outbox")
    parser.add_argument("--token", metavar="SECRET", help="a reader's token, where the log is not public")
    parser.add_argument("--key", metavar="FILE", help="the poster's signing key; not with --outbox")
    parser.add_argument(
        "--source", metavar="NAME",
        help="the source log (default: KEY/inventory/STORE); with --outbox that of the client's outbox",
    )  # fmt: skip
    parser.add_argument("--state", metavar="DIR", help="what the poster remembers (default: FILE.state)")
    connect.add_controller_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Take the inventory, or finish one that was whole when something stopped it."""
    from ledger.inventory.findings import read_found
    from ledger.inventory.folder import open_folder
    from ledger.inventory.posting import attest, declared
    from ledger.keyfiles import read_blinding_key

    _require_door(args)
    where, key = where_of(args), read_blinding_key(Path(args.blinding_key))
    line = declared(args)
    subject = subject_of(args, where, key, line)
    with open_folder(work_folder(args), subject, anew=args.anew) as folder:
        found, taken = read_found(folder.path), None
        is_left = found is not None and not found.posted and not args.anew
        if found is None or not is_left:
            found, taken = _take(args, where, key, folder, subject)
        elif (found.look.subject, found.look.store) != (subject, args.store):
            raise Failure(
                f"{folder.path} has an inventory of {found.look.store} that was not attested to",
                "give another --work, or --anew to give that one up",
            )
        found = attest(args, where, folder.path, found)
    return _answer(args, found, taken, line)


def subject_of(args: argparse.Namespace, where: Where, key: bytes, declared: "StoreLine | None") -> "Subject":
    """Whose handles are made here, if the log's declaration of the store says the same."""
    from ledger.inventory.folder import Subject
    from signing.encoding import encode_base64
    from signing.handle import blinding_commitment

    commitment = encode_base64(blinding_commitment(key))
    namespace = args.namespace
    if declared is not None:
        if declared.blinding_commitment != commitment:
            raise Failure(
                f"{args.blinding_key} is not the key whose commitment stands in the log for {args.store}",
                "another key makes other handles: none would be found in the ledger",
            )
        if namespace not in (None, declared.namespace):
            raise Failure(f"{args.store} has the namespace {declared.namespace}, not {namespace}")
        namespace = declared.namespace
    if namespace is None:
        raise Misuse("the log's declaration of the store can't be read from here", "give --namespace")
    return Subject(where.identity(), namespace, commitment)


def work_folder(args: argparse.Namespace) -> Path:
    """Where what was read is kept."""
    return Path(args.work or f"{args.store}.inventory")


@contextmanager
def progress(what: str, total: int | None, *, quiet: bool) -> "Iterator[Told]":
    """A bar with an estimate on a terminal's standard error; nothing anywhere else."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    left = TimeRemainingColumn(compact=True)
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), left)
    began_s, done = time.monotonic(), 0
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("", total=total, rate="")

        def tell(count: int) -> None:
            nonlocal done
            done += count
            rate = done / max(time.monotonic() - began_s, 0.001)
            # An estimate is one: a store that has more than it said has this many at least.
            more = None if total is None else max(total, done)
            shown.update(task, completed=done, total=more, rate=f"{rate:,.0f} keys/s")

        yield tell


def _require_door(args: argparse.Namespace) -> None:
    needed = ("source", "controller") if args.outbox else ("log", "key")
    for name in needed:
        if getattr(args, name) is None:
            raise Misuse(f"--{name} is needed {'with --outbox' if args.outbox else 'without --outbox'}")
    for name in ("key", "state") if args.outbox else ():
        if getattr(args, name) is not None:
            raise Misuse(f"--{name} has no use with --outbox: who sends the outbox signs", "leave it out")


def _look(args: argparse.Namespace, subject: "Subject") -> "Look":
    from ledger.inventory.findings import Look
    from ledger.inventory.lines import new_inventory
    from ledger.keyfiles import read_key

    method = next(method for flag, method in METHODS.items() if getattr(args, flag))
    if not args.outbox:
        # A source log of its own: how many events it has tells whether a line got in before a crash.
        args.source = args.source or f"{read_key(Path(args.key)).verifier.name}/inventory/{args.store}"
    return Look(
        subject=subject,
        store=args.store,
        controller=args.controller if args.outbox else connect.controller_of(args),
        inventory=new_inventory(args.store),
        method=method,
        began_at=connect.now(),
        door="outbox" if args.outbox else "key",
        source=args.source,
    )


def _take(
    args: argparse.Namespace, where: Where, key: bytes, folder: "WorkFolder", subject: "Subject"
) -> "tuple[Found, Taken]":
    """Begin, read everything, and keep what was found."""
    from ledger.inventory import findings, lines, posting, taking
    from ledger.inventory.crew import Crew
    from signing.encoding import encode_base64

    look, source = posting.begin(args, where, _look(args, subject))
    with closing(source), Crew(key, subject.namespace) as crew:
        with progress("reading", source.estimate(), quiet=args.json) as told:
            taken = taking.take(source, crew, folder, look.inventory, told)
        if args.quiescent and not source.is_snapshot:
            taking.require_unchanged(source, taken.parts)
        is_snapshot = source.is_snapshot
    found = findings.Found(
        look=look,
        count=taken.seen.count,
        digest=encode_base64(taken.seen.digest),
        repeated=taken.repeated,
        is_snapshot=is_snapshot,
        line=lines.attested_line(look, taken.seen, connect.now()).decode(),
    )
    findings.write_found(folder.path, found)
    findings.clear(folder.path, [look.inventory])
    return found, taken


def _answer(
    args: argparse.Namespace, found: "Found", taken: "Taken | None", declared: "StoreLine | None"
) -> int:
    look = found.look
    if not args.outbox:
        connect.note_controller(connect.state_folder(args), args.log, look.controller)
    value: dict[str, Any] = {
        "store": look.store,
        "inventory": look.inventory,
        "method": look.method,
        "count": found.count,
        "digest": found.digest,
        "repeated": found.repeated,
        "is_snapshot": found.is_snapshot,
        "begun_index": look.begun_index,
        "begun_size": look.begun_size,
        "began_at": look.began_at,
        "finished_earlier": taken is None,
        "parts": None if taken is None else len(taken.parts),
        "parts_known": None if taken is None else taken.parts_known,
        "key_checked": declared is not None,
        "work": str(work_folder(args)),
    }
    return connect.answer(args, value, *_prose(args, found, taken, declared))


def _prose(
    args: argparse.Namespace, found: "Found", taken: "Taken | None", declared: "StoreLine | None"
) -> list[str]:
    look = found.look
    said = [f"{look.store}: {found.count:,} keys, digest {found.digest}, attested as {look.inventory}"]
    if taken is None:
        said.append(f"This is the look of {look.began_at}, which was whole and not yet attested to.")
    elif taken.parts_known:
        known = f"{taken.parts_known:,} of {len(taken.parts):,} parts"
        said.append(f"{known} are as they were when they were read, and were not read again.")
    if found.repeated:
        said.append(f"Keys were there again {found.repeated:,} times; each was counted once.")
    if declared is None:
        said.append("The log was not read from here: nobody checked that this is the store's blinding key.")
    said.append(f"What differs from the ledger: writ reconcile {look.store} --work {work_folder(args)}")
    return said
