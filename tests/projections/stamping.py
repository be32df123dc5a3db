"""An order that names a time-stamp authority, and a log that this stamps, of today as its clock is."""

import time
from collections.abc import Callable

from signing.encoding import encode_base64
from tests.projections.deeds import erased, held, looked, store
from tests.projections.evidence import (
    ASSESSOR,
    AUTHORITY,
    CRAWLER,
    WITNESS,
    WITNESSES,
    Evidence,
    issued,
    order,
)
from tests.projections.logbuilder import ORIGIN, LogBuilder, rfc3339, vkey_of
from tests.signing.authority import Authority

MINUTE_US = 60_000_000


def now_us() -> int:
    return int(time.time() * 1_000_000)


def obeyed(
    authority: Authority,
    *,
    roots: bool = True,
    witnessed: bool = True,
    answer: Callable[[bytes], bytes] | None = None,
    off_us: int = 0,
) -> Evidence:
    """Copies were erased and looked into some minutes ago, as ordered; time-stamped now, by a clock that is
    `off_us` ahead."""
    log = LogBuilder(now_us=now_us() - 10 * MINUTE_US)
    trust: dict[str, object] = {"assessors": [vkey_of(ASSESSOR)], "log_vkey": vkey_of(ORIGIN)}
    trust |= {"timestamp_roots": [encode_base64(authority.root_der)]} if roots else {}
    trust |= {"witnesses": list(WITNESSES)} if witnessed else {}
    until = rfc3339(log.now_us + 86_400_000_000)
    erase = {"deadline": {"at": until}, "id": "erase", "scope": {"residency": ["GB"]}, "type": "erase"}
    for name, role in ((CRAWLER, "controller"), (AUTHORITY, "authority"), (ASSESSOR, "auditor")):
        log.register(name, role)
    log.post(CRAWLER, store(), held(*range(10)))
    log.post(AUTHORITY, issued(order(trust=trust, obligations=[erase])))
    log.post(CRAWLER, erased(*range(10)))
    looked(log, CRAWLER)
    looked(log, ASSESSOR)
    log.now_us = now_us() + off_us
    log.register("partner.example", "recipient")
    if witnessed:
        log.anchor(WITNESS)
    log.timestamp(answer or authority.stamp)
    return Evidence(log, witnesses=(WITNESS,) if witnessed else ())
