"""Reading: an admitted log's entries as facts, for a runner beside the service that admitted them.

Nothing is verified again here; an offline reader, who trusts nobody, uses `audit` instead.
"""

from typing import Any

from projections.events import Event, LogCreated, decode_event
from projections.fact import Fact
from projections.registry import Poster, Registry, apply, founding_key, poster_of
from signing.entry import parse_entry
from signing.errors import FormatError
from signing.note import Note, parse_note


class FactReader:
    """Turns entries, in the order of the log, into facts. Holds the registry and the open submission."""

    def __init__(self, registry: Registry) -> None:
        """Begin with the registry at some size."""
        self.registry = registry
        self._note: Note | None = None

    def begin(self, note: Note) -> None:
        """Say whose the next entries are, when they don't begin with their submission."""
        self._note = note

    def read(self, raw: bytes) -> Fact | None:
        """The next entry's fact; None for a submission. FormatError: an event these rules don't know.

        A skipped event would falsify completeness, so there is no way to skip one.
        """
        entry = parse_entry(raw)
        if entry.kind == "submission":
            self._note = parse_note(entry.body)
            return None
        try:
            event = decode_event(entry.body)
        except FormatError as error:
            raise FormatError(f"entry {entry.index}: {error}") from error
        poster = self._poster(event)
        fact = Fact(entry.index, entry.time_us, poster, event)
        self.registry = apply(self.registry, entry.index, poster, event)
        return fact

    def _poster(self, event: Event[Any]) -> Poster:
        assert self._note is not None, "an event stands behind its submission"
        signature = self._note.signatures[0]
        if self.registry.created is None:
            assert isinstance(event.data, LogCreated), "the log admitted its creation first"
            return founding_key(event.data).poster
        key = self.registry.key(signature.name, signature.key_id)
        assert key is not None, "the log admitted this submission"
        poster = poster_of(self.registry, key, self._note.text.partition("\n")[0], event)
        assert isinstance(poster, Poster), "the log admitted this event"
        return poster
