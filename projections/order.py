"""An order: what an authority requires, of whom, by when, and whom a reader may believe about it.

    {"controllers":["clearview"],"country":"GB","effective":"2022-05-18","id":"ico.example/en-2022-1", …,
     "obligations":[{"deadline":{"anchor":"appeal_expires","duration":"P6M"}, …}],"trust":{…}}

The order is the trust anchor: it names the log, witnesses and assessors. In the ledger it states every
setting, defaults too, so that an order has one way to be written and one hash. `parse_order` fills them in
for the file that a person writes. Lists that are sets are sorted; obligations keep the instrument's order.
"""

import base64
import hashlib
import json
from collections.abc import Iterable
from typing import Annotated, Any, NoReturn

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from projections import moments
from projections import vocabulary as v
from projections.vocabulary import FieldError
from signing.errors import FormatError
from signing.policy import Policy, parse_policy

Few = Meta(max_length=v.MAX_LIST)


class Deadline(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When an obligation must be done: at a moment, or a duration after a date that the order names."""

    anchor: v.Anchor | UnsetType = UNSET
    at: v.Moment | UnsetType = UNSET
    duration: v.Duration | UnsetType = UNSET

    def __post_init__(self) -> None:
        v.check_moment(self.at, "at")
        relative = (self.anchor is not UNSET) + (self.duration is not UNSET)
        if relative != (2 if self.at is UNSET else 0):
            raise FieldError("at", "give either `at`, or both `anchor` and `duration`")


class Scope(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which copies an obligation is about. An empty list narrows nothing; a category covers those below."""

    categories: Annotated[tuple[v.Category, ...], Few] = ()
    collected_from: v.Moment | UnsetType = UNSET
    collected_to: v.Moment | UnsetType = UNSET
    minors: v.Minors = "any"
    residency: Annotated[tuple[v.Territory, ...], Few] = ()
    residency_bases: Annotated[tuple[v.ResidencyBasis, ...], Few] = ("authority", "declared", "registration")
    residency_when: v.ResidencyWhen = "ever"
    source_kinds: Annotated[tuple[v.SourceKind, ...], Few] = ()
    stores: Annotated[tuple[v.Id, ...], Few] = ()
    unknown_residency: v.UnknownResidency = "in_scope"

    def __post_init__(self) -> None:
        v.check_territories(self.residency, "residency")
        for field in ("categories", "residency_bases", "source_kinds", "stores"):
            v.check_sorted(getattr(self, field), field)
        v.check_moment(self.collected_from, "collected_from")
        v.check_moment(self.collected_to, "collected_to")


class Penalty(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An amount of money in the currency's smallest unit: once, or for every day that the breach lasts."""

    amount_minor: v.Count
    currency: v.Currency
    per: v.PenaltyPer = "once"


class Obligation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that the order requires."""

    deadline: Deadline
    depends_on: Annotated[tuple[v.Id, ...], Few] = ()
    id: v.Id
    include: Annotated[tuple[v.Inclusion, ...], Few] = ("backups", "copies", "derived", "recipients")
    independent: bool = False
    min_evidence: v.EvidenceLevel = "E0"
    min_method: v.MinimumMethod = "clear"
    modality: v.Modality = "absolute"
    oath: v.Oath = "none"
    penalty: Penalty | UnsetType = UNSET
    recurrence: v.Duration | UnsetType = UNSET
    retention_days: v.Days | UnsetType = UNSET
    scope: Scope = Scope()
    type: v.ObligationType

    def __post_init__(self) -> None:
        v.check_sorted(self.depends_on, "depends_on")
        v.check_sorted(self.include, "include")
        if not isinstance(self.recurrence, UnsetType) and _is_within_a_day(self.recurrence):
            raise FieldError("recurrence", f"{self.recurrence} is less than a day: give a day or more")
        if self.type != "limit_retention" and self.retention_days is not UNSET:
            raise FieldError("retention_days", "only an obligation to limit retention has it: leave it out")
        if self.type == "pay" and self.penalty is UNSET:
            raise FieldError("penalty", "missing: an obligation to pay says how much")


class Trust(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom a reader of the order may believe: one log, its witnesses, the assessors, and for how long."""

    assessors: Annotated[tuple[v.Vkey, ...], Few] = ()
    assessors_needed: Annotated[int, Meta(ge=2, le=v.MAX_LIST)] | UnsetType = UNSET
    log_vkey: v.Vkey
    max_statement_age: v.Duration = "P7D"
    timestamp_roots: (
        Annotated[
            tuple[v.Certificate, ...],
            Meta(min_length=1, max_length=8, description="root certificates of RFC 3161 authorities"),
        ]
        | UnsetType
    ) = UNSET
    witnesses: Annotated[
        tuple[v.PolicyLine, ...],
        Meta(max_length=v.MAX_LIST, description="lines of a C2SP tlog-policy, in order"),
    ] = ()

    def __post_init__(self) -> None:
        v.check_sorted(self.assessors, "assessors")
        for place, vkey in enumerate(self.assessors):
            v.check_vkey(vkey, f"assessors[{place}]")
        named = len(set(map(name_in, self.assessors)))
        if self.quorum_of_assessors > max(named, 1):
            problem = f"more than the {named} that are named (two keys of one name are one assessor)"
            raise FieldError("assessors_needed", problem)
        v.check_vkey(self.log_vkey, "log_vkey")
        v.check_sorted(() if self.timestamp_roots is UNSET else self.timestamp_roots, "timestamp_roots")
        try:
            moments.duration_s(self.max_statement_age)
        except ValueError as error:
            raise FieldError("max_statement_age", str(error)) from None
        try:
            self.policy()
        except FormatError as error:
            raise FieldError("witnesses", str(error)) from None

    def policy(self) -> Policy:
        """The C2SP policy of the log and its witnesses. No lines: no quorum, so no witness proves a time."""
        lines = self.witnesses or ("quorum none",)
        return parse_policy("".join(f"{line}\n" for line in (f"log {self.log_vkey}", *lines)))

    @property
    def quorum_of_assessors(self) -> int:
        """How many of the assessors must have signed a statement that hides what it rests on."""
        return 1 if isinstance(self.assessors_needed, UnsetType) else self.assessors_needed

    @property
    def roots(self) -> tuple[bytes, ...]:
        """The certificates (DER) under which a time-stamp proves a time. None: no time-stamp proves any."""
        if isinstance(self.timestamp_roots, UnsetType):
            return ()
        return tuple(base64.b64decode(one) for one in self.timestamp_roots)

    @property
    def max_statement_age_s(self) -> int:
        return moments.duration_s(self.max_statement_age)


class Order(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One version of an order, whole."""

    appeal_expires: v.Moment | UnsetType = UNSET
    controllers: Annotated[tuple[v.Id, ...], Meta(min_length=1, max_length=v.MAX_LIST)]
    country: v.Country
    effective: v.Moment
    id: v.OrderId
    instrument_sha256: v.Sha256
    issued: v.Moment
    legal_basis: v.Id
    obligations: Annotated[
        tuple[Obligation, ...],
        Meta(
            min_length=1,
            max_length=v.MAX_LIST,
            description="[obligations](#obligation), as in the instrument",
        ),
    ]
    served: v.Moment | UnsetType = UNSET
    trust: Trust
    version: Annotated[int, Meta(ge=1, le=1_000_000)] = 1

    def __post_init__(self) -> None:
        v.check_sorted(self.controllers, "controllers")
        for field in ("appeal_expires", "effective", "issued", "served"):
            v.check_moment(getattr(self, field), field)
        for place, obligation in enumerate(self.obligations):
            self._check_deadline(obligation, f"obligations[{place}].deadline")
        _check_dependencies(self.obligations)

    def _check_deadline(self, obligation: Obligation, field: str) -> None:
        anchor = obligation.deadline.anchor
        if not isinstance(anchor, UnsetType) and getattr(self, anchor) is UNSET:
            raise FieldError(f"{field}.anchor", f"the order has no `{anchor}` to count from: add it")
        try:
            deadline_at(self, obligation)
        except ValueError as error:
            raise FieldError(f"{field}.duration", str(error)) from None

    @property
    def effective_s(self) -> int:
        """Unix seconds from which the order is in force: of a date, its first second."""
        return moments.first_second(self.effective)


def name_in(vkey: str) -> str:
    """Whose key it is. A key that replaces another keeps its name, so it is no further assessor."""
    return vkey.partition("+")[0]


def deadline_at(order: Order, obligation: Obligation) -> int:
    """Unix seconds of the last second in which the obligation is still done in time."""
    deadline = obligation.deadline
    if not isinstance(deadline.at, UnsetType):
        return moments.last_second(deadline.at)
    assert not isinstance(deadline.anchor, UnsetType)
    assert not isinstance(deadline.duration, UnsetType)
    return moments.last_second_after(getattr(order, deadline.anchor), deadline.duration)


def encode_order(order: Order) -> bytes:
    """The order's canonical JSON: the bytes that stand in its event and that `order_hash` hashes."""
    return msgspec.json.encode(order)


def order_hash(order: Order) -> bytes:
    """SHA-256 of the order's canonical JSON."""
    return hashlib.sha256(encode_order(order)).digest()


def parse_order(raw: bytes) -> Order:
    """Read the file in which a person wrote an order: any layout, defaults may be left out.

    Raises FormatError. What goes into the ledger is `encode_order` of the result.
    """
    try:
        value = json.loads(raw, object_pairs_hook=_object, parse_constant=_refuse_constant)
        order = msgspec.convert(value, Order)
    except (ValueError, RecursionError, msgspec.ValidationError) as error:
        raise FormatError(f"not an order: {error}") from error
    # `$` in a pattern meets a newline at a string's end too; canonical JSON would have to escape it.
    if b"\\" in encode_order(order):
        raise FormatError("not an order: a string ends in a newline: take it out")
    return order


def check_order(order: Order, authority: str, controller: str, log_vkey: str) -> list[str]:
    """What speaks against issuing this order under `authority`'s key in the log of `controller`, in words."""
    problems = []
    if order.id.rpartition("/")[0] != authority:
        problems.append(
            f"order.id: {order.id} does not begin with its authority's key name: use {authority}/…"
        )
    if controller not in order.controllers:
        problems.append(f"order.controllers: {controller} is missing, and this log is its log")
    if order.trust.log_vkey != log_vkey:
        problems.append(f"order.trust.log_vkey: names another log than this one, whose key is {log_vkey}")
    return problems


def _is_within_a_day(duration: str) -> bool:
    return moments.nth_after(0, duration, 1) < 86_400


def _check_dependencies(obligations: tuple[Obligation, ...]) -> None:
    """Ids are distinct, and dependencies name obligations that stand before: so there is no circle."""
    known: set[str] = set()
    for place, obligation in enumerate(obligations):
        for name in obligation.depends_on:
            if name not in known:
                problem = f"{name} is no obligation that stands before this one: list it first"
                raise FieldError(f"obligations[{place}].depends_on", problem)
        if obligation.id in known:
            raise FieldError(f"obligations[{place}].id", f"{obligation.id} is taken: give it another id")
        known.add(obligation.id)


def _object(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for name, item in pairs:
        if name in value:
            raise ValueError(f"the key {name!r} stands twice in one object")
        value[name] = item
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
