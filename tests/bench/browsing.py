"""The verifier page over a large bundle, in headless Chromium, from the click to the word.

python -m tests.bench.browsing                       100,000 entries, 100 events a submission
python -m tests.bench.browsing --events 1            the same, each event under a signature of its own
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from ledger.verifier_page import verifier_page
from projections.events import encode_event
from tests.browser import Browser
from tests.projections.deeds import collected
from tests.projections.evidence import AUTHORITY, CRAWLER, WITNESS, Evidence
from tests.projections.logbuilder import rfc3339, vkey_of, write_zip
from tests.projections.verifying import ordered

TARGET_S = 20.0


def main() -> None:
    """Print how long the page took."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.browsing")
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--events", type=int, default=100, help="events of one submission")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        evidence = grown(given.entries, given.events)
        bundle = write_zip(evidence.files(), Path(folder) / "bundle.zip")
        now = rfc3339((evidence.as_of + 60) * 1_000_000)
        took = asyncio.run(measure(Path(folder), bundle, now, given.rounds))
    best, size = min(took), evidence.log.size
    each = ", ".join(f"{one:.1f}" for one in took)
    print(f"{size:,} entries, {given.events} events a submission: {each} s; {size / best:,.0f} entries/s")
    print(f"target: {TARGET_S:.0f} s for 100,000")


def grown(entries: int, events: int) -> Evidence:
    """A log of many collections, under an order."""
    log = ordered()
    number = 0
    while log.size < entries:
        lines = [
            encode_event(log.event(collected(number + at), CRAWLER, at=number + at)) for at in range(events)
        ]
        log.post_lines(CRAWLER, lines)
        number += events
    log.anchor(WITNESS)
    return Evidence(log)


async def measure(folder: Path, bundle: Path, now: str, rounds: int) -> list[float]:
    """Seconds of each round, in one browser."""
    page = folder / "verifier.html"
    page.write_text(verifier_page())
    took = []
    async with Browser.launch(folder / "profile") as browser:
        await browser.open(page.as_uri())
        await browser.value(f"byId('authority').value = '{vkey_of(AUTHORITY)}'; byId('now').value = '{now}'")
        for _ in range(rounds):
            await browser.value("byId('result').hidden = true")
            await browser.choose("#file", bundle)
            began_s = time.perf_counter()
            await browser.value("byId('check').click()")
            await browser.until("!byId('result').hidden || !byId('usage').hidden", 600)
            took.append(time.perf_counter() - began_s)
            said = await browser.value("byId('result').innerText")
            assert said.startswith("Sound"), said
    return took


if __name__ == "__main__":
    main()
