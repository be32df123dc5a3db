"""Vectors of statements, of compact bundles, and of a record's bundles, over the small log of `bundles`."""

from collections.abc import Iterator

from signing.keys import COSIGNATURE
from signing.note import format_note, parse_note, sign_note
from tests.projections.evidence import ASSESSOR, CRAWLER, WITNESS, Evidence
from tests.projections.logbuilder import OPERATOR, ORIGIN, key_of, vkey_of
from tests.projections.recorded import WHO, entries_with, said
from tests.vectors.bundles import (
    RULES,
    STRANGER,
    Files,
    evidence,
    given_order,
    packed,
    statement_note,
    with_assessor,
    with_false_cosignature,
)
from tests.vectors.mutation import Case, Vectors, bad, false


def compact(rules: str) -> Vectors:
    """A compact bundle: the order's proof, under an assessor's signature."""
    done = evidence()
    note = {"statement": statement_note(done.statement(rules=rules), ASSESSOR)}
    files = with_assessor({**done.compact(ASSESSOR), **note})
    return Vectors(packed(files), given_order(done), list(of_compact(done, files)), ".zip")


def of_compact(done: Evidence, files: Files) -> Iterator[Case]:
    """What may be wrong with one."""
    index = entries_with(done.log, b"writ.order.issued")[0]
    place = f"proof/{index}"
    other = {f"{place}/{path.split('/', 2)[2]}": raw for path, raw in done.proofs(index - 3).items()}

    def changed(name: str, reason: str, changes: Files) -> Case:
        assert all(files.get(path) != raw for path, raw in changes.items()), name
        return false(name, reason, packed(files | changes))

    text = parse_note(files["statement"]).text
    alone = format_note(sign_note(text, key_of(OPERATOR)))
    yield changed("no-assessor", "no assessor signed: what is omitted is hidden", {"statement": alone})
    stranger = format_note(sign_note(text, key_of(OPERATOR), key_of(STRANGER)))
    yield changed("other-assessor", "the order does not name who signed", {"statement": stranger})
    yield changed(
        "event-altered",
        "the order is another than the authority signed",
        {f"{place}/event": files[f"{place}/event"].replace(b"2026-03-01", b"2027-03-01", 1)},
    )
    path = f"{place}/event.tlog-proof"
    yield changed("event-proof-of-another", "it proves another entry", {path: other[path]})
    source = f"{place}/source.tlog-proof"
    yield changed("source-proof-of-another", "it is under another submission", {source: other[source]})
    left = {path: raw for path, raw in files.items() if path != source}
    yield false("proof-left-out", "nothing shows the event under its submission", packed(left))
    none = {path: raw for path, raw in files.items() if not path.startswith("proof/")}
    yield false("no-order", "no order under the authority's key", packed(none))
    tile = {"tile/0/000": bytes(8192)}
    yield false("tile-beside", "a tile, where all entries would have to stand", packed(files | tile))
    yield Case(
        "cosignature-false",
        "word",
        "no witness vouches",
        packed(files | {"checkpoint": with_false_cosignature(files)}),
    )


def record(_rules: str) -> Vectors:
    """What the log has of one record, whatever the rules."""
    done = evidence()
    entries = entries_with(done.log, WHO.encode())
    files = {
        "record": said(done, entries),
        "checkpoint": done.log.checkpoint_note(None, WITNESS),
    }
    for index in sorted({1, *entries, *entries_with(done.log, vkey_of(CRAWLER).encode())}):
        files |= done.proofs(index)
    given = {"log": vkey_of(ORIGIN), "policy": [f"witness w1 {vkey_of(WITNESS, COSIGNATURE)}", "quorum w1"]}
    return Vectors(packed(files), given, list(of_record(done, files, entries)), ".zip")


def of_record(done: Evidence, files: Files, entries: list[int]) -> Iterator[Case]:
    """What may be wrong with one."""

    def without(*indexes: int) -> Files:
        places = tuple(f"proof/{index}/" for index in indexes)
        return {path: raw for path, raw in files.items() if not path.startswith(places)}

    yield false("entry-left-out", "an entry that the operator signed is missing", packed(without(entries[0])))
    unlisted = packed(files | {"record": said(done, entries[1:])})
    yield false("entry-unlisted", "an entry that the operator did not sign as this record's", unlisted)
    registered = entries_with(done.log, vkey_of(CRAWLER).encode())[0]
    yield false("registration-left-out", "nothing shows whose key signed", packed(without(registered)))
    stranger = packed(files | {"record": said(done, entries, STRANGER)})
    yield false("other-operator", "the operator did not sign", stranger)
    event = f"proof/{entries[0]}/event"
    altered_event = files[event].replace(b'"GB"', b'"FR"', 1)
    yield false("event-altered", "an entry is another", packed(files | {event: altered_event}))
    yield Case(
        "cosignature-false",
        "word",
        "no witness vouches",
        packed(files | {"checkpoint": with_false_cosignature(files)}),
    )


def statements() -> Vectors:
    """The statement of the full bundle by itself, under the operator's and the assessor's signatures."""
    statement = evidence().statement(rules=RULES)
    good = statement_note(statement, ASSESSOR)
    text = parse_note(good).text

    def changed(name: str, reason: str, old: str, new: str) -> Case:
        assert old in text, name
        signers = (key_of(OPERATOR), key_of(ASSESSOR))
        return bad(name, reason, format_note(sign_note(text.replace(old, new, 1), *signers)))

    cases = [
        changed("other-version", "another format", "statement/v1", "statement/v2"),
        changed("space", "the JSON is not canonical", '{"as_of":', '{"as_of": '),
        changed("unknown-field", "a field that no statement has", '{"as_of":', '{"a":1,"as_of":'),
        changed("field-left-out", "a field is missing", f',"rules":"{RULES}"', ""),
        changed(
            "field-twice",
            "a field stands twice",
            '"status":"in_force"',
            '"status":"in_force","status":"in_force"',
        ),
        changed("other-verdict", "the verdicts are four words", '"verdict":"', '"verdict":"not_'),
        changed(
            "fraction", "numbers are integers", f'"as_of":{statement.as_of}', f'"as_of":{statement.as_of}.0'
        ),
        changed("three-lines", "the text has two lines", "}\n", "}\n\n"),
        false("word-altered", "what was signed says another", good.replace(b'"E0"', b'"E2"', 1)),
        false(
            "other-operator",
            "another key signed first",
            format_note(sign_note(text, key_of(STRANGER), key_of(ASSESSOR))),
        ),
        false("no-assessor", "the assessor did not sign", format_note(sign_note(text, key_of(OPERATOR)))),
    ]
    given = {"operator": vkey_of(OPERATOR), "assessor": vkey_of(ASSESSOR)}
    return Vectors(good, given, cases)
