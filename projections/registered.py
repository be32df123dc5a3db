"""What a log has registered: posters' keys and tokens, and stores. Values, never changed in place."""

from typing import Final

from msgspec import Struct

from projections import events as ev
from signing.keys import VerifierKey, format_vkey


class Poster(Struct, frozen=True):
    """Who posted an event: a key, or a token at the gateway (then `vkey` and `key_id` are None)."""

    name: str
    role: str
    vkey: str | None = None
    key_id: bytes | None = None


class Revocation(Struct, frozen=True):
    """The end of a registration: at which entry, and from which recorded time it is not to be believed."""

    index: int
    compromised_since_us: int | None = None


class Key(Struct, frozen=True):
    """A registered key. The keys that `log.created` names are valid from index 0."""

    poster: Poster
    verifier: VerifierKey
    registered_at: int
    revoked: Revocation | None = None
    country: str | None = None

    @property
    def name(self) -> str:
        return self.poster.name

    @property
    def role(self) -> str:
        return self.poster.role

    @property
    def vkey(self) -> str:
        return format_vkey(self.verifier)


class Token(Struct, frozen=True):
    """A registered bearer token: the log knows its secret's hash."""

    poster: Poster
    secret_sha256: str
    registered_at: int
    revoked: Revocation | None = None
    country: str | None = None

    @property
    def name(self) -> str:
        return self.poster.name

    @property
    def role(self) -> str:
        return self.poster.role


class Store(Struct, frozen=True):
    """A registered store, who registered it, and since when it is retired."""

    data: ev.StoreRegistered
    registered_by: Poster
    registered_at: int
    retired_at: int | None = None


class Registry(Struct, frozen=True):
    """What the log's registrations amount to after some number of entries. Never changed in place."""

    created: ev.LogCreated | None = None
    keys: dict[tuple[str, bytes], Key] = {}
    tokens: dict[str, Token] = {}
    secrets: dict[str, str] = {}
    """Token names by the SHA-256 (hex) of their secrets."""
    stores: dict[str, Store] = {}

    @staticmethod
    def empty() -> "Registry":
        """The registry before entry 0."""
        return _EMPTY

    @property
    def log(self) -> ev.LogCreated:
        """What `log.created` said. The log must exist."""
        assert self.created is not None, "entry 1 of a log creates it"
        return self.created

    @property
    def origin(self) -> str:
        return self.log.origin

    @property
    def controller(self) -> str:
        return self.log.controller

    def key(self, name: str, key_id: bytes) -> Key | None:
        """The key that a signature line names, revoked or not."""
        return self.keys.get((name, key_id))

    def token(self, name: str) -> Token | None:
        """The token of this name, revoked or not."""
        return self.tokens.get(name)

    def token_by_secret(self, secret_sha256: str) -> Token | None:
        """The token whose secret has this SHA-256 (hex), revoked or not."""
        name = self.secrets.get(secret_sha256)
        return None if name is None else self.tokens[name]


_EMPTY: Final = Registry()


def was_valid(credential: Key | Token, index: int, time_us: int) -> bool:
    """Whether what a key or token posted as entry `index`, recorded at `time_us`, counts.

    It counts from the registration up to the revocation's index or, if that is earlier, up to the recorded
    time from which the revocation calls it compromised.
    """
    if index < credential.registered_at:
        return False
    revoked = credential.revoked
    if revoked is None:
        return True
    since_us = revoked.compromised_since_us
    return index < revoked.index and (since_us is None or time_us < since_us)
