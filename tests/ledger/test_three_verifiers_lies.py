"""What an operator with all his keys makes up: `writ verify`, the page and `check.py` say the same of it."""

from pathlib import Path

import pytest

from tests.browser import IN_BROWSER, Browser
from tests.ledger.test_three_verifiers import agree, scripts
from tests.projections import lying, lying_words
from tests.projections.lying import Make

pytestmark = IN_BROWSER
ALL = [*lying.LIES, *lying_words.LIES]
SLOW = (lying.of_1001_versions,)
__all__ = ["scripts"]


@pytest.mark.parametrize(
    ("word", "make"),
    [
        pytest.param(word, make, id=name, marks=[pytest.mark.soak] if make in SLOW else [])
        for name, word, make in ALL
    ],
)
async def test_a_lie(scripts: Browser, tmp_path: Path, word: str, make: Make) -> None:
    path = tmp_path / "b.zip"
    raw, given = make()
    path.write_bytes(raw)
    assert await agree(scripts, path, given) == word
