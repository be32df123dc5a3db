"""The verifier page reads no time-stamps: it says so, and calls nothing unsound for them."""

from pathlib import Path

import pytest

from tests.browser import BINARY, Browser
from tests.ledger.verifying_in_browser import both
from tests.projections.stamping import obeyed
from tests.projections.verifying import Out
from tests.signing.authority import Authority

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(BINARY is None, reason="no Chromium is installed"),
]


@pytest.mark.parametrize("named", [True, False])
async def test_time_stamps(browser: Browser, tmp_path: Path, capsys: Out, named: bool) -> None:
    """Where the order names their authority they decide what counts, and otherwise nothing."""
    done = obeyed(Authority(tmp_path / "authority"), roots=named)
    page, _ = await both(browser, done.zip(tmp_path), done, capsys)
    assert ("time-stamps were not read (1)" in page) == named
    assert "does not count in this statement" not in page
