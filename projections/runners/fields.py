"""Fields: what an event says, as far as a line has room for it. JSON has it whole."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

_SHOWN: Final = 3
# A key has room, a checkpoint or a time-stamp in base64 has not.
_MOST: Final = 200


def fields(data: Mapping[str, Any]) -> Iterator[str]:
    """Each field as `name=value`; not the controller, whose log it is."""
    for name, value in data.items():
        if name != "controller":
            yield f"{name}={_short(value)}"


def _short(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        few = len(value) <= _SHOWN and all(isinstance(one, str) for one in value)
        return (",".join(value) or "none") if few else f"({len(value):,})"
    text = f"({len(value):,})" if isinstance(value, dict) else str(value)
    return text if len(text) <= _MOST else f"{text[:40]}… ({len(text):,} characters)"
