"""The verifier page: one HTML file that checks a bundle in a browser, without network and without our Python.

Its scripts stand in `pages/verifier/`. What they share with the Python is written into the page from where it
is decided: who may post what, how things are called, what a bundle may hold. No bundle carries this page:
whoever hands out a bundle must not hand out what judges it.
"""

import json
from functools import cache
from importlib import resources

import msgspec

from projections import statement
from projections.events import TYPE_OF
from projections.fact import HANDLES_OF
from projections.roles import ROLES
from projections.runners import archive, compact, record, source, wording
from signing import attestation, timestamp

SCRIPTS = (
    "encoding",
    "sha256",
    "keys",
    "notes",
    "merkle",
    "entries",
    "zip",
    "registry",
    "audit",
    "statement",
    "trust",
    "der",
    "certificates",
    "timestamp",
    "clock",
    "assessed",
    "members",
    "proofs",
    "compact",
    "record",
    "verify",
    "worker",
)
"""The worker's scripts, each after those that it needs while it is read."""


@cache
def verifier_page() -> str:
    """The page, the same text for the same version of this program."""
    parts = {"css": _read("page.css"), "worker": worker_script(), "page": _read("page.js")}
    page = _read("page.html")
    for name, text in parts.items():
        page = page.replace(f"{{{{ {name} }}}}", text)
    return page


def worker_script() -> str:
    """What checks, as one script: it runs in a worker, and in tests."""
    scripts = [f"// {name}.js\n\n{_read(f'{name}.js')}" for name in SCRIPTS]
    return "\n".join(('"use strict";', _shared(), *scripts))


def _shared() -> str:
    roles = {type: sorted(roles) for type, roles in sorted(ROLES.items())}
    words = {
        "verdicts": wording.VERDICTS,
        "levels": wording.LEVELS,
        "gaps": wording.GAPS,
        "unchecked": wording.UNCHECKED,
        "unproven": wording.ALWAYS_UNPROVEN,
    }
    limits = [(f"^(?:{pattern.pattern})$", most) for pattern, most in source.LIMITS]
    values = {
        "ROLES": roles,
        "HANDLES": {TYPE_OF[data]: names for data, names in HANDLES_OF.items()},
        "REGISTERING": record.REGISTERING,
        "MAX_TOLD": record.MAX_TOLD,
        "ATTESTATION_WORDS": sorted(attestation.WORDS),
        "MAX_ORDERS": compact.MAX_ORDERS,
        "MAX_UNCHECKED": attestation.MAX_ITEMS,
        "MAX_ATTESTATIONS": source.MAX_ATTESTATIONS,
        "TIMESTAMP": {
            "most_bytes": timestamp.MAX_RESPONSE_BYTES,
            "most_accuracy_s": timestamp.MAX_ACCURACY_S,
        },
        "STATEMENT": msgspec.json.schema(statement.Statement),
        "WORDING": words,
        "LIMITS": limits,
        "MAX_MEMBERS": archive.MAX_MEMBERS,
        "MAX_DIRECTORY_BYTES": archive.MAX_DIRECTORY_BYTES,
        "MAX_RATIO": archive.MAX_RATIO,
        "RATIO_FREE_BYTES": archive.RATIO_FREE_BYTES,
    }
    return "".join(f"const {name} = {_script_json(value)};\n" for name, value in values.items())


def _script_json(value: object) -> str:
    """JSON that can't end the script element it stands in."""
    return json.dumps(value, indent=1).replace("<", "\\u003c")


def _read(name: str) -> str:
    return (resources.files("ledger") / "pages" / "verifier" / name).read_text(encoding="utf-8")
