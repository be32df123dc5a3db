"""Templates of orders: eight real ones, with their dates and obligations, and room for names and keys.

Facts are those of public reports, in our words: compare the instrument before signing.
"""

import json
from importlib.resources import files
from typing import Any, Final

from msgspec import Struct

from projections.order import Order, parse_order
from signing.encoding import encode_base64

FOLDER: Final = "templates/orders"
NO_INSTRUMENT: Final = "0" * 64


class Template(Struct, frozen=True):
    """An order that lacks its parties. `about` says in a few sentences what it is made of."""

    name: str
    title: str
    about: str
    number: str
    controller: str
    order: dict[str, Any]


class Parties(Struct, frozen=True, kw_only=True):
    """What a template leaves open: names and keys, and the hash of the instrument."""

    authority: str
    log: str
    assessors: tuple[str, ...] = ()
    assessors_needed: int | None = None
    witnesses: tuple[str, ...] = ()
    timestamp_roots: tuple[bytes, ...] = ()
    controller: str = ""
    instrument_sha256: str = NO_INSTRUMENT


def names() -> list[str]:
    """The templates there are."""
    found = (one.name.partition(".") for one in files("ledger").joinpath(FOLDER).iterdir())
    return sorted(name for name, _, ending in found if ending == "json")


def read(name: str) -> Template:
    """A template by its name, one of `names()`."""
    value = json.loads(files("ledger").joinpath(f"{FOLDER}/{name}.json").read_text())
    return Template(name=name, **value)


def fill(template: Template, parties: Parties) -> Order:
    """The order between these parties. FormatError says which name or key is none."""
    named: dict[str, Any] = {}
    if parties.assessors_needed is not None:
        named["assessors_needed"] = parties.assessors_needed
    if parties.timestamp_roots:
        named["timestamp_roots"] = sorted(map(encode_base64, set(parties.timestamp_roots)))
    value = template.order | {
        "controllers": [parties.controller or template.controller],
        "id": f"{parties.authority}/{template.number}",
        "instrument_sha256": parties.instrument_sha256,
        "trust": {
            "assessors": sorted(set(parties.assessors)),
            "log_vkey": parties.log,
            "witnesses": policy_lines(parties.witnesses),
            **named,
        },
    }
    return parse_order(json.dumps(value).encode())


def policy_lines(given: tuple[str, ...]) -> list[str]:
    """A tlog-policy from its lines, or from bare verifier keys. Where no quorum is named, more than half."""
    lines: list[str] = []
    for one in given:
        is_line = one.split(" ")[0] in ("witness", "group", "quorum")
        # An order has no URLs, the line that `writ witness` prints has one.
        line = " ".join(one.split(" ")[:3]) if one.startswith("witness ") else one
        lines.append(line if is_line else f"witness w{len(lines) + 1} {one}")
    members = [line.split(" ")[1] for line in lines if line.startswith("witness ")]
    if not members or any(line.startswith("quorum ") for line in lines):
        return lines
    if len(members) == 1:
        return [*lines, f"quorum {members[0]}"]
    return [*lines, f"group majority {len(members) // 2 + 1} {' '.join(members)}", "quorum majority"]
