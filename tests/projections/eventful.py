"""A log of over 2,000 entries in which much happens, as of today, and the bundles that are made of it.

Three witnesses of which two are enough, a time-stamp authority, two assessors who both signed, posters with
keys and one with a token, an order under another authority's key, a key that was revoked.
"""

import tempfile
from functools import cache
from pathlib import Path

from projections.runners.full import Request
from signing.attestation import Attestation, format_attestation, statement_hash
from signing.encoding import encode_base64
from signing.keys import COSIGNATURE, SigningKey
from signing.note import format_note, parse_note, sign_note
from signing.policy import read_policy
from tests.projections.deeds import TOKEN, collected, erased, held, looked, register_token, store
from tests.projections.evidence import ASSESSOR, AUTHORITY, CRAWLER, Evidence, issued, order
from tests.projections.flipping import Bundle, Files
from tests.projections.logbuilder import GATEWAY, OPERATOR, ORIGIN, LogBuilder, key_of, rfc3339, vkey_of
from tests.projections.recorded import bundle
from tests.projections.stamping import now_us
from tests.signing.authority import Authority

SECOND = "second-auditor.example"
OTHER_CRAWLER = "crawler-2.clearview.example"
WITNESSES = ("witness.example/w1", "witness.example/w2", "witness.example/w3")
POLICY = (
    *(f"witness w{n} {vkey_of(name, COSIGNATURE)}" for n, name in enumerate(WITNESSES, 1)),
    "group most 2 w1 w2 w3",
    "quorum most",
)
HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US


def eventful(authority: Authority, times: int = 300) -> Evidence:
    """The log: `times` sets its length, and at 300 it has over 2,000 entries. The authority stamps it now."""
    log = LogBuilder(now_us=now_us() - 12 * HOUR_US)
    for name, role in ((CRAWLER, "controller"), (OTHER_CRAWLER, "controller"), (AUTHORITY, "authority")):
        log.register(name, role)
    for name, role in ((ASSESSOR, "auditor"), (SECOND, "auditor"), ("other-ico.example", "authority")):
        log.register(name, role)
    register_token(log)
    log.post(CRAWLER, store(), *(held(*range(at, at + 10)) for at in range(0, 100, 10)))
    for number in range(100, 100 + times):
        log.post(CRAWLER if number % 2 else OTHER_CRAWLER, collected(number))
        if number % 100 == 50:
            log.anchor(*WITNESSES)
    for number in range(100 + times, 110 + times):
        log.post_events(GATEWAY, log.event(collected(number), TOKEN), source=GATEWAY)
    _order(log, authority)
    last = 110 + 4 * times
    for begin in range(110 + times, last, 10):
        log.post(OTHER_CRAWLER, *(collected(number) for number in range(begin, begin + 10)))
    log.revoke(OTHER_CRAWLER, "controller")
    log.anchor(*WITNESSES)
    _erase(log, last)
    log.now_us = now_us()
    log.register("partner.example", "recipient")
    log.anchor(*WITNESSES)
    log.timestamp(authority.stamp)
    return Evidence(log, witnesses=WITNESSES)


@cache
def stamped() -> Evidence:
    """The log, made once: its authority is gone."""
    with tempfile.TemporaryDirectory() as folder:
        return eventful(Authority(Path(folder)))


@cache
def bundles() -> dict[str, Bundle]:
    """The log's bundles of each kind, each with what its reader brings and whom he knows."""
    evidence = stamped()
    order = Request(authority=vkey_of(AUTHORITY), now=evidence.as_of + 60, workers=0)
    policy = read_policy("".join(f"{line}\n" for line in POLICY))
    record = Request(authority=None, now=0, log_vkey=vkey_of(ORIGIN), policy=policy, workers=0)
    log = _known(key_of(ORIGIN), *(key_of(one, COSIGNATURE) for one in WITNESSES))
    assessors = _known(key_of(ASSESSOR), key_of(SECOND))
    # Which key is the operator's, the log says itself, to who has it.
    operator = _known(key_of(OPERATOR))
    return {
        "full": Bundle(attested(evidence.files(ASSESSOR, SECOND)), order, log | assessors | operator),
        "compact": Bundle(attested(evidence.compact(ASSESSOR, SECOND)), order, log | assessors),
        "record": Bundle(bundle(evidence), record, log | operator),
    }


def attested(files: Files) -> Files:
    """A bundle with pages for people, and what each assessor who signed its statement left unchecked."""
    hashed = statement_hash(parse_note(files["statement"]).text)
    left = ((ASSESSOR, ("backups", "lineage")), (SECOND, ()))
    notes = {
        f"attestation/{at}": format_note(
            sign_note(format_attestation(Attestation(ORIGIN, hashed, words)), key_of(name))
        )
        for at, (name, words) in enumerate(left)
    }
    return {"README.txt": b"Read me.\n", "report.html": b"<p>All is well.</p>\n", **files, **notes}


def _known(*keys: SigningKey) -> frozenset[tuple[str, bytes]]:
    return frozenset((key.verifier.name, key.verifier.key_id) for key in keys)


def _order(log: LogBuilder, authority: Authority) -> None:
    trust = {
        "assessors": sorted((vkey_of(ASSESSOR), vkey_of(SECOND))),
        "assessors_needed": 2,
        "log_vkey": vkey_of(ORIGIN),
        "timestamp_roots": [encode_base64(authority.root_der)],
        "witnesses": list(POLICY),
    }
    until = rfc3339(log.now_us + DAY_US)
    erase = {"deadline": {"at": until}, "id": "erase", "scope": {"residency": ["GB"]}, "type": "erase"}
    log.post("other-ico.example", issued(order(id="other-ico.example/en-1")))
    log.post(AUTHORITY, issued(order(trust=trust, obligations=[erase])))
    log.anchor(*WITNESSES)


def _erase(log: LogBuilder, last: int) -> None:
    """One by one, some at a time, and the rest at once; then everybody looks."""
    for begin in range(0, 400, 4):
        log.post(CRAWLER, *(erased(number) for number in range(begin, begin + 4)))
    log.post(CRAWLER, *(erased(*range(at, min(at + 400, last))) for at in range(400, last, 400)))
    for who in (CRAWLER, ASSESSOR, SECOND):
        looked(log, who)
