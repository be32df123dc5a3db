"""Elsewhere: what a probe sees in the other tables of a database, as of the moment of the keys."""

from collections.abc import Sequence

from ledger.failure import Failure
from ledger.inventory.crew import Crew
from ledger.inventory.taking import Told
from ledger.probing import Sight, Sought, matches
from ledger.stores.everywhere import Place, is_telling, open_places, read_place
from ledger.stores.postgres import PostgresSource


def look_everywhere(
    source: PostgresSource, crew: Crew, sought: Sought, also: Sequence[str], sight: Sight, told: Told
) -> Sight:
    """What was seen among the keys, and what of the erased stands in any other column."""
    places = open_places(source)
    if unknown := set(also) - {place.name for place in places}:
        raise Failure(f"there is no column {min(unknown)}", "write it as SCHEMA.TABLE.COLUMN")
    erased = set(sought.erased.handles)
    elsewhere: dict[str, str] = {}
    found: dict[str, list[str]] = {}
    unsure: dict[str, int] = {}
    for place in places:
        for handle, native in _seen(source, place, crew, erased, told).items():
            if is_telling(native, place, also):
                elsewhere[handle] = native
                found.setdefault(handle, []).append(place.name)
            else:
                unsure[place.name] = unsure.get(place.name, 0) + 1
    named = {handle: tuple(names) for handle, names in found.items()}
    return Sight(sight.keys, sight.natives, elsewhere, named, unsure)


def _seen(source: PostgresSource, place: Place, crew: Crew, erased: set[str], told: Told) -> dict[str, str]:
    seen: dict[str, str] = {}
    for count, matched in matches(read_place(source, place), crew):
        told(count)
        seen.update({one.handle: one.native for one in matched if one.handle in erased})
    return seen
