"""The docket's state rows: one for each element, so that a batch writes what it adds and nothing else.

    ["anchors", 3]        the fourth anchor          ["stores", "faces"]       a store, by its name
    ["edge", 1041]        a lineage edge, by entry   ["unblinded", "PZ9…="]    a key's end, by its commitment

The rows of series are never written again; the rest is small and stands beside the live runner's cursor.
Format: docs/spec/set-digest.md.
"""

from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any, Final, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct

from projections.docket import Docket, Edge, Store, encode_edge
from projections.series import Series


class Rest(Struct, frozen=True):
    """What of a docket is no series."""

    stores: dict[str, Store] = {}
    unblinded: dict[str, int] = {}


def _series_of(kind: type[Struct], *path: str) -> Iterator[tuple[str, tuple[str, ...], Any]]:
    """Each series' name, where it stands in the docket, and what its elements are."""
    for name, hint in get_type_hints(kind).items():
        if get_origin(hint) is Series:
            yield name, (*path, name), get_args(hint)[0]
        elif isinstance(hint, type) and issubclass(hint, Struct):
            yield from _series_of(hint, *path, name)


_SERIES: Final = tuple(_series_of(Docket))
NAMES: Final = tuple(name for name, _, _ in _SERIES)
assert len({*NAMES, *Rest.__struct_fields__, "edge"}) == len(NAMES) + 3, "a key's first word tells what it is"

_encoder: Final = msgspec.json.Encoder(order="deterministic")
_rest_decoder: Final = msgspec.json.Decoder(Rest)
_decoders: Final = {name: msgspec.json.Decoder(element) for name, _, element in _SERIES}
_parts: Final = {name: hint for name, hint in get_type_hints(Docket).items() if get_origin(hint) is None}


def rows(docket: Docket, edges: Mapping[int, Edge]) -> Iterator[bytes]:
    """The state's lines for its digest: row key's hash, space, canonical JSON."""
    for name, number, row in added_rows(Docket(), docket):
        yield _line([name, number], row)
    for name in Rest.__struct_fields__:
        for key, value in getattr(docket, name).items():
            yield _line([name, key], _encoder.encode(value))
    for index, edge in edges.items():
        yield _line(["edge", index], encode_edge(edge))


def row_key(key: list[Any]) -> bytes:
    """A state row's key that is no handle: the first 16 bytes, in hex, of SHA-256 of its canonical JSON."""
    return sha256(_encoder.encode(key)).hexdigest()[:32].encode()


def added_rows(before: Docket, after: Docket) -> Iterator[tuple[str, int, bytes]]:
    """The rows, each as (series, number, row), that series have since `before`, from which `after` grew."""
    for name, path, _ in _SERIES:
        known, series = len(_at(before, path)), _at(after, path)
        for number in range(known, len(series)):
            yield name, number, _encoder.encode(series[number])


def decode_row(series: str, row: bytes) -> Any:
    """Read a row of a series."""
    return _decoders[series].decode(row)


def encode_rest(docket: Docket) -> bytes:
    """What of a docket is no series."""
    return _encoder.encode(Rest(docket.stores, docket.unblinded))


def make_docket(rest: bytes, series: Mapping[str, Iterable[Any]]) -> Docket:
    """The docket of what `encode_rest` wrote and of these series, each one's elements in order."""
    read = _rest_decoder.decode(rest)
    fields: dict[str, Any] = {"stores": read.stores, "unblinded": read.unblinded}
    parts: dict[str, dict[str, Series[Any]]] = {}
    for name, (field, *inner), _ in _SERIES:
        elements = Series(series.get(name, ()))
        if inner:
            parts.setdefault(field, {})[name] = elements
        else:
            fields[field] = elements
    return Docket(**fields, **{field: _parts[field](**inner) for field, inner in parts.items()})


def _at(docket: Docket, path: tuple[str, ...]) -> Series[Any]:
    found: Any = docket
    for name in path:
        found = getattr(found, name)
    assert isinstance(found, Series)
    return found


def _line(key: list[Any], row: bytes) -> bytes:
    return row_key(key) + b" " + row
