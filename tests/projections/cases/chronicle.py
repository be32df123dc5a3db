"""A real case, told by its dates: what the parties posted on which day, and what was to be said of it then.

    case = Chronicle("cnil-clearview", "cnil.example", "2022-10-01", {"faces": "live"})
    case.on("2022-10-17").issue()
    case.judge("2022-12-18").verdict          # 'cannot_be_proved'

The orders are those of the templates. Facts are those of public reports, in our words.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ledger.order_templates import Parties, fill, read
from projections import events as ev
from projections.case import Case
from projections.fact import Fact
from projections.fold import Fold
from projections.moments import first_second, last_second
from projections.order import Order
from projections.registry import Poster
from projections.status import governing
from projections.verdict import Judgment, judge
from signing.encoding import encode_base64
from signing.keys import COSIGNATURE
from signing.setdigest import digest_of
from tests.projections.laws.worlds import OPERATOR, anchored
from tests.projections.logbuilder import ORIGIN, key_of, rfc3339, vkey_of
from tests.projections.story import ASSESSOR, SHA, WITNESS, handle

COMPANY = "systems.company.example"
SECOND_US = 1_000_000
HOUR_S = 3_600
IMAGE, FACE = "user.content.self_image", "user.biometric"


@dataclass
class Chronicle:
    """A log of one controller, begun some days before its order."""

    template: str
    authority: str
    begun: str
    stores: dict[str, str]
    facts: list[Fact] = field(default_factory=list)
    now_us: int = 0

    def __post_init__(self) -> None:
        parties = Parties(
            authority=self.authority,
            log=vkey_of(ORIGIN),
            assessors=(vkey_of(ASSESSOR),),
            witnesses=(vkey_of(WITNESS, COSIGNATURE),),
        )
        self.order: Order = fill(read(self.template), parties)
        self.controller = self.order.controllers[0]
        self.on(self.begun)
        for store, kind in self.stores.items():
            self.say(
                ev.StoreRegistered, blinding_commitment=encode_base64(bytes(32)), country="US", kind=kind,
                namespace=store, object_locked=False, operator_key=COMPANY, store=store, versioned=False,
            )  # fmt: skip

    def on(self, day: str) -> "Chronicle":
        """It is noon of this day; nothing is posted about earlier days any more."""
        noon_us = (first_second(day) + 12 * HOUR_S) * SECOND_US
        assert noon_us >= self.now_us, "a log is told in its own sequence"
        self.now_us = noon_us
        return self

    def say(self, kind: Any, /, by: str = COMPANY, **fields: Any) -> int:
        """Somebody posts an event; returns its index."""
        self.now_us += SECOND_US
        data = kind(**({"controller": self.controller} | fields))
        event = ev.make_event(data, id=f"e-{len(self.facts)}", source=by, time=rfc3339(self.now_us))
        key = key_of(by)
        roles = {
            COMPANY: "controller",
            ASSESSOR: "auditor",
            self.authority: "authority",
            OPERATOR: "operator",
        }
        poster = Poster(by, roles[by], vkey_of(by), key.verifier.key_id)
        self.facts.append(Fact(len(self.facts), self.now_us, poster, event))
        return len(self.facts) - 1

    # --- What an authority posts

    def issue(self) -> None:
        """The order."""
        self.say(
            ev.OrderIssued, self.authority, effective_at=self.order.effective, instrument_sha256=SHA,
            order=self.order,
        )  # fmt: skip

    def vary(self, order: Order, effective: str) -> None:
        """A later version of it."""
        self.say(ev.OrderVaried, self.authority, effective_at=effective, instrument_sha256=SHA, order=order)

    def turn(self, kind: Any, day: str) -> None:
        """A turn in the order's life, from this day on."""
        self.say(kind, self.authority, effective_at=day, instrument_sha256=SHA, order=self.order.id)

    # --- What a company posts

    def hold(self, people: Iterable[int], store: str, *, code: str = "", category: str = IMAGE,
             minor: str = "unknown") -> None:  # fmt: skip
        """An opening balance."""
        said: dict[str, Any] = {"residency": (code,), "residency_basis": "registration"} if code else {}
        self.say(
            ev.DataHeld, as_of=rfc3339(self.now_us), categories=(category,), minor=minor, store=store,
            records=handles(people), special_category=True, **said,
        )  # fmt: skip

    def derive(self, artefacts: Iterable[int], inputs: Iterable[int], store: str, kind: str) -> None:
        """Templates, or a model, of all these images."""
        self.say(
            ev.DataDerived, artefacts=handles(artefacts), kind=kind, lineage="all", records=handles(inputs),
            store=store,
        )  # fmt: skip

    def erase(self, people: Iterable[int], store: str, method: str = "purge") -> None:
        """An erasure for good."""
        self.say(
            ev.DataDeleted, cause="order", irrecoverable=True, method=method, records=handles(people),
            store=store,
        )  # fmt: skip

    def look(self, store: str, people: Iterable[int] = (), by: str = ASSESSOR) -> None:
        """An inventory: these and no others are in the store."""
        name = f"inv-{len(self.facts)}"
        self.say(ev.InventoryBegun, by, inventory=name, store=store)
        found = digest_of(one.encode() for one in handles(people))
        self.say(
            ev.InventoryAttested, by, count=found.count, digest=encode_base64(found.digest), inventory=name,
            method="quiescent", store=store,
        )  # fmt: skip

    def look_everywhere(self) -> None:
        """An assessor finds every store empty."""
        for store in self.stores:
            self.look(store)

    def stand_still(self, start: str, end: str) -> None:
        """The collector did not run from the first day's beginning to the other's."""
        self.say(
            ev.CollectorAttested, collector="c-1", config_sha256=SHA, exclusions=(), running=False,
            from_=f"{start}T00:00:00Z", to=f"{end}T00:00:00Z",
        )  # fmt: skip

    def attest(self, obligation: str, oath: str = "none") -> None:
        """The company vouches for it that an obligation was carried out."""
        self.say(
            ev.ComplianceAttested, log_size=len(self.facts), oath=oath, obligation=obligation,
            order=self.order.id, signatory_role="chief_executive",
        )  # fmt: skip

    def anchor(self) -> None:
        """A witness sees the log."""
        time_s = self.now_us // SECOND_US + 1
        self.say(ev.CheckpointAnchored, OPERATOR, note=anchored(len(self.facts), time_s))

    # --- What is said of it

    def judge(self, day: str) -> Judgment:
        """The judgment at the end of a day, on what was posted by then."""
        return self.judge_at(last_second(day))

    def judge_at(self, as_of: int) -> Judgment:
        """The judgment at a moment (Unix seconds)."""
        fold = Fold.empty()
        told = [fact for fact in self.facts if fact.time_us <= as_of * SECOND_US]
        for fact in told:
            fold.take(fact)
        issued = governing(fold.docket.orders, as_of)
        assert issued is not None, "nothing was ordered yet"
        return judge(Case(fold.holdings, fold.docket, fold.edges, issued, as_of=as_of, size=len(told)))

    def verdict(self, day: str, obligation: str) -> str:
        """The verdict on one obligation at the end of a day."""
        return next(one.verdict for one in self.judge(day).findings if one.obligation == obligation)


def handles(numbers: Iterable[int]) -> tuple[str, ...]:
    """Handles as events list them."""
    return tuple(sorted(map(handle, numbers)))
