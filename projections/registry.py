"""The registry: which keys, tokens and stores a log knows, folded from the log's own events.

    refused = may_post(registry, poster, event)          # before: admission asks it, and replay again
    registry = apply(registry, index, poster, event)     # after: the next event sees what this one registered

Names of keys, tokens, source logs and the log itself share one space, in which no name is a path prefix of
another (the operator's `<origin>/operator` and `<origin>/gateway` excepted): so the origin of a source log
belongs to one poster, and a store's `operator_key` names one.
"""

from typing import Any

from projections import events as ev
from projections.refused import Refused
from projections.registered import Key, Poster, Registry, Revocation, Store, Token, was_valid
from projections.registrations import CHECKS, STEPS, check_creation, founding_key
from projections.roles import check_role
from signing.keys import is_within

__all__ = [
    "Key",
    "Poster",
    "Refused",
    "Registry",
    "Revocation",
    "Store",
    "Token",
    "admit_key",
    "admit_token",
    "apply",
    "changes_registry",
    "check_source",
    "founding_key",
    "may_post",
    "poster_of",
    "was_valid",
]


def may_post(registry: Registry, poster: Poster, event: ev.Event[Any]) -> Refused | None:
    """None when the log accepts this event from this poster now, else why not."""
    refused = check_role(poster.role, event.type)
    if refused is not None:
        return refused
    data = event.data
    created = registry.created
    if created is None:
        return check_creation(poster, data)
    # The one controller whose log this is: a statement adds the logs of a controller up, never apart.
    if data.controller != created.controller:
        detail = f"this is the log of the controller {created.controller}, not of {data.controller}"
        return Refused("wrong-log", detail, "data.controller")
    check = CHECKS.get(type(data))
    return None if check is None else check(registry, poster, data)


def apply(registry: Registry, index: int, poster: Poster, event: ev.Event[Any]) -> Registry:
    """The registry after an event that `may_post` let pass and that stands as entry `index`."""
    step = STEPS.get(type(event.data))
    return registry if step is None else step(registry, index, poster, event.data)


def changes_registry(event: ev.Event[Any]) -> bool:
    """Whether `apply` does anything: whoever wants the registry alone needs only these entries."""
    return type(event.data) in STEPS


def admit_key(registry: Registry, name: str, key_id: bytes) -> Key | Refused:
    """The key that may sign a submission now, else why none may."""
    key = registry.key(name, key_id)
    named = f"the key {name} (key id {key_id.hex()})"
    if key is None:
        return Refused("unknown-key", f"{named} is not registered: ask the log's administrator to")
    if key.revoked is not None:
        return Refused(
            "revoked", f"{named} was revoked by entry {key.revoked.index}: sign with its successor"
        )
    return key


def admit_token(registry: Registry, secret_sha256: str) -> Token | Refused:
    """The token that a bearer may use now, else why not."""
    token = registry.token_by_secret(secret_sha256)
    if token is None:
        return Refused(
            "unknown-token", "the bearer token is not registered: ask the log's administrator for one"
        )
    return _unrevoked(token)


def check_source(key: Key, origin: str) -> Refused | None:
    """None when the key may sign the source log `origin`: the key's name, or a path under it."""
    # The token door is one source log, whichever process of the service stands at it.
    is_gateway = key.role == "gateway"
    if origin == key.name or (is_within(origin, key.name) and not is_gateway):
        return None
    allowed = key.name if is_gateway else f"{key.name} or a path under it"
    return Refused("wrong-source", f"{origin} is not this key's source log, which is {allowed}", "origin")


def poster_of(registry: Registry, key: Key, origin: str, event: ev.Event[Any]) -> Poster | Refused:
    """Who answers for an event that `key` submits to the source log `origin`, now.

    At the gateway that is the token which the event's `source` names.
    """
    if key.role != "gateway":
        if event.source == origin:
            return key.poster
        detail = f"is {event.source}, and the event stands in the source log {origin}: give that"
        return Refused("wrong-source", detail, "source")
    token = registry.token(event.source)
    if token is None:
        return Refused("unknown-token", f"no token {event.source} is registered", "source")
    admitted = _unrevoked(token)
    return admitted if isinstance(admitted, Refused) else admitted.poster


def _unrevoked(token: Token) -> Token | Refused:
    if token.revoked is None:
        return token
    return Refused(
        "revoked", f"the token {token.name} was revoked by entry {token.revoked.index}: ask for another"
    )
