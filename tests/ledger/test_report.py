"""The report: what a person prints says what the statement says, and nothing in a log can change the page."""

import os
import re
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from ledger import charts, report
from ledger.fingerprints import fingerprint
from ledger.retracing import Retraced, cost_of, retrace
from projections import events as ev
from projections.burndown import Burndown, Point
from projections.order import order_hash
from projections.runners.offline import Replayed, replay
from projections.runners.wording import moment
from projections.statement import format_statement
from projections.stating import Stated, find_order, state
from signing.attestation import Attestation, format_attestation, statement_hash
from signing.cosignature import verify_cosignature
from signing.encoding import encode_base64
from signing.errors import FormatError
from signing.keys import COSIGNATURE
from signing.note import Note, format_note, sign_note, signatures_of
from tests.projections.logbuilder import CONTROLLER, OPERATOR, MemorySource, key_of, vkey_of
from tests.projections.stamping import obeyed
from tests.projections.story import (
    ASSESSOR,
    AUTHORITY,
    COMPANY,
    DEADLINE_S,
    ORDER,
    START_S,
    WITNESS,
    Story,
    cease_gb,
    erase_gb,
)
from tests.signing.authority import Authority

GOLDEN = Path(__file__).parent.parent / "golden" / "report.html"
HOST = "host.example"
DAY_US = 86_400_000_000
VOID = {"meta", "br"}


class Page(HTMLParser):
    """A page read strictly: every element is closed where it must be, and its text is kept."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style"} & set(self.open):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def section(self, number: int) -> str:
        begin = self.text.index(f" {number}. ", self.text.index(" 1. Status"))
        end = self.text.find(f" {number + 1}. ", begin)
        return self.text[begin : None if end < 0 else end]


def telling() -> Story:
    """Two copies erased in time, one late, one by a stranger; one person abroad; one store of two seen."""
    story = Story()
    story.log.register(HOST, "processor")
    story.hold(1, 2, 3, 4)
    story.hold(5, residency="FR")
    story.order(cease_gb(), erase_gb(include=("copies", "derived")))
    story.log.anchor(WITNESS)
    story.log.now_us += 2 * DAY_US
    story.attest("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")
    story.erase(1, 2)
    story.log.anchor(WITNESS)
    story.log.now_us += 31 * DAY_US
    late = story.erase(3)
    story.erase(4, by=HOST)
    story.look("faces", 4, 5, by=ASSESSOR)
    story.post(ev.EventCorrected(controller=CONTROLLER, corrects=late, reason="wrong_time"))
    story.log.anchor(WITNESS)
    return story


def judged(story: Story, witnesses: tuple[str, ...] = (WITNESS,)) -> tuple[Stated, Replayed]:
    replayed = replay(MemorySource(story.log.tree(*witnesses)), workers=0)
    as_of = story.log.now_us // 1_000_000 + 1
    issued = find_order(replayed.fold, ORDER, None, vkey_of(AUTHORITY), as_of=as_of)
    assert issued is not None
    rules = "0" * 64
    checkpoint = replayed.audited.checkpoint
    return state(replayed.fold, checkpoint, issued, as_of=as_of, rules=rules, states=()), replayed


def rendered(story: Story, *assessors: str, compact: bool = False, **attestations: bytes) -> str:
    stated, replayed = judged(story)
    return report.render(
        stated,
        stated.case.order,
        replayed,
        compact=compact,
        note=signed(stated, *assessors),
        attestations={f"attestation/{number}": raw for number, raw in enumerate(attestations.values())},
    )


def signed(stated: Stated, *assessors: str) -> Note:
    """The statement as its operator and these assessors sign it."""
    return sign_note(format_statement(stated.statement), *map(key_of, (OPERATOR, *assessors)))


def test_the_page_of_a_small_log() -> None:
    page = rendered(telling())
    # Roots and digests are other tests' matter, and change with every handle.
    shown = re.sub(r">[A-Za-z0-9+/]{43}=<", ">…<", page)
    if os.environ.get("WRIT_WRITE_GOLDEN"):
        GOLDEN.write_text(shown)
    assert shown == GOLDEN.read_text(), "WRIT_WRITE_GOLDEN=1 writes it anew: look at it then"
    assert page == rendered(telling())


def test_it_is_one_file_that_asks_for_nothing() -> None:
    text = rendered(telling())
    page = Page(text)
    assert {tag for tag, _ in page.seen}.isdisjoint({"script", "link", "img", "iframe", "object", "base"})
    for _, attributes in page.seen:
        for name, value in attributes.items():
            assert not name.startswith("on")
            assert name not in ("src", "srcset", "style")
            assert name != "href" or re.fullmatch(r"#s\d+", value or "")
    assert "://" not in text
    assert "url(" not in text
    assert "@import" not in text
    ids = [attributes["id"] for _, attributes in page.seen if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in page.seen:
        assert set((attributes.get("aria-labelledby") or "").split()) <= set(ids)


def test_the_headline_stands_with_its_ground() -> None:
    stated, _ = judged(telling())
    page = Page(rendered(telling()))
    said = report.title(stated.statement)
    assert said.startswith("breached on ")
    assert f"{said[0].upper()}{said[1:]}." in page.text
    assert "1 of 2 declared: 1 by an assessor whom the order names, 0 by the controller itself" in page.text
    assert "nobody looked into 1" in page.text


def test_every_section_says_what_the_judgment_says() -> None:
    story = telling()
    stated, _ = judged(story)
    page = Page(rendered(story))
    erase = stated.statement.obligations[1]
    assert (erase.counts["live"], erase.counts["erased_late"]) == (1, 1)
    assert "In force as of" in page.section(1)
    assert "When the order took effect: nothing on record yet." in page.section(2)
    assert "At the deadline: 2." in page.section(2)
    assert "Now: 1 ." in page.section(2)
    assert "0 of 1 collectors named account for the whole time" in page.section(3)
    assert "nobody accounts for it" in page.section(3)
    assert "deadline of cease" in page.section(4)
    assert "Nobody has looked since the order and the last erasure there." in page.section(5)
    assert "agrees" in page.section(5)
    for name in ("copies in scope 4", "of them live 1", "erased late 1"):
        assert name in page.section(6)
    assert "erasure.late The erasure was recorded after the deadline." in page.section(7)
    assert "erasure.foreign" in page.section(7)
    assert "wrong_time erasure.late" in page.section(8)
    assert f"erase registration {COMPANY} 1" in page.section(9)
    for vkey in (vkey_of(AUTHORITY), vkey_of(ASSESSOR), stated.case.order.trust.log_vkey):
        assert f"{vkey} {fingerprint(vkey)}" in page.section(11)
    assert "what is in index: nobody has looked" in page.section(12)
    assert encode_base64(order_hash(stated.case.order)) in page.section(13)


def test_the_timeline_ends_where_the_statement_stands() -> None:
    stated, replayed = judged(telling())
    found = retrace(stated, replayed)
    assert found.complete
    last = found.changes[-1].change
    assert (last.verdict, last.status) == (stated.judgment.verdict, stated.judgment.status)
    assert (-1, "deadline", "cease") in [
        (one.change.entry, one.change.type, one.change.by) for one in found.changes
    ]


def test_in_a_larger_log_changes_are_searched_for_and_the_page_says_so() -> None:
    stated, replayed = judged(telling())
    found = retrace(stated, replayed, 9 * cost_of(stated.case))
    whole = retrace(stated, replayed)
    assert whole.complete
    assert not found.complete
    assert [one for one in found.changes if one.since is None] == list(whole.changes)
    assert retrace(stated, replayed, 0) == Retraced((), False, 0)


def test_nothing_in_a_log_can_write_into_the_page() -> None:
    stated, replayed = judged(telling())
    evil = "</style><script>alert(1)</script>\"'&\\"
    order = msgspec.structs.replace(stated.case.order, id=f"a/{evil}", legal_basis=evil, country=evil)
    judgment = msgspec.structs.replace(
        stated.judgment,
        findings=tuple(
            msgspec.structs.replace(
                one,
                irregularities=tuple(
                    msgspec.structs.replace(each, by=evil, store=evil, rule=evil)
                    for each in one.irregularities
                ),
            )
            for one in stated.judgment.findings
        ),
    )
    statement = msgspec.structs.replace(
        stated.statement,
        obligations=tuple(
            msgspec.structs.replace(one, id=evil, digests={evil: evil}, counts={evil: 1})
            for one in stated.statement.obligations
        ),
    )
    hostile = Stated(statement, judgment, stated.case)
    text = report.render(hostile, order, replayed, compact=False, note=signed(stated))
    page = Page(text)
    assert "script" not in {tag for tag, _ in page.seen}
    assert text.count("</style>") == 1
    assert evil in page.text
    style = text[text.index("<style>") : text.index("</style>")]
    assert style.count('"') % 2 == 0
    assert "<" not in style.removeprefix("<style>")


def test_a_compact_bundle_says_what_it_hides() -> None:
    page = Page(rendered(telling(), compact=True))
    assert "A compact bundle hides what it omits." in page.text
    assert "only the assessors who signed the statement have seen that" in page.section(12)


def test_nobody_but_the_operator_signed() -> None:
    page = Page(rendered(telling()))
    assert "signed by the log's operator alone: no assessor whom the order names" in page.text
    said = page.section(10)
    assert f"{OPERATOR}, the log's operator that the log gives this statement, on his own word" in said
    assert "0 of the 1 assessors that the order names signed; 1 is needed for a compact" in said


def test_an_assessor_signed_and_says_what_he_did_not_check() -> None:
    stated, _ = judged(telling())
    said = Attestation("ledger.example/a", statement_hash(format_statement(stated.statement)), ("lineage",))
    attested = format_note(sign_note(format_attestation(said), key_of(ASSESSOR)))
    page = Page(rendered(telling(), ASSESSOR, attested=attested))
    assert f"the log's operator, and {ASSESSOR}, an assessor whom the order names" in page.text
    assert "that he replayed the log and it gives this statement what was derived from what" in page.section(
        10
    )
    assert f"what the assessor {ASSESSOR} did not check: what was derived from what" in page.section(12)
    page = Page(rendered(telling(), ASSESSOR))
    assert "it gives this statement there is no word of his on it here" in page.section(10)
    nothing = msgspec.structs.replace(said, unchecked=())
    attested = format_note(sign_note(format_attestation(nothing), key_of(ASSESSOR)))
    assert "statement nothing that he names" in Page(rendered(telling(), ASSESSOR, none=attested)).section(10)


def test_no_report_with_a_forged_attestation() -> None:
    with pytest.raises(FormatError):
        rendered(telling(), ASSESSOR, forged=b"nothing")


def test_each_moment_that_matters_has_its_witnesses() -> None:
    story = telling()
    _, replayed = judged(story)
    page = Page(rendered(story)).section(10)
    anchors = replayed.fold.docket.anchors
    seen = [moment(quorum_time_of(anchor.note)) for anchor in anchors]
    index = next(at for at, row in enumerate(story.log.rows) if b"writ.order.issued" in row.body)
    assert re.search(
        rf"the order {index} \S+ \S+ UTC {seen[0]} witness {WITNESS}, in entry {anchors[0].index}", page
    )
    last = anchors[-1].size - 1
    assert re.search(rf"last entry that counts {last} .* UTC {seen[-1]} witness {WITNESS}, in entry", page)
    assert f"witness {WITNESS}, on the checkpoint" in page
    assert "3 that enough witnesses cosigned, 0 with a time-stamp" in page


def quorum_time_of(note: Note) -> int:
    witness = key_of(WITNESS, COSIGNATURE).verifier
    (line,) = signatures_of(note, witness)
    return verify_cosignature(note.text, line, witness)


def test_nobody_vouches_for_when() -> None:
    story = Story()
    story.hold(1)
    story.order(erase_gb())
    page = Page(rendered(story)).section(10)
    assert re.search(rf"the order \d+ .* witness {WITNESS}, on the checkpoint", page)
    stated, replayed = judged(story, ())
    shown = report.render(stated, stated.case.order, replayed, compact=False, note=signed(stated))
    page = Page(shown).section(10)
    assert page.count("nobody whom the order names vouches for it") == 2
    assert "0 that enough witnesses cosigned" in page


def test_time_stamp_authorities_vouch_for_when(tmp_path: Path) -> None:
    """One response proves a time to the order; one is over another text, and the page says so."""
    authority = Authority(tmp_path / "authority")
    done = obeyed(authority, witnessed=False)
    done.log.timestamp(lambda text: authority.stamp(b"another"))
    replayed = replay(MemorySource(done.log.tree()), workers=0)
    issued = find_order(replayed.fold, done.order_id, None, vkey_of(done.signer), as_of=done.as_of)
    assert issued is not None
    stated = state(
        replayed.fold, replayed.audited.checkpoint, issued, as_of=done.as_of, rules="0" * 64, states=()
    )
    page = Page(report.render(stated, issued.order, replayed, compact=False, note=signed(stated)))
    assert "a time-stamp authority under a root that the order names, in entry" in page.section(10)
    assert "0 that enough witnesses cosigned, 1 with a time-stamp" in page.section(10)
    assert "a time-stamp that proves nothing: the time-stamp is over another text" in page.section(10)


def test_the_roots_of_time_stamps_have_fingerprints_too() -> None:
    stated, replayed = judged(telling())
    trust = msgspec.structs.replace(stated.case.order.trust, timestamp_roots=(encode_base64(b"root"),))
    order = msgspec.structs.replace(stated.case.order, trust=trust)
    stated.case.issued = msgspec.structs.replace(stated.case.issued, order=order)
    page = Page(report.render(stated, order, replayed, compact=False, note=signed(stated)))
    digits = sha256(b"root").hexdigest()
    assert f"time-stamps a root certificate, in the order {digits[:4]} {digits[4:8]}" in page.section(11)


def test_an_order_without_anything_to_draw() -> None:
    story = Story(stores=())
    story.order(erase_gb(id="nothing"))
    story.log.anchor(WITNESS)
    page = Page(rendered(story))
    assert "No copy in scope was ever declared." in page.section(2)
    assert "The order prohibits no collection and no use." in page.section(3)
    assert "No store was declared that this order reaches." in page.section(5)
    assert page.section(7).endswith("None.")


@pytest.mark.parametrize("span_s", [0, 60, 3_600, 86_400, 10 * 86_400])
def test_no_moment_of_an_axis_is_cut_off(span_s: int) -> None:
    """A log of a few minutes may have its only moment at the frame's very edge."""
    points = (Point(START_S * 1_000_000, 3, 4), Point((START_S + span_s) * 1_000_000, 9, 0))
    told = Burndown("erase", START_S, START_S + span_s, points, 2, 4, 0, 0)
    ticks = charts.chart(told, START_S + span_s).x_ticks
    assert ticks
    for tick in ticks:
        # A letter takes about half of the 15 pixels that the font is high; the frame is a thousand wide.
        beyond = {"middle": 0.5, "end": 0.0}[tick.anchor] * len(tick.text) * 7.5
        assert tick.at - beyond >= 0
        assert tick.at + beyond <= 1_000


@pytest.mark.parametrize("span_s", [2, 17, 50])
def test_a_log_of_less_than_a_minute_has_its_moments_too(span_s: int) -> None:
    points = (Point((START_S + 7) * 1_000_000, 3, 4),)
    told = Burndown("erase", START_S - 90 * 86_400, START_S + 90 * 86_400, points, 1, 4, 4, 4)
    ticks = charts.chart(told, START_S + 7 + span_s).x_ticks
    assert 0 < len(ticks) <= charts.MAX_TICKS + 1
    assert len({tick.text for tick in ticks}) == len(ticks)


@pytest.mark.parametrize("most", [0, 1, 4, 7, 99, 1_000_000])
def test_a_chart_keeps_within_its_frame(most: int) -> None:
    points = (Point(START_S * 1_000_000, 3, most), Point(DEADLINE_S * 1_000_000, 9, most // 3))
    told = Burndown("erase", START_S - 90 * 86_400, DEADLINE_S, points, 2, most, 0, most // 3)
    drawn = charts.chart(told, DEADLINE_S + 1)
    numbers = [int(one) for one in re.findall(r"\d+", drawn.line)]
    assert max(numbers) <= charts.RIGHT
    assert {tick.at for tick in drawn.y_ticks} <= set(range(charts.TOP, charts.BOTTOM + 1))
    assert all(charts.LEFT <= tick.at <= charts.RIGHT for tick in drawn.x_ticks)
    assert drawn.outside == (f"in force {moment(told.effective)}",)
    assert [mark.kind for mark in drawn.marks] == ["deadline", "now"]
