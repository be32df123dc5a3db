"""An outbox for the examples of erasing."""

from pathlib import Path

import pytest

from ledger.keyfiles import write_key
from tests.ledger.outbox_at_hand import BLINDING_KEY, outbox_in


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """An outbox, and the blinding key beside it."""
    outbox_in(tmp_path / "box").close()
    write_key(tmp_path / "blinding.key", BLINDING_KEY.hex())
    return tmp_path / "box"
