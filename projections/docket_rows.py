"""The docket's state rows: one for each element, so that a batch writes what it adds and nothing else.

    ["anchors", 3]        the fourth anchor
    ["stores", "images"]  a store, by its name
    ["edge", 1041]        a lineage edge, by its entry

The rows of series are never written again; the stores are few, and stand beside the live runner's cursor.
Format: docs/spec/set-digest.md.
"""

from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any, Final, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct

from projections.docket import Docket, Edge, Store, encode_edge
from projections.series import Series


def _series_of(kind: type[Struct], *path: str) -> Iterator[tuple[str, tuple[str, ...], Any]]:
    """Each series' name, where it stands in the docket, and what its elements are."""
    for name, hint in get_type_hints(kind).items():
        if get_origin(hint) is Series:
            yield name, (*path, name), get_args(hint)[0]
        elif isinstance(hint, type) and issubclass(hint, Struct):
            yield from _series_of(hint, *path, name)


_SERIES: Final = tuple(_series_of(Docket))
NAMES: Final = tuple(name for name, _, _ in _SERIES)
assert len({*NAMES, "stores", "edge"}) == len(NAMES) + 2, "a key's first word tells what it is"

_encoder: Final = msgspec.json.Encoder(order="deterministic")
_stores_decoder: Final = msgspec.json.Decoder(dict[str, Store])
_decoders: Final = {name: msgspec.json.Decoder(element) for name, _, element in _SERIES}
_parts: Final = {name: hint for name, hint in get_type_hints(Docket).items() if get_origin(hint) is None}


def rows(docket: Docket, edges: Mapping[int, Edge]) -> Iterator[bytes]:
    """The state's lines for its digest: row key's hash, space, canonical JSON."""
    for name, number, row in added_rows(Docket(), docket):
        yield _line([name, number], row)
    for name, store in docket.stores.items():
        yield _line(["stores", name], _encoder.encode(store))
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


def encode_stores(docket: Docket) -> bytes:
    """The stores, which alone of a docket are no series."""
    return _encoder.encode(docket.stores)


def make_docket(stores: bytes, series: Mapping[str, Iterable[Any]]) -> Docket:
    """The docket of what `encode_stores` wrote and of these series, each one's elements in order."""
    fields: dict[str, Any] = {"stores": _stores_decoder.decode(stores)}
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
