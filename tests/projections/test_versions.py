"""Versions: a published type never changes; what comes after it is read from it.

The older types here exist in these tests alone.
"""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from projections import events as ev
from projections import vocabulary as v
from projections.fact import Fact
from projections.fold import Fold
from projections.mould import _MOULDED, Caster, unpack
from projections.registered import Poster
from signing.errors import FormatError
from tests.projections.deeds import handle

TIME = "2026-01-01T00:00:00Z"
POSTER = Poster("crawler.clearview.example", "controller")


class CopiedFirst(ev.Data, frozen=True, kw_only=True):
    """Once, a copy named its target alone."""

    controller: v.Id
    records: v.Handles
    target: v.Id


class CopiedSecond(ev.Data, frozen=True, kw_only=True):
    """Then it was called as it is now, and still lacked where from."""

    controller: v.Id
    records: v.Handles
    to_store: v.Id


OLDER: dict[str, type[ev.Data]] = {"writ.test.first.v1": CopiedFirst, "writ.test.second.v2": CopiedSecond}


def second(old: CopiedFirst) -> CopiedSecond:
    return CopiedSecond(controller=old.controller, records=old.records, to_store=old.target)


def some(records: tuple[str, ...]) -> str:
    """A store named for the records, so that whoever fills in others afterwards is found out."""
    return f"one-of-{len(records)}"


def newest(old: CopiedSecond) -> ev.DataCopied:
    return ev.DataCopied(
        controller=old.controller, from_store=some(old.records), records=old.records, to_store=old.to_store
    )


@pytest.fixture
def older(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, data in OLDER.items():
        decoder: Any = msgspec.json.Decoder(ev.Event[data])  # type: ignore[valid-type]
        monkeypatch.setitem(ev.EVENT_TYPES, name, data)
        monkeypatch.setitem(ev.TYPE_OF, data, name)
        monkeypatch.setitem(ev._decoders, name.encode(), decoder)
    upcasters: dict[type[ev.Data], Callable[[Any], ev.Data]] = {CopiedFirst: second, CopiedSecond: newest}
    monkeypatch.setattr(ev, "UPCASTERS", upcasters)


def lines(*numbers: int) -> list[bytes]:
    """The same copy in three versions."""
    records = tuple(sorted(handle(number) for number in numbers))
    said = (
        CopiedFirst(controller="clearview", records=records, target="replica"),
        CopiedSecond(controller="clearview", records=records, to_store="replica"),
        ev.DataCopied(controller="clearview", from_store=some(records), records=records, to_store="replica"),
    )
    return [ev.encode_event(ev.make_event(data, id="copy", source=POSTER.name, time=TIME)) for data in said]


@pytest.mark.usefixtures("older")
def test_an_older_line_is_read_as_the_newest_type() -> None:
    for line in lines(1, 2):
        event = ev.decode_event(line)
        assert event == msgspec.structs.replace(ev.decode_event(lines(1, 2)[-1]), type=event.type)
        assert ev.decode_trusted(line) == event
        assert isinstance(event.data, ev.DataCopied)
    # The role's table has a row for the type as posted.
    assert ev.decode_event(lines(1)[0]).type == "writ.test.first.v1"


@pytest.mark.usefixtures("older")
def test_an_older_line_is_exact_all_the_same() -> None:
    first = lines(1)[0]
    for wrong in (first.replace(b",", b", ", 1), first.replace(b'"target"', b'"to_store"'), first + b" "):
        with pytest.raises(FormatError):
            ev.decode_event(wrong)


@pytest.mark.usefixtures("older")
def test_older_lines_fold_into_the_same_state() -> None:
    digests = set()
    for line in lines(1, 2):
        fold = Fold.empty()
        fold.take(Fact(1, 1_000_000, POSTER, ev.decode_event(line)))
        digests.add(fold.digests())
    assert len(digests) == 1


@pytest.mark.usefixtures("older")
def test_bulk_reading_reads_older_lines_alike() -> None:
    caster = Caster()
    read = [line for numbers in ((1,), (1, 2), (1, 2, 3)) for line in lines(*numbers)]
    for line in read:
        caster.read(line)
    assert list(unpack(caster.pack())) == [ev.decode_event(line) for line in read]


def test_a_type_that_has_a_newer_version_is_read_as_that() -> None:
    versions: dict[str, list[int]] = {}
    for name in ev.EVENT_TYPES:
        stem, _, number = name.rpartition(".v")
        versions.setdefault(stem, []).append(int(number))
    older = {f"{stem}.v{one}" for stem, all_of in versions.items() for one in all_of if one < max(all_of)}
    assert {ev.TYPE_OF[data] for data in ev.UPCASTERS} == older
    # Bulk reading fills records into the type as posted, after the upcaster has run.
    assert not ev.UPCASTERS.keys() & set(_MOULDED)
