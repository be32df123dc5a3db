"""`writ reconcile`: by which handles a store differs from the ledger, after an inventory of it."""

import argparse
import asyncio
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from ledger import cli_connect as connect
from ledger.cli_inventory import add_work_argument, progress, work_folder
from ledger.failure import Failure, Misuse
from ledger.stores.opening import Where, add_source_arguments, open_at, where_or_none

_AGREED: Final = "They are the same."
_EXPLAINED: Final = (
    "What differs, events during the look explain; if wholly so, the verdict says (writ status)."
)

if TYPE_CHECKING:
    from ledger.inventory.differences import Compared
    from ledger.inventory.findings import Found, KeptHandles, Named
    from ledger.inventory.taking import Told


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ reconcile`."""
    parser.description = (
        "Find the handles by which a store differs from the ledger, as of its last inventory, and attest to "
        "them: orphans are in the store and not in the ledger, missing the other way round. The 2 MB of "
        "bucket hashes are fetched, and the handles of the buckets that differ. With --from, the store is "
        "read once more, and orphans are told by their native ids too, here alone. Ends with 1 where they "
        "differ."
    )
    parser.add_argument("store", metavar="STORE", help="the store, as the log declares it")
    add_source_arguments(parser, required=False)
    parser.add_argument("--blinding-key", metavar="FILE", help="the store's blinding key, to name orphans")
    add_work_argument(parser)
    connect.add_log_arguments(parser)
    parser.add_argument("--no-post", action="store_true", help="tell what differs, and post nothing")
    parser.add_argument(
        "--key", metavar="FILE", help="the signing key of the inventory; none where it went by the outbox"
    )
    parser.add_argument("--state", metavar="DIR", help="what the poster remembers (default: FILE.state)")


def run(args: argparse.Namespace) -> int:
    """Compare, tell, and attest to what differs."""
    from ledger.durable import alone
    from ledger.inventory.findings import KeptHandles, read_found

    work, where = work_folder(args), where_or_none(args)
    if where is None and args.blinding_key:
        raise Misuse("--blinding-key names orphans by their native ids, which are read", "give --from")
    if not work.is_dir():
        raise Failure(f"{work} has no inventory", f"writ inventory {args.store}, or give its --work")
    with alone(work / "lock", f"works in {work}"):
        found = _require_found(read_found(work), work, args.store)
        _require_use(args, where, found)
        with KeptHandles(work, found.look.inventory) as kept:
            compared = asyncio.run(_compare(args, kept, found))
        natives = _native_ids(args, where, found, compared.differences.orphans)
        posted, why = _post(args, where, work, found, compared)
    return _answer(args, found, compared, natives, posted, why)


def _require_found(found: "Found | None", work: Path, store: str) -> "Found":
    if found is None or found.look.store != store:
        raise Failure(f"{work} has no inventory of {store}", f"writ inventory {store}, or give its --work")
    if not found.posted:
        raise Failure(f"{found.look.inventory} is not attested to yet", "give the same writ inventory again")
    return found


def _require_use(args: argparse.Namespace, where: Where | None, found: "Found") -> None:
    """Return only if everything that is needed was given, and nothing else."""
    if found.look.door == "outbox":
        if args.key or args.state:
            raise Misuse("it was begun through the store's outbox: who sends that signs", "leave --key out")
        return
    if where is not None and not args.blinding_key:
        raise Misuse("--from is read to name orphans by their native ids", "give --blinding-key")
    if not args.key and not args.no_post:
        raise Misuse("what differs is attested to with the inventory's key", "give --key, or --no-post")


async def _compare(args: argparse.Namespace, kept: "KeptHandles", found: "Found") -> "Compared":
    from ledger.inventory.differences import compare

    async with connect.open_log(args) as log:
        return await compare(log, kept, found.look)


def _native_ids(
    args: argparse.Namespace, where: Where | None, found: "Found", orphans: tuple[str, ...]
) -> dict[str, str]:
    """Orphans by their native ids, as far as they are still there."""
    from ledger.inventory.crew import Crew, batches
    from ledger.keyfiles import read_blinding_key
    from signing.encoding import encode_base64
    from signing.handle import blinding_commitment

    if where is None or not orphans or args.blinding_key is None:
        return {}
    key = read_blinding_key(Path(args.blinding_key))
    if encode_base64(blinding_commitment(key)) != found.look.subject.commitment:
        raise Failure(f"{args.blinding_key} is not the key that the inventory was taken with")
    wanted = frozenset(map(bytes.fromhex, orphans))
    with (
        closing(open_at(where)) as source,
        Crew(key, found.look.subject.namespace, wanted) as crew,
        progress("naming", found.count, quiet=args.json) as told,
    ):
        natives = {}
        ids = (some for part in source.parts() for some in source.keys(part))
        for batch in crew.matches(_counted(batches(ids), told)):
            natives.update({one.handle: one.native for one in batch})
    return natives


def _counted(batched: Iterable[list[str]], told: "Told") -> Iterator[list[str]]:
    for batch in batched:
        told(len(batch))
        yield batch


def _post(
    args: argparse.Namespace, where: Where | None, work: Path, found: "Found", compared: "Compared"
) -> tuple[bool, str]:
    """Attest to what differs, once; whether that is posted, and if not, why."""
    from ledger.inventory.findings import read_named, write_named
    from ledger.inventory.lines import MAX_NAMED
    from ledger.inventory.posting import post

    differences = compared.differences
    if args.no_post or not differences.count:
        return False, ""
    if not compared.may_be_named:
        return False, (
            "The log changed while the store was read, so these handles are not the whole difference: take "
            "the inventory while less is written, or through the store's outbox."
        )
    if differences.count > MAX_NAMED:
        return False, f"One event names {MAX_NAMED:,} handles at most: mend what differs, and look again."
    named = read_named(work)
    if named is None or named.inventory != found.look.inventory:
        named = _name(found, compared)
        write_named(work, named)
    if not named.posted:
        post(args, where, found.look, named.line.encode())
        write_named(work, msgspec.structs.replace(named, posted=True))
    return True, ""


def _name(found: "Found", compared: "Compared") -> "Named":
    from ledger.inventory.findings import Named
    from ledger.inventory.lines import attested_line

    orphans, missing = compared.differences.orphans, compared.differences.missing
    line = attested_line(found.look, found.seen, connect.now(), orphans, missing)
    return Named(inventory=found.look.inventory, line=line.decode())


def _answer(
    args: argparse.Namespace,
    found: "Found",
    compared: "Compared",
    natives: dict[str, str],
    posted: bool,
    why: str,
) -> int:
    differences = compared.differences
    agrees = None if compared.explained and not differences.count else not differences.count
    value = {
        "store": found.look.store,
        "inventory": found.look.inventory,
        "size": differences.size,
        "count": found.count,
        "ledger_count": differences.ledger_count,
        "agrees": agrees,
        "orphans": differences.orphans,
        "missing": differences.missing,
        "explained": compared.explained,
        "is_whole": differences.is_whole,
        "native_ids": natives,
        "posted": posted,
        "why_not_posted": why,
    }
    connect.answer(args, value, *_prose(found, compared, natives, posted, why))
    return 1 if differences.count else 0


def _prose(
    found: "Found", compared: "Compared", natives: dict[str, str], posted: bool, why: str
) -> list[str]:
    differences, store = compared.differences, found.look.store
    ledger = f"{differences.ledger_count:,} in the ledger at size {differences.size}"
    head = f"{store}: {found.count:,} keys, {ledger}"
    if not differences.count:
        return [head, _AGREED if not compared.explained else _EXPLAINED]
    said = [head, *(f"orphan   {one}  {natives.get(one, '')}".rstrip() for one in differences.orphans)]
    said += [f"missing  {one}" for one in differences.missing]
    if compared.explained:
        said.append(f"{len(compared.explained):,} more differ only for events during the look.")
    if not differences.is_whole:
        said.append("There are more: these are told, and then no further.")
    said.append("Attested to, as handles." if posted else why or "Nothing was posted.")
    return said
