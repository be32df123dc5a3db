"""Bundles on an order that was varied: the version that governed is the one to be judged, no other."""

import json
from pathlib import Path

import pytest

from ledger.cli import main
from projections import events as ev
from projections.order import Order
from tests.projections.evidence import ASSESSOR, AUTHORITY, WITNESS, Evidence, order
from tests.projections.logbuilder import rfc3339, write_zip
from tests.projections.verifying import CARRIED_OUT, Out, finished, refused, verify

VARIED = order(version=2)


@pytest.fixture
def done() -> Evidence:
    """Everything that the first version requires is done."""
    return finished()


def vary(evidence: Evidence, version: Order = VARIED, *, in_days: int = 0) -> None:
    """The authority varies the order, as of now or later."""
    effective_at = rfc3339(evidence.log.now_us + in_days * 86_400_000_000)
    sha = version.instrument_sha256
    evidence.log.post(
        AUTHORITY,
        ev.OrderVaried(
            controller="clearview", effective_at=effective_at, instrument_sha256=sha, order=version
        ),
    )


def test_a_variation_that_no_witness_saw_yet_is_told_and_not_judged(
    done: Evidence, tmp_path: Path, capsys: Out
) -> None:
    vary(done)
    for path in (done.zip(tmp_path), write_zip(done.compact(ASSESSOR), tmp_path / "c.zip")):
        assert verify(path, done) == CARRIED_OUT, capsys.readouterr().out
    assert done.statement().order.version == 1


def test_once_seen_it_governs(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    before = done.statement().order
    vary(done)
    done.log.anchor(WITNESS)
    assert done.statement().order.version == 2
    for path in (done.zip(tmp_path), write_zip(done.compact(ASSESSOR), tmp_path / "c.zip")):
        assert verify(path, done) == CARRIED_OUT, capsys.readouterr().out
    for stale in (
        done.zip(tmp_path, order=before),
        write_zip(done.compact(ASSESSOR, order=before), tmp_path / "c.zip"),
    ):
        said = refused(stale, done, capsys)
        assert "version 1; the order in force is ico.example/en-2026-1 version 2" in " ".join(said.split())


def test_until_it_takes_effect_the_one_before_governs(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    vary(done, in_days=30)
    done.log.anchor(WITNESS)
    assert done.statement().order.version == 1
    assert verify(done.zip(tmp_path), done) == CARRIED_OUT
    assert "version 2 of ico.example/en-2026-1 takes effect at" in capsys.readouterr().out


def test_replay_judges_the_version_that_governs(done: Evidence, tmp_path: Path, capsys: Out) -> None:
    vary(done)
    done.log.anchor(WITNESS)
    assert main(["replay", str(done.zip(tmp_path)), "--json"]) == 0
    assert [one["version"] for one in json.loads(capsys.readouterr().out)["orders"]] == [2]
