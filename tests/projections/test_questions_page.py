"""The page on standing questions: its examples are posted, asked, and answered as it says."""

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from projections.events import EVENT_TYPES
from projections.runners.asking import lines, page_of
from projections.standing import QUESTIONS
from tests.projections.asked import Inquiry
from tests.projections.logbuilder import CONTROLLER
from tests.projections.story import handle

PAGE = (Path(__file__).parents[2] / "docs" / "questions.md").read_text()
EXAMPLES = re.findall(r"^## ([a-z-]+)\n.*?^```\n(.*?)^```\n```\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
HANDLES = ("artefacts", "records")


def test_every_question_has_its_example() -> None:
    assert [name for name, _, _ in EXAMPLES] == list(QUESTIONS)
    assert re.findall(r"^## (.*)$", PAGE, re.MULTILINE) == list(QUESTIONS)


@pytest.mark.parametrize(("name", "posted", "answered"), EXAMPLES, ids=[one[0] for one in EXAMPLES])
def test_an_example_is_answered_as_the_page_says(name: str, posted: str, answered: str) -> None:
    story = Inquiry()
    for line in posted.splitlines():
        tell(story, line)
    command, _, shown = answered.partition("\n")
    as_of = re.fullmatch(rf"\$ writ questions {name} --as-of (\S+) --log LOG_VKEY", command)
    assert as_of is not None, command
    days = (date.fromisoformat(as_of[1]) - date(2026, 1, 1)).days
    assert all(len(line) <= 110 for line in shown.splitlines() if "  " not in line.strip()), "but for tables"
    assert shown == "\n".join(lines(page_of(story.ask(name, days)))) + "\n"


def tell(story: Inquiry, line: str) -> None:
    """Post what a line of an example says, or let time pass."""
    passed = re.fullmatch(r"… (\d+) days", line)
    if passed is not None:
        story.wait(int(passed[1]))
        return
    kind, _, said = line.partition(" ")
    data: dict[str, Any] = json.loads(said) | {"controller": CONTROLLER}
    for field in HANDLES:
        if field in data:
            data[field] = [handle(number) for number in data[field]]
    if "probe" in data:
        data["probe"] = handle(data["probe"])
    story.post(msgspec.convert(data, EVENT_TYPES[f"writ.{kind}.v1"]))
