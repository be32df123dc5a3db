"""Registrations: the events by which a log comes to know keys, tokens and stores.

Each kind has a check (may it be said now?) and, right below it, a step (what is known then?). A check answers
for one event after the role's table has let it pass; a step relies on its check.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from projections import events as ev
from projections.moments import rfc3339_us
from projections.order import check_order
from projections.refused import Refused
from projections.registered import Key, Poster, Registry, Revocation, Store, Token
from signing.keys import is_within, parse_vkey

_STORE_ROLES: Final = frozenset({"controller", "processor", "recipient"})


def founding_key(created: ev.LogCreated) -> Key:
    """The administrator's key, which signs the submission at index 0 and is named by the event in it."""
    return _new_key(created.admin_vkey, "admin", 0)


def _new_key(vkey: str, role: str, index: int, country: str | UnsetType = UNSET) -> Key:
    verifier = parse_vkey(vkey)
    poster = Poster(verifier.name, role, vkey, verifier.key_id)
    return Key(poster, verifier, index, country=None if isinstance(country, UnsetType) else country)


def check_creation(poster: Poster, data: ev.Data) -> Refused | None:
    if not isinstance(data, ev.LogCreated):
        return Refused(
            "not-allowed", "the log does not exist yet: its first event is writ.log.created.v1", "type"
        )
    if poster.vkey != data.admin_vkey:
        return Refused(
            "not-allowed", "is not the key that signed: the administrator signs", "data.admin_vkey"
        )
    return None


def _check_created_again(registry: Registry, poster: Poster, data: ev.LogCreated) -> Refused:
    return Refused("registration-conflict", f"the log {registry.origin} was created by entry 1", "type")


def _create(registry: Registry, index: int, poster: Poster, data: ev.LogCreated) -> Registry:
    keys = (
        founding_key(data),
        _new_key(data.operator_vkey, "operator", 0),
        _new_key(data.gateway_vkey, "gateway", 0),
    )
    return Registry(created=data, keys={(key.name, key.verifier.key_id): key for key in keys})


def _check_name(registry: Registry, name: str) -> Refused | None:
    """A name that nobody has yet must not be a path prefix of one in use, nor under one."""
    used = {registry.origin, *registry.tokens, *(key_name for key_name, _ in registry.keys)}
    for other in used:
        if is_within(name, other) or is_within(other, name):
            detail = f"{name} is taken, or a path under or above {other}, which is in use: give another name"
            return Refused("registration-conflict", detail, "data.name")
    return None


def _check_key_registered(registry: Registry, poster: Poster, data: ev.KeyRegistered) -> Refused | None:
    verifier = parse_vkey(data.vkey)
    if verifier.public == parse_vkey(registry.log.log_vkey).public:
        detail = "is the log's own key under another name: make a key for the poster"
        return Refused("registration-conflict", detail, "data.vkey")
    if registry.key(data.name, verifier.key_id) is not None:
        return Refused("registration-conflict", f"this key of {data.name} is registered already", "data.vkey")
    named = next((key for (name, _), key in registry.keys.items() if name == data.name), None)
    if named is None:
        if data.role in ("operator", "gateway"):
            detail = f"the log's {data.role} is {registry.origin}/{data.role}: rotate its key under that name"
            return Refused("registration-conflict", detail, "data.name")
        return _check_name(registry, data.name)
    # Rotation by overlap: one name, one role, several keys.
    if named.role != data.role:
        return Refused(
            "registration-conflict", f"{data.name} has the role {named.role}: keep it", "data.role"
        )
    return None


def _register_key(registry: Registry, index: int, poster: Poster, data: ev.KeyRegistered) -> Registry:
    return _with_key(registry, _new_key(data.vkey, data.role, index, data.country))


def _check_key_revoked(registry: Registry, poster: Poster, data: ev.KeyRevoked) -> Refused | None:
    verifier = parse_vkey(data.vkey)
    key = registry.key(data.name, verifier.key_id)
    # Of 2^16 keys of one name, two have one key id: who revokes the one means not the other.
    if key is not None and key.verifier != verifier:
        key = None
    refused = _check_revocation(key, data, "data.vkey")
    if refused is not None or key is None or key.role != "admin":
        return refused
    if any(k.role == "admin" and k.revoked is None and k is not key for k in registry.keys.values()):
        return None
    detail = "is the only administrator's key left: register its successor first"
    return Refused("registration-conflict", detail, "data.vkey")


def _revoke_key(registry: Registry, index: int, poster: Poster, data: ev.KeyRevoked) -> Registry:
    key = registry.keys[data.name, parse_vkey(data.vkey).key_id]
    return _with_key(registry, msgspec.structs.replace(key, revoked=_revocation(key.revoked, index, data)))


def _with_key(registry: Registry, key: Key) -> Registry:
    keys = {**registry.keys, (key.name, key.verifier.key_id): key}
    return msgspec.structs.replace(registry, keys=keys)


def _check_token_registered(registry: Registry, poster: Poster, data: ev.TokenRegistered) -> Refused | None:
    if data.secret_sha256 in registry.secrets:
        detail = f"is the secret of {registry.secrets[data.secret_sha256]}: make a new one"
        return Refused("registration-conflict", detail, "data.secret_sha256")
    return _check_name(registry, data.name)


def _register_token(registry: Registry, index: int, poster: Poster, data: ev.TokenRegistered) -> Registry:
    country = None if isinstance(data.country, UnsetType) else data.country
    token = Token(Poster(data.name, data.role), data.secret_sha256, index, country=country)
    secrets = {**registry.secrets, data.secret_sha256: data.name}
    return msgspec.structs.replace(registry, tokens={**registry.tokens, data.name: token}, secrets=secrets)


def _check_token_revoked(registry: Registry, poster: Poster, data: ev.TokenRevoked) -> Refused | None:
    token = registry.token(data.name)
    if token is not None and token.secret_sha256 != data.secret_sha256:
        token = None
    return _check_revocation(token, data, "data.secret_sha256")


def _revoke_token(registry: Registry, index: int, poster: Poster, data: ev.TokenRevoked) -> Registry:
    token = registry.tokens[data.name]
    token = msgspec.structs.replace(token, revoked=_revocation(token.revoked, index, data))
    return msgspec.structs.replace(registry, tokens={**registry.tokens, data.name: token})


def _check_revocation(
    credential: Key | Token | None, data: ev.KeyRevoked | ev.TokenRevoked, field: str
) -> Refused | None:
    if credential is None:
        detail = f"is not what {data.name} is registered with: repeat the registration's"
        return Refused("registration-conflict", detail, field)
    if credential.role != data.role:
        detail = f"{data.name} is registered as {credential.role}: repeat that"
        return Refused("registration-conflict", detail, "data.role")
    revoked = credential.revoked
    if revoked is None or _revocation(revoked, revoked.index, data) != revoked:
        return None
    detail = (
        f"{data.name} was revoked by entry {revoked.index}: say it again only to date the compromise earlier"
    )
    return Refused("registration-conflict", detail, "data.name")


def _revocation(earlier: Revocation | None, index: int, data: ev.KeyRevoked | ev.TokenRevoked) -> Revocation:
    """The revocation that holds after this one: the first index, and the earliest time of compromise said."""
    index = index if earlier is None else earlier.index
    times_us = (
        [] if earlier is None or earlier.compromised_since_us is None else [earlier.compromised_since_us]
    )
    if not isinstance(data.compromised_since, UnsetType):
        times_us.append(rfc3339_us(data.compromised_since))
    return Revocation(index, min(times_us, default=None))


def _check_store_registered(registry: Registry, poster: Poster, data: ev.StoreRegistered) -> Refused | None:
    if data.store in registry.stores:
        return Refused("registration-conflict", f"the store {data.store} is registered already", "data.store")
    # A name that nobody holds could be given to anybody later, and he would be the one who erases here.
    credentials: Iterable[Key | Token] = (*registry.keys.values(), *registry.tokens.values())
    for holder in credentials:
        if holder.name == data.operator_key and holder.role in _STORE_ROLES and holder.revoked is None:
            return None
    detail = (
        f"no valid key or token {data.operator_key} of a controller, processor or recipient is registered"
    )
    return Refused("registration-conflict", detail, "data.operator_key")


def _register_store(registry: Registry, index: int, poster: Poster, data: ev.StoreRegistered) -> Registry:
    return _with_store(registry, Store(data, poster, index))


def _check_store_retired(registry: Registry, poster: Poster, data: ev.StoreRetired) -> Refused | None:
    store = registry.stores.get(data.store)
    if store is None:
        return Refused("registration-conflict", f"no store {data.store} is registered", "data.store")
    if store.retired_at is None:
        return None
    return Refused("registration-conflict", f"was retired by entry {store.retired_at}", "data.store")


def _retire_store(registry: Registry, index: int, poster: Poster, data: ev.StoreRetired) -> Registry:
    return _with_store(registry, msgspec.structs.replace(registry.stores[data.store], retired_at=index))


def _with_store(registry: Registry, store: Store) -> Registry:
    return msgspec.structs.replace(registry, stores={**registry.stores, store.data.store: store})


def _check_order(registry: Registry, poster: Poster, data: ev.OrderIssued | ev.OrderVaried) -> Refused | None:
    problems = check_order(data.order, poster.name, registry.controller, registry.log.log_vkey)
    return Refused("not-allowed", "; ".join(problems), "data.order") if problems else None


CHECKS: Final[dict[type[ev.Data], Callable[[Registry, Poster, Any], Refused | None]]] = {
    ev.LogCreated: _check_created_again,
    ev.KeyRegistered: _check_key_registered,
    ev.KeyRevoked: _check_key_revoked,
    ev.TokenRegistered: _check_token_registered,
    ev.TokenRevoked: _check_token_revoked,
    ev.StoreRegistered: _check_store_registered,
    ev.StoreRetired: _check_store_retired,
    ev.OrderIssued: _check_order,
    ev.OrderVaried: _check_order,
}
STEPS: Final[dict[type[ev.Data], Callable[[Registry, int, Poster, Any], Registry]]] = {
    ev.LogCreated: _create,
    ev.KeyRegistered: _register_key,
    ev.KeyRevoked: _revoke_key,
    ev.TokenRegistered: _register_token,
    ev.TokenRevoked: _revoke_token,
    ev.StoreRegistered: _register_store,
    ev.StoreRetired: _retire_store,
}
