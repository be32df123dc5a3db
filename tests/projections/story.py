"""A short history of one controller with two stores, told through `LogBuilder`, and its judgment."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import msgspec
from msgspec import UNSET

from projections import events as ev
from projections.case import Case, Known
from projections.docket import IssuedOrder
from projections.fact import Fact, quoted
from projections.fold import Fold
from projections.order import Deadline, Obligation, Order, Scope, Trust
from projections.reading import FactReader
from projections.registry import Registry
from projections.roll import Roll
from projections.runners.shelf import Shelf
from projections.running import Running
from projections.verdict import Judgment, judge
from projections.vocabulary import Evidence
from signing.checkpoint import Checkpoint
from signing.encoding import encode_base64
from signing.keys import COSIGNATURE
from signing.setdigest import digest_of
from tests.projections.logbuilder import ADMIN, CONTROLLER, LogBuilder, vkey_of

AUTHORITY = "ico.example"
ASSESSOR = "auditor.example"
COMPANY = "systems.clearview.example"
CRAWLER = "collector-1"
WITNESS = "witness.example/w1"
ORDER = f"{AUTHORITY}/en-2026-1"
DAY_S = 86_400
START_S = 1_767_225_600
EFFECTIVE = "2026-01-01"
DEADLINE_S = START_S + 30 * DAY_S
SHA = "0" * 64


def handle(number: int) -> str:
    """A handle like any other."""
    return f"{number & 0xFFF:03x}{number:029x}"  # each in a leaf of its own (`projections.roll`)


def is_order(fact: Fact) -> bool:
    """Whether an order is issued here."""
    return isinstance(fact.event.data, ev.OrderIssued)


@dataclass
class Story:
    """A log with a company, an authority, an assessor and the stores `faces` and `index`."""

    log: LogBuilder = field(default_factory=LogBuilder)
    stores: tuple[str, ...] = ("faces", "index")

    def __post_init__(self) -> None:
        for name, role in ((COMPANY, "controller"), (AUTHORITY, "authority"), (ASSESSOR, "auditor")):
            self.log.register(name, role)
        for store in self.stores:
            self.declare(store)
        self._roll = Roll(Fold.empty())
        self._taken = 0
        self._running: dict[tuple[str, int], Running] = {}
        self._known = Known()

    def declare(self, store: str, operator: str = COMPANY, **how: Any) -> None:
        """Register a store."""
        facts: dict[str, Any] = {"kind": "live", "country": "US", "versioned": False, "object_locked": False}
        commitment = encode_base64(bytes(32))
        self.post(
            ev.StoreRegistered(
                blinding_commitment=commitment,
                controller=CONTROLLER,
                namespace=store,
                operator_key=operator,
                store=store,
                **(facts | how),
            )
        )

    def post(self, *data: ev.Data, by: str = COMPANY, **how: Any) -> int:
        """Post events; returns the first one's index."""
        return self.log.post(by, *data, **how) + 1

    def hold(
        self,
        *numbers: int,
        residency: str | None = "GB",
        store: str = "faces",
        basis: str = "registration",
        by: str = COMPANY,
        minor: Any = "unknown",
    ) -> int:
        """An opening balance. `residency` "" says unknown; None says nothing."""
        said: dict[str, Any] = {}
        if residency is not None:
            said = {"residency": (residency,) if residency else (), "residency_basis": basis}
        return self.post(
            ev.DataHeld(
                as_of="2026-01-01T00:00:00Z",
                categories=("user.content.self_image",),
                controller=CONTROLLER,
                minor=minor,
                records=tuple(handle(n) for n in sorted(numbers)),
                special_category=True,
                store=store,
                **said,
            ),
            by=by,
        )

    def collect(
        self, *numbers: int, residency: str = "GB", store: str = "faces", time: str | None = None
    ) -> int:
        """A collection."""
        return self.post(
            ev.DataCollected(
                activity="search",
                categories=("user.content.self_image",),
                controller=CONTROLLER,
                minor="unknown",
                records=tuple(handle(n) for n in sorted(numbers)),
                residency=(residency,) if residency else (),
                residency_basis="registration",
                source_kind="public_web",
                special_category=True,
                store=store,
            ),
            time=time,
        )

    def derive(
        self, artefacts: list[int], inputs: list[int], lineage: Any = "all", store: str = "index",
        by: str = COMPANY,
    ) -> int:  # fmt: skip
        """Templates from images."""
        return self.post(
            ev.DataDerived(
                artefacts=tuple(handle(n) for n in artefacts),
                controller=CONTROLLER,
                kind="template",
                lineage=lineage,
                records=tuple(handle(n) for n in inputs),
                store=store,
            ),
            by=by,
        )

    def erase(self, *numbers: int, store: str = "faces", method: Any = "purge", irrecoverable: bool = True,
              by: str = COMPANY, evidence: bool = False, time: str | None = None) -> int:  # fmt: skip
        """An erasure."""
        receipts: dict[str, Any] = {"evidence": (Evidence(kind="receipt", sha256=SHA),)} if evidence else {}
        return self.post(
            ev.DataDeleted(
                cause="order",
                cause_ref=ORDER,
                controller=CONTROLLER,
                irrecoverable=irrecoverable,
                method=method,
                records=tuple(handle(n) for n in sorted(numbers)),
                store=store,
                **receipts,
            ),
            by=by,
            time=time,
        )

    def residency(self, number: int, code: str, basis: Any, by: str = COMPANY) -> int:
        """Somebody says where somebody lives."""
        return self.post(
            ev.ResidencyAsserted(
                basis=basis,
                confidence_pct=100,
                controller=CONTROLLER,
                records=(handle(number),),
                residency=(code,) if code else (),
            ),
            by=by,
        )

    def look(
        self,
        store: str,
        *numbers: int,
        by: str = COMPANY,
        name: str | None = None,
        quotes: Checkpoint | None = None,
        announced: bool = True,
        orphans: tuple[int, ...] = (),
        missing: tuple[int, ...] = (),
    ) -> int:
        """An inventory that found these records in a store; returns where it was begun, or stands. It names
        what was in the store alone (`orphans`) and what in the ledger alone."""
        place: dict[str, Any] = {"method": "quiescent"}
        if quotes is not None:
            root = encode_base64(quotes.root)
            place = {"method": "reconcile", "begun_size": quotes.size, "begun_root": root}
        name = name or f"inv-{self.log.size}"
        begun = self.log.size
        if announced:
            begun = self.post(ev.InventoryBegun(controller=CONTROLLER, inventory=name, store=store), by=by)
        found = digest_of(handle(n).encode() for n in numbers)
        self.post(
            ev.InventoryAttested(
                controller=CONTROLLER,
                count=found.count,
                digest=encode_base64(found.digest),
                inventory=name,
                missing=tuple(sorted(map(handle, missing))) or UNSET,
                orphans=tuple(sorted(map(handle, orphans))) or UNSET,
                store=store,
                **place,
            ),
            by=by,
        )
        return begun

    def attest(self, start: str, end: str, *, running: bool = False, exclusions: tuple[Any, ...] = (),
               collector: str = CRAWLER, by: str = COMPANY) -> int:  # fmt: skip
        """A collector accounts for its time."""
        return self.post(
            ev.CollectorAttested(
                collector=collector,
                config_sha256=SHA,
                controller=CONTROLLER,
                exclusions=exclusions,
                from_=start,
                running=running,
                to=end,
            ),
            by=by,
        )

    def revoke(self, name: str, since: str, role: Any = "controller") -> int:
        """The administrator ends a key, stolen since then."""
        return self.post(
            ev.KeyRevoked(
                compromised_since=since,
                controller=CONTROLLER,
                name=name,
                role=role,
                vkey=vkey_of(name),
            ),
            by=ADMIN,
        )

    def order(self, *obligations: Obligation, by: str = AUTHORITY, **how: Any) -> Order:
        """Issue an order to erase what is about residents of GB, or other obligations."""
        order = Order(
            controllers=(CONTROLLER,),
            country="GB",
            effective=how.pop("effective", EFFECTIVE),
            id=ORDER,
            instrument_sha256=SHA,
            issued=EFFECTIVE,
            legal_basis="gdpr.58.2",
            obligations=obligations or (erase_gb(),),
            trust=how.pop("trust", self.trust()),
            **how,
        )
        self.post(
            ev.OrderIssued(
                controller=CONTROLLER, effective_at=order.effective, instrument_sha256=SHA, order=order
            ),
            by=by,
        )
        return order

    def trust(self, **how: Any) -> Trust:
        """Whom an order names: this log, a witness, an assessor, unless told otherwise."""
        named: dict[str, Any] = {
            "assessors": (vkey_of(ASSESSOR),),
            "log_vkey": vkey_of(self.log.origin),
            "witnesses": (f"witness w1 {vkey_of(WITNESS, COSIGNATURE)}", "quorum w1"),
        }
        return Trust(**(named | how))

    def fold(self) -> Fold:
        """The state after all entries."""
        fold = Fold.empty()
        for fact in self._facts():
            fold.take(fact)
        return fold

    def _facts(self) -> Iterator[Fact]:
        reader = FactReader(Registry.empty())
        for raw in self.log.entries():
            fact = reader.read(raw)
            if fact is not None:
                yield self._compared(fact)

    def _compared(self, fact: Fact) -> Fact:
        named = quoted(fact.event)
        if named is None:
            return fact
        size, root = named
        ours = 0 < size <= fact.index and self.log.checkpoint(size).root == root
        return msgspec.structs.replace(fact, misquotes=not ours)

    def case(self, days: float = 1, *, size: int | None = None) -> Case:
        """The last order, `days` after the order took effect, over all entries or those below `size`."""
        fold = self.fold()
        return Case(
            fold.holdings,
            fold.docket,
            fold.edges,
            fold.docket.orders[-1],
            as_of=START_S + int(days * DAY_S),
            size=self.log.size if size is None else size,
        )

    def judge(self, days: float = 1) -> Judgment:
        """The judgment on the last order, `days` after it took effect: from nothing, over records that were
        put away, and from the sums that were kept when it was judged last, which must be the same."""
        case = self.case(days)
        judgment = judge(case)
        assert judge(self.put_away(case)) == judgment
        kept = self._go_on(case.issued, as_of=case.as_of)
        assert judge(kept) == judgment
        return judgment

    def put_away(self, case: Case, ends: Callable[[Fact], bool] = is_order) -> Case:
        """The same case over the same records on a shelf. `ends`: whether a stretch of the log ends here."""
        fold, shelf = Fold.empty(), Shelf()
        for fact in self._facts():
            fold.take(fact)
            if ends(fact):
                shelf.put_away(fold.holdings)
        shelf.put_away(fold.holdings)
        return Case(shelf, fold.docket, fold.edges, case.issued, as_of=case.as_of, size=case.size)

    def _go_on(self, issued: IssuedOrder, *, as_of: int) -> Case:
        for fact in islice(self._facts(), self._taken, None):
            touched = self._roll.take(fact)
            self._taken += 1
            for running in self._running.values():
                running.touch(touched)
        key = (issued.order.id, issued.by)
        if key not in self._running:
            self._running[key] = Running(self._roll)
        return self._running[key].case(issued, as_of=as_of, size=self.log.size, known=self._known)


def erase_gb(**how: Any) -> Obligation:
    """Erase everything about residents of GB within 30 days."""
    scope = how.pop("scope", Scope(residency=("GB",)))
    return Obligation(
        deadline=Deadline(at="2026-01-31T00:00:00Z"),
        id=how.pop("id", "erase"),
        scope=scope,
        type="erase",
        **how,
    )


def cease_gb(**how: Any) -> Obligation:
    """Collect no more about residents of GB."""
    return Obligation(
        deadline=Deadline(at="2026-01-31T00:00:00Z"),
        id=how.pop("id", "cease"),
        scope=how.pop("scope", Scope(residency=("GB",))),
        type="cease_collecting",
        **how,
    )


def replace_scope(**how: Any) -> Scope:
    """The scope of residents of GB, changed."""
    return msgspec.structs.replace(Scope(residency=("GB",)), **how)
