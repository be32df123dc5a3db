"""`writ verify` on inventories that tell less than the truth."""

from pathlib import Path
from typing import Any

from projections import events as ev
from signing.checkpoint import Checkpoint
from signing.encoding import encode_base64
from signing.setdigest import digest_of
from tests.projections.deeds import erased
from tests.projections.evidence import ASSESSOR, CRAWLER, WITNESS, Evidence
from tests.projections.logbuilder import LogBuilder, write_zip
from tests.projections.verifying import CARRIED_OUT, NOT_CARRIED_OUT, Out, ordered, verify


def look(log: LogBuilder, by: str, *handles: str, quotes: Checkpoint | None = None) -> None:
    """Post an inventory of the store `people` that found these handles; some quote a checkpoint."""
    place: dict[str, Any] = {"method": "quiescent"}
    if quotes is not None:
        root = encode_base64(quotes.root)
        place = {"method": "reconcile", "begun_size": quotes.size, "begun_root": root}
    name = f"inventory-{log.size}"
    log.post(by, ev.InventoryBegun(controller="clearview", inventory=name, store="people"))
    found = digest_of(handle.encode() for handle in handles)
    log.post(
        by,
        ev.InventoryAttested(
            controller="clearview",
            count=found.count,
            digest=encode_base64(found.digest),
            inventory=name,
            store="people",
            **place,
        ),
    )


def erased_log() -> LogBuilder:
    log = ordered()
    log.post(CRAWLER, erased(*range(10)))
    return log


def verdict(log: LogBuilder, tmp_path: Path, capsys: Out) -> tuple[int, str]:
    log.anchor(WITNESS)
    evidence = Evidence(log)
    code = verify(write_zip(evidence.files(), tmp_path / "bundle.zip"), evidence)
    return code, " ".join(capsys.readouterr().out.split())


def test_an_inventory_posted_without_looking_is_caught_by_the_assessors(tmp_path: Path, capsys: Out) -> None:
    log = erased_log()
    look(log, CRAWLER)
    assert verdict(log, tmp_path, capsys)[0] == CARRIED_OUT
    look(log, ASSESSOR, "0" * 32)
    code, said = verdict(log, tmp_path, capsys)
    assert code == NOT_CARRIED_OUT
    assert "what was found in the store people differs from the ledger" in said


def test_an_inventory_under_a_wrong_blinding_key_agrees_with_nothing(tmp_path: Path, capsys: Out) -> None:
    log = ordered()
    log.post(CRAWLER, erased(*range(5)))
    look(log, CRAWLER, *(f"{number:031x}f" for number in range(5)))
    code, said = verdict(log, tmp_path, capsys)
    assert code == NOT_CARRIED_OUT
    assert "what was found in the store people differs from the ledger" in said


def test_an_assessor_who_was_shown_another_log_vouches_for_nothing_and_is_heard(
    tmp_path: Path, capsys: Out
) -> None:
    log = erased_log()
    look(log, ASSESSOR, quotes=log.checkpoint())
    assert verdict(log, tmp_path, capsys)[0] == CARRIED_OUT
    log = erased_log()
    look(log, ASSESSOR, quotes=Checkpoint(log.origin, log.size - 3, bytes(32)))
    code, said = verdict(log, tmp_path, capsys)
    assert code == NOT_CARRIED_OUT
    assert "nobody has looked into the store people since its last erasure" in said
    assert "an inventory that names a checkpoint which this log never had" in said
