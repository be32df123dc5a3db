"""Time-stamps in the verifier page: it believes what `writ verify` believes, and refuses what that refuses.

Where the page can't tell, it says so.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.browser import IN_BROWSER, Browser
from tests.ledger.verifying_in_browser import both, shown
from tests.projections.evidence import AUTHORITY
from tests.projections.logbuilder import rfc3339, vkey_of
from tests.projections.stamping import MINUTE_US, obeyed
from tests.projections.verifying import Out
from tests.signing import chains
from tests.signing.authority import Authority
from tests.signing.chains import Chain, Link

pytestmark = IN_BROWSER


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.mark.parametrize("named", [True, False])
async def test_beside_witnesses(
    browser: Browser, authority: Authority, tmp_path: Path, capsys: Out, named: bool
) -> None:
    """Where the order names their authority they decide what counts, and otherwise nothing."""
    done = obeyed(authority, roots=named)
    page, _ = await both(browser, done.zip(tmp_path), done, capsys)
    assert page.startswith("Sound\n")
    assert ("time-stamp authorities, or witnesses, named in the order" in page) == named


async def test_alone(browser: Browser, authority: Authority, tmp_path: Path, capsys: Out) -> None:
    done = obeyed(authority, witnessed=False)
    page, _ = await both(browser, done.zip(tmp_path, provisional=False), done, capsys)
    assert "time-stamps alone: nobody saw that the log shows all the same history" in page
    assert "what time-stamps do not prove is the operator's word" in page


async def test_what_counts_hangs_on_them(
    browser: Browser, authority: Authority, tmp_path: Path, capsys: Out
) -> None:
    done = obeyed(authority, witnessed=False)
    page, failure = await both(browser, done.zip(tmp_path, provisional=False, counted=20), done, capsys)
    assert "counted says 20" in page
    assert "counted says 20" in failure


ANSWERS: list[Callable[[Authority, bytes], bytes]] = [
    lambda authority, text: b"0\x80garbage",
    lambda authority, text: authority.stamp(text + b"more\n"),
    lambda authority, text: authority.stamp(text)[:-1],
    lambda authority, text: b"\x30" * 24_576,
]


@pytest.mark.parametrize("answer", ANSWERS)
async def test_what_proves_nothing_is_listed(
    browser: Browser,
    authority: Authority,
    tmp_path: Path,
    capsys: Out,
    answer: Callable[[Authority, bytes], bytes],
) -> None:
    done = obeyed(authority, answer=partial(answer, authority))
    page, _ = await both(browser, done.zip(tmp_path), done, capsys)
    assert f"entry {done.log.size - 1}: a time-stamp proves nothing: " in page


@pytest.mark.parametrize(("off_us", "words"), [(-5 * MINUTE_US, "set back"), (5 * MINUTE_US, "ran ahead")])
async def test_recorded_times_that_one_contradicts(
    browser: Browser, authority: Authority, tmp_path: Path, capsys: Out, off_us: int, words: str
) -> None:
    done = obeyed(authority, witnessed=False, off_us=off_us)
    page, _ = await both(browser, done.zip(tmp_path, provisional=False), done, capsys)
    assert words in page


async def test_of_which_the_page_can_t_tell(browser: Browser, tmp_path: Path) -> None:
    """A key of a kind that the page does not read: the page says so, and what it leaves unchecked."""
    odd = Chain(tmp_path / "odd", (Link(key=chains.brainpool), Link(chains.SIGNER, key=chains.brainpool)))
    done = obeyed(odd)  # type: ignore[arg-type]
    now = rfc3339((done.as_of + 60) * 1_000_000)
    page = await shown(browser, done.zip(tmp_path), vkey_of(AUTHORITY), now)
    assert "Sound" in page
    assert "It could not read some time-stamps" in page
    assert "a time-stamp was not read: " in page
    assert "time-stamps were not read (1): which entries count" in page
