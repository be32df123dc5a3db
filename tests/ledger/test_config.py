"""Settings: flag, then environment, then default; each wrong one is named with its remedy."""

from pathlib import Path

import pytest

from ledger.config import Config, ConfigError, Database, Flags, read_config

SERVICE = "postgresql://writ_service:s@db.example/writ"
OWNER = "postgresql://writ_owner:o@db.example/writ"


def test_nothing_said_gives_a_service_with_a_database_of_its_own() -> None:
    assert read_config(Flags(), {}) == Config(
        data=Path.cwd() / "writ-data", database=None, policy=None, host="127.0.0.1", port=8321
    )


def test_a_flag_wins_over_the_environment_and_that_over_the_default(tmp_path: Path) -> None:
    policy = tmp_path / "policy"
    policy.write_text("quorum none\n")
    environment = {
        "WRIT_DATA": str(tmp_path),
        "WRIT_PORT": "1",
        "WRIT_HOST": "::1",
        "WRIT_POLICY": str(policy),
    }
    config = read_config(Flags(port="0"), environment)
    assert config == Config(data=tmp_path, database=None, policy=policy, host="::1", port=0)


def test_time_stamp_authorities_are_several() -> None:
    one, two = "http://one.example/tsr", "https://two.example"
    assert read_config(Flags(timestamp_urls=f"{one} {two}"), {}).timestamp_urls == (one, two)
    assert read_config(Flags(), {"WRIT_TIMESTAMP_URLS": one}).timestamp_urls == (one,)
    assert read_config(Flags(), {}).timestamp_urls == ()


def test_what_is_done_without_a_quorum_is_said_aloud(tmp_path: Path) -> None:
    policy = tmp_path / "policy"
    policy.write_text("quorum none\n")
    assert read_config(Flags(), {}).without_quorum == "go-on"
    assert read_config(Flags(policy=str(policy)), {"WRIT_WITHOUT_QUORUM": "stop"}).without_quorum == "stop"


def test_the_two_logins_of_a_database_come_together() -> None:
    config = read_config(Flags(database=SERVICE), {"WRIT_MIGRATE_DATABASE": OWNER})
    assert config.database == Database(owner_dsn=OWNER, service_dsn=SERVICE)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (Flags(data=""), "--data"),
        (Flags(data=__file__), "--data .* is not a folder"),
        (Flags(port="65536"), "--port .*'65536' is not a port"),
        (Flags(port="+5"), "--port"),
        (Flags(port="٥"), "--port"),
        (Flags(timestamp_urls="tsa.example/tsr"), "--timestamp-url .* is no URL"),
        (Flags(timestamp_urls="http://a.example http://u:p@b.example"), "--timestamp-url .* is no URL"),
        (Flags(port=""), "--port"),
        (Flags(port="1" * 5000), "--port"),
        (Flags(host="a b"), "--host"),
        (Flags(host=""), "--host"),
        (Flags(policy="/nowhere/policy"), "--policy .* is not a file"),
        (Flags(without_quorum="halt"), "--without-quorum .*'halt' is neither"),
        (Flags(without_quorum="stop"), "--without-quorum .* is 'stop', but --policy .* is not given"),
        (Flags(database=SERVICE), "--migrate-database .* is not$"),
        (Flags(migrate_database=OWNER), "--migrate-database .* is given, but --database .* is not$"),
        (Flags(database=OWNER, migrate_database=OWNER), "--database .* does not log in as writ_service"),
        (Flags(database=SERVICE, migrate_database=SERVICE), "--migrate-database .* logs in as writ_service"),
        (Flags(database="writ", migrate_database=OWNER), "--database .* is not a database's URL"),
        (
            Flags(database="postgresql://[::1", migrate_database=OWNER),
            "--database .* is not a database's URL",
        ),
    ],
)
def test_a_wrong_setting_is_named_with_its_remedy(flags: Flags, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        read_config(flags, {})
    assert caught.value.remedy


def test_a_refused_url_is_not_repeated_with_its_password() -> None:
    with pytest.raises(ConfigError) as caught:
        read_config(Flags(database="mysql://writ_service:hunter2@db/writ", migrate_database=OWNER), {})
    assert "hunter2" not in f"{caught.value} {caught.value.remedy}"
