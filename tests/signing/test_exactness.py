"""One law for every parser: it accepts only what its formatter writes, and fails only with FormatError."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing import (
    ED25519,
    FormatError,
    SigningKey,
    canonicalise,
    decode_base64,
    decode_frontier,
    encode_base64,
    encode_frontier,
    format_add_checkpoint,
    format_checkpoint,
    format_entry,
    format_note,
    format_policy,
    format_proof,
    format_signature_line,
    format_signing_key,
    format_submission,
    format_submission_text,
    format_vkey,
    parse_add_checkpoint,
    parse_canonical,
    parse_checkpoint,
    parse_decimal,
    parse_entry,
    parse_note,
    parse_policy,
    parse_proof,
    parse_signature_line,
    parse_signing_key,
    parse_submission,
    parse_submission_text,
    parse_tile_path,
    parse_vkey,
    tile_path,
)
from signing.attestation import format_attestation, parse_attestation
from tests.signing.mutating import nearly

VECTORS = Path(__file__).parents[1] / "vectors"


class Format(NamedTuple):
    """A pair of functions that are each other's inverse, and a good file."""

    parse: Callable[[Any], Any]
    format: Callable[[Any], bytes | str]
    good: bytes


def good(name: str) -> bytes:
    return (VECTORS / name).read_bytes()


NOTE_LINE = good("note/good").decode().splitlines()[-1]

OF_BYTES: dict[str, Format] = {
    "note": Format(parse_note, format_note, good("note/good")),
    "tlog-proof": Format(parse_proof, format_proof, good("tlog-proof/good")),
    "entry": Format(parse_entry, format_entry, good("entry/good")),
    "submission": Format(parse_submission, format_submission, good("submission/good")),
    "add-checkpoint": Format(
        parse_add_checkpoint, format_add_checkpoint, good("c2sp/witness/add-checkpoint.req")
    ),
    "canonical": Format(parse_canonical, canonicalise, b'{"a":[1,-2,true,null],"b":{"c":"x y"},"d":[]}'),
}
OF_TEXT: dict[str, Format] = {
    "base64": Format(decode_base64, encode_base64, b"aGVsbG8="),
    "decimal": Format(parse_decimal, str, b"9223372036854775807"),
    "vkey": Format(parse_vkey, format_vkey, good("vkey/good")),
    "signing-key": Format(
        parse_signing_key,
        format_signing_key,
        format_signing_key(SigningKey("a.b/c", ED25519, bytes(32))).encode(),
    ),
    "signature-line": Format(
        parse_signature_line, lambda line: format_signature_line(line)[:-1], NOTE_LINE.encode()
    ),
    "checkpoint": Format(
        parse_checkpoint, format_checkpoint, good("checkpoint/good").partition(b"\n\n")[0] + b"\n"
    ),
    "frontier": Format(
        lambda text: decode_frontier(5, text), encode_frontier, encode_base64(bytes(64)).encode()
    ),
    "submission-text": Format(
        parse_submission_text, format_submission_text, good("submission/good").partition(b"\n\n")[0] + b"\n"
    ),
    "attestation-text": Format(
        parse_attestation, format_attestation, good("attestation/good").partition(b"\n\n")[0] + b"\n"
    ),
    "policy": Format(parse_policy, format_policy, good("policy/good")),
    "tile-path": Format(parse_tile_path, tile_path, b"tile/2/x001/x234/067.p/44"),
}


@pytest.mark.parametrize("case", OF_BYTES.values(), ids=OF_BYTES)
@given(data=st.data())
def test_parsing_bytes_is_exact_and_total(case: Format, data: st.DataObject) -> None:
    raw = data.draw(st.one_of(st.binary(), nearly(case.good)))
    try:
        parsed = case.parse(raw)
    except FormatError:
        return
    assert case.format(parsed) == raw


@pytest.mark.parametrize("case", OF_TEXT.values(), ids=OF_TEXT)
@given(data=st.data())
def test_parsing_text_is_exact_and_total(case: Format, data: st.DataObject) -> None:
    damaged = nearly(case.good).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
    text = data.draw(st.one_of(st.text(), damaged))
    try:
        parsed = case.parse(text)
    except FormatError:
        return
    assert case.format(parsed) == text


@pytest.mark.parametrize("case", (OF_BYTES | OF_TEXT).values(), ids=OF_BYTES | OF_TEXT)
def test_the_good_file_is_accepted(case: Format) -> None:
    raw: bytes | str = case.good if case in OF_BYTES.values() else case.good.decode()
    assert case.format(case.parse(raw)) == raw
