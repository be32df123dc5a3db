"""Erasing from a store that has no transactions of its own: files, objects, an index, keys.

    1. look: what is there of the ids, each piece by its name
    2. the intent is written down, durably
    3. those pieces are erased, and no others
    4. look again: only what is gone is said to be gone
    5. the events wait in the outbox and the intent leaves it, in one step

Killed before 2, nothing happened. Killed later, the intent is there, and `resume` goes on with 3: to erase
what is gone already does nothing. Data that came under the same id meanwhile were not decided about: they
stay, and are told as a failure to erase.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from itertools import groupby
from types import TracebackType
from typing import Protocol

from msgspec import Struct, to_builtins

from ledger.durable import alone
from ledger.failure import Failure
from ledger.kit.deeds import Grounds, Holding, Keep, erased_line, failed_line, in_events, receipt
from ledger.kit.intents import (
    Intent,
    Pieces,
    leave_no_trace,
    lock_of,
    remove_intent,
    unfinished,
    write_intent,
)
from ledger.outbox.store import Outbox, OutboxFull
from projections.vocabulary import DeletionError


class NotErased(Struct, frozen=True):
    """The store won't erase something, for a reason that the ledger has a word for."""

    error: DeletionError


Answers = Mapping[str, Mapping[str, object] | NotErased]
"""By native id, what a store says of its erasure: whatever can be written as JSON, without the id itself."""


class Store(Protocol):
    """What an eraser must be able to do in a store. Whatever else goes wrong surfaces, and is resumed."""

    def look(self, ids: Sequence[str]) -> Pieces:
        """What is there of the ids, in whatever form, older versions too. Of which nothing is, is left out.

        A piece's name changes when another takes its place.
        """

    def erase(self, there: Pieces) -> Answers:
        """Erase these pieces, as far as they are there, and no others; returns what the store says.

        On return they stay erased whatever happens to the machine, also those that were gone before.
        """


class Outcome(Struct, frozen=True):
    """What became of some ids, each in one of three lists."""

    erased: tuple[str, ...] = ()
    failed: tuple[tuple[str, DeletionError], ...] = ()
    absent: tuple[str, ...] = ()
    """Nothing was there, so nothing is said of them."""

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(self.erased + other.erased, self.failed + other.failed, self.absent + other.absent)


class Eraser:
    """Erases from one store and tells the ledger. One process at a time does, from `with` to its end."""

    def __init__(self, outbox: Outbox, store: Store, holding: Holding, keep: Keep) -> None:
        self._outbox = outbox
        self._store = store
        self._holding = holding
        self._keep = keep
        self._stack = ExitStack()

    def __enter__(self) -> Eraser:
        store = self._holding.store
        self._stack.enter_context(alone(lock_of(self._outbox, store), f"erases from {store}"))
        leave_no_trace(self._outbox)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def erase(self, ids: Iterable[str], grounds: Grounds) -> Outcome:
        """Erase what is there of the ids, and let the events that say so wait; to repeat it is safe."""
        if self.unfinished():
            raise Failure(
                f"an earlier erasure from {self._holding.store} was broken off",
                "call `resume` before any other",
            )
        outcome = Outcome()
        for some in in_events(sorted(set(ids))):
            there = self._store.look(some)
            outcome += Outcome(absent=tuple(id for id in some if id not in there))
            if there:
                self._require_room()
                # From here the decision lasts. A kill at any later place is made good by `resume`.
                intent = write_intent(self._outbox, self._holding.store, grounds, there)
                outcome += self._carry_out(intent)
        return outcome

    def resume(self) -> Outcome:
        """Carry out what was broken off, and tell it."""
        return sum((self._carry_out(intent, resumed=True) for intent in self.unfinished()), Outcome())

    def unfinished(self) -> list[Intent]:
        """What was begun in this store and is not told."""
        return [intent for intent in unfinished(self._outbox) if intent.store == self._holding.store]

    def _carry_out(self, intent: Intent, *, resumed: bool = False) -> Outcome:
        answers = self._store.erase(intent.there)
        # Whatever the store has answered: what it has is what counts.
        left = self._store.look(list(intent.there))
        outcome = Outcome(
            erased=tuple(id for id in intent.there if id not in left),
            failed=tuple((id, _reason(intent.there[id], left[id], answers.get(id))) for id in left),
        )
        self._tell(intent, outcome, answers, resumed=resumed)
        return outcome

    def _tell(self, intent: Intent, outcome: Outcome, answers: Answers, *, resumed: bool) -> None:
        named = self._holding.handle
        lines = []
        if outcome.erased:
            told = {named(id): to_builtins(answers.get(id)) for id in outcome.erased}
            evidence = self._keep(
                receipt(self._holding, {"answers": told, "found_after": 0, "resumed": resumed})
            )
            gone = [named(id) for id in outcome.erased]
            lines.append(erased_line(self._holding, intent.grounds, gone, evidence, f"{intent.id}.erased"))
        for error, failed in groupby(sorted(outcome.failed, key=_error_of), key=_error_of):
            kept = [named(id) for id, _ in failed]
            lines.append(failed_line(self._holding, error, kept, f"{intent.id}.{error}"))
        with self._outbox.at_once():
            self._outbox.put_within(lines)
            remove_intent(self._outbox, intent)
        # A crash here leaves ids in the journal until the next eraser begins.
        leave_no_trace(self._outbox)

    def _require_room(self) -> None:
        status = self._outbox.status()
        if status.is_full:
            raise OutboxFull(
                f"{status.waiting} events wait, and no more may: nothing further is erased",
                "see `writ outbox DIR status` for why they don't leave",
            )


def _reason(decided: Sequence[str], left: Sequence[str], answer: object) -> DeletionError:
    """Why something is there: what was to go stayed, or something else came."""
    if not set(decided) & set(left):
        return "conflict"
    return answer.error if isinstance(answer, NotErased) else "internal"


def _error_of(failed: tuple[str, DeletionError]) -> DeletionError:
    return failed[1]
