"""Small worlds: three stores, six people, two templates, a few days, and everybody who may speak of them.

    world = World()
    world.hold((1, 2), "faces", "GB")
    world.issue(make_order(erase()))
    world.erase((1, 2), "faces")

A world is told as facts at once, without the log that carries them: folds begin where an audit has ended.
"""

import base64
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from projections import events as ev
from projections.fact import Fact
from projections.order import Deadline, Obligation, Order, Scope, Trust
from projections.registry import Poster
from projections.vocabulary import Evidence
from signing.checkpoint import Checkpoint, format_checkpoint, sign_checkpoint
from signing.cosignature import cosign
from signing.encoding import encode_base64
from signing.keys import COSIGNATURE
from signing.note import add_signatures, format_note
from signing.setdigest import digest_of
from tests.projections.logbuilder import ADMIN, ORIGIN, START_US, key_of, rfc3339, vkey_of
from tests.projections.story import ASSESSOR, AUTHORITY, COMPANY, ORDER, SHA, START_S, WITNESS, handle

CONTROLLER = "clearview"
PROCESSOR = "host.example"
STRANGER = "other-auditor.example"
OTHER_AUTHORITY = "cnil.example"
RECIPIENT = "police.example"
OPERATOR = f"{ORIGIN}/operator"
ROLES = {
    ADMIN: "admin",
    OPERATOR: "operator",
    COMPANY: "controller",
    PROCESSOR: "processor",
    RECIPIENT: "recipient",
    AUTHORITY: "authority",
    OTHER_AUTHORITY: "authority",
    ASSESSOR: "auditor",
    STRANGER: "auditor",
}
FACES, INDEX, VAULT, ATTIC = "faces", "index", "vault", "attic"
STORES: dict[str, dict[str, Any]] = {
    FACES: {"operator_key": COMPANY},
    INDEX: {"operator_key": PROCESSOR, "kind": "index"},
    VAULT: {"operator_key": COMPANY, "versioned": True},
}
PEOPLE = (1, 2, 3, 4)
ARTEFACTS = (101, 102)
HOUR_US = 3_600_000_000
HOUR_S = 3_600
DEADLINE = "2026-01-04T00:00:00Z"
DEADLINE_S = START_S + 3 * 24 * HOUR_S
IMAGE, FACE = "user.content.self_image", "user.biometric"


@lru_cache(maxsize=4_096)
def digest(handles: frozenset[str]) -> tuple[int, str]:
    """What an inventory posts of a set of handles."""
    found = digest_of(one.encode() for one in handles)
    return found.count, encode_base64(found.digest)


@lru_cache
def poster(name: str) -> Poster:
    """Who signs under this name."""
    key = key_of(name)
    return Poster(name, ROLES[name], vkey_of(name), key.verifier.key_id)


@lru_cache(maxsize=4_096)
def anchored(size: int, time_s: int) -> str:
    """A checkpoint that the witness saw at a time. Clocks read its signatures, nobody here its root."""
    checkpoint = Checkpoint(ORIGIN, size, bytes(32))
    note = sign_checkpoint(checkpoint, key_of(ORIGIN))
    signed = add_signatures(note, cosign(format_checkpoint(checkpoint), key_of(WITNESS, COSIGNATURE), time_s))
    return base64.b64encode(format_note(signed)).decode()


def erase(**how: Any) -> Obligation:
    """Erase what is about residents of GB, within three days."""
    return _obligation("erase", how)


def cease(**how: Any) -> Obligation:
    """Collect no more about them."""
    return _obligation("cease_collecting", how)


def _obligation(type: str, how: dict[str, Any]) -> Obligation:
    plain: dict[str, Any] = {
        "deadline": Deadline(at=DEADLINE),
        "id": type,
        "scope": Scope(residency=("GB",)),
        "type": type,
    }
    return Obligation(**(plain | how))


@dataclass
class World:
    """What everybody has said so far. `found` remembers which set stands behind an inventory's digest.

    `apart_us` lies between two things that are said; whoever says one claims that it was `claimed_us` ago.
    """

    facts: list[Fact] = field(default_factory=list)
    now_us: int = START_US
    found: dict[str, frozenset[str]] = field(default_factory=dict)
    proved: list[tuple[int, int]] = field(default_factory=list)
    chosen: Order | None = None
    apart_us: int = 1_000_000
    claimed_us: int = 0

    def __post_init__(self) -> None:
        for store in STORES:
            self.declare(store)

    @property
    def size(self) -> int:
        """How many facts there are."""
        return len(self.facts)

    def size_at(self, as_of: int) -> int:
        """How many were recorded by then."""
        return sum(fact.time_us <= as_of * 1_000_000 for fact in self.facts)

    def tell(self, by: str, data: ev.Data) -> int:
        """Somebody says something; returns its index."""
        self.now_us += self.apart_us
        time = rfc3339(self.now_us - self.claimed_us)
        event = ev.make_event(data, id=f"e-{self.size}", source=by, time=time)
        self.facts.append(Fact(self.size, self.now_us, poster(by), event))
        return self.size - 1

    def say(self, by: str, kind: Any, /, **fields: Any) -> int:
        """As `tell`, from the event's name and fields."""
        return self.tell(by, kind(controller=CONTROLLER, **fields))

    def wait(self, hours: int) -> None:
        """Time passes."""
        self.now_us += hours * HOUR_US

    def anchor(self) -> None:
        """The witness sees the log as it stands."""
        size, time_s = self.size, self.now_us // 1_000_000 + 1
        self.say(OPERATOR, ev.CheckpointAnchored, note=anchored(size, time_s))
        self.proved.append((size, time_s))

    def declare(self, store: str, **how: Any) -> int:
        """A store is declared."""
        plain: dict[str, Any] = {
            "kind": "live",
            "country": "US",
            "versioned": False,
            "object_locked": False,
            "store": store,
        }
        said = plain | {"namespace": store, "blinding_commitment": encode_base64(bytes(32))}
        return self.say(COMPANY, ev.StoreRegistered, **(said | STORES[store] | how))

    def hold(self, people: tuple[int, ...], store: str, code: str | None = "GB", basis: str = "declared",
             category: str = IMAGE) -> int:  # fmt: skip
        """An opening balance. `code` "": looked for and unknown; None: nothing is said."""
        return self.say(
            COMPANY, ev.DataHeld, as_of=rfc3339(START_US), minor="unknown", store=store,
            special_category=True, categories=(category,), records=handles(people), **_home(code, basis),
        )  # fmt: skip

    def collect(self, people: tuple[int, ...], store: str, code: str | None = "GB",
                basis: str = "declared", category: str = IMAGE) -> int:  # fmt: skip
        """A collection."""
        return self.say(
            COMPANY, ev.DataCollected, activity="search", minor="unknown", source_kind="public_web",
            special_category=True, store=store, categories=(category,), records=handles(people),
            **_home(code, basis),
        )  # fmt: skip

    def copy(self, people: tuple[int, ...], start: str, end: str) -> int:
        """Copies in another store."""
        return self.say(COMPANY, ev.DataCopied, records=handles(people), from_store=start, to_store=end)

    def derive(self, made: tuple[int, ...], people: tuple[int, ...], store: str = INDEX) -> int:
        """Templates: each from its own image where there are as many, else all from all, or from nobody knows
        what."""
        how: dict[str, Any] = {"lineage": "all", "records": handles(people)}
        if not people:
            how = {"lineage": "all", "inputs_digest": encode_base64(bytes(32))}
        elif len(made) == len(people):
            how = {"lineage": "each", "records": tuple(map(handle, people))}
        return self.say(
            PROCESSOR, ev.DataDerived, artefacts=handles(made), kind="template", store=store, **how
        )

    def erase(self, people: tuple[int, ...], store: str, method: str = "purge", by: str = "",
              irrecoverable: bool = True, evidence: bool = False) -> int:  # fmt: skip
        """An erasure, by the store's operator if nobody else is named."""
        receipts: dict[str, Any] = {"evidence": (Evidence(kind="receipt", sha256=SHA),)} if evidence else {}
        operator = STORES[store]["operator_key"] if store in STORES else COMPANY
        return self.say(
            by or str(operator), ev.DataDeleted, cause="order", cause_ref=ORDER, store=store, method=method,
            irrecoverable=irrecoverable and method != "soft", records=handles(people), **receipts,
        )  # fmt: skip

    def reappear(self, people: tuple[int, ...], store: str, cause: str) -> int:
        """Something is back."""
        return self.say(COMPANY, ev.DataReappeared, cause=cause, records=handles(people), store=store)

    def fail(self, people: tuple[int, ...], store: str) -> int:
        """An erasure that did not come about."""
        return self.say(COMPANY, ev.DeletionFailed, error="timeout", records=handles(people), store=store)

    def reside(self, people: tuple[int, ...], code: str, basis: str, by: str = COMPANY) -> int:
        """Somebody says where people reside."""
        residency = (code,) if code else ()
        return self.say(
            by, ev.ResidencyAsserted, basis=basis, confidence_pct=90, records=handles(people),
            residency=residency,
        )  # fmt: skip

    def look(
        self, store: str, people: frozenset[str], by: str = COMPANY, named: dict[str, Any] | None = None
    ) -> int:
        """An inventory that finds these handles in a store; returns where it began."""
        name = f"inv-{self.size}"
        begun = self.say(by, ev.InventoryBegun, inventory=name, store=store)
        self._attest(store, people, by, inventory=name, method="quiescent", **(named or {}))
        return begun

    def attest(self, store: str, people: frozenset[str], name: str, by: str) -> int:
        """The second half of an inventory."""
        return self._attest(store, people, by, inventory=name, method="quiescent")

    def reconcile(
        self, store: str, people: frozenset[str], size: int, by: str, named: dict[str, Any] | None = None
    ) -> int:
        """An inventory of somebody who has no outbox, and names a size instead."""
        place = {"begun_size": size, "begun_root": encode_base64(bytes(32))}
        return self._attest(
            store, people, by, inventory=f"inv-{self.size}", method="reconcile", **place, **(named or {})
        )

    def _attest(self, store: str, people: frozenset[str], by: str, **how: Any) -> int:
        count, seen = digest(people)
        self.found[seen] = people
        return self.say(by, ev.InventoryAttested, store=store, count=count, digest=seen, **how)

    def stand_still(self, start_h: int, end_h: int, *, collector: str = "c-1", running: bool = False,
                    exclusions: tuple[str, ...] = ()) -> int:  # fmt: skip
        """A collector accounts for some hours after the start."""
        return self.say(
            COMPANY, ev.CollectorAttested, collector=collector, running=running, exclusions=exclusions,
            from_=rfc3339(START_US + start_h * HOUR_US), to=rfc3339(START_US + end_h * HOUR_US),
            config_sha256=SHA,
        )  # fmt: skip

    def steal(self, name: str, hours: int) -> int:
        """A key turns out to have been stolen some hours ago."""
        since = rfc3339(max(START_US, self.now_us - hours * HOUR_US))
        return self.say(
            ADMIN, ev.KeyRevoked, name=name, role=ROLES[name], vkey=vkey_of(name), compromised_since=since
        )

    def issue(self, order: Order, by: str = AUTHORITY) -> int:
        """The authority orders."""
        effective = order.effective
        return self.say(by, ev.OrderIssued, effective_at=effective, instrument_sha256=SHA, order=order)


def make_order(*obligations: Obligation, **how: Any) -> Order:
    """An order of these obligations, in force from the first day."""
    plain: dict[str, Any] = {
        "controllers": (CONTROLLER,),
        "country": "GB",
        "effective": "2026-01-01",
        "id": ORDER,
        "instrument_sha256": SHA,
        "issued": "2026-01-01",
        "legal_basis": "gdpr.58.2",
        "obligations": obligations,
        "trust": Trust(
            assessors=(vkey_of(ASSESSOR),),
            log_vkey=vkey_of(ORIGIN),
            witnesses=(f"witness w1 {vkey_of(WITNESS, COSIGNATURE)}", "quorum w1"),
        ),
    }
    return Order(**(plain | how))


def handles(numbers: tuple[int, ...]) -> tuple[str, ...]:
    """Handles as events list them."""
    return tuple(sorted({handle(n) for n in numbers}))


def _home(code: str | None, basis: str) -> dict[str, Any]:
    if code is None:
        return {}
    return {"residency": (code,) if code else (), "residency_basis": basis}
