"""The report in a bundle: one page that a person reads, prints, and knows how to check.

Its numbers are those of the judgment that the statement sums up; what it tells besides is in the log that the
bundle carries. It proves nothing by itself, and says so. No network, no scripts; and the same log, order and
moment give the same bytes, for nothing here looks at a clock or at a machine's settings.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from itertools import groupby

import jinja2

from ledger import charts, looks, vouching
from ledger.fingerprints import fingerprints
from ledger.retracing import Retraced, retrace
from projections import accounted, burndown
from projections.beside import beside
from projections.case import Case
from projections.finding import Irregularity
from projections.glimpses import Glimpse
from projections.moments import DAY_S, SECOND_US
from projections.order import Obligation, Order
from projections.rulebook import explain
from projections.runners import wording
from projections.runners.offline import Replayed
from projections.statement import ObligationStatement, Statement
from projections.stating import Stated
from projections.verdict import covered
from signing.note import Note
from signing.policy import quorum_time

MAX_LISTED = 200


def title(statement: Statement) -> str:
    """The headline of the page."""
    return wording.headline(statement)


def render(
    stated: Stated,
    order: Order,
    replayed: Replayed,
    *,
    compact: bool,
    note: Note,
    attestations: Mapping[str, bytes] | None = None,
) -> str:
    """The page. `note`: the statement as it was signed; `attestations`: what stands beside it."""
    statement, case = stated.statement, stated.case
    seen_s = quorum_time(order.trust.policy(), replayed.note)
    listed = list(_exceptions(stated))
    signed = vouching.signers(order, note, attestations or {})
    looked = looks.looks(stated, replayed)
    burned = [burndown.burn_down(case, one) for one in order.obligations if one.type in burndown.KINDS]
    return _template("report.html").render(
        title=title(statement),
        statement=statement,
        order=order,
        compact=compact,
        most=MAX_LISTED,
        seen=None if seen_s is None else wording.moment(seen_s),
        stores=_stores_line(stated),
        **_about(case, order, burned),
        timeline=_timeline(retrace(stated, replayed)),
        looks=looked,
        unasked=looks.unasked(stated),
        obligations=[_obligation(one) for one in statement.obligations],
        exceptions=_by_rule(listed),
        excepted=len(listed),
        foreign=_foreign(replayed, order),
        repeats=replayed.repeats,
        beside=beside(case, stated.judgment),
        signed=signed,
        clocks=vouching.clocks(case, replayed, burned, looked),
        keys=fingerprints(case, replayed.audited.registry.created),
        unproven=[*signed.unproven, *wording.unproven_lines(statement)],
        audited=replayed.audited,
    )


def _about(case: Case, order: Order, burned: Sequence[burndown.Burndown]) -> dict[str, object]:
    """What sections 1 to 3 tell of the order."""
    return {
        "issued": case.issued,
        "life": _life(case),
        "versions": _versions(case),
        "burndowns": [_burndown(case, told) for told in burned],
        "strips": [_strip(case, one) for one in order.obligations if one.type in accounted.KINDS],
    }


def _stores_line(stated: Stated) -> str:
    """How many stores somebody looked into, as the headline counts them."""
    stores = covered(stated.judgment).values()
    if not stores:
        return "no store was declared that the order reaches"
    looked = [one for one in stores if one.looked]
    assessed = sum(1 for one in looked if one.assessor)
    return (
        f"{len(looked)} of {len(stores)} declared: {assessed} by an assessor whom the order names, "
        f"{len(looked) - assessed} by the controller itself; nobody looked into {len(stores) - len(looked)}"
    )


def _life(case: Case) -> list[tuple[str, str, str]]:
    """When the order's status became another, what it became, and what made it so."""
    issued = (
        wording.moment(case.issued.time_us // SECOND_US),
        "recorded in this log",
        f"entry {case.issued.index}",
    )
    return [issued] + [
        (
            wording.moment(from_s),
            status.replace("_", " "),
            "time alone" if entry is None else f"entry {entry}",
        )
        for from_s, status, entry in case.life.history()
        if from_s <= case.as_of
    ]


def _versions(case: Case) -> list[tuple[int, int, str, bool]]:
    """The versions under the same key that count: number, entry, from when, and whether it is judged here."""
    return [
        (one.order.version, one.index, wording.moment(one.governs_s), one is case.issued)
        for one in case.docket.orders
        if one.order.id == case.order.id and one.by in case.authority and one.index < case.size
    ]


def _burndown(case: Case, told: burndown.Burndown) -> dict[str, object]:
    return {
        "told": told,
        "chart": charts.chart(told, case.as_of) if told.points else None,
        "rows": [(wording.moment(one.time_us // SECOND_US), one.entry, one.live) for one in told.points],
        "effective": wording.moment(told.effective),
        "deadline": wording.moment(told.deadline),
        "begun": f"{told.at_effective:,}" if _is_begun(told) else "nothing on record yet",
        "now": told.points[-1].live if told.points else 0,
    }


def _is_begun(told: burndown.Burndown) -> bool:
    """Whether anything was on record when the order took effect: many ledgers begin later."""
    return bool(told.points) and told.points[0].time_us <= told.effective * SECOND_US


def _strip(case: Case, obligation: Obligation) -> dict[str, object]:
    found = accounted.accounts(case, obligation)
    begin, end = case.order.effective_s, case.as_of - DAY_S
    rows = [
        (one.collector, wording.moment(part.from_us // SECOND_US), wording.moment(part.to_us // SECOND_US),
         SAID[part.said])
        for one in found for part in one.stretches
    ]  # fmt: skip
    return {
        "id": obligation.id,
        "collectors": len(found),
        "whole": sum(1 for one in found if one.is_whole),
        "strip": charts.strip(found[:MAX_LISTED], begin, end) if found and begin < end else None,
        "rows": rows,
        "begin": wording.moment(begin),
        "end": wording.moment(end),
    }


SAID = {
    "accounted": "accounted for",
    "open": "nobody accounts for it",
    "against": "it ran, by its own word, and did not leave the territory out",
}


def _timeline(found: Retraced) -> dict[str, object]:
    return {
        "rows": [(*_when(one), *_told(one)) for one in found.changes],
        "complete": found.complete,
        "judgments": found.judgments,
    }


def _when(one: Glimpse) -> tuple[str, str]:
    """From when on, and which entry did it, as exactly as it was searched for."""
    change, since = one.change, one.since
    if since is None:
        return wording.moment(change.as_of), f"{change.entry:,}" if change.entry >= 0 else "none"
    when = f"{wording.moment(since.as_of)} to {wording.moment(change.as_of)}"
    return when, f"{since.size:,} to {change.size - 1:,}" if since.size < change.size else "none"


def _told(one: Glimpse) -> tuple[str, str, list[str]]:
    """The verdict, why, and the obligations that changed."""
    change = one.change
    verdict = change.verdict.replace("_", " ")
    if change.status != "in_force":
        verdict = f"{change.status.replace('_', ' ')}: none; would be {verdict}"
    changed = [f"{name}: {said.replace('_', ' ')}" for name, said in change.obligations.items()]
    given_up = one.since is not None and one.since.size < change.size
    return verdict, "not searched for further" if given_up else wording.change_cause(change), changed


def _obligation(one: ObligationStatement) -> dict[str, object]:
    """What the page shows of an obligation."""
    return {
        "id": one.id,
        "line": wording.obligation_line(one),
        "verdict": one.verdict,
        "counts": [
            (wording.COUNTS.get(name, name.replace("_", " ")), count)
            for name, count in one.counts.items()
            if count or name == "in_scope"
        ],
        "digests": one.digests,
        "gaps": [(gap.rule, wording.gap_line(gap)) for gap in one.gaps],
        "out_of_scope": one.out_of_scope,
    }


def _exceptions(stated: Stated) -> Iterator[tuple[str, Irregularity]]:
    """All exceptions, each with the obligation that it tells against; "": the order itself."""
    yield from (("", one) for one in stated.judgment.irregularities)
    for finding in stated.judgment.findings:
        yield from ((finding.obligation, one) for one in finding.irregularities)


def _by_rule(listed: Sequence[tuple[str, Irregularity]]) -> list[dict[str, object]]:
    """The exceptions rule by rule, so that each rule says once what it says."""
    ordered = sorted(listed, key=lambda one: (one[1].rule, one[1].index, one[1].store, one[0]))
    return [
        {
            "rule": rule,
            "says": explain(rule),
            "rows": [
                (obligation, one, wording.moment(one.time_us // SECOND_US)) for obligation, one in group
            ],
        }
        for rule, group in groupby(ordered, key=lambda one: one[1].rule)
    ]


def _foreign(replayed: Replayed, order: Order) -> list[str]:
    """Orders under the name of another authority than this one's: they have no effect here."""
    authority = order.id.rpartition("/")[0]
    posters = replayed.fold.docket.posters
    return [
        f"entry {one.index}: an order {one.order.id} by another authority, {posters[one.by].vkey}"
        for one in replayed.fold.docket.orders
        if posters[one.by].name != authority
    ]


def _in_css(text: str) -> str:
    """A text for between quotes in a style sheet, which no escaping of HTML reaches."""
    return re.sub(r"[^A-Za-z0-9 .,:/_-]", lambda found: f"\\{ord(found.group()):06x}", text)


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
    environment.filters["moment"] = wording.moment
    environment.filters["in_css"] = _in_css
    environment.globals["levels"] = wording.LEVELS
    environment.globals["words"] = wording.WORDS
    environment.globals["frame"] = charts
    return environment.from_string(source)
