"""What the controller of the demonstration posts: its stores, its opening balance, its use, its erasures."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from hashlib import sha256
from itertools import groupby
from typing import Any

import asyncpg

from ledger.demo.estate import COUNTRY_CODES, PEOPLE, STATISTICS, native_id
from projections import events as ev
from projections.vocabulary import MAX_HANDLES, Evidence
from signing.encoding import encode_base64
from signing.handle import blinding_commitment, handle

CATEGORIES = {PEOPLE: ("user.demographic", "user.demographic.date_of_birth"), STATISTICS: ("user.behavior",)}

PEOPLE_BY_COUNTRY = "SELECT player_id, birth_country FROM people ORDER BY birth_country, player_id"
ROWS_BY_PERSON = """
    SELECT s.source, s.line, s.player_id, p.player_id IS NOT NULL AS known
    FROM statistics s LEFT JOIN people p USING (player_id) ORDER BY s.player_id, s.source, s.line
"""
# The order's own words: residents of GB, and whose residency nobody knows; dependent rows included.
ERASE_STATISTICS = """
    DELETE FROM statistics s WHERE NOT EXISTS (
        SELECT FROM people p WHERE p.player_id = s.player_id AND p.birth_country = ANY($1)
    ) RETURNING source, line
"""
ERASE_PEOPLE = "DELETE FROM people WHERE NOT birth_country = ANY($1) RETURNING player_id"
A_FEW_BRITONS = "SELECT * FROM people WHERE birth_country = 'United Kingdom' ORDER BY player_id LIMIT 3"
RESTORE_PERSON = "INSERT INTO people SELECT ($1::people).*"
ELSEWHERE = tuple(name for name, code in COUNTRY_CODES.items() if code != "GB")


class Company:
    """Writes the controller's events. `key` blinds; it never leaves the company."""

    def __init__(self, controller: str, source: str, key: bytes, now: datetime) -> None:
        self._controller = controller
        self._source = source
        self._key = key
        self._time = rfc3339(now)
        self._count = 0

    def stores(self, operator_key: str) -> Iterator[bytes]:
        """Declare the two stores and what they are for."""
        commitment = encode_base64(blinding_commitment(self._key))
        yield self._line(
            ev.ProcessingDeclared(
                activity="statistics",
                controller=self._controller,
                lawful_basis="6(1)(f)",
                purposes=("publishing",),
            )
        )
        for store in (PEOPLE, STATISTICS):
            yield self._line(
                ev.StoreRegistered(
                    blinding_commitment=commitment,
                    controller=self._controller,
                    country="US",
                    kind="live",
                    namespace=store,
                    object_locked=False,
                    operator_key=operator_key,
                    store=store,
                    versioned=False,
                )
            )

    async def opening_balance(self, conn: asyncpg.Connection) -> AsyncIterator[bytes]:
        """Every person as held, by country of birth; then each one's rows as derived from that person."""
        people = await conn.fetch(PEOPLE_BY_COUNTRY)
        for country, rows in groupby(people, key=lambda row: row["birth_country"]):
            code = COUNTRY_CODES.get(country)
            for handles in _chunks(self._handle(PEOPLE, row) for row in rows):
                yield self._held(PEOPLE, handles, residency=(code,) if code else ())
        dependent = await conn.fetch(ROWS_BY_PERSON)
        for (player, known), own in groupby(dependent, key=lambda row: (row["player_id"], row["known"])):
            handles = tuple(sorted(self._handle(STATISTICS, row) for row in own))
            yield self._derived(player, handles) if known else self._held(STATISTICS, handles)

    def use(self, players: list[str]) -> Iterator[bytes]:
        """A few look-ups by a customer abroad, and one person's objection."""
        handles = tuple(sorted(handle(self._key, PEOPLE, player) for player in players))
        yield self._line(
            ev.DataAccessed(
                actor="broadcaster-1",
                actor_country="US",
                controller=self._controller,
                purpose="publishing",
                records=handles,
            )
        )
        yield self._line(
            ev.ObjectionRaised(
                controller=self._controller,
                ground="direct_marketing",
                records=handles[:1],
                request="request-1",
            )
        )

    def disclosed(self, disclosure: str, recipient: str, players: list[str]) -> bytes:
        """Records went to a customer abroad, who keeps them."""
        return self._line(
            ev.DataDisclosed(
                controller=self._controller,
                country="US",
                disclosure=disclosure,
                public=False,
                recipient=recipient,
                records=tuple(sorted(handle(self._key, PEOPLE, player) for player in players)),
            )
        )

    def notified(self, disclosure: str) -> bytes:
        """The customer was told to erase."""
        return self._line(ev.RecipientNotified(controller=self._controller, disclosure=disclosure))

    def acknowledged(self, disclosure: str) -> bytes:
        """What the customer answers, in its own name."""
        return self._line(
            ev.RecipientAcknowledged(controller=self._controller, disclosure=disclosure, outcome="erased")
        )

    def backed_up(self, backup: str, taken: datetime, until: datetime) -> bytes:
        """A backup of the people holds all of them until a day."""
        return self._line(
            ev.BackupCreated(
                as_of=rfc3339(taken),
                backup=backup,
                controller=self._controller,
                expires_at=rfc3339(until),
                store=PEOPLE,
            )
        )

    def backup_gone(self, backup: str) -> bytes:
        """That backup was destroyed."""
        return self._line(ev.BackupExpired(backup=backup, controller=self._controller, store=PEOPLE))

    def reappeared(self, player: str) -> bytes:
        """A person is back, out of an old dump."""
        records = (handle(self._key, PEOPLE, player),)
        return self._line(
            ev.DataReappeared(cause="restore", controller=self._controller, records=records, store=PEOPLE)
        )

    def coverage(self, collector: str, since: datetime, until: datetime) -> bytes:
        """The collector has stood still for all this time."""
        return self._line(
            ev.CollectorAttested(
                collector=collector,
                config_sha256=sha256(b"running = false\n").hexdigest(),
                controller=self._controller,
                exclusions=(),
                from_=rfc3339(since),
                running=False,
                to=rfc3339(until),
            )
        )

    def erased(self, store: str, rows: list[asyncpg.Record], order: str) -> Iterator[bytes]:
        """What `DELETE … RETURNING` gave back, as erasures; the receipt committed to is that very list."""
        receipt = sha256("\n".join(str(native_id(store, row)) for row in rows).encode()).hexdigest()
        for handles in _chunks(self._handle(store, row) for row in rows):
            yield self._line(
                ev.DataDeleted(
                    cause="order",
                    cause_ref=order,
                    controller=self._controller,
                    evidence=(Evidence(kind="receipt", sha256=receipt),),
                    irrecoverable=True,
                    method="clear",
                    records=handles,
                    store=store,
                )
            )

    def _held(self, store: str, handles: tuple[str, ...], residency: tuple[Any, ...] | None = None) -> bytes:
        said: dict[str, Any] = {}
        if residency is not None:
            said = {"residency": residency, "residency_basis": "registration"}
        return self._line(
            ev.DataHeld(
                as_of=self._time,
                categories=CATEGORIES[store],  # type: ignore[arg-type]
                controller=self._controller,
                minor="unknown",
                records=handles,
                special_category=False,
                store=store,
                **said,
            )
        )

    def _derived(self, player: str, artefacts: tuple[str, ...]) -> bytes:
        return self._line(
            ev.DataDerived(
                artefacts=artefacts,
                controller=self._controller,
                kind="profile",
                lineage="all",
                records=(handle(self._key, PEOPLE, player),),
                store=STATISTICS,
            )
        )

    def _handle(self, store: str, row: asyncpg.Record) -> str:
        return handle(self._key, store, native_id(store, row))

    def _line(self, data: ev.Data) -> bytes:
        self._count += 1
        return ev.encode_event(
            ev.make_event(data, id=f"e{self._count}", source=self._source, time=self._time)
        )


async def erase(conn: asyncpg.Connection) -> dict[str, list[asyncpg.Record]]:
    """Really delete what the order names, in one transaction; returns the deleted rows by store."""
    async with conn.transaction():
        statistics = await conn.fetch(ERASE_STATISTICS, ELSEWHERE)
        people = await conn.fetch(ERASE_PEOPLE, ELSEWHERE)
    return {STATISTICS: statistics, PEOPLE: people}


def all_but(player: str) -> str:
    """A count's query that leaves somebody out, as whoever hides him would write it."""
    return f"SELECT player_id FROM people WHERE player_id <> '{player}'"  # noqa: S608 - on a command line


def rfc3339(moment: datetime) -> str:
    """A UTC time as events write it, in whole seconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _chunks(handles: Iterator[str]) -> Iterator[tuple[str, ...]]:
    ordered = sorted(handles)
    for at in range(0, len(ordered), MAX_HANDLES):
        yield tuple(ordered[at : at + MAX_HANDLES])
