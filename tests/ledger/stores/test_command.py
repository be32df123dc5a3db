"""Ids that a command prints."""

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.failure import Failure
from ledger.stores import command
from ledger.stores.command import CommandSource
from ledger.stores.opening import Where


def source_of(words: str, *, zero: bool = False) -> CommandSource:
    return command.open(Where(scheme="command", url=f"command:{words}", zero_ended=zero))


def printed(words: str, *, zero: bool = False) -> list[str]:
    source = source_of(words, zero=zero)
    try:
        (part,) = source.parts()
        return [key for some in source.keys(part) for key in some]
    finally:
        source.close()


def test_an_id_a_line() -> None:
    assert printed("seq 3 | sort -r") == ["3", "2", "1"]
    assert printed("true") == []
    assert printed(r"printf 'a\nb\0c d\0'", zero=True) == ["a\nb", "c d"]
    assert len(printed("seq 300000")) == 300_000


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("seq 3; exit 4", "ended with 4 after 3 ids"),
        ("(seq 3; exit 4) | cat", "ended with 4 after 3 ids"),
        ("printf '1\\n2'", "breaks off in id 2"),
        ("printf '1\\n\\n2\\n'", "id 2 that the command printed is empty"),
        ("echo", "id 1 that the command printed is empty"),
        ("seq 2; printf '\\377\\n'", "id 3 that the command printed is not UTF-8"),
        ("no-such-command", "ended with 127"),
        ("head -c 3000000 /dev/zero", "longer than 1,048,576 bytes"),
    ],
)
def test_what_may_not_be_all_or_no_ids_is_refused(words: str, says: str) -> None:
    with pytest.raises(Failure, match=says) as refused:
        printed(words)
    assert refused.value.remedy


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), min_size=1)))
def test_ids_are_read_as_they_were_printed(ids: list[str]) -> None:
    raw = "\n".join(ids).encode()
    assert not ids or command._decoded(raw, b"\n", 0) == ids


@given(st.binary())
def test_bytes_are_ids_or_refused(raw: bytes) -> None:
    with suppress(Failure):
        assert "\n".join(command._decoded(raw, b"\n", 0)).encode() == raw


def test_a_command_that_is_still_running_is_ended() -> None:
    source = source_of("echo 1; yes | cat")
    began = time.monotonic()
    next(source.keys(source.parts()[0]))
    source.close()
    source.close()
    assert time.monotonic() - began < 30
