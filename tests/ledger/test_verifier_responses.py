"""Time-stamp responses one by one: page and `signing.timestamp` say the same, or the page that it can't tell.

On authorities under chains good and bad, on whatever they sign, and on responses altered in every way.
"""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signing.encoding import encode_base64
from signing.errors import FormatError, ProofError
from signing.timestamp import read_timestamp
from tests.browser import IN_BROWSER, Browser
from tests.ledger.test_verifier_vectors import scripts
from tests.signing import chains
from tests.signing.authority import Authority
from tests.signing.chains import Chain, Link

__all__ = ["scripts"]

pytestmark = IN_BROWSER

TEXT = "ledger.example/clearview\n5\nSBNJTRN+FjG7owHVrKtue7eqdM4RhdRWVl71HXN2d7I=\n"
READ_ALL = """
async function readAll(cases, text) {
  const said = [];
  for (const [response, roots] of cases) {
    try {
      const believed = roots.map((root) => decodeBase64(root));
      const { from, by } = await readTimestamp(decodeBase64(response), text, believed);
      said.push([from, by]);
    } catch (error) {
      const kinds = { Unread, FormatError, ProofError };
      said.push(Object.keys(kinds).find((kind) => error instanceof kinds[kind]) ?? String(error.stack));
    }
  }
  return said;
}
"""
REFUSED = {"FormatError", "ProofError"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


async def read_all(
    scripts: Browser, cases: list[tuple[bytes, list[bytes]]]
) -> list[tuple[Any, tuple[int, int] | str]]:
    """What the page and the Python make of each response under its roots."""
    await scripts.value(READ_ALL)
    given = [[encode_base64(raw), [encode_base64(root) for root in roots]] for raw, roots in cases]
    said = await scripts.value(f"readAll({json.dumps(given)}, {json.dumps(TEXT)})")
    return list(zip(said, (by_python(*case) for case in cases), strict=True))


def by_python(raw: bytes, roots: list[bytes]) -> tuple[int, int] | str:
    try:
        seen = read_timestamp(raw, TEXT.encode(), roots)
    except (FormatError, ProofError) as error:
        return type(error).__name__
    return seen.from_s, seen.by_s


def contradict(page: Any, python: tuple[int, int] | str) -> bool:
    """Where the page is sure, it is as sure of the same."""
    if page == "Unread":
        return False
    return page not in REFUSED or python not in REFUSED if isinstance(page, str) else tuple(page) != python


GOOD: list[dict[str, Any]] = [
    {},
    {"links": (Link(), Link(), Link(chains.SIGNER))},
    {"links": (Link(), Link(), Link(), Link(chains.SIGNER))},
    {"links": (Link(key=chains.rsa_2048), Link(chains.SIGNER, key=chains.rsa_2048))},
    {"links": (Link(key=chains.rsa_2048, hash=SHA512()), Link(chains.SIGNER, hash=SHA384()))},
    {"links": (Link(key=chains.p384, hash=SHA384()), Link(chains.SIGNER, key=chains.p384))},
    {"links": (Link(key=chains.p521, hash=SHA512()), Link(chains.SIGNER, key=chains.p521))},
    {"digest": "sha512"},
    {"named": "sha1"},
    {"named": "sha512"},
    {"more": ""},
    {"more": "accuracy = secs:1, millisecs:5, microsecs:7"},
    {"more": "ordering = yes\ntsa_name = yes\nclock_precision_digits = 3"},
    {"links": (Link(chains.SIGNER),)},
    {"links": (Link(ids=False), Link(chains.SIGNER, ids=False))},
    {"links": (Link(((x509.BasicConstraints(ca=True, path_length=0), True),)), Link(chains.SIGNER))},
    {
        "links": (
            Link((*chains.AUTHORITY, (chains.usage(key_cert_sign=True), True))),
            Link((*chains.SIGNER, (chains.usage(digital_signature=True, content_commitment=True), True))),
        )
    },
]


@pytest.mark.parametrize("how", GOOD)
async def test_what_the_page_believes(scripts: Browser, tmp_path: Path, how: dict[str, Any]) -> None:
    chain = Chain(tmp_path, **how)
    stranger = Chain(tmp_path / "stranger").root_der
    response = chain.stamp(TEXT.encode())
    believing = ([chain.root_der], [stranger, chain.root_der], [stranger])
    compared = await read_all(scripts, [(response, roots) for roots in believing])
    (page, python), (again, _), (other, refused) = compared
    assert isinstance(python, tuple)
    assert tuple(page) == tuple(again) == python
    assert {other, refused} <= REFUSED


async def test_what_is_named_as_a_root_and_is_none(scripts: Browser, tmp_path: Path) -> None:
    """It proves nothing alone; beside the root it may stand between."""
    chain = Chain(tmp_path, (Link(), Link(), Link(chains.SIGNER)))
    response = chain.stamp(TEXT.encode())
    root, between, leaf = (made.public_bytes(Encoding.DER) for made, _ in chain.made)
    believing = ([between], [leaf], [leaf, between], [leaf, between, root], [root, leaf])
    compared = await read_all(scripts, [(response, roots) for roots in believing])
    for page, python in compared[:3]:
        assert {page, python} <= REFUSED
    for page, python in compared[3:]:
        assert tuple(page) == python


async def test_certificates_that_sign_each_other_end_soon(scripts: Browser, tmp_path: Path) -> None:
    """Forty of one name and one key: any of them may have issued any other."""
    chain = Chain(tmp_path)
    key = chains.p256()
    many = tuple(Link(key=lambda: key, name="tsa.example 0", issuer="tsa.example 0") for _ in range(40))
    crowd = Chain(tmp_path / "crowd", (*many, Link(chains.SIGNER)))
    response = crowd.stamp(TEXT.encode())
    assert len(response) < 24_576
    async with asyncio.timeout(60):
        ((page, python),) = await read_all(scripts, [(response, [chain.root_der])])
    assert isinstance(page, str)
    assert isinstance(python, str)


async def test_one_with_a_nonce(scripts: Browser, tmp_path: Path) -> None:
    chain = Chain(tmp_path)
    ((page, python),) = await read_all(scripts, [(chain.stamp(TEXT.encode(), "-cert"), [chain.root_der])])
    assert tuple(page) == python


async def test_two_signers_are_one_too_many(scripts: Browser, tmp_path: Path) -> None:
    first, second = (
        Chain(tmp_path / "1"),
        Chain(tmp_path / "2", (Link(name="other"), Link(chains.SIGNER, name="b"))),
    )
    said = said_in(first.stamp(TEXT.encode()))
    roots = [first.root_der, second.root_der]
    ((both, python), (one, proved)) = await read_all(
        scripts, [(first.sign(said, second), roots), (first.sign(said), roots)]
    )
    assert tuple(one) == proved
    assert {both, python} <= REFUSED


async def test_a_certificate_beside_the_chain(scripts: Browser, tmp_path: Path) -> None:
    """Nobody signed that it comes along, so the page can't tell what others make of it."""
    chain, other = Chain(tmp_path / "1"), Chain(tmp_path / "2")
    said = said_in(chain.stamp(TEXT.encode()))
    ((page, python),) = await read_all(scripts, [(chain.sign(said, carrying=other), [chain.root_der])])
    assert isinstance(python, tuple)
    assert page == "Unread"


async def test_certificates_that_are_not_sorted(scripts: Browser, tmp_path: Path) -> None:
    """The openssl command writes them so, and no reader of DER takes it."""
    middle = Link(name="a" * 60)
    chain = Chain(tmp_path, (Link(), middle, Link(chains.SIGNER, name="b")))
    compared = await read_all(scripts, [(chain.unsorted(TEXT.encode()), [chain.root_der])])
    longer_first = Chain(tmp_path / "two", (Link(), Link(name="b"), Link(chains.SIGNER, name="a" * 60)))
    compared += await read_all(scripts, [(longer_first.unsorted(TEXT.encode()), [longer_first.root_der])])
    assert ("FormatError", "FormatError") in compared
    assert not any(contradict(*one) for one in compared)


def signer(*more: chains.Extension) -> Link:
    return Link((chains.SIGNER[0], *more))


BAD: list[tuple[Link, ...]] = [
    (Link(), Link(chains.AUTHORITY, valid=(-chains.YEAR, timedelta(seconds=-5))), Link(chains.SIGNER)),
    (Link(valid=(timedelta(days=1), chains.YEAR)), Link(chains.SIGNER)),
    (Link(), Link(chains.SIGNER, valid=(timedelta(days=1), chains.YEAR))),
    (Link(), Link(((x509.BasicConstraints(ca=False, path_length=None), True),)), Link(chains.SIGNER)),
    (Link(((x509.BasicConstraints(ca=True, path_length=0), True),)), Link(), Link(chains.SIGNER)),
    (Link((*chains.AUTHORITY, (chains.usage(digital_signature=True), True))), Link(chains.SIGNER)),
    (Link(), Link(chains.SIGNER, issuer="somebody else")),
    (Link(), Link(chains.SIGNER, issuer="TSA.EXAMPLE  0")),
    (Link(issuer="somebody above"), Link(chains.SIGNER)),
    (Link((*chains.AUTHORITY, (x509.InhibitAnyPolicy(0), True))), Link(chains.SIGNER)),
    (
        Link((*chains.AUTHORITY, (x509.NameConstraints([x509.DNSName("example")], None), True))),
        Link(chains.SIGNER),
    ),
]


@pytest.mark.parametrize("place", range(len(BAD)))
async def test_a_chain_that_is_none(scripts: Browser, tmp_path: Path, place: int) -> None:
    chain = Chain(tmp_path, BAD[place])
    response = chain.stamp(TEXT.encode())
    ((page, python),) = await read_all(scripts, [(response, [chain.root_der])])
    assert not contradict(page, python)
    assert isinstance(page, str), "nothing is believed of it"


TIME_STAMPING = ExtendedKeyUsageOID.TIME_STAMPING
BOTH = [TIME_STAMPING, ExtendedKeyUsageOID.SERVER_AUTH]
USAGES: list[tuple[tuple[chains.Extension, ...], set[str]]] = [
    (((x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), True),), REFUSED),
    (((x509.ExtendedKeyUsage([TIME_STAMPING]), False),), REFUSED),
    (((x509.ExtendedKeyUsage(BOTH), True),), {"Unread"}),
    ((), REFUSED),
    ((chains.SIGNER[1], (chains.usage(key_encipherment=True), True)), REFUSED),
    ((chains.SIGNER[1], (chains.usage(digital_signature=True, key_cert_sign=True), True)), REFUSED),
]


@pytest.mark.parametrize(("usages", "expected"), USAGES)
async def test_a_certificate_for_something_else(
    scripts: Browser,
    authority: Authority,
    tmp_path: Path,
    usages: tuple[chains.Extension, ...],
    expected: set[str],
) -> None:
    """Signed by a command that asks for nothing; and so it signs what counts, with a certificate that may."""
    said = said_in(authority.stamp(TEXT.encode()))
    chain = Chain(tmp_path, (Link(), signer(*usages)))
    good = Chain(tmp_path / "good")
    ((page, python), (sure, proved)) = await read_all(
        scripts, [(one.sign(said), [one.root_der]) for one in (chain, good)]
    )
    assert tuple(sure) == proved
    assert python in REFUSED
    assert page in expected


# --- Whatever is altered.


def altered(raw: bytes, data: Any) -> bytes:
    """Up to three changes: bits, bytes taken out, put in, or taken from elsewhere in it."""
    changed = bytearray(raw)
    for kind, at, value in data:
        place = at % len(changed)
        if kind == "flip":
            changed[place] ^= 1 << value % 8
        elif kind == "set":
            changed[place] = value
        elif kind == "drop":
            del changed[place : place + 1 + value % 4]
        elif kind == "add":
            changed[place:place] = bytes([value])
        else:
            other = value * len(changed) // 256
            changed[place : place + 8] = changed[other : other + 8]
    return bytes(changed)


KINDS = st.sampled_from(["flip", "flip", "set", "drop", "add", "copy"])
CHANGE = st.tuples(KINDS, st.integers(0, 4_000), st.integers(0, 255))


async def test_whatever_is_altered(scripts: Browser, tmp_path: Path) -> None:
    """Drawn by hypothesis, read in one call: where the page is sure, the Python is as sure of the same."""
    chain = Chain(tmp_path, (Link(), Link(key=chains.rsa_2048), Link(chains.SIGNER)))
    response = chain.stamp(TEXT.encode())
    drawn: list[bytes] = []

    @settings(max_examples=3_000, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(CHANGE, min_size=1, max_size=3))
    def draw(changes: Any) -> None:
        drawn.append(altered(response, changes))

    draw()
    bits = [altered(response, [("flip", at, bit)]) for at in range(len(response)) for bit in (0, 5)]
    cases = [(raw, [chain.root_der]) for raw in [*drawn, *bits]]
    compared = await read_all(scripts, cases)
    odd = [(raw.hex(), *both) for (raw, _), both in zip(cases, compared, strict=True) if contradict(*both)]
    assert odd == []
    unsure = sum(1 for page, _ in compared if page == "Unread")
    assert unsure < len(compared) / 4, "it reads most of what it is given"


def said_in(response: bytes) -> bytes:
    """The TSTInfo of a response, as it stands there."""
    begin = response.index(bytes.fromhex("06042a030401")) - 5
    return response[begin : begin + 2 + response[begin + 1]]


def retold(said: bytes, begin: int, end: int, new: bytes) -> bytes:
    """The same with other bytes in some place, its length put right."""
    inside = said[2:begin] + new + said[end:]
    return bytes([0x30, len(inside)]) + inside


TIMES = [
    *("20260101000000.5Z", "20260101000000.50Z", "20260101000000.Z", "20260101000000", "20260230000000Z"),
    *("20260101000060Z", "20260101240000Z", "202601010000Z", "00000101000000Z", "99991231235959Z"),
    *("20260101000000.123456789Z", "20260101000000.1234567891Z", "20260101000000+0000"),
]
ACCURACIES = [
    *(
        "",
        "3000",
        "308103020101",
        "30030201ff",
        "300402020001",
        "30050203015180",
        "30050203015181",
        "3003800100",
    ),
    *("30130211" + "00" + "ff" * 16, "3012021000" + "ff" * 15),
    *("3004800203e7", "3004800203e8", "3003810101", "3006810101800101", "3006800101810101"),
]
MORE = ["0101ff", "010100", "010101", "020105", "02020005", "a100", "a003820161", "0500"]


async def test_whatever_an_authority_says(scripts: Browser, tmp_path: Path) -> None:
    """What it signs is its own affair: also what no standard knows."""
    chain = Chain(tmp_path)
    said = said_in(chain.stamp(TEXT.encode()))
    time, end = said.index(b"\x18\x0f"), len(said)
    told = [said, said + b"\x00", said[:-1]]
    told += [retold(said, time, time + 17, bytes([24, len(one)]) + one.encode()) for one in TIMES]
    told += [retold(said, time + 17, end, bytes.fromhex(one)) for one in ACCURACIES]
    told += [retold(said, end, end, bytes.fromhex(one)) for one in MORE]
    drawn: list[bytes] = []

    @settings(max_examples=100, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(CHANGE, min_size=1, max_size=2))
    def draw(changes: Any) -> None:
        drawn.append(altered(said, changes))

    draw()
    compared = await read_all(scripts, [(chain.sign(one), [chain.root_der]) for one in [*told, *drawn]])
    odd = [(raw.hex(), *both) for raw, both in zip(told + drawn, compared, strict=True) if contradict(*both)]
    assert odd == []
    believed = [python for page, python in compared if isinstance(page, list)]
    assert len(believed) > 10, "both believe some of it"


async def test_junk_ends_in_words(scripts: Browser) -> None:
    """Deeply nested, endless, or claiming to be long."""
    deep = b""
    for _ in range(3_000):
        size = len(deep)
        head = bytes([0x30, size]) if size < 128 else b"\x30\x82" + size.to_bytes(2, "big")
        deep = head + deep
    junk = [b"", b"\x30", b"\x30\x84\xff\xff\xff\xff", b"\x30\x80" * 12_000, deep, bytes(24_576), deep * 3]
    for page, python in await read_all(scripts, [(raw, []) for raw in junk]):
        assert page in REFUSED | {"Unread"}
        assert not contradict(page, python)
