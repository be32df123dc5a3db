"""Make the vectors of time-stamps: one good response, and one for each way to break it.

    python -m tests.vectors.timestamps        writes tests/vectors/timestamp/ anew, with other keys

An authority signs with chance, so these files can't be made again byte for byte, unlike the others. The good
response is the events page's example too: its base64 stands in projections/specimens.py.
"""

import json
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from projections.specimens import checkpoint_note
from signing.note import format_note
from tests.signing.authority import Authority
from tests.signing.der import with_odd_certificate

FOLDER = Path(__file__).parent / "timestamp"
LASTING = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2126, 1, 1, tzinfo=UTC))
OVER = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC))


class Case(NamedTuple):
    """A response that is to be refused."""

    name: str
    fails: str
    reason: str
    raw: bytes


def cases(authority: Authority, good: bytes, text: bytes, folder: Path) -> Iterator[Case]:
    """Every way in which a response about this text proves nothing."""
    yield Case("another-text", "proof", "it is over another checkpoint", authority.stamp(text + b"more\n"))
    yield Case(
        "signature-altered", "proof", "a bit of the signature differs", good[:-1] + bytes([good[-1] ^ 1])
    )
    yield Case("trailing-byte", "format", "a byte follows the response", good + b"\0")
    odd = with_odd_certificate(good)
    yield Case("odd-certificate", "proof", "another certificate beside the signer's has version 6", odd)
    yield Case("truncated", "format", "the last byte is missing", good[:-1])
    yield Case("not-granted", "proof", "the authority refused", authority.answer(b"no request"))
    yield Case("no-certificate", "proof", "the signer's is missing", authority.stamp(text, "-no_nonce"))
    yield Case(
        "other-hash", "proof", "the imprint is a SHA-512", authority.stamp(text, "-cert", hash="sha512")
    )
    vague = authority.beside(folder / "vague", accuracy="accuracy = secs:172800")
    yield Case("vague", "proof", "it is accurate to two days", vague.stamp(text))
    signing = authority.beside(folder / "signing", usage=ExtendedKeyUsageOID.CODE_SIGNING)
    yield Case("other-usage", "proof", "the signer's certificate is for signing code", signing.resign(good))
    over = authority.beside(folder / "over", valid=OVER)
    yield Case("expired", "proof", "the signer's certificate ended years before", over.stamp(text))
    other = Authority(folder / "other", valid=LASTING)
    yield Case("other-root", "proof", "another root has the same name", other.stamp(text))


def main() -> None:
    """Write every file."""
    FOLDER.mkdir(exist_ok=True)
    note = checkpoint_note()
    text = note.text.encode()
    with tempfile.TemporaryDirectory() as name:
        authority = Authority(Path(name) / "authority", valid=LASTING)
        good = authority.stamp(text)
        listed = []
        for case in cases(authority, good, text, Path(name)):
            (FOLDER / case.name).write_bytes(case.raw)
            listed.append({"file": case.name, "fails": case.fails, "reason": case.reason})
    (FOLDER / "good").write_bytes(good)
    (FOLDER / "checkpoint").write_bytes(format_note(note))
    (FOLDER / "root.pem").write_bytes(authority.root.public_bytes(Encoding.PEM))
    index = {"good": "good", "given": {"checkpoint": "checkpoint", "root": "root.pem"}, "bad": listed}
    (FOLDER / "index.json").write_text(json.dumps(index, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
