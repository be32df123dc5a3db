"""The statement's bytes, and the laws of the fold that it rests on."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections import holdings
from projections.fold import Fold
from projections.reading import FactReader
from projections.registry import Registry
from projections.statement import HEADER, Log, Statement, format_statement, make_statement, parse_statement
from projections.stating import find_order
from projections.verdict import judge
from signing.canonical import canonicalise
from signing.encoding import encode_base64
from signing.errors import FormatError
from tests.projections.restarted import restarted
from tests.projections.story import ORDER, WITNESS, Story, cease_gb, erase_gb


def story() -> Story:
    told = Story()
    told.hold(1, 2)
    told.hold(3, residency="US")
    told.derive([11, 12], [1])
    told.order(erase_gb(), cease_gb())
    told.erase(1, 2)
    told.look("faces", 3)
    told.log.anchor(WITNESS)
    return told


def statement(told: Story, *, provisional: bool = False, days: float = 1) -> Statement:
    case = told.case(days)
    log = Log(told.log.origin, encode_base64(told.log.checkpoint().root), told.log.size)
    return make_statement(
        case, judge(case), log=log, states=told.fold().digests(), rules="0" * 64, provisional=provisional
    )


def test_a_statement_is_canonical_and_read_back() -> None:
    text = format_statement(statement(story()))
    line = text.removeprefix(HEADER).removesuffix("\n").encode()
    assert canonicalise(json.loads(line)) == line
    assert format_statement(parse_statement(text)) == text


def test_the_same_log_gives_the_same_bytes() -> None:
    assert format_statement(statement(story())) == format_statement(statement(story()))


def test_a_provisional_statement_says_so() -> None:
    assert '"provisional":true' in format_statement(statement(story(), provisional=True))
    assert "provisional" not in format_statement(statement(story()))


def test_an_order_not_in_force_has_only_a_would_be() -> None:
    text = format_statement(statement(story(), days=-1))
    assert '"would_be":"outstanding"' in text
    top = json.loads(text.removeprefix(HEADER))
    assert "verdict" not in top
    assert top["status"] == "issued"


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-1],
        lambda text: text + "\n",
        lambda text: text.replace("v1", "v2"),
        lambda text: text.replace('{"as_of"', '{ "as_of"'),
        lambda text: text.replace('"as_of":', '"as_of":0,"as_of":'),
        lambda text: text.replace('"word"', '"extra":1,"word"'),
    ],
)
def test_only_what_the_formatter_writes_is_read(change) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(FormatError):
        parse_statement(change(format_statement(statement(story()))))


@given(st.text())
def test_parsing_is_exact_and_total(text: str) -> None:
    for candidate in (text, HEADER + text):
        with suppress(FormatError):
            assert format_statement(parse_statement(candidate)) == candidate


@given(st.lists(st.tuples(st.sampled_from("hde"), st.integers(1, 6), st.booleans()), max_size=12))
def test_folding_by_partitions_gives_the_same_state(acts: list[tuple[str, int, bool]]) -> None:
    told = Story()
    for act, number, british in acts:
        if act == "h":
            told.hold(number, residency="GB" if british else "US")
        elif act == "d":
            told.derive([number + 10], [number])
        else:
            told.erase(number)
    whole = told.fold()
    merged: holdings.Holdings = {}
    for part in range(2):
        mine = {h: row for h, row in whole.holdings.items() if int(h, 16) % 2 == part}
        merged |= mine
    assert sorted(holdings.rows(merged)) == sorted(holdings.rows(whole.holdings))
    assert chunked(told, 3) == whole.digests()
    for row in whole.holdings.values():
        assert holdings.decode_row(holdings.encode_row(row)) == row


def chunked(told: Story, every: int) -> tuple[object, ...]:
    """Fold with a restart after every few facts: state goes out as rows and comes back."""
    reader, fold = FactReader(Registry.empty()), Fold.empty()
    for number, raw in enumerate(told.log.entries()):
        fact = reader.read(raw)
        if fact is not None:
            fold.take(fact)
        if number % every == 0:
            fold = restarted(fold)
    return fold.digests()


def test_a_later_moment_never_turns_a_breached_prohibition() -> None:
    told = Story()
    told.order(cease_gb())
    told.collect(1)
    assert {told.judge(days).verdict for days in (1, 29, 31, 400)} == {"breached"}


def test_the_highest_version_of_an_order_is_judged_whenever_it_was_issued() -> None:
    told = Story()
    told.order(version=2)
    told.order(version=1)
    found = find_order(told.fold(), ORDER, None, None, as_of=told.log.now_us // 1_000_000)
    assert found is not None
    assert found.order.version == 2
