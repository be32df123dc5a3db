"""Asking: the standing questions in words, and their answers as people read them and as programs do."""

from collections.abc import Iterator
from textwrap import wrap
from typing import Final, NamedTuple

import msgspec
from msgspec import UNSET, Struct, UnsetType

from projections.question import VERSION, Answer, Member, Row
from projections.runners.wording import moment
from signing.encoding import encode_base64

WIDTH: Final = 110


class Words(NamedTuple):
    """What a question is called, what the law asks, and what the figures don't prove."""

    title: str
    law: str
    not_proved: str


WORDS: Final[dict[str, Words]] = {
    "collection": Words(
        "What is collected, about whom, on what basis",
        "GDPR Art. 5(1)(a), 6, 30: every collection has a lawful basis, which stands before it begins.",
        "It does not prove that a basis holds, nor that nothing is collected that nobody posted.",
    ),
    "special-category": Words(
        "Special-category and children's data without a condition or consent",
        "GDPR Art. 8, 9: special-category data, biometric templates too, need a condition of Art. 9(2), and "
        "a child's data the consent of a parent.",
        "It does not prove that a declared condition holds, nor that data said to be harmless are.",
    ),
    "retention": Words(
        "What is kept past its retention, or without any",
        "GDPR Art. 5(1)(e): personal data are kept no longer than their purpose needs.",
        "It does not prove that a period declared is needed, and counts from when a collection was recorded.",
    ),
    "consent": Words(
        "Whether what is collected is collected with consent, and only so",
        "GDPR Art. 7: where consent is the basis, the controller can show that it was given, and it can be "
        "withdrawn.",
        "It does not prove that anybody consented: consent is the controller's word.",
    ),
    "use-after-objection": Words(
        "Use of records after an objection or a restriction",
        "GDPR Art. 18, 21: what is restricted or objected to is not used, not even while an objection is "
        "undecided.",
        "It does not prove that there was no use that nobody posted.",
    ),
    "enquiries": Words(
        "How enquiries are answered, and what people must give first",
        "GDPR Art. 12(3), 12(6): an answer comes within a month, and more identity is asked for only in "
        "reasonable doubt.",
        "It does not prove why somebody gave up, nor that every enquiry was posted.",
    ),
    "disclosures": Words(
        "Disclosures whose recipients were not told of an erasure, a restriction or an objection",
        "GDPR Art. 17(2), 19: each recipient is told of an erasure or restriction.",
        "It does not prove that a recipient did anything, nor that every disclosure was posted.",
    ),
    "use-abroad": Words(
        "Use from a country other than the subject's own",
        "GDPR Art. 3(2), 44: the law protects people where they are, also from those who watch from abroad.",
        "It does not prove where anybody was, beyond what was said of residency and of who used the record.",
    ),
}


class AnswerPage(Struct, frozen=True, kw_only=True):
    """An answer for programs: the whole table, and of a question asked by its name its digest (base64) and a
    page of its members."""

    name: str
    title: str
    law: str
    not_proved: str
    as_of: int
    size: int
    version: int
    columns: tuple[str, ...]
    measures: tuple[str, ...]
    rows: tuple[Row, ...]
    member_count: int
    members: tuple[Member, ...] = ()
    digest: str | UnsetType = UNSET
    digest_lines: int | UnsetType = UNSET


def table_of(answer: Answer) -> AnswerPage:
    """An answer's table alone: a digest takes longer than to answer, where there are many members."""
    words = WORDS[answer.name]
    return AnswerPage(
        name=answer.name,
        title=words.title,
        law=words.law,
        not_proved=words.not_proved,
        as_of=answer.as_of,
        size=answer.size,
        version=VERSION,
        columns=answer.columns,
        measures=answer.measures,
        rows=answer.rows,
        member_count=answer.member_count,
    )


def page_of(answer: Answer, begin: int = 0, limit: int = 0) -> AnswerPage:
    """An answer with its digest, and its members [begin, begin + limit) in their one order."""
    digest = answer.digest()
    members = answer.members()[begin : begin + limit] if limit else []
    return msgspec.structs.replace(
        table_of(answer),
        members=tuple(members),
        digest=encode_base64(digest.digest),
        digest_lines=digest.count,
    )


def lines(page: AnswerPage) -> Iterator[str]:
    """An answer as a table under its title, between what the law asks and what the figures don't prove."""
    yield page.title
    yield from wrap(page.law, WIDTH, initial_indent="  ", subsequent_indent="    ")
    digest = "" if isinstance(page.digest, UnsetType) else f"; digest {page.digest}, version {page.version}"
    yield f"  as of {moment(page.as_of)}, {page.size:,} entries{digest}"
    if page.rows:
        yield from _table(page)
        yield from _shares(page)
    else:
        yield "  nothing on record"
    yield f"  {page.not_proved}"


def _table(page: AnswerPage) -> Iterator[str]:
    heads = [*page.columns, *(_head(measure) for measure in page.measures)]
    body = [[*(cell or "-" for cell in row.group), *_counts(page, row)] for row in page.rows]
    widths = [max(len(line[at]) for line in (heads, *body)) for at in range(len(heads))]
    texts = len(page.columns)
    for line in ([head.replace("_", " ") for head in heads], *body):
        cells = [
            cell.ljust(width) if at < texts else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        yield f"    {'  '.join(cells).rstrip()}"


def _head(measure: str) -> str:
    """A measure's name over its column: seconds are shown as days."""
    return {"median_s": "median_days", "longest_s": "longest_days"}.get(
        measure, measure.removesuffix("_most")
    )


def _counts(page: AnswerPage, row: Row) -> list[str]:
    return [
        f"{count:,}" if not measure.endswith("_s") else f"{count / 86_400:,.1f}" if count else "-"
        for measure, count in zip(page.measures, row.counts, strict=True)
    ]


def _shares(page: AnswerPage) -> Iterator[str]:
    """Of enquiries, the founding case's figure: how many gave up after a demand, and how many without one."""
    if page.name != "enquiries":
        return
    for demanded in (True, False):
        rows = [row for row in page.rows if (row.group[1] != "nothing") is demanded]
        all_of = sum(row.counts[0] for row in rows)
        gave_up = sum(row.counts[3] for row in rows)
        if all_of:
            what = "after more identity was demanded" if demanded else "where nothing was demanded"
            yield f"  {what}: {gave_up:,} of {all_of:,} abandoned, {gave_up * 100 // all_of} %"
