"""Flipped bytes of bundles with time-stamps and assessors: the page says of each what `writ verify` says."""

from pathlib import Path

import pytest

from projections.runners.outcome import as_json
from projections.runners.verify import verify_bundle
from tests.browser import IN_BROWSER, Browser
from tests.ledger.test_three_verifiers import on_page, scripts
from tests.ledger.verifying_in_browser import SAID
from tests.projections import eventful
from tests.projections.flipping import sampled, stored

__all__ = ["scripts"]

pytestmark = IN_BROWSER


@pytest.mark.parametrize("count", [30, pytest.param(1_000, marks=pytest.mark.soak)])
@pytest.mark.parametrize("kind", ["full", "compact", "record"])
async def test_flips(scripts: Browser, tmp_path: Path, kind: str, count: int) -> None:
    bundle, path = eventful.bundles()[kind], tmp_path / "b.zip"
    changes = [{one.path: one.of(bundle.files[one.path])} for one in sampled(bundle.files, count, seed=count)]
    words = set()
    for changed in [{}, *changes]:
        stored(bundle.files | changed, path)
        report = as_json(verify_bundle(path, bundle.request))
        page = await on_page(scripts, path, bundle.request)
        assert page["word"] == SAID[report["exit_code"]], (sorted(changed), report["failure"], page)  # type: ignore[index]
        words.add(page["word"])
    assert words >= {"sound", "not sound"}
