"""Questions asked offline, of the same bytes; and how people read the answers."""

import json
from pathlib import Path

import pytest

from ledger.cli import main
from projections import events as ev
from projections.runners.asking import lines, page_of
from projections.standing import QUESTIONS
from signing.encoding import encode_base64
from tests.projections.asked import Inquiry
from tests.projections.logbuilder import write_tree
from tests.projections.story import START_S

Out = pytest.CaptureFixture[str]


def told() -> Inquiry:
    """Two enquiries, one given up after a photo was demanded; a collection that is kept too long."""
    story = Inquiry()
    story.declare_activity("scrape", retention_days=30)
    story.gather(1, 2, activity="scrape")
    story.enquire("r-1")
    story.enquire("r-2")
    story.demand("r-2", "photo")
    story.wait(40)
    story.say(ev.EnquiryAbandoned, request="r-2")
    story.erase(1)
    return story


def test_replay_answers_the_questions_as_of_the_logs_end(tmp_path: Path, capsys: Out) -> None:
    story = told()
    path = str(write_tree(story.log.tree(), tmp_path))
    assert main(["replay", path, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["questions"] == []
    assert main(["replay", path, "--questions", "--json"]) == 0
    pages = json.loads(capsys.readouterr().out)["questions"]
    assert [page["name"] for page in pages] == list(QUESTIONS)
    days = (story.log.now_us // 1_000_000 - START_S) / 86_400
    for page in pages:
        answer = story.ask(page["name"], days)
        assert (page["digest"], page["digest_lines"]) == (
            encode_base64(answer.digest().digest),
            answer.digest().count,
        )
    by_name = {page["name"]: page["rows"] for page in pages}
    assert by_name["retention"] == [{"group": ["past", "collected", "scrape"], "counts": [1, 10]}]


def test_replay_answers_as_of_an_earlier_moment(tmp_path: Path, capsys: Out) -> None:
    path = str(write_tree(told().log.tree(), tmp_path))
    assert main(["replay", path, "--questions", "--as-of", "2026-01-15", "--json"]) == 0
    pages = {page["name"]: page for page in json.loads(capsys.readouterr().out)["questions"]}
    assert pages["retention"]["rows"] == [{"group": ["within", "collected", "scrape"], "counts": [2, 0]}]
    assert pages["retention"]["as_of"] == START_S + 14 * 86_400
    assert main(["replay", path, "--questions", "--as-of", "2026-02-30"]) == 2
    assert "is no time" in capsys.readouterr().err


def test_replay_prints_each_question_with_what_the_law_asks(tmp_path: Path, capsys: Out) -> None:
    path = str(write_tree(told().log.tree(), tmp_path))
    assert main(["replay", path, "--questions"]) == 0
    said = capsys.readouterr().out
    assert "What is kept past its retention, or without any\n  GDPR Art. 5(1)(e)" in said
    assert "It does not prove why somebody gave up" in said


def test_an_answer_reads_as_a_table() -> None:
    said = list(lines(page_of(told().ask("enquiries", 41))))
    heads = "right demanded enquiries answered answered late abandoned overdue median days longest days"
    assert [" ".join(line.split()) for line in said[4:7]] == [
        heads, "15 nothing 1 0 0 0 1 - -", "15 photo 1 0 0 1 0 - -",
    ]  # fmt: skip
    assert len({len(line) for line in said[4:7]}) == 1, "the last column ends in one place"
    assert said[7:] == [
        "  after more identity was demanded: 1 of 1 abandoned, 100 %",
        "  where nothing was demanded: 0 of 1 abandoned, 0 %",
        "  It does not prove why somebody gave up, nor that every enquiry was posted.",
    ]
    assert "nothing on record" in list(lines(page_of(told().ask("disclosures"))))[3]


def test_the_time_to_an_answer_reads_in_days() -> None:
    story = told()
    story.say(ev.EnquiryAnswered, request="r-1", outcome="fulfilled")
    said = list(lines(page_of(story.ask("enquiries", 41))))
    assert said[5].split() == ["15", "nothing", "1", "1", "1", "0", "0", "40.0", "40.0"]


def test_a_page_of_members_is_a_part_of_all_in_one_order() -> None:
    answer = told().ask("collection")
    assert page_of(answer).members == ()
    both = page_of(answer, 0, 10).members
    assert page_of(answer, 0, 1).members + page_of(answer, 1, 1).members == both
    assert len(both) == page_of(answer).member_count == 2
