"""The report in a bundle: one page that a person reads, prints, and knows how to check.

Everything on it is also in the statement, or in the log that the bundle carries; it proves nothing by itself,
and says so. No network, no scripts.
"""

from functools import cache
from importlib import resources

import jinja2
from msgspec import Struct

from projections.order import Order
from projections.runners import wording
from projections.runners.offline import Replayed
from projections.statement import ObligationStatement, Statement
from projections.stating import Stated
from signing.keys import parse_vkey
from signing.policy import quorum_time

MAX_LISTED = 200


class Fingerprint(Struct, frozen=True):
    """A key that a verdict rests on, and who says that it counts."""

    role: str
    vkey: str
    key_id: str
    named_by: str


def title(statement: Statement) -> str:
    """The headline of the page."""
    return wording.headline(statement)


def render(stated: Stated, order: Order, replayed: Replayed, *, compact: bool) -> str:
    """The page."""
    statement = stated.statement
    exceptions = [
        one
        for listed in (stated.judgment.irregularities, *(f.irregularities for f in stated.judgment.findings))
        for one in sorted(listed, key=lambda one: one.index)
    ]
    seen_s = quorum_time(order.trust.policy(), replayed.note)
    return _template("report.html").render(
        title=title(statement),
        statement=statement,
        order=order,
        compact=compact,
        shown=_shown(statement),
        level=wording.LEVELS[statement.evidence],
        word=wording.WORDS[statement.word],
        as_of=wording.moment(statement.as_of),
        seen=None if seen_s is None else wording.moment(seen_s),
        obligations=[_obligation(one) for one in statement.obligations],
        exceptions=[wording.exception_line(one) for one in exceptions[:MAX_LISTED]],
        more=max(0, len(exceptions) - MAX_LISTED),
        foreign=_foreign(replayed, order),
        repeats=replayed.repeats[:MAX_LISTED],
        keys=_fingerprints(order, replayed),
        unproven=wording.unproven_lines(statement),
        audited=replayed.audited,
    )


def readme(statement: Statement, *, compact: bool) -> str:
    """README.txt of a bundle."""
    return _template("README.txt").render(statement=statement, title=title(statement), compact=compact)


def _obligation(one: ObligationStatement) -> dict[str, object]:
    """What the page shows of an obligation."""
    so_far = one.type.startswith("cease_") and one.verdict == "carried_out"
    return {
        "id": one.id,
        "type": one.type.replace("_", " "),
        "verdict": one.verdict,
        "verdict_words": wording.VERDICTS[one.verdict] + (" so far" if so_far else ""),
        "deadline": wording.moment(one.deadline),
        "evidence": f"{one.evidence}, {wording.LEVELS[one.evidence]}",
        "word": wording.WORDS[one.word],
        "counts": [
            (wording.COUNTS.get(name, name.replace("_", " ")), count)
            for name, count in one.counts.items()
            if count or name == "in_scope"
        ],
        "digests": one.digests,
        "gaps": [wording.gap_line(gap) for gap in one.gaps],
        "out_of_scope": one.out_of_scope,
        "stores": one.stores,
    }


def _shown(statement: Statement) -> str:
    """The one word; of an order that is not in force, the word that would hold."""
    shown = statement.verdict or statement.would_be
    assert isinstance(shown, str)
    return shown


def _foreign(replayed: Replayed, order: Order) -> list[str]:
    """Orders under the name of another authority than this one's: they have no effect here."""
    authority = order.id.rpartition("/")[0]
    posters = replayed.fold.docket.posters
    return [
        f"entry {one.index}: an order {one.order.id} by another authority, {posters[one.by].vkey}"
        for one in replayed.fold.docket.orders
        if posters[one.by].name != authority
    ]


def _fingerprints(order: Order, replayed: Replayed) -> list[Fingerprint]:
    signer = next(
        replayed.fold.docket.posters[one.by].vkey
        for one in reversed(replayed.fold.docket.orders)
        if one.order == order
    )
    trust = order.trust
    keys = [
        ("authority", signer or "", "compare it with the one that the authority publishes"),
        ("log", trust.log_vkey, "the order"),
        *(("assessor", vkey, "the order") for vkey in trust.assessors),
    ]
    found = [Fingerprint(role, vkey, parse_vkey(vkey).key_id.hex(), by) for role, vkey, by in keys]
    for witness in trust.policy().witnesses:
        line = next(line for line in trust.witnesses if line.startswith(f"witness {witness.name} "))
        found.append(Fingerprint("witness", line.split(" ")[2], witness.key.key_id.hex(), "the order"))
    return found


@cache
def _template(name: str) -> jinja2.Template:
    source = (resources.files("ledger") / "templates" / name).read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=name.endswith(".html"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["thousands"] = lambda number: f"{number:,}"
    return environment.from_string(source)
