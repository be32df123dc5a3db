"""Opening a store: addresses, options that nothing would read, packages that are not there."""

import argparse
import sys

import pytest

from ledger.failure import Failure, Misuse
from ledger.stores.opening import (
    CONNECTORS,
    OPTIONS,
    Where,
    add_source_arguments,
    open_at,
    where_of,
    where_or_none,
)


def read(*words: str) -> Where:
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_source_arguments(parser)
    return where_of(parser.parse_args(words))


def test_an_address_names_its_connector() -> None:
    where = read("--from", "postgres://reader@db/estate", "--table", "people", "--columns", "a,b")

    assert (where.scheme, where.table, where.columns) == ("postgresql", "people", ("a", "b"))
    assert read("--command", "ls -1 /srv").rest == "ls -1 /srv"
    assert read("--from", "dir:/srv/faces").rest == "/srv/faces"


@pytest.mark.parametrize("address", ["people.csv", "ftp://host/x", "sqlite:", "postgresql", "CSV:x", ""])
def test_an_address_that_nothing_reads_is_refused_with_those_that_something_does(address: str) -> None:
    with pytest.raises(Misuse) as refused:
        read("--from", address)
    assert all(one.address in refused.value.remedy for one in CONNECTORS.values())


def test_a_refused_address_does_not_repeat_its_password() -> None:
    with pytest.raises(Misuse) as refused:
        read("--from", "postgresqll://reader:hunter2@db/estate")
    assert "hunter2" not in f"{refused.value} {refused.value.remedy}"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("postgresql://reader:hunter2@db:5432/estate", "postgresql://reader@db:5432/estate"),
        ("postgresql://reader:hunt@r2@db/estate", "postgresql://reader@db/estate"),
        ("postgresql:///estate?host=/run&password=hunter2", "postgresql:///estate?host=/run&"),
        ("postgresql:///estate?password=hunter2&host=/run", "postgresql:///estate?host=/run"),
        ("postgres://reader:hunter2@db/estate", "postgresql://reader@db/estate"),
        ("s3://faces/2024/a@b:c", "s3://faces/2024/a@b:c"),
        ("dir:/srv/a:b@c", "dir:/srv/a:b@c"),
    ],
)
def test_an_address_is_shown_without_its_password(given: str, shown: str) -> None:
    assert read("--from", given).shown == shown


def test_what_a_store_is_does_not_hang_on_the_password() -> None:
    one, other = (read("--from", f"mysql://reader:{word}@db/estate", "--table", "t") for word in "xy")

    assert one.identity() == other.identity()
    assert one.identity() != read("--from", "mysql://reader:x@db/estate", "--table", "u").identity()
    assert one.identity() != read("--from", "mysql://other:x@db/estate", "--table", "t").identity()


GIVEN = {
    "--table": ["t"],
    "--columns": ["a"],
    "--query": ["SELECT 1"],
    "--id-pattern": ["(.*)"],
    "--current-only": [],
    "--endpoint": ["http://127.0.0.1"],
    "--zero": [],
}


@pytest.mark.parametrize("scheme", CONNECTORS)
@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_that_a_connector_does_not_read_is_refused(scheme: str, name: str) -> None:
    words = ["--command", "true"] if scheme == "command" else ["--from", f"{scheme}:x"]
    words += [OPTIONS[name], *GIVEN[OPTIONS[name]]]
    if name in CONNECTORS[scheme].reads:
        assert getattr(read(*words), name)
    else:
        with pytest.raises(Misuse, match=OPTIONS[name]):
            read(*words)


@pytest.mark.parametrize("pattern", ["(", "[0-9]+", "(a)(b)"])
def test_a_pattern_has_one_group(pattern: str) -> None:
    with pytest.raises(Misuse, match="--id-pattern"):
        read("--from", "dir:/srv", "--id-pattern", pattern)


def test_a_query_stands_alone() -> None:
    with pytest.raises(Misuse, match="stands instead"):
        read("--from", "sqlite:x", "--table", "t", "--query", "SELECT 1")


def test_a_command_that_may_do_without_a_store_reads_no_option_of_one() -> None:
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_source_arguments(parser, required=False)
    assert where_or_none(parser.parse_args([])) is None
    for name, option in OPTIONS.items():
        with pytest.raises(Misuse, match=option):
            where_or_none(parser.parse_args([OPTIONS[name], *GIVEN[option]]))
    found = where_or_none(parser.parse_args(["--command", "true"]))
    assert found is not None
    assert found.scheme == "command"


def test_a_package_that_is_missing_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CONNECTORS, "csv", CONNECTORS["csv"]._replace(module="tables_of_nowhere"))

    with pytest.raises(Failure, match="which is not installed") as refused:
        open_at(read("--from", "csv:*.csv"))
    assert "pip install 'writ[audit]'" in refused.value.remedy


def test_opening_imports_no_connector() -> None:
    loaded = {name for name in sys.modules if name.startswith("ledger.stores.")}
    read("--from", "sqlite:x", "--table", "t")
    assert {name for name in sys.modules if name.startswith("ledger.stores.")} == loaded
