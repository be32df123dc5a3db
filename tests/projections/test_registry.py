"""The registry: every rule of registering and revoking, at admission and for judging afterwards."""

from typing import Any

import msgspec
import pytest

from projections import events as ev
from projections.examples import EXAMPLES, example_order, signing_key, vkey
from projections.moments import rfc3339_us
from projections.registry import (
    Key,
    Poster,
    Refused,
    Registry,
    admit_key,
    admit_token,
    apply,
    changes_registry,
    check_source,
    founding_key,
    may_post,
    poster_of,
    was_valid,
)
from signing.keys import COSIGNATURE, SigningKey, format_vkey

ORIGIN = "ledger.example/clearview"
C = "clearview"
SECRET = "a" * 64
# The log's own key under the administrator's name.
TWIN = format_vkey(SigningKey("admin.example", 1, signing_key(ORIGIN).seed).verifier)


def event(data: ev.Data, source: str = "admin.example", time: str = "2022-05-18T09:00:00Z") -> ev.Event[Any]:
    made = ev.make_event(data, id="e-1", source=source, time=time)
    return ev.decode_event(ev.encode_event(made))


def created(**changes: Any) -> ev.LogCreated:
    data: ev.LogCreated = EXAMPLES["writ.log.created.v1"].data
    return msgspec.structs.replace(data, **changes) if changes else data


def key_of(name: str, role: str = "controller", seed: int | None = None) -> ev.KeyRegistered:
    text = vkey(name) if seed is None else rotated(name, seed)
    return ev.KeyRegistered(controller=C, name=name, role=role, vkey=text)  # type: ignore[arg-type]


def rotated(name: str, seed: int) -> str:
    return format_vkey(SigningKey(name, 1, bytes([seed]) * 32).verifier)


def revoke(data: ev.KeyRegistered, since: str | None = None) -> ev.KeyRevoked:
    return ev.KeyRevoked(
        controller=C, name=data.name, role=data.role, vkey=data.vkey, compromised_since=since or msgspec.UNSET
    )


def token_of(name: str, role: str = "recipient", secret: str = SECRET) -> ev.TokenRegistered:
    return ev.TokenRegistered(controller=C, name=name, role=role, secret_sha256=secret)  # type: ignore[arg-type]


def store(name: str = "images", operator_key: str = "crawler.example") -> ev.StoreRegistered:
    example: ev.StoreRegistered = EXAMPLES["writ.store.registered.v1"].data
    return msgspec.structs.replace(example, store=name, operator_key=operator_key)


class Log:
    """A registry that grows event by event, each as one entry after its submission's."""

    def __init__(self) -> None:
        self.registry = Registry.empty()
        self.index = 1
        self.admin = founding_key(created()).poster
        self.add(created())

    def add(self, data: ev.Data, poster: Poster | None = None) -> int:
        assert self.ask(data, poster) is None
        index = self.index
        self.registry = apply(self.registry, index, poster or self.admin, event(data))
        self.index += 2
        return index

    def ask(self, data: ev.Data, poster: Poster | None = None) -> Refused | None:
        return may_post(self.registry, poster or self.admin, event(data))

    def key(self, data: ev.KeyRegistered) -> Key:
        (key,) = [key for key in self.registry.keys.values() if key.vkey == data.vkey]
        return key


@pytest.fixture
def log() -> Log:
    return Log()


def assert_refused(refused: object, problem: str, field: str | None, words: str = "") -> None:
    assert isinstance(refused, Refused)
    assert (refused.problem, refused.field) == (problem, field)
    assert words in refused.detail


def test_a_log_begins_with_its_creation() -> None:
    empty = Registry.empty()
    admin = founding_key(created()).poster
    assert may_post(empty, admin, event(created())) is None
    assert_refused(may_post(empty, admin, event(key_of("a.example"))), "not-allowed", "type", "first event")
    other = Poster("other.example", "admin", vkey("other.example"), b"1234")
    assert_refused(may_post(empty, other, event(created())), "not-allowed", "data.admin_vkey")
    assert_refused(admit_key(empty, "admin.example", admin.key_id or b""), "unknown-key", None)


def test_creation_registers_three_keys_and_happens_once(log: Log) -> None:
    roles = {key.name: key.role for key in log.registry.keys.values()}
    assert roles == {
        "admin.example": "admin",
        f"{ORIGIN}/operator": "operator",
        f"{ORIGIN}/gateway": "gateway",
    }
    assert all(was_valid(key, 0, 0) for key in log.registry.keys.values())
    assert (log.registry.origin, log.registry.controller) == (ORIGIN, C)
    assert_refused(log.ask(created()), "registration-conflict", "type", "entry 1")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"admin_vkey": vkey(ORIGIN)}, "data.admin_vkey"),
        ({"admin_vkey": TWIN}, "data.admin_vkey"),
        ({"admin_vkey": vkey(f"{ORIGIN}/admin")}, "data.admin_vkey"),
        ({"admin_vkey": vkey("ledger.example")}, "data.admin_vkey"),
        ({"operator_vkey": vkey(f"{ORIGIN}/gateway")}, "data.operator_vkey"),
        ({"gateway_vkey": vkey("gateway.example")}, "data.gateway_vkey"),
        ({"log_vkey": vkey("ledger.example/other")}, "data.log_vkey"),
        ({"log_vkey": vkey(ORIGIN, COSIGNATURE)}, "data.log_vkey"),
    ],
)
def test_the_log_s_keys_fit_each_other(changes: dict[str, str], field: str) -> None:
    with pytest.raises(ValueError) as caught:
        event(msgspec.structs.replace(created(), **changes))
    assert f"data.{str(caught.value).removeprefix('data.')}".startswith(field)


def test_every_event_is_of_the_log_s_controller(log: Log) -> None:
    other = msgspec.structs.replace(key_of("a.example"), controller="other")
    assert_refused(log.ask(other), "wrong-log", "data.controller", "clearview")


def test_a_role_bounds_what_is_posted(log: Log) -> None:
    log.add(key_of("crawler.example"))
    poster = log.key(key_of("crawler.example")).poster
    assert log.ask(store(), poster) is None
    assert_refused(log.ask(key_of("b.example"), poster), "not-allowed", "type", "controller may not post")
    assert_refused(log.ask(store()), "not-allowed", "type", "admin may not post")


@pytest.mark.parametrize(
    "name",
    [
        "ledger.example",
        ORIGIN,
        f"{ORIGIN}/x",
        f"{ORIGIN}/operator/x",
        "admin.example/x",
        "crawler.example/7",
        "crawler.example/7/a/b",
    ],
)
def test_no_name_is_a_path_prefix_of_another(log: Log, name: str) -> None:
    log.add(key_of("crawler.example/7/a"))
    assert_refused(log.ask(key_of(name, seed=5)), "registration-conflict", "data.name", "give another name")
    assert_refused(log.ask(token_of(name)), "registration-conflict", "data.name", "give another name")


def test_names_that_only_look_alike_may_stand_together(log: Log) -> None:
    for name in ("crawler.example/7/a", "crawler.example/7/b", "crawler.example/70", "crawler.example.org"):
        log.add(key_of(name))
    log.add(token_of("crawler.example/8"))


def test_keys_and_tokens_share_their_names(log: Log) -> None:
    log.add(token_of("shop.example"))
    assert_refused(log.ask(key_of("shop.example")), "registration-conflict", "data.name")
    assert_refused(log.ask(token_of("shop.example", secret="b" * 64)), "registration-conflict", "data.name")
    log.add(key_of("crawler.example"))
    assert_refused(
        log.ask(token_of("crawler.example", secret="b" * 64)), "registration-conflict", "data.name"
    )


def test_a_key_rotates_by_overlap(log: Log) -> None:
    old, new = key_of("crawler.example"), key_of("crawler.example", seed=7)
    log.add(old)
    assert_refused(log.ask(old), "registration-conflict", "data.vkey", "registered already")
    log.add(new)
    for data in (old, new):
        key = log.key(data)
        assert admit_key(log.registry, key.name, key.verifier.key_id) == key
    wrong_role = key_of("crawler.example", role="processor", seed=8)
    assert_refused(log.ask(wrong_role), "registration-conflict", "data.role", "controller")
    log.add(revoke(old))
    assert_refused(log.ask(old), "registration-conflict", "data.vkey")


def test_the_log_s_own_keys_rotate_under_their_names(log: Log) -> None:
    log.add(key_of(f"{ORIGIN}/gateway", "gateway", seed=1))
    log.add(key_of(f"{ORIGIN}/operator", "operator", seed=2))
    for role in ("gateway", "operator"):
        refused = log.ask(key_of(f"{role}.example", role))
        assert_refused(refused, "registration-conflict", "data.name", f"{ORIGIN}/{role}")


def test_nobody_posts_with_the_log_s_own_key(log: Log) -> None:
    twin = format_vkey(SigningKey("crawler.example", 1, signing_key(ORIGIN).seed).verifier)
    data = msgspec.structs.replace(key_of("crawler.example"), vkey=twin)
    assert_refused(log.ask(data), "registration-conflict", "data.vkey", "log's own key")


def test_a_revoked_key_is_refused_and_what_it_posted_stays(log: Log) -> None:
    data = key_of("crawler.example")
    registered = log.add(data)
    revoked = log.add(revoke(data))
    key = log.key(data)
    assert_refused(
        admit_key(log.registry, key.name, key.verifier.key_id), "revoked", None, f"entry {revoked}"
    )
    assert not was_valid(key, registered - 1, 0)
    assert was_valid(key, registered, 0)
    assert was_valid(key, revoked - 1, 2**62)
    assert not was_valid(key, revoked, 0)


def test_a_compromised_key_is_not_believed_from_then_on(log: Log) -> None:
    data = key_of("crawler.example")
    log.add(data)
    revoked = log.add(revoke(data, "2022-05-17T00:00:00.5Z"))
    key, since_us = log.key(data), rfc3339_us("2022-05-17T00:00:00.5Z")
    assert was_valid(key, revoked - 1, since_us - 1)
    assert not was_valid(key, revoked - 1, since_us)
    assert not was_valid(key, revoked, since_us - 1)


def test_a_revocation_is_repeated_only_to_date_a_compromise_earlier(log: Log) -> None:
    data = key_of("crawler.example")
    log.add(data)
    first = log.add(revoke(data))
    assert_refused(log.ask(revoke(data)), "registration-conflict", "data.name", f"entry {first}")
    log.add(revoke(data, "2022-05-17T00:00:00Z"))
    for since in (None, "2022-05-17T00:00:00Z", "2022-05-18T00:00:00Z"):
        assert_refused(log.ask(revoke(data, since)), "registration-conflict", "data.name")
    log.add(revoke(data, "2022-05-16T00:00:00Z"))
    revoked = log.key(data).revoked
    assert revoked is not None
    assert revoked.index == first
    assert revoked.compromised_since_us == rfc3339_us("2022-05-16T00:00:00Z")


def test_a_revocation_names_what_is_registered(log: Log) -> None:
    data = key_of("crawler.example")
    assert_refused(log.ask(revoke(data)), "registration-conflict", "data.vkey")
    log.add(data)
    other_key = msgspec.structs.replace(revoke(data), vkey=rotated("crawler.example", 9))
    assert_refused(log.ask(other_key), "registration-conflict", "data.vkey")
    other_role = msgspec.structs.replace(revoke(data), role="processor")
    assert_refused(log.ask(other_role), "registration-conflict", "data.role", "controller")


def test_the_last_administrator_stays(log: Log) -> None:
    first = ev.KeyRegistered(controller=C, name="admin.example", role="admin", vkey=vkey("admin.example"))
    assert_refused(log.ask(revoke(first)), "registration-conflict", "data.vkey", "successor")
    log.add(key_of("admin.example", "admin", seed=3))
    log.add(revoke(first))
    assert_refused(
        log.ask(revoke(key_of("admin.example", "admin", seed=3))), "registration-conflict", "data.vkey"
    )
    # Already revoked, so that dating its compromise takes nothing away.
    log.add(revoke(first, "2022-05-16T00:00:00Z"))


def test_tokens(log: Log) -> None:
    registered = log.add(token_of("shop.example"))
    token = log.registry.token_by_secret(SECRET)
    assert token is not None
    assert token == log.registry.token("shop.example") == admit_token(log.registry, SECRET)
    assert token.poster == Poster("shop.example", "recipient")
    assert was_valid(token, registered, 0)
    assert_refused(admit_token(log.registry, "b" * 64), "unknown-token", None)
    assert_refused(
        log.ask(token_of("other.example")), "registration-conflict", "data.secret_sha256", "shop.example"
    )
    end = ev.TokenRevoked(controller=C, name="shop.example", role="recipient", secret_sha256=SECRET)
    wrong = msgspec.structs.replace(end, secret_sha256="b" * 64)
    assert_refused(log.ask(wrong), "registration-conflict", "data.secret_sha256")
    assert_refused(log.ask(msgspec.structs.replace(end, role="reader")), "registration-conflict", "data.role")
    revoked = log.add(end)
    assert_refused(admit_token(log.registry, SECRET), "revoked", None, f"entry {revoked}")
    assert_refused(log.ask(end), "registration-conflict", "data.name")
    assert_refused(log.ask(token_of("new.example")), "registration-conflict", "data.secret_sha256")


def test_stores_have_one_id_and_a_real_operator(log: Log) -> None:
    data = key_of("crawler.example")
    log.add(data)
    poster = log.key(data).poster
    for nobody in ("nobody.example", "admin.example", f"{ORIGIN}/operator"):
        refused = log.ask(store(operator_key=nobody), poster)
        assert_refused(refused, "registration-conflict", "data.operator_key", nobody)
    registered = log.add(store(), poster)
    assert_refused(log.ask(store(), poster), "registration-conflict", "data.store")
    log.add(token_of("shop.example"))
    log.add(store("shop", "shop.example"), poster)
    kept = log.registry.stores["images"]
    assert (kept.registered_at, kept.registered_by, kept.retired_at) == (registered, poster, None)
    log.add(revoke(data))
    assert_refused(log.ask(store("new"), poster), "registration-conflict", "data.operator_key")


def test_stores_retire_once(log: Log) -> None:
    data = key_of("crawler.example")
    log.add(data)
    poster = log.key(data).poster
    retire = ev.StoreRetired(controller=C, store="images")
    assert_refused(log.ask(retire, poster), "registration-conflict", "data.store")
    log.add(store(), poster)
    retired = log.add(retire, poster)
    assert log.registry.stores["images"].retired_at == retired
    assert_refused(log.ask(retire, poster), "registration-conflict", "data.store", f"entry {retired}")
    assert_refused(log.ask(store(), poster), "registration-conflict", "data.store")


def test_orders_are_their_authority_s_and_this_log_s(log: Log) -> None:
    for name in ("ico.example", "cnil.example"):
        log.add(key_of(name, "authority"))
    issued, varied = (EXAMPLES[f"writ.order.{turn}.v1"].data for turn in ("issued", "varied"))
    ico, cnil = (log.key(key_of(name, "authority")).poster for name in ("ico.example", "cnil.example"))
    for whole in (issued, varied):
        assert log.ask(whole, ico) is None
        assert_refused(log.ask(whole, cnil), "not-allowed", "data.order", "order.id")
    other = msgspec.structs.replace(example_order(), controllers=("other",))
    refused = log.ask(msgspec.structs.replace(issued, order=other), ico)
    assert_refused(refused, "not-allowed", "data.order", "order.controllers")


def test_sources_belong_to_their_key(log: Log) -> None:
    log.add(key_of("crawler.example"))
    key = log.key(key_of("crawler.example"))
    for origin in ("crawler.example", "crawler.example/7", "crawler.example/7/a"):
        assert check_source(key, origin) is None
    for origin in ("crawler.example.org", "crawler.exampl", "crawler", "admin.example"):
        assert_refused(check_source(key, origin), "wrong-source", "origin", "crawler.example or a path")
    (gateway,) = [key for key in log.registry.keys.values() if key.role == "gateway"]
    assert check_source(gateway, f"{ORIGIN}/gateway") is None
    assert_refused(check_source(gateway, f"{ORIGIN}/gateway/2"), "wrong-source", "origin")


def test_whose_event_it_is(log: Log) -> None:
    log.add(key_of("crawler.example"))
    log.add(token_of("shop.example", "processor"))
    key = log.key(key_of("crawler.example"))
    retire = ev.StoreRetired(controller=C, store="images")
    assert poster_of(log.registry, key, "crawler.example/7", event(retire, "crawler.example/7")) == key.poster
    wrong = poster_of(log.registry, key, "crawler.example/7", event(retire, "crawler.example"))
    assert_refused(wrong, "wrong-source", "source", "crawler.example/7")
    (gateway,) = [key for key in log.registry.keys.values() if key.role == "gateway"]
    origin = f"{ORIGIN}/gateway"
    shop = poster_of(log.registry, gateway, origin, event(retire, "shop.example"))
    assert shop == Poster("shop.example", "processor")
    unknown = poster_of(log.registry, gateway, origin, event(retire, "nobody.example"))
    assert_refused(unknown, "unknown-token", "source")
    log.add(ev.TokenRevoked(controller=C, name="shop.example", role="processor", secret_sha256=SECRET))
    revoked = poster_of(log.registry, gateway, origin, event(retire, "shop.example"))
    assert_refused(revoked, "revoked", None, "shop.example")


def test_the_gateway_itself_posts_nothing(log: Log) -> None:
    (gateway,) = [key for key in log.registry.keys.values() if key.role == "gateway"]
    for example in EXAMPLES.values():
        assert_refused(may_post(log.registry, gateway.poster, example), "not-allowed", "type")


def test_registries_are_never_changed_in_place(log: Log) -> None:
    before = log.registry
    kept = (dict(before.keys), dict(before.tokens), dict(before.secrets), dict(before.stores))
    data = key_of("crawler.example")
    log.add(data)
    log.add(token_of("shop.example"))
    log.add(store(), log.key(data).poster)
    log.add(revoke(data))
    assert (before.keys, before.tokens, before.secrets, before.stores) == kept
    assert Registry.empty() == Registry()
    assert Registry.empty().keys == {}


def test_only_registrations_change_the_registry(log: Log) -> None:
    changing = {name for name, example in EXAMPLES.items() if changes_registry(example)}
    assert {name.split(".")[1] for name in changing} == {"log", "key", "token", "store"}
    for name, example in EXAMPLES.items():
        if name not in changing:
            assert apply(log.registry, 99, log.admin, example) is log.registry
