"""What is registered and revoked, where names and key ids alone do not tell."""

import pytest

from projections.runners.offline import replay
from signing.errors import ProofError
from signing.keys import ED25519, SigningKey
from tests.projections.evidence import CRAWLER
from tests.projections.logbuilder import LogBuilder, MemorySource

TWO_OF_ONE_KEY_ID = (17_715, 48_855)


def test_a_key_is_not_revoked_by_naming_another_of_its_key_id() -> None:
    one, other = (SigningKey(CRAWLER, ED25519, seed.to_bytes(32, "big")) for seed in TWO_OF_ONE_KEY_ID)
    assert one.verifier.key_id == other.verifier.key_id
    log = LogBuilder()
    log.keys[CRAWLER] = one
    log.register(CRAWLER, "controller")
    log.keys[CRAWLER] = other
    log.revoke(CRAWLER, "controller")
    with pytest.raises(ProofError, match=f"entry 5: .*is not what {CRAWLER} is registered with"):
        replay(MemorySource(log.tree()))
