"""Files of records: Parquet, CSV (RFC 4180, with a header) and JSON lines, read by DuckDB.

Nothing about a file is detected. DuckDB's detection would make 7 of `007`, a comment of `#8`, and skip what
it takes for a preamble: each a key that is never blinded, so an orphan that is never found.
"""

import csv
import gzip
import os
from collections.abc import Callable, Iterator, Sequence
from glob import glob
from pathlib import Path
from typing import Any, Final

import duckdb
import msgspec

from ledger.failure import Failure, Misuse
from ledger.stores.native import native_ids
from ledger.stores.opening import Where
from ledger.stores.source import Part

BATCH: Final = 20_000
SAMPLE_BYTES: Final = 1 << 16
# Blinding needs the cores, and reading is the cheaper half.
SETTINGS: Final[dict[str, str | int | float | list[str]]] = {
    "threads": 1,
    "memory_limit": "128MB",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}


class Files:
    """The files that a pattern matches, each read by itself, and only while it stays as it was listed."""

    is_snapshot = False

    def __init__(self, where: Where) -> None:
        self.kind = where.scheme
        self.columns = where.columns
        self.query = where.query
        self._pattern = where.rest
        self._database = duckdb.connect(":memory:", config=dict(SETTINGS))

    def estimate(self) -> int | None:
        """The numbers that Parquet files give themselves; of plain lines, from the length of the first."""
        counts = [_about(self._database, self.kind, path) for path in _matching(self._pattern)]
        return None if None in counts else sum(count for count in counts if count is not None)

    def parts(self) -> Sequence[Part]:
        """The files as they are now, by name. A state is what the file system tells of a file, which no
        writer can keep."""
        return [Part(path, state_of(path)) for path in _matching(self._pattern)]

    def keys(self, part: Part) -> Iterator[Sequence[str]]:
        """The keys in one file, some at a time."""
        _require_unchanged(part)
        yield from _read(self._database, self.kind, part.name, self.columns, self.query)
        _require_unchanged(part)

    def close(self) -> None:
        """Let go of the files."""
        self._database.close()


def open(where: Where) -> Files:
    """Open the files that a pattern matches."""
    if not (where.columns or where.query):
        raise Misuse(f"{where.url}: which keys?", "give --columns, or --query over a table named `store`")
    _matching(where.rest)
    return Files(where)


def _matching(pattern: str) -> list[str]:
    """The files, by name. None is a failure: an empty answer would look like an empty store."""
    paths = sorted(glob(pattern, recursive=True))
    if not paths:
        raise Failure(f"no file matches {pattern}", "see the pattern; ** stands for any folders")
    if folders := [path for path in paths if os.path.isdir(path)]:
        raise Failure(f"{folders[0]} is a folder", "let the pattern match files: FOLDER/**/*.parquet")
    return paths


def _read(
    database: duckdb.DuckDBPyConnection, kind: str, path: str, columns: Sequence[str], query: str | None
) -> Iterator[Sequence[str]]:
    """The keys in one file: those columns of it, or what a query over it, as the table `store`, gives."""
    relation = _RELATIONS[kind](path, columns)
    try:
        if query is None:
            database.execute(f"SELECT {', '.join(map(quoted, columns))} FROM {relation}")  # noqa: S608
        else:
            database.execute(f"CREATE OR REPLACE TEMP VIEW store AS SELECT * FROM {relation}")  # noqa: S608
            database.execute(query)
        while rows := database.fetchmany(BATCH):
            # Values out of JSON are numbers or texts as the line has them, not as a column's type has them.
            settled = rows if kind != "jsonl" or query else [tuple(map(_plain, row)) for row in rows]
            yield native_ids(settled, path)
    except duckdb.Error as error:
        raise Failure(
            f"{path}: {first_line(error)}", "see the file, and the names of its columns; nothing is skipped"
        ) from error


def state_of(path: str) -> str:
    """What the file system tells of a file. The time of its last change is nobody's to set back."""
    try:
        found = os.stat(path)
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}", "run it while nobody replaces the files") from error
    return f"{found.st_dev}.{found.st_ino}.{found.st_size}.{found.st_mtime_ns}.{found.st_ctime_ns}"


def quoted(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def csv_relation(path: str, columns: Sequence[str], *, header: bool) -> str:
    """A CSV file as DuckDB reads it: these are all its columns, each text as it stands, or null if empty."""
    struct = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in columns)
    return (
        f"read_csv({literal(_plain_path(path))}, auto_detect = false, header = {header}, delim = ',',"
        f" quote = '\"', escape = '\"', strict_mode = true, columns = {{{struct}}})"
    )


def parquet_relation(path: str) -> str:
    """A Parquet file as DuckDB reads it: the columns in it, and none that folders' names would add."""
    return f"read_parquet({literal(_plain_path(path))}, hive_partitioning = false, union_by_name = false)"


def _csv(path: str, columns: Sequence[str]) -> str:
    names = _header(path)
    if missing := [name for name in columns if names.count(name) != 1]:
        raise Failure(
            f"{path}: its first line has not exactly one column {missing[0]!r}",
            f"name one of: {', '.join(names)}"[:200],
        )
    return csv_relation(path, names, header=True)


def _jsonl(path: str, columns: Sequence[str]) -> str:
    if not columns:
        return f"(SELECT json FROM read_ndjson_objects({literal(_plain_path(path))}))"  # noqa: S608
    struct = ", ".join(f"{literal(name)}: 'JSON'" for name in columns)
    how = "format = 'newline_delimited', records = true"
    return f"read_json({literal(_plain_path(path))}, {how}, columns = {{{struct}}})"


_RELATIONS: Final[dict[str, Callable[[str, Sequence[str]], str]]] = {
    "parquet": lambda path, _: parquet_relation(path),
    "csv": _csv,
    "jsonl": _jsonl,
}


def _header(path: str) -> list[str]:
    opened = gzip.open if path.endswith(".gz") else Path.open
    try:
        with opened(Path(path), "rt", encoding="utf-8-sig", errors="replace", newline="") as lines:
            return next(csv.reader(lines, strict=True), [])
    except (OSError, EOFError, csv.Error) as error:
        raise Failure(
            f"{path}: its first line can't be read ({error})",
            "give CSV in UTF-8, plain or .gz, with a header",
        ) from error


def _about(database: duckdb.DuckDBPyConnection, kind: str, path: str) -> int | None:
    try:
        if kind == "parquet":
            statement = "SELECT sum(num_rows) FROM parquet_file_metadata(?)"
            return int(database.execute(statement, [_plain_path(path)]).fetchall()[0][0])
        with Path(path).open("rb") as file:
            sample = file.read(SAMPLE_BYTES)
        lines = sample.count(b"\n")
        plain = not path.endswith((".gz", ".zst"))
        return os.path.getsize(path) * lines // len(sample) if plain and lines else None
    except (duckdb.Error, OSError):
        return None  # reading it will say what is wrong with it


def _require_unchanged(part: Part) -> None:
    if state_of(part.name) != part.state:
        raise Failure(f"{part.name} was changed while it was read", "run it again while nobody writes to it")


def _plain_path(path: str) -> str:
    """A path in which DuckDB finds no pattern and no address of another kind."""
    absolute = os.path.abspath(path)
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in absolute)


def _plain(raw: str | None) -> Any:
    """A JSON value as it stands in its line. What is neither text nor a whole number is refused later."""
    return None if raw is None else msgspec.json.decode(raw)


def first_line(error: Exception) -> str:
    """What is wrong and where. The lines behind may quote the record, and offer to skip it."""
    return str(error).partition("\n")[0]
