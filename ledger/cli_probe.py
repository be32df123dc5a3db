"""`writ probe`: look in a store for what an order had erased there, and attest to what was found."""

import argparse
import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING, Final

from ledger import cli_connect as connect
from ledger.cli_inventory import progress, subject_of
from ledger.failure import Failure, Misuse
from ledger.stores.opening import Where, add_source_arguments, open_at, require_present, where_of

if TYPE_CHECKING:
    from ledger.client import Receipt
    from ledger.inventory.folder import Subject
    from ledger.probing import Probed, Sight, Sought
    from ledger.remote_sets import ErasedSet

ROUNDS: Final = 3
"""So often a store is read before it is given up: erasures went on and on."""
CONTROL: Final = 1_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ probe`."""
    parser.description = (
        "Look in a store for every handle that the ledger has as erased from it under an order, and for "
        "live ones drawn by chance, which must be found. What was found is named here, by handle and native "
        "id; what is posted is counts, and the digest of exactly the set that was looked for. Reading is all "
        "that is done to the store. Ends with 1 where something was found."
    )
    parser.add_argument("order", metavar="ORDER", help="the order's id")
    parser.add_argument("--store", required=True, metavar="STORE", help="the store, as the log declares it")
    add_source_arguments(parser)
    parser.add_argument("--blinding-key", required=True, metavar="FILE", help="the store's blinding key")
    parser.add_argument("--namespace", metavar="ID", help="the store's (default: as the log declares it)")
    parser.add_argument(
        "--control", type=int, default=CONTROL, metavar="N",
        help=f"how many live handles to look for, too (default {CONTROL:,})",
    )  # fmt: skip
    parser.add_argument(
        "--everywhere", action="store_true",
        help="also in every column of every table there (PostgreSQL), where a copy may be kept",
    )  # fmt: skip
    parser.add_argument(
        "--also", action="append", default=[], metavar="SCHEMA.TABLE.COLUMN",
        help="a column in which whole numbers are ids, with --everywhere (repeatable)",
    )  # fmt: skip
    parser.add_argument("--no-post", action="store_true", help="look and tell, and post nothing")
    connect.add_log_arguments(parser)
    parser.add_argument("--key", metavar="FILE", help="the poster's signing key; not needed with --no-post")
    parser.add_argument("--source", metavar="NAME", help="the source log: the key's name or a path under it")
    parser.add_argument("--state", metavar="DIR", help="what the poster remembers (default: FILE.state)")
    connect.add_controller_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Look, attest and tell."""
    from ledger.keyfiles import read_blinding_key

    where = where_of(args)
    _require_use(args, where)
    key = read_blinding_key(Path(args.blinding_key))
    subject = _declared(args, where, key)
    controller = "" if args.no_post else connect.controller_of(args)
    for _ in range(ROUNDS):
        sight, probed = _look(args, where, key, subject)
        if probed is None:
            continue
        if args.no_post:
            return _answer(args, sight, probed, None)
        receipt, is_exact = asyncio.run(_post(args, probed, controller))
        if is_exact:
            return _answer(args, sight, probed, receipt)
    raise Failure(
        f"the ledger's erased set went on changing while {args.store} was read, {ROUNDS} times",
        "probe while no erasures are posted",
    )


def _require_use(args: argparse.Namespace, where: Where) -> None:
    if args.control < 1:
        raise Misuse("only live handles show that a look finds anything", "give --control 1 or more")
    if not (args.key or args.no_post):
        raise Misuse("--key is needed to attest to what is found", "give it, or --no-post")
    if args.everywhere and where.scheme != "postgresql":
        raise Misuse(f"a store of the kind {where.scheme} has no other tables", "leave out --everywhere")
    if args.also and not args.everywhere:
        raise Misuse("--also has a use only with --everywhere", "give both, or neither")
    require_present(where)


def _declared(args: argparse.Namespace, where: Where, key: bytes) -> "Subject":
    """The store's namespace, and its key if it is the one that the log commits to."""
    from ledger.inventory.posting import declared

    return subject_of(args, where, key, declared(args))


def _look(
    args: argparse.Namespace, where: Where, key: bytes, subject: "Subject"
) -> "tuple[Sight, Probed | None]":
    """Ask what to look for, read the store after that, and ask again."""
    from ledger import probing
    from ledger.control import require_control
    from ledger.inventory.crew import Crew

    sought = asyncio.run(_seek(args))
    with (
        closing(open_at(where)) as source,
        Crew(key, subject.namespace, sought.rows()) as crew,
        progress("probing", source.estimate(), quiet=args.json) as told,
    ):
        sight = probing.look(source, crew, told)
        if args.everywhere:
            from ledger.elsewhere import look_everywhere
            from ledger.stores.postgres import PostgresSource

            assert isinstance(source, PostgresSource), "its address was looked at"
            sight = look_everywhere(source, crew, sought, args.also, sight, told)
    probed = probing.judge(sought, sight, *asyncio.run(_since(args, sought.control - sight.natives.keys())))
    if probed is not None and not probed.found:
        require_control(probed.control_checked, probed.control_found, where.shown, args.store)
    return sight, probed


async def _seek(args: argparse.Namespace) -> "Sought":
    from ledger.probing import seek

    async with connect.open_log(args) as log:
        return await seek(log, args.order, args.store, args.control, SystemRandom())


async def _since(args: argparse.Namespace, missed: frozenset[str]) -> "tuple[ErasedSet, frozenset[str]]":
    """What is erased by now, and which of the control that was missed is live no more."""
    from ledger.control import still_live

    async with connect.open_log(args) as log:
        live = await still_live(log, args.store, missed)
    return await _erased(args), missed - live


async def _erased(args: argparse.Namespace, size: int | None = None) -> "ErasedSet":
    from ledger.remote_sets import erased_set

    async with connect.open_log(args) as log:
        return await erased_set(log, args.order, args.store, size)


async def _post(args: argparse.Namespace, probed: "Probed", controller: str) -> "tuple[Receipt, bool]":
    """Post; whether the ledger's set was still that at the event's own entry. If not, the event is worth
    nothing, and the look is taken again."""
    from msgspec import to_builtins

    data = to_builtins(probed.data(controller))
    receipt = await connect.post_one(args, "writ.probe.attested.v1", data)
    # The submission's own entry comes first, and its event behind it.
    there = await _erased(args, receipt.index + 1)
    return receipt, there.seen == probed.erased.seen


def _answer(args: argparse.Namespace, sight: "Sight", probed: "Probed", receipt: "Receipt | None") -> int:
    from signing.encoding import encode_base64

    value = {
        "order": args.order,
        "store": args.store,
        "size": probed.erased.size,
        "checked_count": probed.erased.seen.count,
        "checked_digest": encode_base64(probed.erased.seen.digest),
        "control_checked": probed.control_checked,
        "control_found": probed.control_found,
        "keys": sight.keys,
        "found": {handle: sight.native(handle) for handle in probed.found},
        "places": {handle: sight.places[handle] for handle in probed.found if handle in sight.places},
        "unsure": sight.unsure,
        "posted": receipt is not None,
        "index": None if receipt is None else receipt.index + 1,
    }
    connect.answer(args, value, *_prose(args, sight, probed, posted=receipt is not None))
    return 1 if probed.found else 0


def _prose(args: argparse.Namespace, sight: "Sight", probed: "Probed", *, posted: bool) -> Iterator[str]:
    checked, found = probed.erased.seen.count, len(probed.found)
    yield f"{args.store}: {sight.keys:,} keys read; {checked:,} looked for that {args.order} had erased"
    yield f"Of {probed.control_checked:,} live handles, {probed.control_found:,} were found."
    for handle in probed.found:
        places = ", ".join(sight.places.get(handle, ()))
        yield f"found    {handle}  {sight.native(handle)}" + (f"  in {places}" if places else "")
    for place, count in sight.unsure.items():
        yield f"{place} has {count:,} numbers that are erased ids, if ids stand there: --also {place}"
    if probed.control_found < probed.control_checked:
        yield "The live handles that were not found, an inventory names: writ inventory, writ reconcile."
    yield f"Of what was erased, {found:,} {'is' if found == 1 else 'are'} still there."
    yield "Attested to." if posted else "Nothing was posted."
