"""Vectors of what is recorded and proved: entries, submissions, offline proofs and sets."""

from signing import (
    EMPTY_RANGE,
    Checkpoint,
    Entry,
    Note,
    SigningKey,
    TlogProof,
    digest_of,
    encode_base64,
    encode_frontier,
    format_entry,
    format_note,
    format_proof,
    format_submission,
    format_vkey,
    grow,
    leaf_hash,
    leaf_hashes_of,
    make_submission,
    sign_checkpoint,
    sign_note,
)
from signing.attestation import Attestation, format_attestation, statement_hash
from signing.handle import handle
from tests.vectors.mutation import (
    ENTRIES,
    HEAD,
    LOG,
    OTHER,
    POSTER,
    TREE,
    Case,
    Vectors,
    altered,
    bad,
    false,
    flipped,
    loosened,
    signed,
)


def entries() -> Vectors:
    """Entries."""
    previous = leaf_hash(b"the entry before")
    good = format_entry(Entry("event", 42, 1767225600123456, previous, b'{"data":{}}'))
    encoded = encode_base64(previous)
    cases = [
        bad("too-large", "over 65,535 bytes", good + b" " * 65_500),
        bad("no-body", "the body is missing", good.partition(b"\n")[0] + b"\n"),
        bad("no-newline", "the header does not end", good.partition(b"\n")[0]),
        *altered(
            good,
            ("other-kind", "there are two kinds", "event", "remark"),
            ("upper-case-kind", "kinds are lower case", "event", "Event"),
            ("leading-zero", "an index has no leading zero", " 42 ", " 042 "),
            ("negative-index", "an index has no sign", " 42 ", " -42 "),
            ("arabic-digits", "an index is of ASCII digits", " 42 ", " ٤٢ "),
            ("fraction", "a time is in whole microseconds", "123456 ", "123456.5 "),
            ("two-spaces", "one space parts the fields", "event ", "event  "),
            ("no-previous", "the chain is missing", f" {encoded}", ""),
            ("short-previous", "a leaf hash has 32 bytes", encoded, encode_base64(previous[:31])),
            ("loose-previous", "base64 has left-over bits", encoded, loosened(encoded)),
            ("two-lines", "an event is one line", '{"data"', '{\n"data"'),
            ("first-with-previous", "entry 0 has no entry before it", " 42 ", " 0 "),
            ("crlf", "the header ends in a newline alone", f"{encoded}\n", f"{encoded}\r\n"),
        ),
    ]
    return Vectors(good, {}, cases)


LINES = [b'{"data":{},"id":"%d"}' % number for number in range(5)]
BEFORE = grow(EMPTY_RANGE, leaf_hashes_of(LINES[:2])).frontier
SUBMISSION, _ = make_submission(POSTER, f"{POSTER.name}/7", BEFORE, LOG.name, HEAD, LINES[2:])


def resigned(old: str, new: str, signer: SigningKey = POSTER) -> bytes:
    """The good submission with its text changed and signed again."""
    text = SUBMISSION.note.text
    assert old in text
    body = b"".join(line + b"\n" for line in LINES[2:])
    return signed(text.replace(old, new, 1), signer) + b"\n" + body


def submissions() -> Vectors:
    """Submissions of three events to a source log that had two."""
    good = format_submission(SUBMISSION)
    seen = f"11 {encode_base64(HEAD.root)}"
    two = format_note(sign_note(SUBMISSION.note.text, POSTER, OTHER))
    cases = [
        bad("two-signatures", "exactly one key signs", good.replace(format_note(SUBMISSION.note), two)),
        bad("no-final-newline", "the last line may be cut off", good[:-1]),
        bad("text-after-the-end", "what follows the last newline is no line", good + b"{}"),
        bad("line-left-out", "fewer lines than announced", good.replace(LINES[3] + b"\n", b"")),
        bad("line-added", "more lines than announced", good + b"{}\n"),
        bad("empty-line", "an event is not empty", good.replace(LINES[3], b"")),
        bad("no-lines", "it adds at least one event", resigned("\n2\n", "\n5\n")),
        bad("seven-lines", "the text has six lines", resigned(seen, f"{seen}\nmore")),
        bad("bad-origin", "line 1 is no name", resigned("crawler", "Crawler")),
        bad("bad-log", "line 4 is no name", resigned("ledger.", "ledger/.//")),
        bad("leading-zero", "a size has no leading zero", resigned("\n2\n", "\n02\n")),
        bad("seen-without-root", "a size seen has a root", resigned(seen, "11 -")),
        bad("root-without-seen", "nothing seen is written `0 -`", resigned(seen, f"0{seen[2:]}")),
        *false_submissions(good),
    ]
    given = {
        "vkey": format_vkey(POSTER.verifier),
        "size_before": 2,
        "frontier_before": encode_frontier(BEFORE),
    }
    return Vectors(good, given, cases)


def false_submissions(good: bytes) -> list[Case]:
    """Submissions of the right format in which something is not what the poster signed."""
    root = encode_base64(SUBMISSION.text.root)
    shorter = resigned("\n2\n", "\n3\n").replace(LINES[4] + b"\n", b"")
    swapped = good.replace(b"\n".join(LINES[2:4]), b"\n".join(LINES[3:1:-1]))
    return [
        false("other-root", "line 3 is another root", resigned(root, encode_base64(TREE.root))),
        false("other-base", "line 5 goes on from another size", shorter),
        false("other-key", "another key signed", resigned("", "", OTHER)),
        false("not-under-the-name", "the source log is not the key's", resigned("crawler.", "collector.")),
        false("line-altered", "an event is not the one signed", good.replace(b'"3"', b'"7"')),
        false("lines-swapped", "events are out of order", swapped),
        false("other-log", "line 4 is not the one signed", good.replace(b"/clearview\n2", b"/dimview\n2")),
    ]


def attestations() -> Vectors:
    """Attestations of one statement, by an assessor who left two things unchecked."""
    statement = statement_hash("writ/statement/v1\n{}\n")
    encoded = encode_base64(statement)
    text = format_attestation(Attestation(LOG.name, statement, ("lineage", "store:replica-2")))
    good = signed(text, POSTER)

    def changed(name: str, reason: str, old: str, new: str) -> Case:
        assert old in text, name
        return bad(name, reason, signed(text.replace(old, new, 1), POSTER))

    cases = [
        changed("other-version", "another format", "attestation/v1", "attestation/v2"),
        changed("no-log", "line 2 is no name", LOG.name, "Ledger"),
        changed("no-statement", "the hash is missing", f"{encoded}\n", ""),
        changed("short-hash", "a hash has 32 bytes", encoded, encode_base64(statement[:31])),
        changed("loose-hash", "base64 has left-over bits", encoded, loosened(encoded)),
        changed("other-word", "the vocabulary is closed", "lineage", "everything"),
        changed("no-store", "a store has an id", "store:replica-2", "store:"),
        changed("upper-case", "words are lower case", "lineage", "Lineage"),
        changed("not-sorted", "words are sorted", "store:replica-2", "backups"),
        changed("twice", "a word stands once", "lineage\n", "lineage\nlineage\n"),
        changed("empty-line", "no line is empty", "lineage\n", "lineage\n\n"),
        bad("two-signatures", "exactly one key signs", format_note(sign_note(text, POSTER, OTHER))),
        false("other-key", "another key signed", signed(text, OTHER)),
        false("word-left-out", "what was signed says more", good.replace(b"lineage\n", b"")),
        false(
            "other-statement",
            "it is about another statement",
            signed(text.replace(encoded, encode_base64(TREE.root)), POSTER),
        ),
    ]
    return Vectors(good, {"vkey": format_vkey(POSTER.verifier), "statement": encoded}, cases)


def proofs() -> Vectors:
    """Offline proofs of entry 6 of 11."""
    note, hashes = sign_checkpoint(HEAD, LOG), TREE.prove(6)
    others = sign_checkpoint(Checkpoint(OTHER.name, HEAD.size, HEAD.root), OTHER)

    def proof(index: int = 6, path: tuple[bytes, ...] = hashes, head: Note = note) -> bytes:
        return format_proof(TlogProof(index, path, head, b"hello"))

    good, first = proof(), encode_base64(hashes[0])
    larger = sign_checkpoint(Checkpoint(LOG.name, 20, HEAD.root), LOG)
    cases = [
        false("other-index", "the path is that of another leaf", proof(7)),
        false("beyond-the-tree", "the tree has no such leaf", proof(11)),
        false("hash-altered", "a hash is false", proof(path=(flipped(hashes[0]), *hashes[1:]))),
        false("hash-left-out", "the path is too short", proof(path=hashes[:-1])),
        false("hash-added", "the path is too long", proof(path=(*hashes, hashes[0]))),
        false(
            "hashes-swapped",
            "the path is out of order",
            proof(path=(hashes[1], hashes[0], *hashes[2:])),
        ),
        false("other-size", "the root is that of another size", proof(head=larger)),
        false("other-log", "another log signed", proof(head=others)),
        bad("64-hashes", "no tree is so high", proof(path=hashes[:1] * 64)),
        *altered(
            good,
            ("other-version", "another format", "tlog-proof@v1", "tlog-proof@v2"),
            ("empty-extra", "extra data is left out, not empty", "extra aGVsbG8=", "extra "),
            ("loose-extra", "base64 has left-over bits", "aGVsbG8=", "aGVsbG9="),
            ("extra-twice", "there is one extra line", "index 6", "extra aGVsbG8=\nindex 6"),
            ("no-index", "the index is missing", "index 6\n", ""),
            ("leading-zero", "an index has no leading zero", "index 6", "index 06"),
            ("short-hash", "a hash has 32 bytes", first, encode_base64(hashes[0][:31])),
            ("long-hash", "a hash has 32 bytes", first, encode_base64(hashes[0] + b"\0")),
            ("no-empty-line", "the checkpoint is not parted", f"\n\n{LOG.name}", f"\n{LOG.name}"),
        ),
    ]
    given = {"vkey": format_vkey(LOG.verifier), "leaf": encode_base64(leaf_hash(ENTRIES[6]))}
    return Vectors(good, given, cases)


def sets() -> Vectors:
    """Sets of handles, one a line; the digest is that of the good file."""
    lines = sorted(handle(bytes(range(32)), "people", number).encode() for number in range(40))
    good = b"".join(line + b"\n" for line in lines)
    made = digest_of(lines)
    cases = [
        false("line-altered", "a line is another", good.replace(lines[7], flipped(lines[7], 31))),
        false("line-left-out", "a line is missing", good.replace(lines[7] + b"\n", b"")),
        false(
            "line-added",
            "a line is too many",
            good + handle(bytes(32), "people", 1).encode() + b"\n",
        ),
        bad("line-twice", "a set has a line once", good + lines[7] + b"\n"),
        bad(
            "upper-case",
            "hex digits are lower case",
            good.replace(lines[-1][:4], lines[-1][:4].upper()),
        ),
        bad(
            "no-hex",
            "the first four characters name the bucket",
            good.replace(lines[7][:4], b"+123"),
        ),
        bad("short-line", "a line has at least four characters", good + b"0a\n"),
    ]
    return Vectors(good, {"count": made.count, "digest": encode_base64(made.digest)}, cases)
