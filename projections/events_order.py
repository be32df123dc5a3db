"""Events of an order's life, of what is exempt from it, of what it costs, and of who says it was carried out.

Only the authority under whose key an order was signed moves it: what another posts is kept, and does nothing.
"""

from msgspec import UNSET, UnsetType, field

from projections import vocabulary as v
from projections.order import Order
from projections.vocabulary import Data, FieldError


class OrderIssued(Data, frozen=True, kw_only=True):
    """An authority orders something. The order stands here whole: it is what readers trust.

    `effective_at` and `instrument_sha256` are the order's own, as every event of an order's life states them.
    """

    controller: v.Id
    effective_at: v.Moment
    instrument_sha256: v.Sha256
    order: Order

    def __post_init__(self) -> None:
        if self.effective_at != self.order.effective:
            raise FieldError("effective_at", f"differs from order.effective: give {self.order.effective}")
        _check_instrument(self.instrument_sha256, self.order)


class OrderVaried(Data, frozen=True, kw_only=True):
    """An order is replaced by a higher version of itself, whole, from `effective_at` on.

    What the version says of when the order is effective, and so of its deadlines, is the version's own.
    """

    controller: v.Id
    effective_at: v.Moment
    instrument_sha256: v.Sha256
    order: Order

    def __post_init__(self) -> None:
        v.check_moment(self.effective_at, "effective_at")
        _check_instrument(self.instrument_sha256, self.order)
        if self.order.version < 2:
            raise FieldError("order.version", "is the first: a variation is a higher version of the order")


class OrderEvent(Data, frozen=True, kw_only=True):
    """A turn in an order's life: which order, by which instrument (its hash), and from when."""

    controller: v.Id
    effective_at: v.Moment
    instrument_sha256: v.Sha256
    order: v.OrderId

    def __post_init__(self) -> None:
        v.check_moment(self.effective_at, "effective_at")


class OrderServed(OrderEvent, frozen=True, kw_only=True):
    """The order was served on the controller."""


class OrderAppealed(OrderEvent, frozen=True, kw_only=True):
    """The order was appealed. Until the appeal is settled the order is not in force."""


class OrderStayed(OrderEvent, frozen=True, kw_only=True):
    """The order is suspended. While it is stayed it is not in force."""


class OrderStayLifted(OrderEvent, frozen=True, kw_only=True):
    """A stay, or an appeal, no longer suspends the order: it is in force again."""


class OrderSetAside(OrderEvent, frozen=True, kw_only=True):
    """A court or tribunal set the order aside. It may be reinstated."""


class OrderReinstated(OrderEvent, frozen=True, kw_only=True):
    """The order is in force again. Its deadlines stay those of the order, which may be varied beside this."""


class OrderRevoked(OrderEvent, frozen=True, kw_only=True):
    """The authority takes the order back."""


class OrderDischarged(OrderEvent, frozen=True, kw_only=True):
    """The order is at its end: the authority requires nothing more under it."""


class ExemptionGranted(Data, frozen=True, kw_only=True):
    """The authority leaves records, or a class of data, out of one obligation of an order."""

    category_class: v.Category | UnsetType = UNSET
    controller: v.Id
    ground: v.ExemptionGround
    obligation: v.Id
    order: v.OrderId
    records: v.Handles | UnsetType = UNSET

    def __post_init__(self) -> None:
        if (self.records is UNSET) == (self.category_class is UNSET):
            raise FieldError("records", "give either `records` or `category_class`")
        if not isinstance(self.records, UnsetType):
            v.check_handle_set(self.records)


class HoldPlaced(Data, frozen=True, kw_only=True):
    """Records are to be preserved until a day (GDPR Art. 17(3)(e)). Recognised only from an authority."""

    basis: v.HoldBasis
    controller: v.Id
    hold: v.Id
    records: v.Handles
    until: v.Moment

    def __post_init__(self) -> None:
        v.check_handle_set(self.records)
        v.check_moment(self.until, "until")


class HoldReleased(Data, frozen=True, kw_only=True):
    """A hold ends before its day."""

    controller: v.Id
    hold: v.Id


class PenaltyImposed(Data, frozen=True, kw_only=True):
    """The authority imposes a penalty under an order. The amount is in the currency's smallest unit."""

    amount_minor: v.Count
    controller: v.Id
    currency: v.Currency
    order: v.OrderId


class PenaltyAccrued(Data, frozen=True, kw_only=True):
    """The authority calls in what accrued under an order, for the days from `from` to `to`, both counted."""

    amount_minor: v.Count
    controller: v.Id
    currency: v.Currency
    from_: v.Date | UnsetType = field(name="from", default=UNSET)
    order: v.OrderId
    to: v.Date | UnsetType = UNSET

    def __post_init__(self) -> None:
        if isinstance(self.from_, UnsetType) or isinstance(self.to, UnsetType):
            if self.from_ is not self.to:
                raise FieldError("to", "`from` and `to` come together: give both or neither")
            return
        v.check_moment(self.from_, "from")
        v.check_moment(self.to, "to")
        if self.from_ > self.to:
            raise FieldError("to", "is before `from`: give the last day that is counted")


class PenaltyPaid(Data, frozen=True, kw_only=True):
    """A penalty, or a part of it, was paid."""

    amount_minor: v.Count
    controller: v.Id
    currency: v.Currency
    order: v.OrderId


class ComplianceAttested(Data, frozen=True, kw_only=True):
    """Somebody signs for it that an obligation was carried out, in what role, and whether under oath.

    `log_size` is the size of this log that the signatory speaks of; the report stays outside.
    """

    controller: v.Id
    log_size: v.Count
    oath: v.Oath
    obligation: v.Id
    order: v.OrderId
    report_sha256: v.Sha256 | UnsetType = UNSET
    signatory_role: v.SignatoryRole


class ComplianceRejected(Data, frozen=True, kw_only=True):
    """The authority or an assessor does not accept that an obligation was carried out, and on what ground."""

    controller: v.Id
    ground: v.RejectionGround
    log_size: v.Count
    obligation: v.Id
    order: v.OrderId
    report_sha256: v.Sha256 | UnsetType = UNSET


def _check_instrument(instrument_sha256: str, order: Order) -> None:
    if instrument_sha256 != order.instrument_sha256:
        raise FieldError("instrument_sha256", "differs from order.instrument_sha256: give the same hash")
