"""Reading by moulds is reading: what `decode_event` accepts, and nothing else, with the same events."""

import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections import events as ev
from projections.examples import EXAMPLES
from projections.mould import _MOULDED, Caster, unpack
from projections.registrations import CHECKS
from signing.errors import FormatError
from tests.projections.deeds import collected, deleted, handle

SOURCE = "crawler.clearview.example"


def line(data: ev.Data, id: str = "e-1", time: str = "2026-01-01T00:00:00Z") -> bytes:
    return ev.encode_event(ev.make_event(data, id=id, source=SOURCE, time=time))


def read(*lines: bytes) -> list[ev.Event[ev.Data]]:
    caster = Caster()
    for one in lines:
        caster.read(one)
    return list(unpack(pickle.loads(pickle.dumps(caster.pack()))))


def accepts(caster: Caster, one: bytes) -> bool:
    try:
        caster.read(one)
    except FormatError:
        return False
    return True


def is_event(one: bytes) -> bool:
    try:
        ev.decode_event(one)
    except FormatError:
        return False
    return True


def test_whether_a_cast_line_may_be_posted_cannot_depend_on_its_records() -> None:
    # Admission and audit ask once for all lines of a mould. A type that gets a check is not to be cast.
    assert not CHECKS.keys() & set(_MOULDED)


def test_events_come_out_as_they_went_in() -> None:
    lines = [
        line(collected(1)),
        line(collected(2), "e-2", "2026-01-01T00:00:01.5Z"),
        line(deleted(1, 2)),
        line(collected(3, 4, 5), "e-3"),
        line(deleted(3), "e-4"),
        *(ev.encode_event(example) for example in EXAMPLES.values()),
        line(collected(*range(1000)), "e-5"),
    ]
    assert [ev.encode_event(event) for event in read(*lines)] == lines
    assert read(*lines) == [ev.decode_event(one) for one in lines]


def test_every_example_is_read_again_from_its_mould() -> None:
    lines = [ev.encode_event(example) for example in EXAMPLES.values()]
    assert read(*lines, *lines) == [ev.decode_event(one) for one in (*lines, *lines)]


FIRST = line(collected(1))
GOOD = line(collected(7), "e-2")
H = handle(7).encode()


@pytest.mark.parametrize(
    "bad",
    [
        GOOD.replace(H, H[:-1]),
        GOOD.replace(H, H.upper()),
        GOOD.replace(H, b""),
        GOOD.replace(H, b'","'),
        GOOD.replace(H, H + b'","' + H),
        GOOD.replace(H, b"f" * 32 + b'","' + b"e" * 32),
        GOOD.replace(H, H + b'", "' + b"f" * 32),
        GOOD.replace(H, b'","'.join(b"%032x" % at for at in range(1001))),
        GOOD.replace(b'"e-2"', b'""'),
        GOOD.replace(b'"e-2"', b'"e 2"'),
        GOOD.replace(b'"e-2"', b'"e-2\n"'),
        GOOD.replace(b'"e-2"', b'"' + b"e" * 65 + b'"'),
        GOOD.replace(b'"e-2"', b'"e-2","id":"e-3"'),
        GOOD.replace(b"2026-01-01T00", b"2026-02-30T00"),
        GOOD.replace(b"2026-01-01T00:00:00Z", b"2026-01-01"),
        GOOD.replace(b'00Z"', b'00Z\\u0041"'),
        GOOD.replace(H, H + b"\\"),
        GOOD.replace(H + b'"]', H + b'" ]'),
        GOOD + b" ",
        GOOD[:-1],
    ],
)
def test_what_is_no_event_is_none_by_a_mould_either(bad: bytes) -> None:
    caster = Caster()
    caster.read(FIRST)
    assert accepts(caster, GOOD)
    assert not is_event(bad)
    with pytest.raises(FormatError) as by_mould:
        caster.read(bad)
    with pytest.raises(FormatError) as in_full:
        ev.decode_event(bad)
    assert str(by_mould.value) == str(in_full.value)


def test_records_that_answer_to_another_field_are_read_in_full() -> None:
    """Lineage `each` pairs records with artefacts: one more record is one too many."""
    derived = ev.DataDerived(
        artefacts=(handle(1),),
        controller="clearview",
        kind="template",
        lineage="each",
        records=(handle(2),),
        store="people",
    )
    caster = Caster()
    caster.read(line(derived))
    pair = '","'.join(sorted([handle(2), handle(3)])).encode()
    assert not accepts(caster, line(derived).replace(handle(2).encode(), pair))
    assert not accepts(caster, line(derived).replace(handle(2).encode(), pair))


def test_a_probe_counts_with_the_records() -> None:
    """A thousand records are one too many beside a probe, though they are none too many alone."""
    matched = ev.encode_event(EXAMPLES["writ.data.matched.v1"])
    found = b'","'.join(b"%032x" % at for at in range(1000))
    one = re.sub(b'"records":\\[[^]]*\\]', b'"records":["' + found + b'"]', matched)
    caster = Caster()
    caster.read(matched)
    assert one != matched
    assert not is_event(one)
    assert not accepts(caster, one)


@given(st.data())
def test_any_splice_of_good_lines_is_judged_alike(data: st.DataObject) -> None:
    others = [GOOD, line(deleted(1, 2)), *(ev.encode_event(example) for example in EXAMPLES.values())]
    caster = Caster()
    for one in others:
        caster.read(one)
    first, second = data.draw(st.sampled_from(others)), data.draw(st.sampled_from(others))
    cut, at, end = (data.draw(st.integers(0, len(second))) for _ in range(3))
    spliced = first[:cut] + second[at:end] + first[data.draw(st.integers(0, len(first))) :]
    assert accepts(caster, spliced) == is_event(spliced)


def test_the_number_of_moulds_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("projections.mould.MAX_MOULDS", 3)
    lines = [line(collected(at), f"e-{at}").replace(b'"scrape"', b'"scrape%d"' % at) for at in range(10)]
    caster = Caster()
    for one in lines * 2:
        caster.read(one)
    assert len(caster.pack().moulds) == 3
    assert list(unpack(caster.pack())) == [ev.decode_event(one) for one in lines * 2]
