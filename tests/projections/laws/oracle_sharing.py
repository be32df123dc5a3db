"""The oracle on recipients: to whom records were disclosed, who was told, and who answered."""

from collections.abc import Callable, Iterator

from msgspec import UNSET

from projections import events as ev
from projections.fact import Fact
from tests.projections.laws.oracle import Oracle


def disclosed(oracle: Oracle, reached: Callable[[str], bool]) -> list[Fact]:
    """The disclosures of a record that is reached."""
    return [f for f in oracle.told(ev.DataDisclosed) if any(map(reached, f.event.data.records))]


def open_gaps(oracle: Oracle, disclosure: Fact) -> list[str]:
    """Who was not told, and who keeps silent: both are settled where it is justified that nobody answers."""
    if justified(oracle, disclosure):
        return []
    gaps = [] if notices(oracle, disclosure) else ["recipient.not_notified"]
    return gaps if acknowledged(oracle, disclosure) else [*gaps, "recipient.silent"]


def notices(oracle: Oracle, disclosure: Fact) -> list[Fact]:
    """The notices that count."""
    return [f for f in _after(oracle, disclosure) if isinstance(f.event.data, ev.RecipientNotified)]


def acknowledged(oracle: Oracle, disclosure: Fact) -> list[Fact]:
    """What the recipient itself answered; nobody answers in its place."""
    recipient = disclosure.event.data.recipient
    answers = (f for f in _after(oracle, disclosure) if isinstance(f.event.data, ev.RecipientAcknowledged))
    return [f for f in answers if f.poster.name == recipient]


def justified(oracle: Oracle, disclosure: Fact) -> list[Fact]:
    """Why it is kept, by the recipient; or why nobody can be told, by anybody."""
    lost = (f for f in _after(oracle, disclosure) if isinstance(f.event.data, ev.RecipientUnreachable))
    said = [*acknowledged(oracle, disclosure), *lost]
    return [f for f in said if f.event.data.justification is not UNSET]


def _after(oracle: Oracle, disclosure: Fact) -> Iterator[Fact]:
    """What was said of it after it took place and after the order, by whom one may believe."""
    begun = max(disclosure.index, oracle.ordered)
    for fact in oracle.told(ev.RecipientNotified, ev.RecipientAcknowledged, ev.RecipientUnreachable):
        named = fact.event.data.disclosure == disclosure.event.data.disclosure
        if named and fact.index > begun and oracle.believed(fact):
            yield fact
