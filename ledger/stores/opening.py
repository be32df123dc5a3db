"""Opening: which connector reads a store, by the scheme of its address, and what it is told.

A connector is a module with a function `open(where)`. It is imported when a store of its kind is opened, and
not before: nobody needs the packages of stores that he does not have.
"""

import argparse
import re
from collections.abc import Sequence
from hashlib import sha256
from importlib import import_module
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from ledger.failure import Failure, Misuse

if TYPE_CHECKING:
    from ledger.stores.source import Source


class Where(msgspec.Struct, frozen=True, kw_only=True):
    """Where a store's keys are read, and which of what stands there are its keys."""

    scheme: str
    url: str
    """As it was given, the scheme by its one name. It may have a password in it: not for messages."""
    table: str | None = None
    columns: tuple[str, ...] = ()
    """The columns of the key. Of several a composite id is made."""
    query: str | None = None
    """Instead of table and columns: its columns, in their sequence, are the key."""
    pattern: str = ""
    """Where the id is a piece of a path: a regular expression for the whole path, whose one group is the id.
    A path of another form is listed as it is, and so found as an orphan rather than hidden."""
    current_only: bool = False
    """Whether somebody vouches that no versions were ever kept but the current ones."""
    endpoint: str | None = None
    """The service's URL where it is not the usual one."""
    zero_ended: bool = False
    """Whether ids end with a zero byte and not with a newline."""

    @property
    def rest(self) -> str:
        """What stands behind the scheme and its colon: a path, a pattern, a command."""
        return self.url[len(self.scheme) + 1 :]

    @property
    def shown(self) -> str:
        """The address for people and messages, without a password."""
        if not self.rest.startswith("//"):
            return self.url
        found = _AUTHORITY.fullmatch(self.rest.removeprefix("//"))
        assert found is not None, "the pattern takes any text"
        authority, rest = found.groups()
        login, at, host = authority.rpartition("@")
        return f"{self.scheme}://{login.partition(':')[0]}{at}{host}{_PASSWORD.sub('', rest)}"

    def identity(self) -> str:
        """A hash of all that decides which keys are read. A password is no part of it."""
        said = msgspec.structs.replace(self, url=self.shown)
        return sha256(msgspec.json.encode(said, order="deterministic")).hexdigest()


class Connector(NamedTuple):
    """What reads one kind of store."""

    module: str
    address: str
    reads: frozenset[str]
    """The options it has a use for. Any other is refused: who gave it would believe that it was heeded."""
    extra: str = "audit"
    """What is installed for it: `pip install 'writ[EXTRA]'`."""


_TABLES: Final = frozenset({"table", "columns", "query"})
_FILES: Final = frozenset({"columns", "query"})
_BUCKETS: Final = frozenset({"pattern", "current_only", "endpoint"})

CONNECTORS: Final[dict[str, Connector]] = {
    "postgresql": Connector("postgres", "postgresql://USER@HOST/DATABASE", _TABLES, "server"),
    "mysql": Connector("mysql", "mysql://USER@HOST/DATABASE", _TABLES),
    "sqlite": Connector("sqlite", "sqlite:FILE", _TABLES),
    "parquet": Connector("tables", "parquet:GLOB", _FILES),
    "csv": Connector("tables", "csv:GLOB", _FILES),
    "jsonl": Connector("tables", "jsonl:GLOB", _FILES),
    "s3": Connector("s3", "s3://BUCKET/PREFIX", _BUCKETS),
    "s3-report": Connector("s3_report", "s3-report:MANIFEST", _BUCKETS),
    "dir": Connector("folder", "dir:PATH", frozenset({"pattern"})),
    "command": Connector("command", "command:CMD", frozenset({"zero_ended"})),
}
ALIASES: Final = {"postgres": "postgresql"}
OPTIONS: Final = {
    "table": "--table",
    "columns": "--columns",
    "query": "--query",
    "pattern": "--id-pattern",
    "current_only": "--current-only",
    "endpoint": "--endpoint",
    "zero_ended": "--zero",
}
_SCHEME: Final = re.compile("([a-z][a-z0-9-]*):(.+)", re.DOTALL)
_AUTHORITY: Final = re.compile("([^/?#]*)(.*)", re.DOTALL)
_PASSWORD: Final = re.compile("(?<=[?&])password=[^&#]*&?")


def add_source_arguments(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """Declare where a store's keys are read."""
    kinds = ", ".join(one.address for scheme, one in CONNECTORS.items() if scheme != "command")
    group = parser.add_argument_group("the store's keys")
    one_of = group.add_mutually_exclusive_group(required=required)
    one_of.add_argument("--from", dest="read_from", metavar="ADDRESS", help=f"where they are read: {kinds}")
    one_of.add_argument("--command", metavar="CMD", help="a shell command that prints them, an id a line")
    group.add_argument("--table", metavar="NAME", help="the table they stand in")
    group.add_argument("--columns", metavar="A,B", help="the columns of the key, in the sequence of the id")
    group.add_argument("--query", metavar="SQL", help="instead: a query whose columns are the key")
    group.add_argument(
        "--id-pattern",
        dest="pattern",
        default="",
        metavar="REGEX",
        help="the whole path of a file or object; its one group is the id",
    )
    group.add_argument(
        "--current-only", action="store_true", help="vouch that the bucket never kept older versions"
    )
    group.add_argument("--endpoint", metavar="URL", help="the bucket's service, where it is not Amazon's")
    group.add_argument(
        "--zero", dest="zero_ended", action="store_true", help="ids end with a zero byte, not a newline"
    )


def open_source(args: argparse.Namespace) -> "Source":
    """Open the store that the arguments name. Whoever opened it closes it."""
    return open_at(where_of(args))


def where_of(args: argparse.Namespace) -> Where:
    """What the arguments say of a store, if its connector has a use for all of it."""
    address = args.read_from if args.command is None else f"command:{args.command}"
    scheme = scheme_of(address)
    where = Where(
        scheme=scheme,
        url=f"{scheme}:{address.partition(':')[2]}",
        table=args.table,
        columns=tuple(args.columns.split(",")) if args.columns else (),
        query=args.query,
        pattern=_checked_pattern(args.pattern),
        current_only=args.current_only,
        endpoint=args.endpoint,
        zero_ended=args.zero_ended,
    )
    _require_use(where)
    return where


def where_or_none(args: argparse.Namespace) -> Where | None:
    """The same for a command that may do without a store; None where it is given none."""
    if args.read_from is not None or args.command is not None:
        return where_of(args)
    for name, option in OPTIONS.items():
        if getattr(args, name):
            raise Misuse(f"{option} says which keys are read, and no store is given", "give --from")
    return None


def scheme_of(address: str) -> str:
    """The scheme of an address, by its one name; `Misuse` where nothing reads such a store."""
    found = _SCHEME.fullmatch(address)
    scheme = ALIASES.get(found[1], found[1]) if found else ""
    if scheme not in CONNECTORS:
        kinds: Sequence[str] = [one.address for one in CONNECTORS.values()]
        raise Misuse(
            f"nothing reads a store at {address.partition(':')[0]!r}", f"such are {', '.join(kinds)}"
        )
    return scheme


def open_at(where: Where) -> "Source":
    """Open the store that stands there."""
    connector = CONNECTORS[where.scheme]
    try:
        module = import_module(f"ledger.stores.{connector.module}")
    except ModuleNotFoundError as error:
        raise Failure(
            f"stores of the kind {where.scheme} are read with {error.name}, which is not installed",
            f"pip install 'writ[{connector.extra}]', or give --command",
        ) from error
    source: Source = module.open(where)
    return source


def require_present(where: Where) -> None:
    """Refuse what tells of a store as it was: nothing that was found or not found there says how it is."""
    if where.scheme == "s3-report":
        raise Misuse(
            "a report is as old as S3 made it, and says nothing of what happened since",
            "list the bucket (s3://…); an auditor's inventory (--auditor) is placed at the report's time",
        )


def _checked_pattern(text: str) -> str:
    try:
        groups = re.compile(text).groups if text else 1
    except re.error as error:
        raise Misuse(f"--id-pattern {text!r}: {error}", "give a regular expression") from error
    if groups != 1:
        raise Misuse(f"--id-pattern {text!r} has {groups} groups", "one, in parentheses, is the id")
    return text


def _require_use(where: Where) -> None:
    reads = CONNECTORS[where.scheme].reads
    for name, option in OPTIONS.items():
        if getattr(where, name) and name not in reads:
            raise Misuse(f"a store of the kind {where.scheme} has no use for {option}", "leave it out")
    if where.query and (where.table or where.columns):
        raise Misuse("--query stands instead of --table and --columns", "give the one or the others")
