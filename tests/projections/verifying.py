"""Bundles to verify, and `writ verify` as a reader runs it."""

from pathlib import Path

import pytest

from ledger.cli import main
from tests.projections.deeds import erased, held, looked, store
from tests.projections.evidence import ASSESSOR, AUTHORITY, CRAWLER, WITNESS, Evidence, issued, order
from tests.projections.logbuilder import LogBuilder, rfc3339, vkey_of

CARRIED_OUT, NOT_SOUND, USAGE, NOT_CARRIED_OUT, ONE_WORD = 0, 1, 2, 3, 4


def ordered(**changes: object) -> LogBuilder:
    """Ten copies held, an order to erase them; nothing done yet."""
    log = LogBuilder()
    log.register(CRAWLER, "controller")
    log.register(AUTHORITY, "authority")
    log.register(ASSESSOR, "auditor")
    log.post(CRAWLER, store(), held(*range(10)))
    log.post(AUTHORITY, issued(order(**changes)))
    log.anchor(WITNESS)
    return log


def finished() -> Evidence:
    """The same, and everything was erased and looked into."""
    log = ordered()
    log.post(CRAWLER, erased(*range(10)))
    looked(log, CRAWLER)
    looked(log, ASSESSOR)
    log.anchor(WITNESS)
    return Evidence(log)


def verify(
    path: Path, evidence: Evidence, *more: str, authority: str | None = vkey_of(AUTHORITY), late_s: int = 60
) -> int:
    """The exit code, a minute after the statement's moment unless told otherwise."""
    now = rfc3339((evidence.as_of + late_s) * 1_000_000)
    given = [] if authority is None else ["--authority", authority]
    return main(["verify", str(path), *given, "--now", now, *more])


Out = pytest.CaptureFixture[str]


def refused(path: Path, evidence: Evidence, capsys: Out, *more: str, **how: object) -> str:
    """What is said of a bundle that must not be found sound."""
    code = verify(path, evidence, *more, **how)  # type: ignore[arg-type]
    said = capsys.readouterr().out
    assert code == NOT_SOUND, said
    assert "NOT SOUND" in said
    return said
