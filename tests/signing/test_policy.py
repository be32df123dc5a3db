"""Policies: what people and orders write, and when a quorum is reached."""

import pytest

from signing import (
    COSIGNATURE,
    ED25519,
    Checkpoint,
    FormatError,
    Note,
    NoteSignature,
    SigningKey,
    add_signatures,
    cosign,
    format_policy,
    format_vkey,
    parse_policy,
    quorum_time,
    read_policy,
    sign_checkpoint,
)

LOG = SigningKey("ledger.example/c", ED25519, bytes(32))
WITNESSES = {
    name: SigningKey(f"witness.example/{name}", COSIGNATURE, bytes([number]) * 32)
    for number, name in enumerate(("x1", "x2", "x3", "y1", "y2", "y3"), 1)
}
HEAD = Checkpoint(LOG.name, 5, bytes(32))

BY_HAND = f"""
# The standard's own example: two of X, and any of Y.
log {format_vkey(LOG.verifier)}\t https://ledger.example/c

  witness x1 {format_vkey(WITNESSES["x1"].verifier)}
witness x2 {format_vkey(WITNESSES["x2"].verifier)}
witness x3 {format_vkey(WITNESSES["x3"].verifier)}
group x-witnesses  2 x1 x2 x3
witness y1 {format_vkey(WITNESSES["y1"].verifier)}
witness y2 {format_vkey(WITNESSES["y2"].verifier)}
witness y3 {format_vkey(WITNESSES["y3"].verifier)} https://y3.example/
\t# Groups of groups are allowed.
group y-witnesses any y1 y2 y3
group x-and-y all x-witnesses y-witnesses\x20
quorum x-and-y
"""


def cosigned(**times: int) -> Note:
    note = sign_checkpoint(HEAD, LOG)
    return add_signatures(note, *(cosign(note.text, WITNESSES[name], time) for name, time in times.items()))


def test_a_policy_by_hand_is_read_and_written_plain() -> None:
    policy = read_policy(BY_HAND)
    assert parse_policy(format_policy(policy)) == policy
    with pytest.raises(FormatError):
        parse_policy(BY_HAND)
    assert [log.url for log in policy.logs] == ["https://ledger.example/c"]
    assert [witness.name for witness in policy.witnesses] == list(WITNESSES)
    assert [group.required for group in policy.groups] == [2, 1, 2]
    assert policy.quorum == "x-and-y"


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ({}, None),
        ({"x1": 10, "x2": 20}, None),
        ({"x1": 10, "y1": 20, "y2": 30}, None),
        ({"x1": 10, "x2": 20, "y1": 5}, 20),
        ({"x1": 10, "x2": 20, "y1": 50}, 50),
        ({"x1": 30, "x2": 20, "x3": 10, "y1": 15, "y3": 12}, 20),
    ],
)
def test_quorum_time_is_when_the_last_one_needed_cosigned(
    times: dict[str, int], expected: int | None
) -> None:
    assert quorum_time(read_policy(BY_HAND), cosigned(**times)) == expected


def test_the_earliest_of_a_witnesss_cosignatures_counts() -> None:
    policy = read_policy(f"witness x1 {format_vkey(WITNESSES['x1'].verifier)}\nquorum x1\n")
    note = add_signatures(cosigned(x1=30), *cosigned(x1=20).signatures)
    assert quorum_time(policy, note) == 20


def test_false_and_foreign_cosignatures_count_for_nothing() -> None:
    policy = read_policy(f"witness x1 {format_vkey(WITNESSES['x1'].verifier)}\nquorum x1\n")
    note = cosigned(x1=20, x2=10)
    log, x1, x2 = note.signatures
    assert quorum_time(policy, Note(note.text, (log, x2))) is None
    forged = NoteSignature(x1.name, x1.key_id, (10).to_bytes(8, "big") + x1.signature[8:])
    assert quorum_time(policy, Note(note.text, (log, forged))) is None
    assert quorum_time(policy, Note(note.text, (log, forged, x1))) == 20
    assert quorum_time(policy, Note(note.text.replace("\n5\n", "\n6\n"), (log, x1))) is None


def test_without_a_quorum_no_time_is_proved() -> None:
    policy = read_policy(f"witness x1 {format_vkey(WITNESSES['x1'].verifier)}\nquorum none\n")
    assert quorum_time(policy, cosigned(x1=10)) is None


def test_errors_name_the_line() -> None:
    with pytest.raises(FormatError, match="line 2"):
        read_policy("quorum none\nwitness x1 nokey\n")


@pytest.mark.parametrize(
    "text", ["", "\n", "# only a comment\n", "quorum none\x00\n", "quorum none\n" + "\n" * 1000]
)
def test_texts_that_are_no_policy(text: str) -> None:
    with pytest.raises(FormatError):
        read_policy(text)
