"""The file of logs: what a person writes is taken as it is meant, or refused with the place."""

import tomllib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.follow_config import FollowConfig, FollowedLog, parse_config, read_token
from signing.errors import FormatError
from signing.keys import COSIGNATURE, SigningKey, format_vkey
from tests.ledger.static_log import KEY
from tests.signing.mutating import nearly

VKEY = format_vkey(KEY.verifier)
GOOD = f"""
every_s = 5
[[log]]
url = "https://ledger.example/logs/static"
vkey = "{VKEY}"
token_file = "t"
orders = ["ico.example/en-2026-1"]
""".encode()


def test_a_good_file_is_read() -> None:
    config = parse_config(GOOD)
    assert (config.every_s, config.stale_after_s) == (5, 10_800)
    (log,) = config.log
    assert (log.origin, log.orders) == (KEY.name, ("ico.example/en-2026-1",))
    assert config.stale_s(log) == 10_800
    assert config.stale_s(msgspec.structs.replace(log, stale_after_s=7)) == 7


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("every_s = 5", "every_s = 0", "every_s"),
        ("every_s = 5", "every_s = 1.5", "every_s"),
        ("every_s = 5", "evry_s = 5", "evry_s"),
        ("https://", "ftp://", "URL"),
        ("https://", "file:///", "URL"),
        ("ledger.example/logs", "ledger.example:99999/logs", "URL"),
        ("ledger.example/logs", "a b/logs", "URL"),
        (VKEY, VKEY[:-4], "verifier key"),
        (VKEY, format_vkey(SigningKey("w", COSIGNATURE, bytes(32)).verifier), "witness"),
        ("ico.example/en-2026-1", "en-2026-1", "id of an order"),
        ("ico.example/en-2026-1", "ico.example/en/../x?y", "id of an order"),
        ('token_file = "t"', 'token_file = "t"\ntoken = "s"', "token"),
        ("[[log]]", "[[logs]]", "logs"),
        ("every_s = 5", "\xff", "not a file of logs"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(old: str, new: str, told: str) -> None:
    with pytest.raises(FormatError, match=told):
        parse_config(GOOD.decode().replace(old, new, 1).encode("latin-1"))


def test_a_log_stands_once_and_there_is_one() -> None:
    with pytest.raises(FormatError, match="twice"):
        parse_config(GOOD + GOOD.split(b"5\n", 1)[1])
    with pytest.raises(FormatError):
        parse_config(b"every_s = 5")
    with pytest.raises(FormatError, match="log"):
        parse_config(b"log = []")


def test_a_huge_or_deep_file_is_refused() -> None:
    for raw in (b"#" * (2 << 20), b"log = " + b"[" * 100_000):
        with pytest.raises(FormatError):
            parse_config(raw)


@given(raw=st.one_of(st.binary(), nearly(GOOD)))
def test_parsing_is_total(raw: bytes) -> None:
    try:
        config = parse_config(raw)
    except FormatError:
        return
    assert isinstance(config, FollowConfig)
    assert msgspec.convert(tomllib.loads(raw.decode()), FollowConfig) == config


def test_a_token_is_read_from_beside_the_file(tmp_path: Path) -> None:
    log = FollowedLog("https://ledger.example", VKEY, token_file="t")
    (tmp_path / "t").write_text("secret\n")
    assert read_token(log, tmp_path) == "secret"
    (tmp_path / "t").write_text("two\nlines")
    with pytest.raises(FormatError, match="no token"):
        read_token(log, tmp_path)
    assert read_token(FollowedLog("https://ledger.example", VKEY), tmp_path) is None
