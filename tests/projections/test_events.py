"""Events: exact, total, and refused with the place and the remedy."""

import json
import random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from projections import events as ev
from projections import order, vocabulary
from projections.diagnosis import EventError
from projections.examples import EXAMPLES
from signing.canonical import canonicalise
from signing.errors import FormatError, TooLargeError

LINES = [ev.encode_event(event) for event in EXAMPLES.values()]
HELD: dict[str, Any] = json.loads(ev.encode_event(EXAMPLES["writ.data.held.v1"]))


def line(event_type: str, **changes: Any) -> bytes:
    """The example of a type with some fields of its data changed; None takes a field out."""
    event = json.loads(ev.encode_event(EXAMPLES[f"writ.{event_type}.v1"]))
    event["data"] = {name: value for name, value in (event["data"] | changes).items() if value is not None}
    return canonicalise(event)


def handles(count: int, first: int = 0) -> list[str]:
    return [f"{number:032x}" for number in range(first, first + count)]


def refusal(raw: bytes) -> FormatError:
    with pytest.raises(FormatError) as caught:
        ev.decode_event(raw)
    return caught.value


@pytest.mark.parametrize("event_type", ev.EVENT_TYPES)
def test_examples_read_back(event_type: str) -> None:
    event = EXAMPLES[event_type]
    raw = ev.encode_event(event)
    assert ev.decode_event(raw) == event == ev.decode_trusted(raw)
    assert type(event.data) is ev.EVENT_TYPES[event_type]
    assert canonicalise(json.loads(raw)) == raw


def test_fields_stand_sorted() -> None:
    """So that encoding a struct gives canonical JSON."""
    modules = (ev, order, vocabulary)
    structs = {item for module in modules for item in vars(module).values() if isinstance(item, type)}
    ours = [item for item in structs if item.__module__.startswith("projections.")]
    checked = [item for item in ours if issubclass(item, Struct) and item.__struct_fields__]
    assert len(checked) >= len(ev.EVENT_TYPES) + 7
    for struct in checked:
        names = struct.__struct_encode_fields__
        assert list(names) == sorted(names), struct
        config = struct.__struct_config__
        assert config.frozen, struct
        assert config.forbid_unknown_fields, struct
        assert not config.omit_defaults, struct


@given(st.binary())
def test_decoding_is_exact_and_total(raw: bytes) -> None:
    _exact_or_refused(raw)


@settings(max_examples=400)
@given(st.sampled_from(LINES), st.randoms(use_true_random=False), st.integers(1, 3))
def test_mutated_bytes_are_exact_or_refused(raw: bytes, chance: random.Random, times: int) -> None:
    mutated = bytearray(raw)
    for _ in range(times):
        at = chance.randrange(len(mutated))
        end = min(len(mutated), at + chance.choice((0, 1, 1, 2, 20)))
        mutated[at:end] = chance.choice(
            (b"", b" ", b"\\", b'"', b"0", b",", b"\x00", b"\xc3\xa9", mutated[at:end] * 2)
        )
    _exact_or_refused(bytes(mutated))


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.sampled_from(["", "GB", "yes", "a", "0" * 32]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "records"]), inner, max_size=2)
    ),
    max_leaves=6,
)


@settings(max_examples=400)
@given(st.sampled_from(LINES), st.data())
def test_mutated_values_are_exact_or_refused(raw: bytes, data: st.DataObject) -> None:
    value = json.loads(raw)
    holder, name = data.draw(st.sampled_from(list(_places(value))))
    if isinstance(holder, dict) and data.draw(st.booleans()):
        del holder[name]
    else:
        holder[name] = data.draw(_json)
    _exact_or_refused(canonicalise(value))


def _places(value: Any) -> Any:
    """Every (container, key or position) within a JSON value."""
    for name, item in value.items() if isinstance(value, dict) else enumerate(value):
        yield value, name
        if isinstance(item, dict | list):
            yield from _places(item)


def _exact_or_refused(raw: bytes) -> None:
    try:
        event = ev.decode_event(raw)
    except FormatError as error:
        refused: FormatError = error
    else:
        assert ev.encode_event(event) == raw
        assert canonicalise(json.loads(raw)) == raw
        assert ev.decode_trusted(raw) == event
        return
    assert isinstance(refused, EventError) != (len(raw) > ev.MAX_EVENT_BYTES)
    if isinstance(refused, EventError):
        # A reason always: the last resort, a default left out, names its field.
        assert refused.problem
        assert not refused.problem.startswith("missing: a default") or refused.field


def test_sizes() -> None:
    assert len(ev.decode_event(line("data.held", records=handles(1000))).data.records) == 1000
    too_many = refusal(line("data.held", records=handles(1001)))
    assert isinstance(too_many, EventError)
    assert too_many.field == "data.records"
    assert "1,001 items, and 1,000 are the most" in str(too_many)
    assert "at least 1" in str(refusal(line("data.held", records=[])))
    too_long = refusal(line("data.held", records=handles(1500)))
    assert isinstance(too_long, TooLargeError)
    assert "49,152 are the most" in str(too_long)


def test_an_event_may_be_exactly_48_kib() -> None:
    overhead = len(line("checkpoint.anchored", note="AAAA")) - 4
    size = ev.MAX_EVENT_BYTES - overhead
    name = "x" * (1 + size % 4)
    event = json.loads(line("checkpoint.anchored", note="A" * (size - size % 4)))
    raw = canonicalise(event | {"id": event["id"] + name[1:]})
    assert len(raw) == ev.MAX_EVENT_BYTES
    ev.decode_event(raw)
    assert isinstance(refusal(raw.replace(b'"id":"', b'"id":"x')), TooLargeError)


RAW = canonicalise(HELD)


@pytest.mark.parametrize(
    ("raw", "field", "words"),
    [
        (b"", None, "not JSON"),
        (RAW[:-1], None, "not JSON"),
        (RAW + b"\n", None, "byte 0x0a at"),
        (RAW.replace(b"images", b"imag\xff"), None, "byte 0xff at"),
        (RAW.replace(b"images", b"imag\xc3\xa9s"), None, "byte 0xc3 at"),
        (RAW.replace(b"images", b"im\\u0061ges"), None, "backslash at byte"),
        # `$` in a pattern meets the newline, and encoding writes the same escape again.
        (RAW.replace(b'images"', b'images\\n"'), None, "backslash at byte"),
        (RAW.replace(b'"images"', b'"images","store":"images"'), None, "duplicate key 'store'"),
        (RAW.replace(b'"minor":"unknown"', b'"minor":1.5'), None, "data.minor is a float"),
        (RAW.replace(b'"minor":"unknown"', b'"minor":9007199254740992'), None, "greater than an integer"),
        (RAW.replace(b",", b", ", 1), None, "not canonical at byte"),
        (
            RAW.replace(b'{"data":', b'{"id":"e","data":').replace(b'"id":"data-held-1",', b""),
            None,
            "not canonical",
        ),
        (b"[]", None, "JSON object"),
        (b'"x"', None, "JSON object"),
        (b'{"id":"e"}', "type", "missing"),
        (b'{"type":5}', "type", "missing"),
        (RAW.replace(b"data.held.v1", b"data.hold.v1"), "type", "did you mean writ.data.held.v1?"),
        (RAW.replace(b'"id"', b'"extra":1,"id"'), "extra", "unknown"),
        (RAW.replace(b'"minor":"unknown",', b""), "data.minor", "missing"),
        (RAW.replace(b'"specversion":"1.0",', b""), "specversion", "missing: a default is written out"),
        (RAW.replace(b'"1.0"', b'"1.1"'), "specversion", "1.1 is not in the vocabulary"),
        (
            RAW.replace(b'"id"', b'"datacontenttype":"text/xml","id"'),
            "datacontenttype",
            "not in the vocabulary",
        ),
        (RAW.replace(b"data-held-1", b"data held"), "id", "does not match"),
        (RAW.replace(b"09:00:00Z", b"09:00:00+00:00"), "time", "does not match"),
        (RAW.replace(b"2022-05-18", b"2022-02-30"), "time", "not in the calendar"),
        (RAW.replace(b"2022-05-17", b"2022-02-30"), "data.as_of", "not in the calendar"),
        (RAW.replace(b'"images"', b'"the images of people"'), "data.store", "does not match"),
        (RAW.replace(b'"images"', b"7"), "data.store", "expected `str`, got `int`"),
        (RAW.replace(b'"GB"', b'"UK"'), "data.residency[0]", "the UK is GB"),
        (RAW.replace(b"user.biometric", b"user.biometrics"), "data.categories[0]", "not in the vocabulary"),
    ],
)
def test_refusals_name_the_place(raw: bytes, field: str | None, words: str) -> None:
    assert raw != RAW
    error = refusal(raw)
    assert isinstance(error, EventError)
    assert words in str(error)
    assert error.field == field


_1, _2, _3 = handles(3)
_DIGEST = "A" * 43 + "="


@pytest.mark.parametrize(
    ("event_type", "changes", "field"),
    [
        ("data.held", {"records": [_2, _1]}, "data.records[1]"),
        ("data.held", {"records": [_1, _1]}, "data.records[1]"),
        ("data.held", {"records": ["John Smith"]}, "data.records[0]"),
        ("data.held", {"records": [_1.upper().replace("0", "A")]}, "data.records[0]"),
        ("data.held", {"residency": None}, "data.residency_basis"),
        ("data.held", {"residency_basis": None}, "data.residency_basis"),
        ("data.held", {"residency": ["IE", "GB"]}, "data.residency[1]"),
        ("data.held", {"categories": ["user.name", "user"]}, "data.categories[1]"),
        ("data.collected", {"retention_until": "2022-02-30T00:00:00Z"}, "data.retention_until"),
        ("residency.asserted", {"confidence_pct": 101}, "data.confidence_pct"),
        ("data.derived", {"artefacts": [_2, _1]}, "data.artefacts[1]"),
        ("data.derived", {"records": [_1, _2, _3]}, "data.records"),
        ("data.derived", {"records": None}, "data.records"),
        ("data.derived", {"records": None, "inputs_digest": _DIGEST}, "data.inputs_digest"),
        ("data.derived", {"inputs_digest": _DIGEST}, "data.inputs_digest"),
        ("data.derived", {"lineage": "all", "records": [_2, _1]}, "data.records[1]"),
        (
            "data.derived",
            {"artefacts": handles(501), "records": handles(500, 900), "lineage": "all"},
            "data.records",
        ),
        ("data.copied", {"to_store": "images"}, "data.to_store"),
        ("data.deleted", {"artefacts": [_1]}, "data.records"),
        ("data.deleted", {"records": None}, "data.records"),
        ("data.deleted", {"method": "soft"}, "data.irrecoverable"),
        ("data.deleted", {"evidence": []}, "data.evidence"),
        ("data.deleted", {"cause_ref": "because he asked"}, "data.cause_ref"),
        ("deletion.verified", {"digest": _DIGEST}, "data.records"),
        ("deletion.verified", {"records": None}, "data.records"),
        ("inventory.attested", {"begun_size": None}, "data.begun_size"),
        ("inventory.attested", {"method": "quiescent"}, "data.begun_size"),
        ("inventory.attested", {"orphans": handles(600), "missing": handles(600)}, "data.orphans"),
        ("collector.attested", {"exclusions": ["IE", "GB"]}, "data.exclusions[1]"),
        ("collector.attested", {"to": "2022-05-18T00:00:00Z"}, "data.to"),
        ("checkpoint.anchored", {"note": "AB=="}, "data.note"),
        ("event.corrected", {"corrects": -1}, "data.corrects"),
        ("event.corrected", {"reason": "I was drunk"}, "data.reason"),
        ("order.issued", {"effective_at": "2022-05-19"}, "data.effective_at"),
        ("order.issued", {"instrument_sha256": "0" * 64}, "data.instrument_sha256"),
        ("key.registered", {"name": "other.example"}, "data.name"),
        ("key.revoked", {"compromised_since": "2022-02-30T00:00:00Z"}, "data.compromised_since"),
        ("token.registered", {"role": "authority"}, "data.role"),
        ("log.created", {"origin": "ledger.example/other"}, "data.log_vkey"),
        ("consent.given", {"records": [_2, _1]}, "data.records[1]"),
        ("enquiry.received", {"due_at": "2022-02-30T00:00:00Z"}, "data.due_at"),
        ("enquiry.received", {"records": [_2, _1]}, "data.records[1]"),
        ("enquiry.received", {"right": "23"}, "data.right"),
        ("enquiry.identity_demanded", {"items": ["photo", "account"]}, "data.items[1]"),
        ("enquiry.identity_demanded", {"items": []}, "data.items"),
        ("enquiry.extended", {"due_at": "2022-02-30T00:00:00Z"}, "data.due_at"),
        ("suppression.added", {"tokens": [_1, _1]}, "data.tokens[1]"),
        ("suppression.added", {"until": "2022-02-30T00:00:00Z"}, "data.until"),
        ("suppression.hit", {"tokens": ["John Smith"]}, "data.tokens[0]"),
        ("suppression.removed", {"tokens": [_2, _1]}, "data.tokens[1]"),
        ("data.matched", {"probe": _1.upper().replace("0", "A")}, "data.probe"),
        ("data.matched", {"records": handles(1000)}, "data.records"),
        ("backup.created", {"expires_at": "2022-05-17T00:00:00Z"}, "data.expires_at"),
        ("backup.created", {"as_of": "2022-02-30T00:00:00Z"}, "data.as_of"),
        ("service.offered", {"territory": "UK"}, "data.territory"),
        ("service.withdrawn", {"territory": "XX-1"}, "data.territory"),
        ("order.varied", {"effective_at": "2022-02-30"}, "data.effective_at"),
        ("order.varied", {"instrument_sha256": "0" * 64}, "data.instrument_sha256"),
        ("order.stayed", {"effective_at": "2022-02-30"}, "data.effective_at"),
        ("exemption.granted", {"records": None}, "data.records"),
        ("exemption.granted", {"category_class": "user.biometric"}, "data.records"),
        ("exemption.granted", {"records": [_2, _1]}, "data.records[1]"),
        ("hold.placed", {"until": "2022-02-30"}, "data.until"),
        ("penalty.accrued", {"from": None}, "data.to"),
        ("penalty.accrued", {"to": None}, "data.to"),
        ("penalty.accrued", {"to": "2022-12-19"}, "data.to"),
        ("penalty.accrued", {"from": "2022-02-30"}, "data.from"),
        ("penalty.imposed", {"amount_minor": -1}, "data.amount_minor"),
        ("probe.attested", {"found": 3}, "data.found"),
        ("probe.attested", {"control_found": 21}, "data.control_found"),
        ("sample.requested", {"n": 0}, "data.n"),
        ("sample.attested", {"failures": 301}, "data.failures"),
    ],
)
def test_rules_between_fields(event_type: str, changes: dict[str, Any], field: str) -> None:
    error = refusal(line(event_type, **changes))
    assert isinstance(error, EventError)
    assert error.field == field


@pytest.mark.parametrize(
    ("event_type", "changes"),
    [
        # `each` pairs, so records may repeat and stand in any order; `all` is a set, or its digest.
        ("data.derived", {"records": [_2, _2]}),
        ("data.derived", {"records": [_2, _1]}),
        ("data.derived", {"lineage": "all", "records": [_1, _2, _3]}),
        ("data.derived", {"lineage": "all", "records": None, "inputs_digest": _DIGEST}),
        ("data.derived", {"lineage": "all", "artefacts": handles(500), "records": handles(500, 900)}),
        ("data.deleted", {"records": None, "artefacts": [_1]}),
        ("data.deleted", {"method": "soft", "irrecoverable": False}),
        ("data.held", {"residency": None, "residency_basis": None}),
        ("data.held", {"residency": []}),
        ("deletion.verified", {"records": None, "digest": _DIGEST}),
        ("inventory.attested", {"method": "snapshot", "begun_size": None, "begun_root": None}),
        ("collector.attested", {"exclusions": []}),
        ("enquiry.received", {"records": None}),
        ("data.matched", {"records": handles(999)}),
        ("service.offered", {"territory": "GB-SCT"}),
        # A variation may take effect at another time than the order that it varies.
        ("order.varied", {"effective_at": "2022-05-18"}),
        ("exemption.granted", {"records": None, "category_class": "user.biometric"}),
        ("penalty.accrued", {"from": None, "to": None}),
        ("penalty.accrued", {"to": "2022-12-20"}),
        ("sample.attested", {"n": None, "failures": 301}),
    ],
)
def test_what_the_rules_leave_free(event_type: str, changes: dict[str, Any]) -> None:
    ev.decode_event(line(event_type, **changes))


def test_a_variation_is_a_higher_version() -> None:
    varied = json.loads(ev.encode_event(EXAMPLES["writ.order.varied.v1"]))["data"]["order"]
    error = refusal(line("order.varied", order=varied | {"version": 1}))
    assert isinstance(error, EventError)
    assert error.field == "data.order.version"


def test_keys_in_events_are_real() -> None:
    example = json.loads(ev.encode_event(EXAMPLES["writ.key.registered.v1"]))["data"]
    name, key_id, public = example["vkey"].split("+", 2)
    for vkey in (f"{name}+00000000+{public}", f"{name}+{key_id}+{'A' * 44}"):
        error = refusal(line("key.registered", vkey=vkey))
        assert isinstance(error, EventError)
        assert error.field == "data.vkey"


def test_times_and_optional_attributes() -> None:
    event = ev.make_event(
        ev.StoreRetired(controller="c", store="s"),
        id="e-1",
        source="k.example",
        time="2022-05-18T09:00:00.25Z",
        causationid="e-0",
        correlationid="batch-7",
    )
    raw = ev.encode_event(event)
    assert raw.startswith(b'{"causationid":"e-0","correlationid":"batch-7","data":{')
    assert ev.decode_event(raw) == event
    assert ev.time_us(event) == 1_652_864_400_250_000


def test_a_deep_line_is_refused() -> None:
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
        depth = 20_000 // len(opening)
        raw = b'{"data":' + opening * depth + b"1" + closing * depth + b',"type":"writ.data.held.v1"}'
        assert refusal(raw)


@pytest.mark.parametrize(
    "raw",
    [
        RAW.replace(b"data.held", b"x" * 40_000),
        RAW.replace(b'"minor"', b'"' + b"x" * 40_000 + b'"'),
        RAW.replace(b'"unknown"', b'"' + b"x" * 40_000 + b'"'),
        RAW.replace(b'"images"', b'"' + b"x" * 40_000 + b'"'),
        RAW.replace(b"crawler", b"a/" * 20_000),
        RAW.replace(b'"GB"', b'"GB",' * 8_000 + b'"GB"'),
        line("data.deleted").replace(b"ico.example/", b"a/" * 20_000),
        line("checkpoint.anchored", note="A" * 40_001),
    ],
)
def test_a_refusal_is_short(raw: bytes) -> None:
    assert len(str(refusal(raw))) < 300


def test_decoders_are_bound_to_their_type() -> None:
    """A type named elsewhere than at the end decides nothing."""
    swapped = ev.encode_event(EXAMPLES["writ.store.retired.v1"]).replace(b"store.retired", b"data.held")
    assert isinstance(refusal(swapped), EventError)
    with pytest.raises(msgspec.ValidationError):
        ev.decode_trusted(swapped)
