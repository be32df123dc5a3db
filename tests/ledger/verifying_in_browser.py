"""A bundle checked twice: by the verifier page in a browser, and by `writ verify`. They must agree."""

import json
import re
from pathlib import Path
from typing import Any

from ledger.cli import main
from tests.browser import Browser
from tests.projections.evidence import AUTHORITY, Evidence
from tests.projections.logbuilder import rfc3339, vkey_of
from tests.projections.verifying import Out

SAID = {0: "sound", 1: "not sound", 3: "sound", 4: "rests on the operator's word alone"}
TITLES = {
    "sound": "Sound",
    "not sound": "Not sound",
    "rests on the operator's word alone": "Sound, but it rests on the operator's word alone",
}


async def shown(browser: Browser, path: Path, authority: str | None, now: str) -> str:
    """What the page says of a bundle."""
    await browser.value("byId('result').hidden = byId('usage').hidden = true")
    await browser.choose("#file", path)
    await browser.value(f"byId('authority').value = {json.dumps(authority or '')}")
    await browser.value(f"byId('now').value = {json.dumps(now)}")
    await browser.value("byId('check').click()")
    await browser.until("!byId('result').hidden || !byId('usage').hidden")
    said: str = await browser.value("byId('usage').innerText + byId('result').innerText")
    return said


async def both(
    browser: Browser,
    path: Path,
    done: Evidence,
    out: Out,
    authority: str | None = vkey_of(AUTHORITY),
    late_s: int = 60,
) -> tuple[str, str]:
    """What the page and `writ verify` say of a bundle: the same word, and the same place of a failure."""
    now = rfc3339((done.as_of + late_s) * 1_000_000)
    page = await shown(browser, path, authority, now)
    given = [] if authority is None else ["--authority", authority]
    main(["verify", str(path), *given, "--now", now, "--json"])
    report: dict[str, Any] = json.loads(out.readouterr().out)
    word = SAID[report["exit_code"]]
    assert page.split("\n")[0] == TITLES[word], (page, report)
    if report["failure"] is None:
        assert report["headline"] in page
        assert "This page did not judge the law again." in page
    else:
        assert places(report["failure"]) <= places(page), (page, report["failure"])
    return page, report["failure"] or ""


def places(text: str) -> set[str]:
    """The entries and files that a failure begins with."""
    return set(re.findall(r"^(?:not a bundle: )?(entry \d+|tile/\w+/\d+|proof/\d+)", text, re.MULTILINE))
