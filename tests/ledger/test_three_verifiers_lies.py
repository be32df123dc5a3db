"""What an operator with all his keys makes up: `writ verify`, the page and `check.py` say the same of it."""

from pathlib import Path

import pytest

from tests.browser import IN_BROWSER, Browser
from tests.ledger.test_three_verifiers import agree, scripts
from tests.projections import lying, lying_words
from tests.projections.lying import Make

pytestmark = IN_BROWSER
ALL = [*lying.LIES, *lying_words.LIES]
__all__ = ["scripts"]


@pytest.mark.parametrize(("word", "make"), [one[1:] for one in ALL], ids=[one[0] for one in ALL])
async def test_a_lie(scripts: Browser, tmp_path: Path, word: str, make: Make) -> None:
    path = tmp_path / "b.zip"
    raw, given = make()
    path.write_bytes(raw)
    assert await agree(scripts, path, given) == word
