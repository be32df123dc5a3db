"""Erasing from stores without transactions: what is gone is told, what is there is told, nothing else is."""

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ledger.failure import Failure
from ledger.kit.deeds import Grounds, keep_in
from ledger.kit.erasing import Answers, Eraser, Outcome
from ledger.kit.intents import Pieces, unfinished
from ledger.kit.vaulted import keep_in_vault
from ledger.outbox.store import Outbox, OutboxFull
from ledger.vault.memory import Identity
from ledger.vault.vault import introduce, open_vault
from projections.events import DataDeleted, DeletionFailed, EvidenceKept, decode_event
from tests.examples.erasing_files import Files
from tests.ledger.lab import collected
from tests.ledger.outbox_at_hand import SOURCE, claimed, holding, outbox_in, said

IMAGES = holding("images")
GROUNDS = Grounds(cause="request", cause_ref="r-17", method="clear")


class BrokenOff(Exception):
    """The process would have died here."""


class Interrupted(Files):
    """A folder where something happens between two steps."""

    def __init__(self, folder: Path, *, before: Callable[[], None] | None = None,
                 after: Callable[[], None] | None = None) -> None:  # fmt: skip
        super().__init__(folder)
        self._before = before
        self._after = after

    def erase(self, there: Pieces) -> Answers:
        if self._before is not None:
            self._before()
        answers = super().erase(there)
        if self._after is not None:
            self._after()
        return answers


def break_off() -> None:
    raise BrokenOff


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "images"
    (made / "b").mkdir(parents=True)
    for name in ("a.jpg", "b/1.jpg", "b/2.jpg", "c.jpg"):
        (made / name).write_text(name)
    return made


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with outbox_in(tmp_path / "outbox") as made:
        yield made


@contextmanager
def eraser(outbox: Outbox, store: Files) -> Iterator[Eraser]:
    with Eraser(outbox, store, IMAGES, keep_in(outbox.folder / "receipts")) as made:
        yield made


def test_what_is_gone_is_told_and_what_was_never_there_is_not(outbox: Outbox, folder: Path) -> None:
    with eraser(outbox, Files(folder)) as one:
        outcome = one.erase(["b/1.jpg", "a.jpg", "never.jpg", "a.jpg"], GROUNDS)
        assert outcome == Outcome(erased=("a.jpg", "b/1.jpg"), absent=("never.jpg",))
        (event,) = said(outbox)
        assert isinstance(event.data, DataDeleted)
        assert event.data.records == tuple(sorted(map(IMAGES.handle, ("a.jpg", "b/1.jpg"))))
        assert (event.data.cause, event.data.cause_ref, event.source) == ("request", "r-17", SOURCE)
        assert one.erase(["a.jpg", "b/1.jpg"], GROUNDS) == Outcome(absent=("a.jpg", "b/1.jpg"))
    assert len(said(outbox)) == 1
    assert sorted(path.name for path in folder.rglob("*.jpg")) == ["2.jpg", "c.jpg"]


def test_the_receipt_holds_what_the_store_said_and_no_native_id(outbox: Outbox, folder: Path) -> None:
    with eraser(outbox, Files(folder)) as one:
        one.erase(["a.jpg"], GROUNDS)
    (event,) = said(outbox)
    (evidence,) = event.data.evidence
    raw = (outbox.folder / "receipts" / f"{evidence.sha256}.json").read_text()
    told = json.loads(raw)
    assert told["answers"] == {IMAGES.handle("a.jpg"): {"unlinked": True}}
    assert (told["found_after"], told["resumed"], evidence.kind) == (0, False, "receipt")
    assert "a.jpg" not in raw


def test_what_stays_is_told_as_failed(outbox: Outbox, folder: Path) -> None:
    os.link(folder / "a.jpg", folder / "copy.jpg")
    with eraser(outbox, Files(folder)) as one:
        outcome = one.erase(["a.jpg", "c.jpg"], GROUNDS)
    assert outcome == Outcome(erased=("c.jpg",), failed=(("a.jpg", "referenced"),))
    gone, failed = (event.data for event in said(outbox))
    assert gone.records == (IMAGES.handle("c.jpg"),)
    assert isinstance(failed, DeletionFailed)
    assert (failed.records, failed.error) == ((IMAGES.handle("a.jpg"),), "referenced")


def test_a_store_that_lies_is_not_believed(outbox: Outbox, folder: Path) -> None:
    class Liar(Files):
        def erase(self, there: Pieces) -> Answers:
            return {id: {"unlinked": True} for id in there}

    with eraser(outbox, Liar(folder)) as one:
        assert one.erase(["a.jpg"], GROUNDS) == Outcome(failed=(("a.jpg", "internal"),))
    assert claimed(outbox) == []


@pytest.mark.parametrize("moment", ["before", "after"])
def test_what_was_broken_off_is_resumed_before_anything_else(
    outbox: Outbox, folder: Path, moment: str
) -> None:
    broken = Interrupted(folder, **{moment: break_off})
    with eraser(outbox, broken) as one, pytest.raises(BrokenOff):
        one.erase(["a.jpg", "c.jpg"], GROUNDS)
    assert said(outbox) == []
    assert (folder / "a.jpg").exists() == (moment == "before")
    with eraser(outbox, Files(folder)) as one:
        with pytest.raises(Failure, match="was broken off") as caught:
            one.erase(["b/1.jpg"], GROUNDS)
        assert "resume" in caught.value.remedy
        assert one.resume() == Outcome(erased=("a.jpg", "c.jpg"))
        assert one.unfinished() == []
        assert one.resume() == Outcome()
        assert one.erase(["b/1.jpg"], GROUNDS) == Outcome(erased=("b/1.jpg",))
    assert claimed(outbox) == [*sorted(map(IMAGES.handle, ("a.jpg", "c.jpg"))), IMAGES.handle("b/1.jpg")]


def test_data_that_came_under_the_same_id_meanwhile_are_left_alone(outbox: Outbox, folder: Path) -> None:
    """A killed eraser is started again days later: a person has signed up anew."""
    with eraser(outbox, Interrupted(folder, after=break_off)) as one, pytest.raises(BrokenOff):
        one.erase(["a.jpg", "c.jpg"], GROUNDS)
    (folder / "a.jpg").write_text("a new life")
    with eraser(outbox, Files(folder)) as one:
        assert one.resume() == Outcome(erased=("c.jpg",), failed=(("a.jpg", "conflict"),))
    assert (folder / "a.jpg").read_text() == "a new life"
    # Not told as gone, for an id of it is there; to erase it takes a decision about what is there now.
    assert claimed(outbox) == [IMAGES.handle("c.jpg")]


def test_while_the_outbox_is_full_nothing_is_erased(tmp_path: Path, folder: Path) -> None:
    with outbox_in(tmp_path / "full", most_waiting=1) as outbox, eraser(outbox, Files(folder)) as one:
        one.erase(["a.jpg"], GROUNDS)
        with pytest.raises(OutboxFull, match="nothing further is erased"):
            one.erase(["c.jpg"], GROUNDS)
        assert (folder / "c.jpg").exists()
        assert unfinished(outbox) == []


def test_what_was_erased_while_the_outbox_filled_up_is_told_once_there_is_room(
    tmp_path: Path, folder: Path
) -> None:
    def fill() -> None:
        with outbox_in(tmp_path / "full") as other:
            other.put([collected(SOURCE, 1)])

    with outbox_in(tmp_path / "full", most_waiting=1) as outbox:
        with eraser(outbox, Interrupted(folder, before=fill)) as one, pytest.raises(OutboxFull):
            one.erase(["a.jpg"], GROUNDS)
        assert not (folder / "a.jpg").exists()
        assert len(unfinished(outbox)) == 1
    with outbox_in(tmp_path / "full", most_waiting=2) as outbox, eraser(outbox, Files(folder)) as one:
        assert one.resume() == Outcome(erased=("a.jpg",))
        assert claimed(outbox) == [IMAGES.handle("a.jpg")]


def test_one_process_at_a_time_erases_from_a_store(outbox: Outbox, folder: Path) -> None:
    with eraser(outbox, Files(folder)), pytest.raises(Failure, match="another process erases from images"):
        eraser(outbox, Files(folder)).__enter__()


def test_what_is_decided_of_one_store_is_no_other_s(outbox: Outbox, folder: Path) -> None:
    with eraser(outbox, Interrupted(folder, after=break_off)) as one, pytest.raises(BrokenOff):
        one.erase(["a.jpg"], GROUNDS)
    with Eraser(outbox, Files(folder), holding("other"), keep_in(outbox.folder / "receipts")) as other:
        assert other.resume() == Outcome()
        assert other.erase(["c.jpg"], GROUNDS) == Outcome(erased=("c.jpg",))
    assert [intent.store for intent in unfinished(outbox)] == ["images"]


def test_an_id_that_was_told_is_nowhere_in_the_outbox(outbox: Outbox, folder: Path) -> None:
    (folder / "very-personal-name.jpg").touch()
    with eraser(outbox, Interrupted(folder, after=break_off)) as one, pytest.raises(BrokenOff):
        one.erase(["very-personal-name.jpg"], GROUNDS)
    with eraser(outbox, Files(folder)) as one:
        one.resume()
    # The outbox is open all the time, as it is where events are sent in the background.
    for path in outbox.folder.rglob("*"):
        assert not path.is_file() or b"very-personal-name" not in path.read_bytes(), path


def test_many_ids_are_told_in_as_many_events_as_they_need(outbox: Outbox, folder: Path) -> None:
    names = [f"{number:04}.png" for number in range(2_100)]
    for name in names:
        (folder / name).touch()
    with eraser(outbox, Files(folder)) as one:
        assert one.erase(names, GROUNDS) == Outcome(erased=tuple(names))
    assert [len(event.data.records) for event in said(outbox)] == [1_000, 1_000, 100]
    assert sorted(claimed(outbox)) == sorted(map(IMAGES.handle, names))


def test_a_receipt_may_be_kept_in_a_vault_and_stands_nowhere_else(
    outbox: Outbox, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill would leave a file in the clear, which nothing that erases the receipt finds."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with open_vault(tmp_path / "vault", make=True) as vault:
        with pytest.raises(Failure, match="belongs to no log"):
            keep_in_vault(vault, "order:ico.example/en-2022-1")
        introduce(vault, Identity(outbox.log, "eraser.example/vault-1", "clearview"))
        keep = keep_in_vault(vault, "order:ico.example/en-2022-1")
        with Eraser(outbox, Files(folder), IMAGES, keep) as one:
            one.erase(["a.jpg"], GROUNDS)
        (event,) = said(outbox)
        (evidence,) = event.data.evidence
        with vault.open_piece(evidence.sha256) as opened:
            told = json.loads(b"".join(opened.content))
        assert told["answers"] == {IMAGES.handle("a.jpg"): {"unlinked": True}}
        (kept,) = map(decode_event, vault.memory.lines())
        assert isinstance(kept.data, EvidenceKept)
        assert kept.data.evidence == (evidence,)
