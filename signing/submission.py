"""Submissions: a poster's events under the checkpoint of its own small log, its *source log*.

    crawler.clearview.example/7          source log: the key's name, or a path under it
    1500                                 its size after these events
    <base64 root>                        its root after them (leaf: a line without its newline)
    ledger.example/clearview             the log this is meant for
    1400                                 its size before
    98231 <base64 root>                  the last checkpoint of that log which the poster verified, or `0 -`
    <empty line>
    — crawler.clearview.example <base64>
    <empty line>
    {"data":…}                           one line an event

One signature covers any number of events, each stays provable alone, and who drops or reorders one breaks
the poster's tree.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from signing.checkpoint import Checkpoint
from signing.encoding import decode_hash, encode_base64, parse_decimal
from signing.errors import FormatError, ProofError, TooLargeError
from signing.keys import Signer, VerifierKey, is_valid_name, is_within
from signing.merkle import (
    CompactRange,
    grow,
    leaf_hash,
    leaf_hashes_of,
    merge,
    range_of,
    root_of,
    verify_inclusion,
)
from signing.note import Note, format_note, parse_note, sign_note, verify_note
from signing.tlog_proof import TlogProof

MAX_EVENT_BYTES: Final = 48 * 1024


class SubmissionText(msgspec.Struct, frozen=True):
    """What the poster signs: its source log's checkpoint, with three lines that tie it to one ledger."""

    origin: str
    size: int
    root: bytes
    log: str
    base: int
    seen_size: int
    seen_root: bytes | None


class Submission(msgspec.Struct, frozen=True):
    """A signed note, its text as read, and the event lines: unverified."""

    note: Note
    text: SubmissionText
    lines: tuple[bytes, ...]


def parse_submission_text(text: str) -> SubmissionText:
    """Parse a submission's note text, accepting only what `format_submission_text` writes."""
    lines = text.split("\n")
    if len(lines) != 7 or lines[6] != "":
        raise FormatError("submission text is not the six lines origin, size, root, log, base and last seen")
    size = parse_decimal(lines[1], what="line 2: size")
    root = decode_hash(lines[2], "line 3: root")
    base = parse_decimal(lines[4], what="line 5: size before")
    seen_size, seen_root = _parse_seen(lines[5])
    return _checked(SubmissionText(lines[0], size, root, lines[3], base, seen_size, seen_root))


def parse_submission_note(raw: bytes) -> tuple[Note, SubmissionText]:
    """Parse a submission's entry: a note that exactly one key signs, and what its text says."""
    note = parse_note(raw)
    if len(note.signatures) != 1:
        raise FormatError(f"{len(note.signatures)} signature lines where one belongs")
    return note, parse_submission_text(note.text)


def format_submission_text(text: SubmissionText) -> str:
    """Write a submission's note text."""
    seen = "-" if text.seen_root is None else encode_base64(text.seen_root)
    head = f"{text.origin}\n{text.size}\n{encode_base64(text.root)}\n"
    return f"{head}{text.log}\n{text.base}\n{text.seen_size} {seen}\n"


def parse_submission(raw: bytes, max_lines: int | None = None) -> Submission:
    """Parse a submission, accepting only the exact bytes `format_submission` writes."""
    # The lines are most of the bytes and are copied once only, when they are split.
    text_end = raw.find(b"\n\n")
    note_end = raw.find(b"\n\n", text_end + 2)
    if text_end < 0 or note_end < 0:
        raise FormatError("submission is not six lines, a signature line and events, parted by empty lines")
    if b"\n" in raw[text_end + 2 : note_end]:
        raise FormatError("submission has more than one signature line: exactly one key signs it")
    note = parse_note(raw[: note_end + 1])
    parsed = parse_submission_text(note.text)
    lines = _parse_lines(raw[note_end + 2 :], parsed.size - parsed.base, max_lines)
    return Submission(note, parsed, lines)


def format_submission(submission: Submission) -> bytes:
    """Write a submission."""
    return format_note(submission.note) + b"\n" + b"\n".join(submission.lines) + b"\n"


def make_submission(
    signer: Signer,
    source: str,
    frontier: CompactRange,
    log: str,
    seen: Checkpoint | None,
    lines: Sequence[bytes],
) -> tuple[Submission, CompactRange]:
    """Extend a source log by event lines and sign it; returns its frontier after them too."""
    if not is_within(source, signer.verifier.name):
        raise FormatError(f"key {signer.verifier.name!r} does not sign for source log {source!r}")
    if seen is not None and seen.origin != log:
        raise FormatError(f"last checkpoint seen is of {seen.origin!r}, not of {log!r}")
    if any(b"\n" in line for line in lines):
        raise FormatError("an event line has a newline in it")
    after = merge(frontier, range_of(frontier.end, leaf_hashes_of(lines)))
    # An empty ledger has nothing to verify: `0 -`, whoever served it.
    last = (seen.size, seen.root) if seen is not None and seen.size > 0 else (0, None)
    text = _checked(SubmissionText(source, after.end, root_of(after), log, frontier.end, *last))
    _check_lines(lines)
    return Submission(sign_note(format_submission_text(text), signer), text, tuple(lines)), after


def check_submission(
    submission: Submission,
    key: VerifierKey,
    frontier_before: CompactRange,
    leaf_hashes: Sequence[bytes] | None = None,
) -> CompactRange:
    """Return the source log's frontier after the lines, only if the key signed its root over them."""
    check_signature(submission.note, submission.text, key)
    hashes = leaf_hashes_of(submission.lines) if leaf_hashes is None else leaf_hashes
    return check_root(submission.text, frontier_before, range_of(submission.text.base, hashes))


def check_signature(note: Note, text: SubmissionText, key: VerifierKey) -> None:
    """Return only if the key may sign for this source log and did sign the note."""
    if not is_within(text.origin, key.name):
        raise ProofError(f"line 1: key {key.name!r} does not sign for source log {text.origin!r}")
    verify_note(note, key)


def check_root(text: SubmissionText, frontier_before: CompactRange, added: CompactRange) -> CompactRange:
    """Return the frontier after the added leaves, only if the text states its size and root.

    `added` needs no neighbours: it can be hashed before the source log's frontier is known.
    """
    if frontier_before.end != text.base:
        raise ProofError(f"line 5: {text.origin!r} has size {frontier_before.end} before, not {text.base}")
    after = merge(frontier_before, added)
    if after.end != text.size:
        raise ProofError(f"line 2: {text.origin!r} has size {after.end} with these lines, not {text.size}")
    if root_of(after) != text.root:
        raise ProofError(f"line 3: not the root of {text.origin!r} with these lines")
    return after


def prove_line(
    note: Note, frontier_before: CompactRange, leaf_hashes: Sequence[bytes], position: int
) -> TlogProof:
    """Prove the line at `position` of a submission under its poster's signature."""
    index = frontier_before.end + position
    return TlogProof(index, grow(frontier_before, leaf_hashes).prove(index), note)


def verify_line_proof(proof: TlogProof, line: bytes, key: VerifierKey) -> SubmissionText:
    """Return what the poster signed, only if the key signed a source log that has `line` at the index."""
    text = parse_submission_text(proof.checkpoint.text)
    check_signature(proof.checkpoint, text, key)
    verify_inclusion(leaf_hash(line), proof.index, text.size, proof.hashes, text.root)
    return text


def _parse_seen(line: str) -> tuple[int, bytes | None]:
    size_text, space, root_text = line.partition(" ")
    if not space:
        raise FormatError("line 6: not the size and root of the last checkpoint seen, nor '0 -'")
    size = parse_decimal(size_text, what="line 6: size seen")
    return size, None if root_text == "-" else decode_hash(root_text, "line 6: root seen")


def _checked(text: SubmissionText) -> SubmissionText:
    if not is_valid_name(text.origin):
        raise FormatError(f"line 1: {text.origin[:80]!r} is not the name of a source log")
    if not is_valid_name(text.log):
        raise FormatError(f"line 4: {text.log[:80]!r} is not the origin of a log")
    if text.base >= text.size:
        raise FormatError(f"line 5: size before, {text.base}, is not less than the size after, {text.size}")
    if (text.seen_size == 0) != (text.seen_root is None):
        raise FormatError("line 6: '0 -' is written for nothing seen, and a root for anything else")
    return text


def _parse_lines(body: bytes, count: int, max_lines: int | None) -> tuple[bytes, ...]:
    lines = body.split(b"\n")
    if lines.pop() != b"":
        raise FormatError("submission does not end in a newline: its last line may be cut off")
    if max_lines is not None and len(lines) > max_lines:
        raise TooLargeError(f"submission has {len(lines)} event lines: at most {max_lines}")
    if len(lines) != count:
        raise FormatError(f"submission has {len(lines)} event lines: lines 2 and 5 announce {count}")
    _check_lines(lines)
    return tuple(lines)


def _check_lines(lines: Sequence[bytes]) -> None:
    sizes = list(map(len, lines))
    longest = max(sizes)
    if longest > MAX_EVENT_BYTES:
        line = sizes.index(longest)
        raise TooLargeError(f"event line {line} has {sizes[line]} bytes: at most {MAX_EVENT_BYTES}")
    if min(sizes) == 0:
        raise FormatError(f"event line {sizes.index(0)} is empty")
