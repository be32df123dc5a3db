"""Blinding in bulk gives what blinding one by one gives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.stores.blinding import HANDLE_BYTES, Blinder
from signing.errors import FormatError
from signing.handle import handle

ids = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


@given(st.binary(min_size=32, max_size=32), st.from_regex(r"[a-z0-9][a-z0-9._-]{0,63}", fullmatch=True),
       st.lists(ids, max_size=20))  # fmt: skip
def test_many_are_blinded_as_each_alone(key: bytes, namespace: str, natives: list[str]) -> None:
    blinder = Blinder(key, namespace)

    assert blinder.blind(natives).hex() == "".join(handle(key, namespace, native) for native in natives)
    # What was blinded before leaves nothing behind.
    assert blinder.blind(natives) == blinder.blind(natives)
    assert len(blinder.blind(natives)) == HANDLE_BYTES * len(natives)


@pytest.mark.parametrize(("key", "namespace"), [(b"short", "people"), (bytes(32), "People"), (bytes(32), "")])
def test_what_is_no_key_or_no_namespace_is_refused(key: bytes, namespace: str) -> None:
    with pytest.raises(FormatError):
        Blinder(key, namespace)


def test_an_id_that_is_no_text_is_refused() -> None:
    with pytest.raises(FormatError, match="not Unicode text"):
        Blinder(bytes(32), "files").blind(["whole", "half\udcff"])
