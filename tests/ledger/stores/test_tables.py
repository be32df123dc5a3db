"""Files of records: Parquet, CSV and JSON lines."""

import csv
import gzip
import io
import json
import os
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.failure import Failure, Misuse
from ledger.inventory.taking import require_unchanged
from ledger.stores.opening import Where, open_at
from ledger.stores.tables import literal
from signing.handle import native_text
from tests.ledger.stores.readings import all_keys, keys_at

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
whole = st.integers(-(2**53) + 1, 2**53 - 1)


def where(kind: str, pattern: Path | str, *columns: str, **how: Any) -> Where:
    return Where(scheme=kind, url=f"{kind}:{pattern}", columns=columns, **how)


def parquet(path: Path, select: str) -> Path:
    with duckdb.connect() as database:
        database.execute(f"COPY ({select}) TO {literal(str(path))} (FORMAT parquet)")
    return path


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place for one file after another."""
    return tmp_path_factory.mktemp("tables") / "one"


@settings(max_examples=40)
@given(st.lists(st.tuples(texts, texts), min_size=1))
def test_csv_as_python_writes_it_gives_the_same_texts(file: Path, rows: list[tuple[str, str]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as out:
        # A lone carriage return in a text is quoted by neither the format nor Python's `csv` in all cases.
        writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerows([("a", "id"), *rows])

    assert keys_at(where("csv", file, "id")) == [text for _, text in rows]
    assert keys_at(where("csv", file, "id", "a")) == [native_text([two, one]) for one, two in rows]


@settings(max_examples=40)
@given(st.lists(st.one_of(texts, whole), min_size=1))
def test_json_lines_give_the_same_values(file: Path, values: list[str | int]) -> None:
    file.write_text("".join(json.dumps({"x": None, "id": value}) + "\n" for value in values))

    assert keys_at(where("jsonl", file, "id")) == [native_text(value) for value in values]


@given(st.binary(max_size=200), st.sampled_from(["csv", "jsonl", "parquet"]))
def test_any_bytes_give_keys_or_a_failure_that_names_the_file(file: Path, raw: bytes, kind: str) -> None:
    file.write_bytes({"csv": b"id,b\n", "jsonl": b'{"id":1}\n', "parquet": b"PAR1"}[kind] + raw)
    failure: Failure | None = None
    try:
        assert all(isinstance(key, str) for key in keys_at(where(kind, file, "id")))
    except Failure as error:
        failure = error
    assert failure is None or (str(file) in str(failure) and failure.remedy)


def test_what_detection_would_change_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "id,name\r\n007,x\r\n#8,y\r\n 9 ,z\r\nNULL,n\r\n1e3,e\r\ntrue,t\r\n2022-05-18,d\r\n", newline=""
    )
    assert keys_at(where("csv", tmp_path / "a.csv", "id")) == [
        "007", "#8", " 9 ", "NULL", "1e3", "true", "2022-05-18",
    ]  # fmt: skip


def test_compressed_and_marked_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_bytes(b"\xef\xbb\xbfid,name\n1,x\n")
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"id,name\n2,x\n"))
    (tmp_path / "c.jsonl.gz").write_bytes(gzip.compress(b'{"id":3}\n'))

    assert keys_at(where("csv", tmp_path / "*.csv*", "id")) == ["2", "1"]
    assert keys_at(where("jsonl", tmp_path / "*.jsonl*", "id")) == ["3"]


def test_a_number_of_any_length_keeps_its_digits(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"id":123456789012345678901234567890}\n')

    assert keys_at(where("jsonl", tmp_path / "a.jsonl", "id")) == ["123456789012345678901234567890"]


def test_parquet_keys_of_each_settled_kind(tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "a.parquet",
        "SELECT 7::BIGINT i, '007' t, 18446744073709551615::UBIGINT u, 7::DECIMAL(9,0) d,"
        " '5683783C-C3DC-4149-B572-45701A78AF2E'::UUID AS uu, 1.5::DOUBLE f, 'x'::BLOB b",
    )
    expected = {"i": "7", "t": "007", "u": "18446744073709551615", "d": "7",
                "uu": "5683783c-c3dc-4149-b572-45701a78af2e"}  # fmt: skip
    for column, key in expected.items():
        assert keys_at(where("parquet", path, column)) == [key]
    assert keys_at(where("parquet", path, "t", "i")) == ['["007",7]']
    for column in "fb":
        with pytest.raises(Failure, match="not settled"):
            keys_at(where("parquet", path, column))


def test_a_query_reads_what_columns_can_t_name(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"user":{"id":"u1"}}\n{"user":{"id":"u2"}}\n')
    path = parquet(tmp_path / "a.parquet", "SELECT date '2022-05-18' AS day, 4 AS n")

    assert keys_at(where("jsonl", tmp_path / "a.jsonl", query="SELECT json->>'$.user.id' FROM store")) == [
        "u1",
        "u2",
    ]
    assert keys_at(where("parquet", path, query="SELECT day::VARCHAR, n FROM store")) == ['["2022-05-18",4]']


def test_the_files_are_read_one_by_one_and_named_by_what_is_in_them(tmp_path: Path) -> None:
    for n in range(3):
        folder = tmp_path / f"id={n}"
        folder.mkdir()
        parquet(folder / "[x]'*.parquet", f"SELECT {n} * 1000 + range AS id FROM range(1000)")
    source = open_at(where("parquet", f"{tmp_path}/**/*.parquet", "id"))

    assert not source.is_snapshot
    assert source.estimate() == 3000
    assert all_keys(source) == [str(n) for n in range(3000)]
    again = open_at(where("parquet", f"{tmp_path}/**/*.parquet", "id"))
    assert again.parts() == source.parts()
    again.close()
    source.close()


def test_a_part_that_was_written_anew_has_another_state_also_with_its_times_set_back(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id\n7\n")
    before = os.stat(path)
    source = open_at(where("csv", path, "id"))
    (part,) = source.parts()
    path.write_text("id\n8\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert os.stat(path).st_mtime_ns == before.st_mtime_ns
    assert source.parts() != [part]
    with pytest.raises(Failure, match=r"changed while it was read"):
        list(source.keys(part))
    source.close()


def test_a_source_that_stays_open_sees_what_was_written_and_added_since(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id\n7\n")
    source = open_at(where("csv", tmp_path / "*.csv", "id"))
    before = source.parts()
    assert source.parts() == before
    all_keys(source)
    (tmp_path / "a.csv").write_text("id\n8\n")
    with pytest.raises(Failure, match=r"a\.csv is not what it was"):
        require_unchanged(source, before)
    before = source.parts()
    assert all_keys(source) == ["8"]
    (tmp_path / "b.csv").write_text("id\n9\n")
    with pytest.raises(Failure, match="something was added"):
        require_unchanged(source, before)
    source.close()


def test_a_file_that_changes_while_it_is_read_is_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id\n" + "".join(f"{n}\n" for n in range(200_000)))
    source = open_at(where("csv", path, "id"))
    batches = source.keys(source.parts()[0])
    next(batches)
    with path.open("a") as out:
        out.write("one-more\n")
    with pytest.raises(Failure, match=r"changed while it was read"):
        list(batches)
    source.close()


@pytest.mark.parametrize(
    ("kind", "content", "says"),
    [
        ("csv", b"id,name\n1,x\n2\n", "Line: 3"),
        ("csv", b"id,name\n1,x\n2,y,z\n", "Line: 3"),
        ("csv", b"id,name\n1,x\n\xff,y\n", "Line: 3"),
        ("csv", b'id,name\n1,x\n"2,y\n', "Line: 3"),
        ("csv", b"id,name\n1,x\n,y\n", "no key there"),
        ("csv", b'id,name\n"",y\n', "no key there"),
        ("csv", b"ID,name\n1,x\n", "not exactly one column 'id'"),
        ("csv", b"id,id\n1,x\n", "not exactly one column 'id'"),
        ("csv", b"", "not exactly one column 'id'"),
        ("jsonl", b'{"id":1}\n{"name":2}\n', "no key there"),
        ("jsonl", b'{"id":1}\n{"id":null}\n', "no key there"),
        ("jsonl", b'{"id":1.0}\n', "kind float"),
        ("jsonl", b'{"id":true}\n', "kind bool"),
        ("jsonl", b'{"id":["a"]}\n', "kind list"),
        ("jsonl", b'{"id":1,"id":2}\n', "duplicate key"),
        ("jsonl", b'{"id":1} {"id":2}\n', "Malformed"),
        ("jsonl", b'{"id":1}\n{"id":"secret\n', "Malformed"),
        ("jsonl", b'[{"id":1},{"id":2}]\n', "Expected OBJECT"),
        ("parquet", b"PAR1 cut off", "one"),
    ],
)
def test_nothing_is_skipped_or_guessed(file: Path, kind: str, content: bytes, says: str) -> None:
    file.write_bytes(content)
    with pytest.raises(Failure, match=says) as refused:
        keys_at(where(kind, file, "id"))
    assert str(file) in str(refused.value)
    assert refused.value.remedy
    assert "secret" not in str(refused.value)


def test_no_file_and_no_key_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="no file matches"):
        keys_at(where("csv", tmp_path / "*.csv", "id"))
    with pytest.raises(Failure, match="is a folder"):
        keys_at(where("csv", tmp_path, "id"))
    with pytest.raises(Misuse, match="which keys"):
        keys_at(where("csv", tmp_path / "*.csv"))
    path = parquet(tmp_path / "a.parquet", "SELECT 1 AS n")
    with pytest.raises(Failure, match='"id"'):
        keys_at(where("parquet", path, "id"))


def test_plain_lines_are_estimated_from_the_first(tmp_path: Path) -> None:
    out = io.StringIO("id\n" + "".join(f"{n:08}\n" for n in range(100_000)))
    (tmp_path / "a.csv").write_text(out.getvalue())
    source = open_at(where("csv", tmp_path / "a.csv", "id"))
    about = source.estimate()
    source.close()
    assert about is not None
    assert 95_000 < about < 105_000
