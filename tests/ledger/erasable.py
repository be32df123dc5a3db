"""Data stores of every kind, in each three records that are to go and one that is not, and an outbox each."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, NamedTuple

import asyncpg

from ledger.kit import outbox_table
from ledger.kit.deeds import Holding
from ledger.outbox.store import Outbox
from projections.events import DataDeleted, decode_event
from signing.keys import VerifierKey, format_vkey
from tests.examples.erasing import CONTROLLER
from tests.examples.erasing_index import Index
from tests.examples.erasing_keys import Keys
from tests.examples.s3_at_hand import S3
from tests.ledger.lab import seeded_key
from tests.ledger.load import posters
from tests.ledger.mortal import Task
from tests.ledger.outbox_at_hand import BLINDING_KEY

KEY: Final = seeded_key(posters()[0].source)
IDS: Final = ("3", "4", "5")
KEPT: Final = "6"
ALL: Final = (*IDS, KEPT)


class Ground(NamedTuple):
    """What stores are built on, and the log that they tell. The keys of who does are in the folder."""

    folder: Path
    url: str
    log: VerifierKey
    dsn: str
    s3: S3


async def nothing() -> list[bytes]:
    return []


class Built(NamedTuple):
    """A store: its name in the ledger, where it is, which ids are in it, what waits within it to be told."""

    name: str
    where: str
    there: Callable[[], Awaitable[set[str]]]
    on_the_way: Callable[[], Awaitable[list[bytes]]] = nothing


class Estate(NamedTuple):
    """A store and its outbox, and what is to be done there."""

    task: Task
    holding: Holding
    store: Built

    async def claimed(self) -> set[str]:
        """The ids of which an event that waits anywhere says that they are gone."""
        with Outbox.open(Path(self.task.outbox)) as outbox:
            lines = outbox.next_lines(0, 1_000)
        names = {self.handle(id): id for id in ALL}
        gone = [decode_event(line).data for line in (*lines, *await self.store.on_the_way())]
        return {names[handle] for data in gone for handle in records(data)}

    def handle(self, id: str) -> str:
        """A record's name in the ledger."""
        return self.holding.handle(int(id) if self.task.work == "rows" else id)


def records(data: object) -> tuple[str, ...]:
    """The handles that an erasure names."""
    assert isinstance(data, DataDeleted)
    assert isinstance(data.records, tuple)
    return data.records


async def build(work: str, name: str, ground: Ground) -> Estate:
    """A new store, and an empty outbox."""
    folder = ground.folder / name
    folder.mkdir()
    source = f"{KEY.verifier.name}/{name}"
    log = format_vkey(ground.log)
    Outbox.create(folder / "outbox", log, source).close()
    store = await BUILD[work](folder / "store", ground)
    task = Task(
        work=work, outbox=str(folder / "outbox"), blinding_key=str(ground.folder / "blinding.key"),
        where=store.where, ids=IDS, log=log, url=ground.url, key=str(ground.folder / "poster.key"),
    )  # fmt: skip
    holding = Holding(
        controller=CONTROLLER, store=store.name, namespace=store.name, source=source, key=BLINDING_KEY
    )
    return Estate(task, holding, store)


async def files(where: Path, _: Ground) -> Built:
    where.mkdir()
    for id in ALL:
        (where / id).write_text(f"photo {id}")

    async def there() -> set[str]:
        return {path.name for path in where.iterdir()}

    return Built("images", str(where), there)


async def keys(where: Path, _: Ground) -> Built:
    where.mkdir()
    encrypted = {id: Keys(where).encrypt(id, f"about {id}".encode()) for id in ALL}

    async def there() -> set[str]:
        present = Keys(where)
        return {id for id in present.look(ALL) if present.decrypt(id, encrypted[id])}

    return Built("vault", str(where), there)


async def index(where: Path, _: Ground) -> Built:
    made = Index(where)
    for id in ALL:
        made.add(id, f"face word{id}")
    made.close()

    async def there() -> set[str]:
        opened = Index(where)
        try:
            return set(opened.find("face"))
        finally:
            opened.close()

    return Built("index", str(where), there)


async def objects(where: Path, ground: Ground) -> Built:
    bucket = ground.s3.make(where.parent.name)
    for id in ALL:
        ground.s3.put(bucket, id, b"first", b"second")
    ground.s3.client.delete_object(Bucket=bucket, Key=IDS[0])

    async def there() -> set[str]:
        return set(ground.s3.pieces(bucket))

    return Built("objects", bucket, there)


async def rows(_: Path, ground: Ground) -> Built:
    """All of them are one table, which each begins anew."""

    async def ask(*statements: str) -> list[str]:
        connection = await asyncpg.connect(ground.dsn)
        try:
            return [row[0] for statement in statements for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    await ask(
        outbox_table.DDL,
        "CREATE TABLE IF NOT EXISTS people (id integer PRIMARY KEY)",
        "DELETE FROM people",
        f"INSERT INTO people VALUES {', '.join(f'({id})' for id in ALL)}",
    )

    async def there() -> set[str]:
        return set(await ask("SELECT id::text FROM people"))

    async def on_the_way() -> list[bytes]:
        return [line.encode() for line in await ask("SELECT line FROM writ_outbox")]

    return Built("people", ground.dsn, there, on_the_way)


BUILD: Final[dict[str, Callable[[Path, Ground], Awaitable[Built]]]] = {
    "files": files,
    "keys": keys,
    "index": index,
    "objects": objects,
    "rows": rows,
}
