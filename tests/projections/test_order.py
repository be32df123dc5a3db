"""Orders: one form, one hash, computable deadlines, and everything a person may get wrong named."""

import calendar
import hashlib
import json
from datetime import datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.examples import AUDITOR, AUTHORITY, ORIGIN, WITNESS, example_order, signing_key, vkey
from projections.order import (
    Deadline,
    Obligation,
    Order,
    Penalty,
    Scope,
    Trust,
    check_order,
    deadline_at,
    encode_order,
    order_hash,
    parse_order,
)
from signing.canonical import canonicalise
from signing.checkpoint import Checkpoint, sign_checkpoint
from signing.cosignature import cosign
from signing.errors import FormatError
from signing.keys import COSIGNATURE
from signing.note import add_signatures
from signing.policy import quorum_time


def written(**changes: Any) -> dict[str, Any]:
    """The example as a person might write it, without defaults; None takes a field out."""
    value: dict[str, Any] = {
        "appeal_expires": "2022-06-15",
        "controllers": ["clearview"],
        "country": "GB",
        "effective": "2022-05-18",
        "id": "ico.example/en-2022-1",
        "instrument_sha256": "0" * 64,
        "issued": "2022-05-18",
        "legal_basis": "dpa2018.s149",
        "obligations": [
            {"id": "erase", "type": "erase", "deadline": {"anchor": "appeal_expires", "duration": "P6M"}}
        ],
        "trust": {"log_vkey": vkey(ORIGIN)},
    }
    return {name: item for name, item in (value | changes).items() if item is not None}


def problem(value: dict[str, Any]) -> str:
    with pytest.raises(FormatError) as caught:
        parse_order(json.dumps(value).encode())
    return str(caught.value)


def obligation(**changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = written()["obligations"][0]
    return base | changes


def seconds(text: str) -> int:
    return calendar.timegm(datetime.fromisoformat(text).utctimetuple())


def test_an_order_is_hashed_in_its_one_form() -> None:
    order = example_order()
    assert encode_order(order) == canonicalise(json.loads(encode_order(order)))
    assert order_hash(order) == hashlib.sha256(encode_order(order)).digest()
    assert parse_order(encode_order(order)) == order


def test_an_order_without_time_stamp_authorities_has_the_bytes_it_had() -> None:
    order = example_order()
    assert b"timestamp_roots" not in encode_order(order)
    trust = msgspec.structs.replace(order.trust, timestamp_roots=("MAA=",))
    named = msgspec.structs.replace(order, trust=trust)
    assert parse_order(encode_order(named)) == named
    assert encode_order(named) == canonicalise(json.loads(encode_order(named)))


def test_defaults_are_filled_in_and_written_out() -> None:
    order = parse_order(json.dumps(written(), indent=2).encode())
    scope = order.obligations[0].scope
    assert scope.residency_when == "ever"
    assert scope.unknown_residency == "in_scope"
    assert scope.residency_bases == ("authority", "declared", "registration")
    assert order.obligations[0].modality == "absolute"
    assert json.loads(encode_order(order))["obligations"][0]["scope"]["unknown_residency"] == "in_scope"
    explicit = json.loads(encode_order(order))
    assert parse_order(json.dumps(explicit).encode()) == order
    assert order_hash(order) == order_hash(parse_order(encode_order(order)))


@given(st.binary())
def test_reading_is_total(raw: bytes) -> None:
    try:
        order = parse_order(raw)
    except FormatError:
        return
    assert parse_order(encode_order(order)) == order


@pytest.mark.parametrize(
    ("deadline", "end"),
    [
        ({"at": "2022-12-15"}, "2022-12-15T23:59:59Z"),
        ({"at": "2022-12-15T12:00:00Z"}, "2022-12-15T12:00:00Z"),
        ({"anchor": "appeal_expires", "duration": "P3M"}, "2022-09-15T23:59:59Z"),
        ({"anchor": "appeal_expires", "duration": "P6M"}, "2022-12-15T23:59:59Z"),
        ({"anchor": "effective", "duration": "P90D"}, "2022-08-16T23:59:59Z"),
        ({"anchor": "served", "duration": "P2M"}, "2022-08-01T10:00:00Z"),
    ],
)
def test_deadlines(deadline: dict[str, str], end: str) -> None:
    value = written(obligations=[obligation(deadline=deadline)], served="2022-06-01T10:00:00Z")
    order = parse_order(json.dumps(value).encode())
    assert deadline_at(order, order.obligations[0]) == seconds(end)


def test_an_order_is_in_force_from_the_first_second_of_its_day() -> None:
    assert example_order().effective_s == seconds("2022-05-18T00:00:00Z")


_WITNESS = f"witness w1 {vkey(WITNESS, COSIGNATURE)}"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (written(version=0), "version"),
        (written(version=1.0), "version"),
        (written(id="Order 7"), "regex"),
        (written(country="UK"), "'UK'"),
        (written(colour="red"), "colour"),
        (written(controllers=[]), "length >= 1"),
        (written(controllers=["b", "a"]), "controllers[1]: sorts before"),
        (written(effective="2022-02-30"), "effective: 2022-02-30 is not in the calendar"),
        (written(legal_basis="dpa2018.s149\n"), "ends in a newline"),
        (written(obligations=[]), "length >= 1"),
        (written(appeal_expires=None), "the order has no `appeal_expires` to count from"),
        (written(obligations=[obligation(deadline={})]), "either `at`, or both"),
        (written(obligations=[obligation(deadline={"anchor": "served"})]), "either `at`, or both"),
        (written(obligations=[obligation(deadline={"at": "2022-12-15", "duration": "P1D"})]), "either `at`"),
        (written(obligations=[obligation(deadline={"at": "2022-02-30"})]), "not in the calendar"),
        (
            written(obligations=[obligation(deadline={"anchor": "effective", "duration": "P9000Y"})]),
            "year 9999",
        ),
        (written(obligations=[obligation(), obligation()]), "obligations[1].id: erase is taken"),
        (written(obligations=[obligation(depends_on=["erase"])]), "no obligation that stands before"),
        (written(obligations=[obligation(depends_on=["other"])]), "no obligation that stands before"),
        (written(obligations=[obligation(include=["derived", "copies"])]), "include[1]: sorts before"),
        (written(obligations=[obligation(type="pay")]), "penalty: missing"),
        (written(obligations=[obligation(scope={"residency": ["UK"]})]), "the UK is GB"),
        (written(obligations=[obligation(scope={"residency": ["IE", "GB"]})]), "residency[1]"),
        (written(obligations=[obligation(scope={"collected_from": "2022-02-30"})]), "collected_from"),
        (written(obligations=[obligation(min_method="soft")]), "'soft'"),
        (written(trust={"log_vkey": "a+00000000+" + "A" * 44}), "log_vkey"),
        (written(trust={"log_vkey": vkey(WITNESS, COSIGNATURE)}), "witness's key"),
        (written(trust={"log_vkey": vkey(ORIGIN), "witnesses": [_WITNESS]}), "witnesses"),
        (written(trust={"log_vkey": vkey(ORIGIN), "witnesses": ["quorum w1"]}), "witnesses"),
        (written(trust={"log_vkey": vkey(ORIGIN), "max_statement_age": "P1M"}), "length varies"),
        (
            written(trust={"log_vkey": vkey(ORIGIN), "assessors": [vkey(AUDITOR)] * 2}),
            "assessors[1]: repeats",
        ),
        (written(trust={"log_vkey": vkey(ORIGIN), "assessors_needed": 1}), ">= 2"),
        (written(trust={"log_vkey": vkey(ORIGIN), "timestamp_roots": []}), "length >= 1"),
        (written(trust={"log_vkey": vkey(ORIGIN), "timestamp_roots": ["MAA"]}), "timestamp_roots[0]"),
        (written(trust={"log_vkey": vkey(ORIGIN), "timestamp_roots": ["MAB="]}), "timestamp_roots[0]"),
        (
            written(trust={"log_vkey": vkey(ORIGIN), "timestamp_roots": ["MAE=", "MAA="]}),
            "timestamp_roots[1]: sorts before",
        ),
        (
            written(trust={"log_vkey": vkey(ORIGIN), "assessors": [vkey(AUDITOR)], "assessors_needed": 2}),
            "assessors_needed: more than the 1 that are named",
        ),
    ],
)
def test_what_is_wrong_is_named(value: dict[str, Any], words: str) -> None:
    assert words in problem(value)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "Expecting value"),
        (b"\xff", "utf-8"),
        (b'{"id":"a","id":"b"}', "'id' stands twice"),
        (b'{"version":NaN}', "NaN is not JSON"),
        (b"[]", "Expected `object`"),
        (b"[" * 100_000, "recursion"),
    ],
)
def test_what_is_no_order_is_refused(raw: bytes, words: str) -> None:
    with pytest.raises(FormatError, match=words):
        parse_order(raw)


def test_dependencies_are_listed_first() -> None:
    answer = obligation(id="answer", type="answer_subjects")
    order = parse_order(json.dumps(written(obligations=[answer, obligation(depends_on=["answer"])])).encode())
    assert order.obligations[1].depends_on == ("answer",)
    assert "stands before" in problem(written(obligations=[obligation(depends_on=["answer"]), answer]))


def test_the_policy_is_that_of_the_log_and_its_witnesses() -> None:
    trust = example_order().trust
    note = sign_checkpoint(Checkpoint(ORIGIN, 1, bytes(32)), signing_key(ORIGIN))
    assert [log.key for log in trust.policy().logs] == [signing_key(ORIGIN).verifier]
    assert quorum_time(trust.policy(), note) is None
    cosigned = add_signatures(note, cosign(note.text, signing_key(WITNESS, COSIGNATURE), 1_652_864_400))
    assert quorum_time(trust.policy(), cosigned) == 1_652_864_400
    alone = Trust(log_vkey=vkey(ORIGIN))
    assert quorum_time(alone.policy(), cosigned) is None
    assert alone.max_statement_age_s == 7 * 86_400


def test_an_order_fits_its_authority_and_its_log() -> None:
    order = example_order()
    assert check_order(order, AUTHORITY, "clearview", vkey(ORIGIN)) == []
    for authority, controller, log, words in (
        ("cnil.example", "clearview", vkey(ORIGIN), "order.id"),
        ("ico", "clearview", vkey(ORIGIN), "order.id"),
        (AUTHORITY, "other", vkey(ORIGIN), "order.controllers"),
        (AUTHORITY, "clearview", vkey("ledger.example/other"), "order.trust.log_vkey"),
    ):
        (found,) = check_order(order, authority, controller, log)
        assert found.startswith(words)


def test_orders_can_be_built_in_code() -> None:
    order = msgspec.structs.replace(
        example_order(),
        obligations=(
            Obligation(
                id="pay",
                type="pay",
                deadline=Deadline(at="2022-12-31"),
                penalty=Penalty(amount_minor=755_280_000, currency="GBP"),
                scope=Scope(),
            ),
        ),
    )
    assert isinstance(order, Order)
    assert parse_order(encode_order(order)) == order
