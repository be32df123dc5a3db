"""A data folder with a log and its posters in it, made once and copied for a test that kills; a browser."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from ledger.verifier_page import verifier_page
from signing.keys import VerifierKey
from tests.browser import Browser
from tests.ledger.founding import found_log, short_folder
from tests.ledger.processes import copy_folder, serving


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def founding() -> AsyncIterator[tuple[Path, VerifierKey]]:
    """The folder that is copied, stopped cleanly, and the log's key."""
    with short_folder() as folder:
        async with serving(folder / "data") as service:
            key = await found_log(service.url, service.data)
            assert await service.stop() == 0
        yield folder / "data", key


@pytest.fixture
def founded_data(founding: tuple[Path, VerifierKey]) -> Iterator[Path]:
    """A data folder of this test's own, with the log in it."""
    with short_folder() as folder:
        copy_folder(founding[0], folder / "data")
        yield folder / "data"


@pytest.fixture
def log_key(founding: tuple[Path, VerifierKey]) -> VerifierKey:
    """The key that signs the log's checkpoints."""
    return founding[1]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    """A browser that shows the page from a file, as a reader keeps it."""
    folder = tmp_path_factory.mktemp("browser")
    page = folder / "verifier.html"
    page.write_text(verifier_page())
    async with Browser.launch(folder / "profile") as one:
        await one.open(page.as_uri())
        yield one
