"""Orders before they are signed: templates, the sentences that explain them, and what a lawyer got wrong."""

import base64
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from ledger import order_templates as templates
from ledger.cli import main
from ledger.explaining import DOES, explain
from ledger.reviewing import review
from projections.examples import AUDITOR, AUTHORITY, ORIGIN, WITNESS, example_order, vkey
from projections.order import Deadline, Obligation, Order, Penalty, Scope, Trust, deadline_at, parse_order
from projections.vocabulary import ObligationType
from signing.errors import FormatError
from signing.keys import COSIGNATURE

LOG = vkey(ORIGIN)
PEM = Path(__file__).parents[1] / "vectors" / "timestamp" / "root.pem"
ROOT = "".join(PEM.read_text().splitlines()[1:-1])
WITNESS_VKEY = vkey(WITNESS, COSIGNATURE)
SHA = "1" * 64
PARTIES = templates.Parties(
    authority=AUTHORITY, log=LOG, assessors=(vkey(AUDITOR),), witnesses=(WITNESS_VKEY,), instrument_sha256=SHA
)
EIGHT = {
    "ico-clearview", "cnil-clearview", "garante-clearview", "hamburg-clearview", "oaic-clearview",
    "ico-serco", "ftc-everalbum", "ftc-kurbo",
}  # fmt: skip
NEW = ["order", "new", "--template", "ico-clearview"]
Out = pytest.CaptureFixture[str]


def filled(name: str) -> Order:
    return templates.fill(templates.read(name), PARTIES)


def ends(order: Order) -> dict[str, str]:
    """Each obligation's last day."""
    return {
        one.id: datetime.fromtimestamp(deadline_at(order, one), UTC).date().isoformat()
        for one in order.obligations
    }


# Templates.


def test_there_is_a_template_for_each_of_the_eight_cases() -> None:
    assert set(templates.names()) == EIGHT


@pytest.mark.parametrize("name", sorted(EIGHT))
def test_a_filled_template_is_an_order_without_mistakes(name: str) -> None:
    order = filled(name)
    assert order.id.startswith(f"{AUTHORITY}/")
    assert [one for one in review(order) if one.grave] == []
    assert len(explain(order)) == len(order.obligations) + 2


def test_the_dates_are_those_of_the_cases() -> None:
    ico = filled("ico-clearview")
    assert (ico.effective, ico.appeal_expires) == ("2022-05-18", "2022-06-15")
    assert ends(ico) == {
        "cease-collecting": "2022-09-15", "cease-using": "2022-09-15", "erase": "2022-12-15",
    }  # fmt: skip
    cnil = filled("cnil-clearview")
    assert ends(cnil)["erase"] == "2022-12-17"
    assert cnil.obligations[2].depends_on == ("answer-requests",)
    daily = cnil.obligations[2].penalty
    assert isinstance(daily, Penalty)
    # 52 days accrued are the 5.2 million euros that were called in.
    assert (52 * daily.amount_minor, daily.per) == (520_000_000, "day")
    assert ends(filled("hamburg-clearview")) == {"erase-template": "2021-02-12", "confirm": "2021-02-12"}
    assert ends(filled("oaic-clearview"))["destroy"] == "2022-01-12"
    assert ends(filled("ico-serco"))["destroy"] == "2024-05-19"
    assert set(ends(filled("ftc-everalbum")).values()) == {"2021-08-05"}
    assert {one.oath for one in filled("ftc-everalbum").obligations} == {"none", "sworn"}
    assert {one.scope.minors for one in filled("ftc-kurbo").obligations[:3]} == {"only"}
    assert filled("ftc-kurbo").obligations[2].retention_days == 365


def test_a_quorum_is_more_than_half_unless_one_is_named() -> None:
    keys = tuple(vkey(f"w{n}.example", COSIGNATURE) for n in range(4))
    assert templates.policy_lines(()) == []
    assert templates.policy_lines(keys[:1]) == [f"witness w1 {keys[0]}", "quorum w1"]
    assert templates.policy_lines(keys[:3])[3:] == ["group majority 2 w1 w2 w3", "quorum majority"]
    assert templates.policy_lines(keys)[4:] == ["group majority 3 w1 w2 w3 w4", "quorum majority"]
    named = (f"witness mine {keys[0]}", f"witness yours {keys[1]}", "group any any mine yours", "quorum any")
    assert templates.policy_lines(named) == list(named)
    printed = f"witness w0.example {keys[0]} http://127.0.0.1:8322"
    assert templates.policy_lines((printed,)) == [f"witness w0.example {keys[0]}", "quorum w0.example"]
    three = msgspec.structs.replace(PARTIES, witnesses=keys[:3])
    assert templates.fill(templates.read("ico-serco"), three).trust.policy().quorum != "none"


def test_what_is_no_key_is_said() -> None:
    with pytest.raises(FormatError, match="log_vkey"):
        templates.fill(templates.read("ico-serco"), msgspec.structs.replace(PARTIES, log="clearview"))


# Sentences.


def obligation(type: ObligationType = "erase", **how: Any) -> Obligation:
    given: dict[str, Any] = {"deadline": Deadline(at="2022-12-15"), "id": "it", "type": type} | how
    return Obligation(**given)


def order_of(*obligations: Obligation, **how: Any) -> Order:
    return msgspec.structs.replace(
        example_order(), **{"obligations": obligations or (obligation(),), "instrument_sha256": SHA, **how}
    )


def sentence(one: Obligation, **how: Any) -> str:
    return explain(order_of(one, **how))[1]


def test_a_root_certificate_is_read_from_a_file(tmp_path: Path, capsys: Out) -> None:
    der = tmp_path / "root.der"
    der.write_bytes(base64.b64decode(ROOT))
    given = ["--authority", AUTHORITY, "--log", LOG]
    for path in (PEM, der):
        assert main([*NEW, *given, "--timestamp-root", str(path)]) == 0
        assert parse_order(capsys.readouterr().out.encode()).trust.timestamp_roots == (ROOT,)
    (tmp_path / "no.pem").write_text("-----BEGIN NOTHING")
    assert main([*NEW, *given, "--timestamp-root", str(tmp_path / "no.pem")]) == 2
    assert "--timestamp-root" in capsys.readouterr().err


def test_time_stamp_authorities_are_told_by_their_roots() -> None:
    order = filled("ico-clearview")
    trust = msgspec.structs.replace(order.trust, timestamp_roots=(ROOT,))
    last = explain(msgspec.structs.replace(order, trust=trust))[-1]
    mark = hashlib.sha256(base64.b64decode(ROOT)).hexdigest()[:16]
    assert f"time-stamps by authorities under the root whose SHA-256 begins with {mark}; " in last


def test_an_order_is_explained_before_it_is_signed() -> None:
    first, _, _, erase, last = explain(filled("ico-clearview"))
    assert "issued on 18 May 2022 in GB under dpa2018.s149" in first
    assert "may be appealed to the end of 15 June 2022" in first
    assert erase.startswith(
        "erase: Clearview must, by 15 December 2022 (6 months from the end of the appeal period, 15 June "
        "2022) and if no appeal is lodged, erase irrecoverably personal data"
    )
    assert "about residents of GB; records of unknown residency count as in scope" in erase
    assert last.startswith(
        f"Believed are the log {ORIGIN}; the witnesses {WITNESS} (quorum: w1); the assessors {AUDITOR}."
    )


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"scope": Scope(residency=("FR", "GB"))}, "residents of FR or GB"),
        ({"scope": Scope()}, "personal data of any category about anybody"),
        ({"scope": Scope(minors="only")}, "about children"),
        ({"scope": Scope(stores=("faces",))}, "in the stores faces"),
        ({"scope": Scope(source_kinds=("public_web",))}, "from the sources public_web"),
        ({"scope": Scope(collected_from="2020-01-01", collected_to="2021-01-01")},
         "collected from 1 January 2020 on and to the end of 1 January 2021"),
        ({"scope": Scope(residency=("GB",), unknown_residency="report")}, "stand in the way"),
        ({"scope": Scope(residency=("GB",), unknown_residency="out_of_scope")}, "are left alone"),
        ({"scope": Scope(residency=("GB",), residency_bases=("ip",))}, "the scope only on IP addresses"),
        ({"include": ()}, "left alone are what is derived from it, its copies, what recipients hold and"),
        ({"min_method": "destroy"}, "destroying what it is stored on"),
        ({"min_evidence": "E3"}, "an assessor must have looked"),
        ({"independent": True}, "must not be the controller's own"),
        ({"oath": "sworn"}, "under oath"),
        ({"recurrence": "P1Y6M"}, "again every 1 year and 6 months"),
        ({"recurrence": "P1DT2M"}, "again every 1 day and 2 minutes"),
        ({"type": "limit_retention", "retention_days": 365}, "period; at most 365 days from its collection"),
        ({"type": "limit_retention", "retention_days": 1}, "at most 1 day from its collection or,"),
        ({"modality": "best_efforts"}, "best efforts"),
        ({"penalty": Penalty(amount_minor=10_000_000, currency="EUR", per="day")},
         "on penalty of 100,000.00 EUR for every day that it is late"),
        ({"deadline": Deadline(at="2022-12-15T10:30:00Z")}, "by 15 December 2022, 10:30:00 UTC"),
        ({"type": "pay", "penalty": Penalty(amount_minor=5, currency="JPY")},
         "pay 5 of the smallest unit of JPY"),
        ({"type": "cease_offering", "scope": Scope(residency=("IT",))}, "offer its services no more in IT"),
    ],
)  # fmt: skip
def test_each_setting_is_said(how: dict[str, Any], says: str) -> None:
    assert says in sentence(obligation(**how))


def test_every_type_of_obligation_has_its_sentence() -> None:
    assert set(get_args(ObligationType)) == DOES.keys()


def test_how_many_assessors_it_takes_is_said() -> None:
    keys = tuple(sorted((vkey(AUDITOR), vkey("second.example"))))
    said = explain(order_of(GOOD, trust=_trust(assessors=keys, assessors_needed=2)))[-1]
    assert "the assessors auditor.example and second.example (2 of them must sign a statement without" in said
    filled = templates.fill(
        templates.read("ico-clearview"), msgspec.structs.replace(PARTIES, assessors=keys, assessors_needed=2)
    )
    assert filled.trust.quorum_of_assessors == 2
    assert "must sign" not in explain(order_of(GOOD))[-1]


def test_without_an_appeal_period_no_appeal_is_spoken_of() -> None:
    assert "appeal" not in sentence(obligation(), appeal_expires=msgspec.UNSET)


# Mistakes.

NARROW = Scope(residency=("GB",))
GOOD = obligation(scope=NARROW)


def rules(order: Order) -> set[str]:
    return {one.rule for one in review(order)} - {"trust.one_witness"}


def test_a_good_order_raises_no_concern() -> None:
    assert rules(order_of(GOOD)) == set()


def _trust(**how: Any) -> Trust:
    return msgspec.structs.replace(example_order().trust, **how)


@pytest.mark.parametrize(
    ("rule", "grave", "order"),
    [
        ("deadline.before_effective", True,
         order_of(obligation(scope=NARROW, deadline=Deadline(at="2022-05-17")))),
        ("deadline.before_appeal_expires", False,
         order_of(obligation(scope=NARROW, deadline=Deadline(at="2022-06-14")))),
        ("deadline.before_dependency", True,
         order_of(GOOD, msgspec.structs.replace(GOOD, id="b", depends_on=("it",),
                                                deadline=Deadline(at="2022-12-14")))),
        ("deadline.clipped", False,
         order_of(obligation(scope=NARROW, deadline=Deadline(anchor="effective", duration="P1M")),
                  effective="2022-10-31")),
        ("trust.no_witnesses", True, order_of(GOOD, trust=_trust(witnesses=()))),
        ("trust.no_witnesses", False, order_of(GOOD, trust=_trust(witnesses=(), timestamp_roots=(ROOT,)))),
        ("trust.no_root", True, order_of(GOOD, trust=_trust(timestamp_roots=("MAOqu8w=",)))),
        ("trust.no_assessors", False, order_of(GOOD, trust=_trust(assessors=()))),
        ("trust.old_statements", False, order_of(GOOD, trust=_trust(max_statement_age="P31D"))),
        ("evidence.no_assessor", True,
         order_of(obligation(scope=NARROW, min_evidence="E3"), trust=_trust(assessors=()))),
        ("evidence.no_assessor", True,
         order_of(obligation(scope=NARROW, independent=True), trust=_trust(assessors=()))),
        ("evidence.no_assessor", True,
         order_of(obligation("independent_assessment"), trust=_trust(assessors=()))),
        ("evidence.no_custody", True, order_of(obligation("restrict", scope=NARROW, min_evidence="E4"))),
        ("evidence.of_a_word", True, order_of(obligation("cease_using", scope=NARROW, min_evidence="E1"))),
        ("scope.everybody", False, order_of(obligation())),
        ("scope.nobody", True,
         order_of(obligation(scope=Scope(collected_from="2022-01-02", collected_to="2022-01-01")))),
        ("scope.unknown_left_alone", False,
         order_of(obligation(scope=Scope(residency=("GB",), unknown_residency="out_of_scope")))),
        ("scope.unknown_reported", False,
         order_of(obligation(scope=Scope(residency=("GB",), unknown_residency="report")))),
        ("scope.weak_basis", False,
         order_of(obligation(scope=Scope(residency=("GB",), residency_bases=("declared", "ip"))))),
        ("retention.own_term", False, order_of(obligation("limit_retention", scope=NARROW))),
        ("include.no_derived", False,
         order_of(obligation(scope=NARROW, include=("backups", "copies", "recipients")))),
        ("include.no_backups", False,
         order_of(obligation(scope=NARROW, include=("copies", "derived", "recipients")))),
        ("include.no_recipients", False,
         order_of(obligation(scope=NARROW, include=("backups", "copies", "derived")))),
        ("instrument.none", True, order_of(GOOD, instrument_sha256="0" * 64)),
        ("effective.before_issued", True, order_of(GOOD, effective="2022-05-17")),
        ("served.before_issued", True, order_of(GOOD, served="2022-05-17")),
        ("appeal_expires.before_issued", True,
         order_of(GOOD, appeal_expires="2022-05-17", served=msgspec.UNSET)),
        ("appeal_expires.before_served", True, order_of(GOOD, served="2022-06-16")),
        ("appeal_expires.none", False, order_of(GOOD, appeal_expires=msgspec.UNSET)),
    ],
)  # fmt: skip
def test_each_mistake_is_named(rule: str, grave: bool, order: Order) -> None:
    found = [one for one in review(order) if one.rule == rule]
    assert [one.grave for one in found] == [grave]


def test_one_witness_is_few() -> None:
    assert "trust.one_witness" in {one.rule for one in review(order_of(GOOD))}
    keys = tuple(vkey(f"w{n}.example", COSIGNATURE) for n in range(3))
    three = _trust(witnesses=tuple(templates.policy_lines(keys)))
    assert review(order_of(GOOD, trust=three)) == []


def test_a_month_that_is_long_enough_clips_nothing() -> None:
    for start, duration in (("2022-10-30", "P1M"), ("2022-10-31", "P2M"), ("2022-10-31", "P1M1D")):
        deadline = Deadline(anchor="effective", duration=duration)
        order = order_of(obligation(scope=NARROW, deadline=deadline), effective=start)
        assert rules(order) == set(), (start, duration)


# The commands.


def test_the_templates_are_listed(capsys: Out) -> None:
    assert main(["order", "new"]) == 0
    out = capsys.readouterr().out
    assert all(f"{name}\n" in out for name in EIGHT)
    assert main(["order", "new", "--json"]) == 0
    assert {one["name"] for one in json.loads(capsys.readouterr().out)} == EIGHT


def test_all_that_is_missing_is_said_at_once(capsys: Out) -> None:
    assert main(NEW) == 2
    err = capsys.readouterr().err
    for option in ("authority NAME", "log VKEY", "witness LINE", "assessor VKEY", "instrument FILE"):
        assert f"--{option}" in err
    assert main(["order", "new", "--template", "none"]) == 1
    assert "ico-clearview" in capsys.readouterr().err


def test_an_order_is_written_checked_and_read(tmp_path: Path, capsys: Out) -> None:
    path, notice = tmp_path / "order.json", tmp_path / "notice.pdf"
    notice.write_bytes(b"%PDF")
    words = [*NEW, "--authority", AUTHORITY, "--log", LOG, "-o", str(path)]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "Not given yet" in said
    assert main(["order", "check", str(path)]) == 1
    out = capsys.readouterr().out
    assert "What is wrong" in out
    assert "trust.no_witnesses" in out
    more = ["--assessor", vkey(AUDITOR), "--witness", WITNESS_VKEY, "--instrument", str(notice)]
    assert main([*words, *more, "--controller", "other"]) == 0
    assert "Not given yet" not in capsys.readouterr().out
    order = parse_order(path.read_bytes())
    assert order.controllers == ("other",)
    assert main(["order", "check", str(path)]) == 0
    out = capsys.readouterr().out
    assert "Other must, by 15 December 2022" in " ".join(out.split())
    assert "What is wrong" not in out
    assert main(["order", "check", str(path), "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["sentences"] == explain(order)
    assert [one["rule"] for one in value["concerns"]] == ["trust.one_witness"]


def test_an_order_is_printed_where_no_file_is_named(capsys: Out) -> None:
    assert main([*NEW, "--authority", AUTHORITY, "--log", LOG]) == 0
    assert parse_order(capsys.readouterr().out.encode()).id == f"{AUTHORITY}/en-2022-1"
