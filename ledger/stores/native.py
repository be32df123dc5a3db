"""Native ids out of rows: what databases and files give as keys, as the text that is blinded."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from ledger.failure import Failure
from signing.errors import FormatError
from signing.handle import native_text

Row = Sequence[Any]


def native_ids(rows: Sequence[Row], place: str) -> list[str]:
    """One id a row: text as it is, whole numbers in decimal, several columns as a canonical JSON array.

    How any other value is written nobody has settled, so it is refused: two who write it differently would
    get different handles. Values are personal, and no message quotes them. `place` is what the message names.
    """
    if rows and len(rows[0]) == 1:
        column = [value for (value,) in rows]
        kinds = set(map(type, column))
        if kinds == {str}:
            return column
        if kinds == {int}:
            return list(map(str, column))
        return [str(_settled(value, place)) for value in column]
    try:
        return [native_text([_settled(value, place) for value in row]) for row in rows]
    except FormatError as error:
        raise Failure(f"{place}: {error}", "write the column as text, in a query") from error


def _settled(value: Any, place: str) -> str | int:
    """A value that is written in one way only."""
    kind = type(value)
    if kind is str or kind is int:
        return value  # type: ignore[no-any-return]
    if kind is UUID:
        return str(value)
    if kind is Decimal and value.is_finite() and value.as_tuple().exponent == 0:
        return int(value)
    if value is None:
        raise Failure(
            f"{place}: a record has no key there (null)", "name columns that every record has a value in"
        )
    raise Failure(
        f"{place}: a key is of the kind {kind.__name__}, and how such a one is written is not settled",
        "write it as text, in a query",
    )
