"""What may be attested to after a look, decided from what was asked before and after it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.control import require_control
from ledger.failure import Failure
from ledger.probing import Sight, Sought, judge
from ledger.remote_sets import ErasedSet
from projections import events as ev
from signing.encoding import decode_base64
from signing.setdigest import digest_of

HANDLES = [f"{number:032x}" for number in range(12)]
ORDER, STORE = "ico.example/en-2026-1", "people"
some = st.frozensets(st.sampled_from(HANDLES))


def erased(handles: frozenset[str], size: int = 9) -> ErasedSet:
    ordered = tuple(sorted(handles))
    return ErasedSet(ORDER, STORE, size, digest_of(one.encode() for one in ordered), ordered)


@given(some, some, some, some, some)
def test_what_is_attested_to_is_the_set_by_now_and_all_of_it_was_looked_for(
    before: frozenset[str],
    now: frozenset[str],
    there: frozenset[str],
    moved: frozenset[str],
    dead: frozenset[str],
) -> None:
    control = frozenset(HANDLES) - before
    gone = control & dead - there
    sight = Sight(99, dict.fromkeys(there, "native"), dict.fromkeys(moved, "native"))
    probed = judge(Sought(erased(before), control), sight, erased(now, 12), gone)

    if not now or now - before:
        assert probed is None, "something was erased that nobody looked for, or nothing is any more"
        return
    assert probed is not None
    data = probed.data("clearview")
    assert ev.encode_event(ev.make_event(data, id="x", source="auditor.example", time="2026-11-30T12:00:00Z"))
    assert (data.checked_count, decode_base64(data.checked_digest)) == (len(now), erased(now).seen.digest)
    assert set(probed.found) == now & (there | moved)
    assert data.found == len(probed.found)
    assert (data.control_checked, data.control_found) == (
        len(control - gone),
        len(control & there),
    )


def test_a_live_handle_in_another_table_is_no_control() -> None:
    live, gone = HANDLES[:1], frozenset(HANDLES[1:2])
    sight = Sight(99, {}, dict.fromkeys(live, "native"))
    probed = judge(Sought(erased(gone), frozenset(live)), sight, erased(gone), frozenset())

    assert probed is not None
    assert (probed.control_checked, probed.control_found) == (1, 0)


@pytest.mark.parametrize(
    ("checked", "found", "words"),
    [
        (1, 0, "none of 1 live handles of people was found in the table"),
        (1_000, 1, "only 1 of 1,000 live handles of people was found in the table"),
        (1_000, 999, "only 999 of 1,000 live handles of people were found in the table"),
        (0, 0, "none of 0 live handles of people was found in the table"),
    ],
)
def test_without_its_whole_control_a_look_says_nothing(checked: int, found: int, words: str) -> None:
    with pytest.raises(Failure, match=words) as failed:
        require_control(checked, found, "the table", "people")
    assert "`writ inventory people`" in failed.value.remedy


def test_with_its_whole_control_it_does() -> None:
    require_control(1_000, 1_000, "the table", "people")


def test_the_handles_looked_for_are_those_of_both_sets() -> None:
    sought = Sought(erased(frozenset(HANDLES[:2])), frozenset(HANDLES[2:3]))
    assert sought.rows() == {bytes.fromhex(one) for one in HANDLES[:3]}
