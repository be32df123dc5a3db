"""Whether `/health` sees a checkpoint that does not cover what is stored."""

import sys
from pathlib import Path

from ledger.config import Database
from ledger.keyfiles import format_command, read_key, write_key
from signing.keys import SigningKey, format_signing_key
from tests.ledger.lab import running_lab
from tests.ledger.processes import health

# A device that signs for as long as it is plugged in.
DEVICE = """
import pathlib, sys
from signing.keys import parse_signing_key
folder = pathlib.Path(sys.argv[1])
if not (folder / "plugged").exists():
    sys.exit("no device")
key = parse_signing_key((folder / "inside").read_text())
sys.stdout.buffer.write(key.sign(sys.stdin.buffer.read()))
"""


def put_into_a_device(path: Path, device: Path) -> None:
    """Move the key of a file into a device, and leave in the file the command that asks it to sign."""
    key = read_key(path)
    assert isinstance(key, SigningKey)
    path.unlink()
    device.mkdir()
    (device / "inside").write_text(format_signing_key(key))
    write_key(path, format_command(key.verifier, (sys.executable, "-c", DEVICE, str(device))))


async def test_a_checkpoint_that_cannot_be_signed_goes_stale(database: Database, tmp_path: Path) -> None:
    async with running_lab(database, tmp_path) as lab:
        poster = await lab.register("crawler.clearview.example")
    put_into_a_device(tmp_path / "keys" / "logs" / "clearview" / "log.key", tmp_path / "device")
    plugged = tmp_path / "device" / "plugged"
    plugged.touch()
    async with running_lab(database, tmp_path) as lab:
        await lab.post(poster, poster.events(1))
        assert await health(lab.session, lab.service.url) == (200, {})
        plugged.unlink()
        assert (await lab.send(poster.make(poster.events(3))[0]))[0] == 503
        status, wrong = await health(lab.session, lab.service.url)
        assert status == 503
        assert wrong["clearview"].startswith("its checkpoint is stale: released at size 6, stored 10: ")
        # What was stored is not stored twice, and everything goes on.
        plugged.touch()
        await lab.post(poster, poster.events(3))
        assert await health(lab.session, lab.service.url) == (200, {})
        assert lab.log.released is not None
        assert lab.log.released.checkpoint.size == 10
