"""Evidence hashes: salted, exact, and opened with the tools that everybody has."""

import subprocess
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing.errors import FormatError
from signing.evidence import SALT_BYTES, EvidenceHash, evidence_hash

SALT = bytes(range(32))
CONTENT = b"certificate of destruction\n"
# The vector of docs/spec/evidence.md.
HASH = "ad008a431960b3a069f111c6400cde11297d533698963ab9c406a688d322c226"


def test_the_vector() -> None:
    assert evidence_hash(SALT, CONTENT) == HASH
    assert sha256(b"writ/evidence/v1\n" + SALT + CONTENT).hexdigest() == HASH


def test_sha256sum_opens_it() -> None:
    done = subprocess.run(
        ["sha256sum"], input=b"writ/evidence/v1\n" + SALT + CONTENT, capture_output=True, check=True
    )
    assert done.stdout.split()[0].decode() == HASH


@given(st.binary(min_size=SALT_BYTES, max_size=SALT_BYTES), st.lists(st.binary(max_size=40), max_size=6))
def test_it_matters_not_in_what_pieces_it_is_read(salt: bytes, pieces: list[bytes]) -> None:
    hashed = EvidenceHash(salt)
    for piece in pieces:
        hashed.update(piece)
    assert hashed.hexdigest() == evidence_hash(salt, b"".join(pieces))


@given(st.binary(max_size=70).filter(lambda salt: len(salt) != SALT_BYTES))
def test_a_salt_is_32_bytes(salt: bytes) -> None:
    """Else one hash would open as two documents: a longer salt's end may be a document's beginning."""
    with pytest.raises(FormatError, match="not 32"):
        evidence_hash(salt, CONTENT)
