"""Everywhere: each column of each table of a Postgres, since a copy may be kept beside the declared table.

What is compared is values, not meaning: a text or a UUID that blinds to an erased handle is that id. A whole
number may be anything (an age, a count), so that one is told and does not count, unless somebody says that
its column has ids (`--also`).
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

from ledger.failure import Failure
from ledger.stores.postgres import PostgresSource
from ledger.stores.source import Part

# A domain is what it is made of, however many deep. Materialized views hold rows of their own; partitions
# stand here by themselves. What others' servers hold (foreign tables) is another store.
_COLUMNS: Final = """
WITH RECURSIVE plain AS (
    SELECT oid, oid AS base FROM pg_type WHERE typtype <> 'd'
    UNION ALL SELECT d.oid, p.base FROM pg_type d JOIN plain p ON d.typtype = 'd' AND d.typbasetype = p.oid
)
SELECT n.nspname::text, c.relname::text, a.attname::text, format('%I.%I', n.nspname, c.relname),
       format('%I', a.attname),
       CASE WHEN base.typcategory = 'A' THEN item.typname ELSE base.typname END::text,
       (base.typcategory = 'A')::int, has_column_privilege(c.oid, a.attnum, 'SELECT')::int
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN plain t ON t.oid = a.atttypid
JOIN pg_type base ON base.oid = t.base
LEFT JOIN plain i ON i.oid = base.typelem
LEFT JOIN pg_type item ON item.oid = i.base
WHERE c.relkind IN ('r', 'm') AND c.relispopulated
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY n.nspname, c.relname, a.attnum
"""
_TEXTS: Final = frozenset({"text", "varchar", "bpchar", "name", "citext", "uuid"})
_INTEGERS: Final = frozenset({"int2", "int4", "int8"})
_NUMBERS: Final = _INTEGERS | {"numeric"}
_DOCUMENTS: Final = frozenset({"json", "jsonb"})
_WHOLE: Final = re.compile("-?[0-9]+")
_SCALARS: Final = """'strict $.** ? (@.type() == "string" || @.type() == "number")'"""


class Place(Struct, frozen=True):
    """Values that may be ids, and the name by which people know where they stand."""

    name: str
    query: str
    is_key: bool = False
    """Whether it has the very columns of the key, of which an id is made only together."""


def open_places(source: PostgresSource) -> list[Place]:
    """Every place in the database that may hold an id. One that this login may not read is a failure."""
    tables: dict[tuple[str, str], dict[str, str]] = {}
    kinds = _TEXTS | _INTEGERS
    places = []
    for row in _rows(source):
        schema, table, column, in_sql, quoted, kind, is_array, may_read = row
        if not may_read:
            raise Failure(
                f"{schema}.{table}.{column} may not be read by this login, so it is not known what is in it",
                "GRANT pg_read_all_data to it, or probe without --everywhere",
            )
        if kind in kinds and not is_array:
            tables.setdefault((f"{schema}.{table}", str(in_sql)), {})[str(column)] = str(quoted)
        query = _query(str(in_sql), str(quoted), str(kind), is_array=bool(is_array))
        if query is not None:
            places.append(Place(f"{schema}.{table}.{column}", query))
    return places + _composite(source.columns, tables)


def read_place(source: PostgresSource, place: Place) -> Iterator[Sequence[str]]:
    """The values of a place, in the snapshot that the source has."""
    source.turn_to(place.query)
    yield from source.keys(Part(place.name))


def is_telling(native: str, place: Place, also: Sequence[str]) -> bool:
    """Whether a value there is the id for certain, and not just a number like it."""
    return place.is_key or place.name in also or _WHOLE.fullmatch(native) is None


def _rows(source: PostgresSource) -> Iterator[list[str | int]]:
    source.turn_to(_COLUMNS)
    for batch in source.keys(Part("columns")):
        yield from map(json.loads, batch)


def _query(table: str, column: str, kind: str, *, is_array: bool) -> str | None:
    """What gives a column's values as ids are written; None where no id can stand in it."""
    value, origin = f"t.{column}", f"{table} AS t"
    if is_array:
        value, origin = "item.value", f"{origin}, unnest({value}) AS item(value)"
    if kind in _DOCUMENTS:
        origin += f", jsonb_path_query({value}::jsonb, {_SCALARS}) AS scalar(value)"
        value = "scalar.value #>> '{}'"
    elif kind in _TEXTS:
        value = f"{value}::text"
    elif kind in _NUMBERS:
        value = f"trim_scale({value}::numeric)::text"
    else:
        return None
    return f"SELECT {value} FROM {origin} WHERE {value} IS NOT NULL"  # noqa: S608 - quoted by Postgres


def _composite(key: Sequence[str], tables: dict[tuple[str, str], dict[str, str]]) -> list[Place]:
    """Tables that have all columns of a key of several: of one alone no id is made."""
    if len(key) < 2:
        return []
    return [
        Place(
            f"{name}.({', '.join(key)})",
            f"SELECT {', '.join(columns[one] for one in key)} FROM {in_sql}"  # noqa: S608 - quoted by Postgres
            f" WHERE ({', '.join(columns[one] for one in key)}) IS NOT NULL",
            is_key=True,
        )
        for (name, in_sql), columns in tables.items()
        if set(key) <= set(columns)
    ]
