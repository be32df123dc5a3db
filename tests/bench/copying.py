"""Raw COPY: the same entry bytes as the service has just stored, in the same transactions, and nothing else.

python -m tests.bench.copying OWNER_DSN LOG BEGIN END
"""

import gc
import sys
import time

import asyncpg
import msgspec
import uvloop

from ledger import store

# A copy of one partition of `entries`: its columns, key, checks and storage.
_MAKE = """
CREATE TABLE IF NOT EXISTS bench_entries (LIKE entries INCLUDING ALL) WITH (toast_tuple_target = 8160)
"""
_COMMITS = "SELECT size FROM checkpoints WHERE log = $1 AND size > $2 AND size <= $3 ORDER BY size"


class Copied(msgspec.Struct, frozen=True, kw_only=True):
    """How it went."""

    took_s: float
    entries: int
    transactions: int


async def copy(dsn: str, log: str, begin: int, end: int) -> Copied:
    """Copy the entries [begin, end) of a log, timed from the first transaction to the last commit."""
    connection = await asyncpg.connect(dsn, server_settings={"synchronous_commit": "on"})
    try:
        await connection.execute(_MAKE)
        sizes = [row[0] for row in await connection.fetch(_COMMITS, log, begin, end)]
        batches = []
        for first, last in zip([begin, *sizes], sizes, strict=False):
            entries = await store.read_entries(connection, log, first, last)
            batches.append([(log, index, entry) for index, entry in enumerate(entries, first)])
        gc.freeze()
        gc.disable()
        began_s = time.perf_counter()
        for records in batches:
            async with connection.transaction():
                await connection.copy_records_to_table(
                    "bench_entries", records=records, columns=("log", "index", "entry")
                )
        took_s = time.perf_counter() - began_s
    finally:
        await connection.close()
    return Copied(took_s=took_s, entries=end - begin, transactions=len(batches))


def main() -> None:
    """Copy, and write how it went."""
    dsn, log, begin, end = sys.argv[1:]
    copied = uvloop.run(copy(dsn, log, int(begin), int(end)))
    print(msgspec.json.encode(copied).decode())


if __name__ == "__main__":
    main()
