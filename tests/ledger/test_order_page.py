"""The page on orders: its example, tables and rules are those of the code."""

import re
import textwrap
from pathlib import Path

from ledger import cli_order_life, reviewing
from ledger.explaining import explain
from ledger.reviewing import review
from projections import relief, status
from projections.order import Obligation, Order, Scope, parse_order
from projections.status import TURNS

PAGE = (Path(__file__).parents[2] / "docs" / "spec" / "order.md").read_text()
ORDER = parse_order(PAGE.split("```json\n")[1].split("```")[0].encode())


def rows(header: str) -> list[str]:
    """The names in the first column of the table with this header."""
    lines = PAGE.split(f"\n| {header} |")[1].split("\n")[2:]
    table = lines[: next(at for at, line in enumerate(lines) if not line.startswith("|"))]
    return [name for row in table for name in re.findall(r"`([a-z_0-9.]+)`", row.split("|")[1])]


def test_the_example_is_explained_as_it_is() -> None:
    shown = PAGE.split("```\n")[2]
    assert shown == "\n".join(textwrap.fill(one, 100) for one in explain(ORDER)) + "\n"
    assert PAGE.splitlines().index("```json") < 8
    assert {one.rule for one in review(ORDER)} == {"trust.one_witness"}


def test_the_fields_are_all_there_and_no_others() -> None:
    assert sorted(rows("order")) == sorted(Order.__struct_fields__)
    assert sorted(rows("obligation")) == sorted(Obligation.__struct_fields__)
    assert sorted(rows("scope")) == sorted(Scope.__struct_fields__)


def test_the_table_of_events_is_that_of_the_code() -> None:
    table = PAGE.split("| event | command | from | to |\n")[1].split("\n\n")[0].split("\n")[1:]
    words = {told.event: word for word, told in cli_order_life.WORDS.items()}
    assert len(table) == len(words)
    for row in table[1:]:
        event, command, before, after = (cell.strip().strip("`") for cell in row.split("|")[1:5])
        kind = event.removeprefix("order.")
        assert command == f"writ order {words[kind]}"
        assert {hold or "in_force" for hold in TURNS[kind]} == set(before.split(", "))
        assert {hold or "in_force" for hold in TURNS[kind].values()} == {after}


def test_each_rule_stands_in_the_code_and_on_the_page() -> None:
    for module in (status, relief):
        text = Path(module.__file__ or "").read_text()
        for rule in set(re.findall(r"`((?:status|appeal|relief)\.[a-z_]+)`", text)):
            assert f"`{rule}`" in PAGE, rule
    for rule in re.findall(r"`((?:status|appeal|relief)\.[a-z_]+)`", PAGE):
        assert any(rule in Path(one.__file__ or "").read_text() for one in (status, relief)), rule


def test_every_concern_is_listed_by_its_weight() -> None:
    source = Path(reviewing.__file__).read_text()
    found = re.findall(r'Concern\(f?"([a-z_{}.]+)", [^\n]*?(True|False|not [a-z]+), (?:says|wrong)\b', source)
    # What is grave unless something stands in its place is listed as that.
    grave = {name for name, weight in found if weight != "False"}
    light = {name for name, weight in found if weight == "False"}
    grave = (grave - {"{name}.before_issued"}) | {
        f"{name}.before_issued" for name in ("effective", "served", "appeal_expires")
    }
    assert set(rows("mistake")) == grave
    assert set(rows("remark")) == light
