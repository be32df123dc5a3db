"""Beginning: a log in a service that is up, with everybody registered who posts under load."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp

from ledger.creation import Creation, sign_creation
from ledger.keyfiles import read_key
from signing.keys import VerifierKey, parse_vkey
from tests.ledger.lab import CONTROLLER, ORIGIN, Poster
from tests.ledger.load import registrations


async def found_log(url: str, data: Path) -> VerifierKey:
    """Make the log at a service and let everybody post; returns the log's key."""
    administrator = read_key(data / "keys" / "administrator.key")
    async with aiohttp.ClientSession() as session:
        wish = sign_creation(Creation(ORIGIN, CONTROLLER, public_reading=True), administrator)
        async with session.post(f"{url}/logs", data=wish) as response:
            assert response.status == 200, await response.text()
            key = parse_vkey((await response.json())["vkey"])
        source = f"{administrator.verifier.name}/posters"
        body, _ = Poster(administrator, source).make(registrations(source))
        async with session.post(
            f"{url}/logs/{key.name.rpartition('/')[2]}/submissions", data=body
        ) as response:
            assert response.status == 200, await response.text()
    return key


@contextmanager
def short_folder() -> Iterator[Path]:
    """A folder whose path leaves room for the name of a socket, and into which Postgres's user can go."""
    with tempfile.TemporaryDirectory(prefix="writ-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)
