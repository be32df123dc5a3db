"""The pages on statements and bundles: their fields, files, limits and examples are those of the code."""

import json
import re
from pathlib import Path

import pytest

from projections.erase import COUNTS
from projections.fact import HANDLES
from projections.runners import archive, source
from projections.runners.record import format_record, parse_record
from projections.runners.wording import UNCHECKED
from projections.statement import HEADER, ObligationStatement, Statement, StoreLook, StoreProbe
from signing.attestation import WORDS
from signing.canonical import canonicalise
from signing.encoding import encode_base64
from signing.note import parse_note
from signing.tiles import Tile, tile_path, tiles_of
from tests.projections.evidence import Evidence
from tests.projections.flipping import WHY
from tests.projections.verifying import finished
from tests.vectors.bundled import ALL

ROOT = Path(__file__).parents[2]
VECTORS = ROOT / "tests" / "vectors"
PAGES = {name: (ROOT / "docs" / "spec" / f"{name}.md").read_text() for name in ("bundle", "statement")}


@pytest.fixture(scope="module")
def done() -> Evidence:
    return finished()


def first_column(part: str) -> list[str]:
    """The names in a table's first column."""
    rows = re.findall(r"^\| (`[^|]+) \|", part, re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`([a-z_]+)`", row)]


def probe_row(part: str) -> str:
    """What is said of a probe."""
    (row,) = re.findall(r"^\| `probe` \|(.+)", part, re.MULTILINE)
    return str(row)


def test_the_statements_fields_are_all_there_and_no_others() -> None:
    whole, _, one = PAGES["statement"].partition("\nOne obligation:\n")
    assert sorted(first_column(whole)) == sorted(Statement.__struct_fields__)
    one, _, attested = one.partition("\n## Attest one\n")
    one, _, store = one.partition("\nOne store:\n")
    assert sorted(first_column(one)) == list(ObligationStatement.__struct_fields__)
    assert sorted(first_column(store)) == list(StoreLook.__struct_fields__)
    assert sorted(set(re.findall(r"`([a-z]+)`", probe_row(store))) - {"evidence"}) == [
        *StoreProbe.__struct_fields__
    ]
    words = set(re.findall(r"`([a-z]+)`", "\n".join(re.findall(r"^\| (.+?) \|", attested, re.MULTILINE))))
    assert words == WORDS == UNCHECKED.keys()
    for name in COUNTS:
        assert f"`{name}`" in one + store, name


def test_the_statements_example_has_the_form_of_a_true_one(done: Evidence) -> None:
    example = PAGES["statement"].split("```\n")[1]
    assert example.startswith(HEADER)
    shown = example.split("\n")[1].replace("{…}", "{}").replace("[…]", "[]").replace("…", "")
    value = json.loads(shown)
    assert canonicalise(value).decode() == shown
    true = json.loads(parse_note(done.files()["statement"]).text.split("\n")[1])
    assert value.keys() == true.keys()
    assert {name: type(one) for name, one in value.items()} == {name: type(one) for name, one in true.items()}


def test_the_statements_example_is_the_vector_shortened() -> None:
    example = PAGES["statement"].split("```\n")[1]
    pattern = ".*".join(map(re.escape, example.split("…")))
    assert re.fullmatch(pattern, (VECTORS / "statement" / "good").read_text())


def test_the_kinds_of_vectors_are_those_listed() -> None:
    part = PAGES["bundle"].split("## Vectors")[1].split("\n## ")[0]
    listed = re.findall(r"^\| `([a-z]+)` \|", part, re.MULTILINE)[1:]
    assert set(listed) == {fails for _, _, fails in ALL} - {"good"}


def test_the_bundles_files_are_those_listed(done: Evidence) -> None:
    full, compact = PAGES["bundle"].split("```\n")[1:4:2]
    named = re.findall(r"^(\S+)|, (tile\S+)(?=,)", full, re.MULTILINE)
    listed = {(first or second).rstrip(",") for first, second in named}
    tree = {tile_path(tile) for tile in tiles_of(300)}
    assert {name for name in listed if name.startswith("tile/")} <= tree
    assert "entries 256 to 299" in full
    assert tile_path(Tile(-1, 1, 44)) in listed
    files = {name for name in listed if not name.startswith("tile/")}
    assert files == {"README.txt", "report.html", "statement", "checkpoint"}
    for name in listed:
        assert source.limit_of(name) is not None, name
    proofs = re.findall(r"^(proof/\S+)", compact, re.MULTILINE)
    made = {re.sub(r"\d+", "<index>", name, count=1) for name in done.compact() if name.startswith("proof/")}
    assert set(proofs) == made


def test_the_files_of_a_records_bundle_are_those_listed() -> None:
    section = PAGES["bundle"].split("## Of one record")[1]
    listed = re.findall(r"^(\S+)  ", section.split("```\n")[1], re.MULTILINE)
    assert listed == ["README.txt", "record", "checkpoint", "proof/<index>/…"]
    example = section.split("```\n")[3].replace("…", encode_base64(bytes(32)))
    text = example.partition("\n\n")[0] + "\n"
    assert format_record(parse_record(text)) == text
    named = section.partition("(in ")[2].partition(")")[0]
    assert set(re.findall(r"`([a-z]+)`", named)) == set(HANDLES)


def test_what_a_changed_byte_does_is_all_there() -> None:
    table = PAGES["bundle"].split("### What a changed byte does")[1].split("\n## ")[0]
    rows = re.findall(r"^\| ([a-z' ]+) \|", table, re.MULTILINE)
    assert rows == ["the bundle is not sound", *WHY]


@pytest.mark.parametrize(
    ("limit", "says"),
    [
        (archive.MAX_MEMBERS, "1,000,000 members"),
        (archive.MAX_DIRECTORY_BYTES >> 20, "128 MiB of directory"),
        (source.MAX_TILE_BYTES >> 10, "8 KiB (hash tile)"),
        (source.MAX_BUNDLE_BYTES, "16,777,472 bytes (256 entries of 65,535 bytes"),
        (source.MAX_REPORT_BYTES >> 20, "64 MiB (report)"),
        (source.MAX_TEXT_BYTES >> 20, "4 MiB (all else)"),
        (archive.MAX_RATIO, "200\ntimes its packed size"),
        (archive.RATIO_FREE_BYTES >> 10, "64 KiB, and members"),
        (archive.RATIO_FREE_BYTES >> 10, "64 KiB more than they may unpack\nto"),
    ],
)
def test_the_bundles_limits_are_those_kept(limit: int, says: str) -> None:
    assert says.startswith(f"{limit:,}")
    assert says in PAGES["bundle"]


@pytest.mark.parametrize("page", PAGES)
def test_an_example_stands_on_the_first_screen(page: str) -> None:
    assert "```" in PAGES[page].splitlines()[:8]
