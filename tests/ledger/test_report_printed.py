"""The report on paper: what is not to be broken is small, so no page stays half empty before it. And on a
narrow screen."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser import IN_BROWSER, Browser
from tests.ledger.test_report import rendered, telling
from tests.projections.evidence import WITNESS
from tests.projections.story import Story

pytestmark = IN_BROWSER

MM = 96 / 25.4
WIDTH, HEIGHT = round((210 - 2 * 16) * MM), round((297 - 18 - 20) * MM)
"""A4 less the page's margins."""
UNBROKEN = """[...document.querySelectorAll('header *, section *')]
    .filter((one) => one.tagName === 'svg' || getComputedStyle(one).breakInside === 'avoid')
    .map((one) => [one.tagName + ' ' + one.className, one.getBoundingClientRect().height])"""


def many() -> Story:
    """As the golden page, with forty collectors beside."""
    story = telling()
    for number in range(40):
        story.attest("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", collector=f"collector-{number + 2}")
    story.log.anchor(WITNESS)
    return story


@pytest.mark.parametrize("story", [telling, many])
async def test_nothing_that_is_not_to_be_broken_takes_over_a_fifth_of_a_page(
    browser: Browser, tmp_path: Path, story: Callable[[], Story]
) -> None:
    await show(browser, tmp_path, story(), "print", WIDTH)
    found = await browser.value(UNBROKEN)
    assert {name.split()[0] for name, _ in found} >= {"svg", "FIGURE", "TR"}
    assert [one for one in found if one[1] > HEIGHT / 5] == []


async def test_a_narrow_screen_is_read_without_moving_it_sideways(browser: Browser, tmp_path: Path) -> None:
    await show(browser, tmp_path, telling(), "screen", 420)
    assert await browser.value("document.documentElement.scrollWidth") <= 420


async def show(browser: Browser, folder: Path, story: Story, media: str, width: int) -> None:
    page = folder / "report.html"
    page.write_text(rendered(story))
    await browser.call("Emulation.setEmulatedMedia", media=media)
    screen = {"width": width, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
    await browser.call("Emulation.setDeviceMetricsOverride", **screen)
    await browser.open(page.as_uri())
