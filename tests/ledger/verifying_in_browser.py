"""A bundle checked twice: by the verifier page in a browser, and by `writ verify`. They must agree."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec

from ledger.cli import main
from projections.runners.outcome import Told, told_line
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


async def shown(
    browser: Browser,
    path: Path,
    authority: str | None,
    now: str,
    *,
    log: str | None = None,
    policy: str | None = None,
) -> str:
    """What the page says of a bundle."""
    await browser.value("byId('result').hidden = byId('usage').hidden = true")
    await browser.choose("#file", path)
    given = {"authority": authority, "now": now, "log": log, "policy": policy}
    for field, value in given.items():
        await browser.value(f"byId('{field}').value = {json.dumps(value or '')}")
    await browser.value("byId('check').click()")
    await browser.until("!byId('result').hidden || !byId('usage').hidden")
    said: str = await browser.value("['usage', 'result'].map(byId).find((one) => !one.hidden).innerText")
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
    report = agreed(page, ["verify", str(path), *given, "--now", now, "--json"], out)
    if report["failure"] is None:
        assert report["headline"] in page
        assert "This page did not judge the law again." in page
        for one in report["assessors"]:
            assert any(one["name"] in line and line in page for line in report["not_proven"]), report
    return page, report["failure"] or ""


async def both_of_record(
    browser: Browser, path: Path, out: Out, log: str | None, policy: Path | None
) -> tuple[str, str]:
    """The same of a bundle about one record: each entry in the same words."""
    text = None if policy is None else policy.read_text()
    page = await shown(browser, path, None, "", log=log, policy=text)
    given = [] if log is None else ["--log", log]
    given += [] if policy is None else ["--policy", str(policy)]
    report = agreed(page, ["verify", str(path), *given, "--json"], out)
    if report["failure"] is None:
        assert report["record"] in page
        told = [told_line(msgspec.convert(one, Told)) for one in report["told"]]
        assert [line for line in page.split("\n") if line.startswith("entry ")] == told
    return page, report["failure"] or ""


def agreed(page: str, command: list[str], out: Out) -> dict[str, Any]:
    """What `writ verify` reports; the page says the same word, attests the same, fails at the same place."""
    main(command)
    report: dict[str, Any] = json.loads(out.readouterr().out)
    word = SAID[report["exit_code"]]
    assert page.split("\n")[0] == TITLES[word], (page, report)
    if report["failure"] is None:
        assert set(report["attested"]) <= set(page.split("\n")), (page, report["attested"])
    else:
        assert places(report["failure"]) <= places(page), (page, report["failure"])
    return report


def places(text: str) -> set[str]:
    """The entries and files that a failure begins with."""
    place = r"entry \d+|tile/\w+/\d+|proof/\d+(?:/[\w.-]+)?|attestation/\d+|\S+(?=: no part of)"
    return set(re.findall(rf"^(?:not a bundle: )?({place})", text, re.MULTILINE))
