"""Flips of a bundle's bytes: whether `writ verify` catches each, and why one that passes need not be caught.

    report = flip(bundle, flips)            how many were caught, and how many passed by each rule
    report.unexplained                      flips that were neither: a fault of the verifier

What passes leaves a report that claims no more than the bytes behind it still prove; `WHY` has the rules, and
each is checked to the letter.
"""

import gc
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple
from zipfile import ZIP_STORED, ZipFile

from projections.runners.full import Request
from projections.runners.outcome import as_json
from projections.runners.source import ZipSource
from projections.runners.verify import verify_bundle
from signing.errors import FormatError
from signing.note import Note, NoteSignature, parse_note
from signing.tlog_proof import parse_proof

Files = dict[str, bytes]
Report = dict[str, Any]
WHOLE: Final = ""
"""In place of a member's path: the bytes of the zip itself."""
PAGES: Final = frozenset({"README.txt", "report.html"})
WHY: Final = {
    "page": "README.txt and report.html are for people; every report says that nothing vouches for them",
    "unknown line": "a signature line under a key that the reader does not know is passed over, as C2SP "
    "signed-note has it; the report claims nothing of its signer's any more",
    "false cosignature": "a false cosignature counts for nothing, and the report says so",
    "stranger's attestation": "an attestation under a key that the order does not name has no effect, and "
    "the report says so",
    "copied cosignature": "cosignatures count on `checkpoint`; on its copies in proofs the log's line alone",
    "framing": "the zip's own bytes (times, attributes, what a header says twice): all members are the same",
}
"""Also in docs/spec/bundle.md."""


class Flip(NamedTuple):
    """Bits of one byte of a member, or of the whole file."""

    path: str
    at: int
    mask: int

    def of(self, raw: bytes) -> bytes:
        """The bytes with it."""
        return raw[: self.at] + bytes([raw[self.at] ^ self.mask]) + raw[self.at + 1 :]


@dataclass(frozen=True)
class Bundle:
    """A sound bundle, what its reader brings, and whose signatures mean something to him: name and key id."""

    files: Files
    request: Request
    known: frozenset[tuple[str, bytes]]


@dataclass
class Flipped:
    """What became of the flips."""

    caught: int = 0
    passed: Counter[str] = field(default_factory=Counter)
    unexplained: list[str] = field(default_factory=list)

    def __add__(self, other: "Flipped") -> "Flipped":
        """Both together."""
        return Flipped(
            self.caught + other.caught, self.passed + other.passed, self.unexplained + other.unexplained
        )


def sampled(files: Files, count: int, seed: int) -> list[Flip]:
    """Half of them spread over all bytes, half over the members alike; single bits and whole bytes."""
    random = Random(seed)
    paths = list(files)
    sizes = [len(files[path]) for path in paths]
    drawn = random.choices(paths, sizes, k=count // 2) + random.choices(paths, k=count - count // 2)
    return [Flip(path, random.randrange(len(files[path])), _mask(random)) for path in drawn]


def raw_flips(size: int, count: int, seed: int) -> list[Flip]:
    """Flips of a file of so many bytes, and of its last 2,000, where a zip's directory is."""
    random = Random(seed)
    places = [random.randrange(size) for _ in range(count // 2)]
    places += [random.randrange(max(0, size - 2_000), size) for _ in range(count - count // 2)]
    return [Flip(WHOLE, at, _mask(random)) for at in places]


def stored(files: Files, path: Path) -> Path:
    """The bundle, not packed: written in little time."""
    with ZipFile(path, "w", ZIP_STORED) as archive:
        for name, raw in files.items():
            archive.writestr(name, raw)
    return path


def told(path: Path, request: Request) -> Report:
    """What `writ verify` reports."""
    return as_json(verify_bundle(path, request))


def flip(bundle: Bundle, flips: Iterable[Flip], folder: Path, *, packed: bytes | None = None) -> Flipped:
    """Flip each by itself and verify. `packed`: the zip whose own bytes are flipped."""
    path = folder / "bundle.zip"
    good = told(stored(bundle.files, path), bundle.request)
    assert good["sound"], good
    result = Flipped()
    for at, one in enumerate(flips):
        if at % 200 == 0:
            # A replay hides what it made from the collector, since a reader verifies once.
            gc.unfreeze()
            gc.collect()
        if packed is not None and one.path == WHOLE:
            path.write_bytes(one.of(packed))
            files = bundle.files
        else:
            files = bundle.files | {one.path: one.of(bundle.files[one.path])}
            stored(files, path)
        report = told(path, bundle.request)
        if report["sound"]:
            why = framing(path, bundle, good, report) if one.path == WHOLE else None
            why = why or explanation(bundle, files, one.path, good, report)
            result.passed.update([why] if why else [])
            result.unexplained += [] if why else [f"{one}: passed, and nothing explains it"]
        elif complaint(one, report["failure"]):
            result.unexplained.append(f"{one}: {complaint(one, report['failure'])}")
        else:
            result.caught += 1
    return result


def complaint(flipped: Flip, failure: str) -> str | None:
    """None where the words of a failure lead to the place of the flip."""
    bundle_of = re.fullmatch(r"tile/(?:entries|0)/((?:x\d{3}/)*\d{3})(?:\.p/\d+)?", flipped.path)
    if bundle_of is not None and flipped.path not in failure:
        first = 256 * int(bundle_of[1].replace("/", "").replace("x", ""))
        named = [int(one) for one in re.findall(r"entr(?:y|ies) (\d+)", failure)]
        # What an entry is altered in shows at the next, which names its hash.
        if not any(first <= one <= first + 256 for one in named):
            return f"the failure names another place: {failure}"
    if flipped.path.startswith("proof/"):
        place = "/".join(flipped.path.split("/")[:2])
        index = place.removeprefix("proof/")
        # An order that is altered is another than the statement's, or than what the authority signed.
        if not any(one in failure for one in (place, f"entry {index}:", "order")):
            return f"the failure names another place: {failure}"
    return None if failure else "it says nothing"


# --- Why a flip may pass.


def explanation(bundle: Bundle, files: Files, path: str, good: Report, report: Report) -> str | None:
    """The rule by which a change of one member may leave a bundle sound, if there is one."""
    if path in PAGES:
        return "page" if report == good else None
    if re.fullmatch(r"proof/\d+/(event|submission)\.tlog-proof", path):
        return _copied(bundle, bundle.files[path], files[path], good, report)
    if path in ("checkpoint", "statement", "record") or path.startswith("attestation/"):
        changed = _changed_line(parse_note(bundle.files[path]), parse_note(files[path]))
        return None if changed is None else _line(bundle, path, *changed, good, report)
    return None


def framing(path: Path, bundle: Bundle, good: Report, report: Report) -> str | None:
    """Whether every member that anybody reads is what it was."""
    with ZipSource(path) as source:
        if set(source.paths) != set(bundle.files) or report != good:
            return None
        same = all(source.read(name) == raw for name, raw in bundle.files.items() if name not in PAGES)
        pages = all(_reads(source, name, raw) for name, raw in bundle.files.items() if name in PAGES)
    return None if not same else "framing" if pages else "page"


def _reads(source: ZipSource, name: str, raw: bytes) -> bool:
    try:
        return source.read(name) == raw
    except FormatError:
        return False


def _changed_line(was: Note, now: Note) -> tuple[NoteSignature, NoteSignature] | None:
    """The one signature line in which two notes differ."""
    if was.text != now.text or len(was.signatures) != len(now.signatures):
        return None
    pairs = [pair for pair in zip(was.signatures, now.signatures, strict=True) if pair[0] != pair[1]]
    return pairs[0] if len(pairs) == 1 else None


def _line(
    bundle: Bundle, path: str, was: NoteSignature, now: NoteSignature, good: Report, report: Report
) -> str | None:
    knew, knows = ((one.name, one.key_id) in bundle.known for one in (was, now))
    if not knew:
        return "unknown line" if report == good and not knows else None
    if path.startswith("attestation/"):
        said = f"{path} is signed by {now.name}, whom the order does not name: no effect"
        lost = [one.unchecked for one in report["assessors"] if one.name == was.name]
        return (
            "stranger's attestation"
            if not knows and said in report["exceptions"] and lost == [None]
            else None
        )
    if _claims(report, was.name):
        return None
    if not knows:
        return "unknown line"
    false = any(was.name in one and "false" in one for one in report["exceptions"])
    return "false cosignature" if path == "checkpoint" and false else None


def _claims(report: Report, name: str) -> bool:
    """Whether a report says that something is attested by who has this name."""
    lines = [*report["attested"], *(one.name for one in report["assessors"])]
    return any(re.search(rf"(?<![\w./-]){re.escape(name)}(?![\w/-])", line) for line in lines)


def _copied(bundle: Bundle, was: bytes, now: bytes, good: Report, report: Report) -> str | None:
    before, after = parse_proof(was), parse_proof(now)
    if (before.index, before.hashes, before.extra) != (after.index, after.hashes, after.extra):
        return None
    changed = _changed_line(before.checkpoint, after.checkpoint)
    origin = before.checkpoint.text.split("\n")[0]
    return "copied cosignature" if changed and changed[0].name != origin and report == good else None


def _mask(random: Random) -> int:
    return 1 << random.randrange(8) if random.random() < 0.5 else random.randrange(1, 256)


def shared(flips: Sequence[Flip], parts: int) -> Iterator[Sequence[Flip]]:
    """The flips in so many parts."""
    return (flips[at::parts] for at in range(parts))
