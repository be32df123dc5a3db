"""Drafts: kept for whoever made them, read back as they were written, or refused with a remedy."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ledger.failure import Failure
from ledger.sampling.draft import Draft, read_draft, write_draft

DRAFT = Draft(
    sample="sample-1",
    order="ico.example/en-1",
    store="people",
    n=3,
    log_size=7,
    nonce="00" * 32,
    request="{}",
)


def test_a_draft_is_read_back_and_nobody_elses(tmp_path: Path) -> None:
    folder = tmp_path / "samples"
    write_draft(folder, DRAFT)
    assert read_draft(folder, "sample-1") == DRAFT
    assert {path.stat().st_mode & 0o777 for path in (folder, folder / "sample-1.json")} == {0o700, 0o600}
    with pytest.raises(Failure, match="there is no sample other"):
        read_draft(folder, "other")


@example(b'{"sample":"\xff"}')
@given(st.binary(max_size=300))
def test_what_is_no_draft_is_refused(raw: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "s.json").write_bytes(raw)
        with pytest.raises(Failure, match="is damaged"):
            read_draft(Path(folder), "s")
