"""The command line: what it imports, how it fails, and a whole session against a real service."""

import argparse
import asyncio
import json
import re
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from ledger.cli import COMMANDS, as_expected, build_parser, chosen_command, error_line, main
from ledger.cli_post import complete_lines
from ledger.failure import Failure
from ledger.keyfiles import make_key, read_blinding_key
from ledger.remote import REMEDIES
from projections.events import EVENT_TYPES, decode_event
from signing.errors import FormatError, ProofError
from signing.handle import blinding_commitment, handle
from signing.keys import COSIGNATURE, ED25519, SigningKey, format_vkey, parse_signing_key, parse_vkey
from tests.ledger.command_line import ORIGIN, STORE, writ

EXAMPLE_VKEY = format_vkey(SigningKey(ORIGIN, ED25519, bytes(32)).verifier)
# What a verifier's machine does not have.
SERVER_ONLY = (
    "aiohttp",
    "asyncpg",
    "rich",
    "sqlalchemy",
    "alembic",
    "jinja2",
    "structlog",
    "uvloop",
    "psutil",
)


# Imports and parsing.


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["verify", "--help"],
        ["replay", "--help"],
        ["blind", "--help"],
        ["keygen", "--help"],
        ["mirror", "--help"],
        ["fork", "--help"],
        ["watch", "--help"],
        ["log", "publish", "--help"],
    ],
    ids=" ".join,
)
def test_a_verifiers_machine_is_enough(words: list[str]) -> None:
    script = (
        "import sys; from ledger.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as end: code = end.code\n"
        f"loaded = [name for name in {SERVER_ONLY!r} if name in sys.modules]\n"
        "print(code, loaded, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == "0 []"
    assert done.stdout.startswith("usage: writ")


def test_the_top_level_loads_nothing_but_the_standard_library() -> None:
    script = (
        "import sys; import ledger.cli; ledger.cli.build_parser(None)\n"
        "ours = ('msgspec', 'nacl', 'signing', 'projections')\n"
        "print([name for name in sys.modules if name.split('.')[0] in ours])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_every_command_of_the_contract_is_there_and_takes_json() -> None:
    contract = (
        "serve keygen log-create log-show log-events log-publish key-register key-revoke token-create "
        "blind post outbox inventory reconcile probe "
        "order-issue order-new order-check order-vary order-serve order-appeal order-stay "
        "order-lift-stay order-set-aside order-reinstate order-revoke order-discharge order-exempt "
        "hold-place hold-release sample redraw vault-keep vault-show vault-erase vault-list "
        "status timeline rules "
        "questions export verify verifier replay attest mirror watch fork witness events demo"
    )
    assert {"-".join(words) for words in COMMANDS} == set(contract.split())


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_each_command_declares_its_arguments(words: tuple[str, ...]) -> None:
    parser = build_parser(words)
    with pytest.raises(SystemExit) as end:
        parser.parse_args([*words, "--help"])
    assert end.value.code == 0
    actions: list[argparse.Action] = parser._actions
    for word in words:
        choices = next(action.choices for action in actions if isinstance(action.choices, dict))
        actions = choices[word]._actions
    assert any("--json" in action.option_strings for action in actions)


def test_the_command_is_chosen_by_its_words() -> None:
    assert chosen_command(["post", "--help"]) == ("post",)
    assert chosen_command(["log", "create", "x"]) == ("log", "create")
    assert chosen_command(["log"]) is chosen_command(["--help"]) is chosen_command([]) is None
    assert chosen_command(["lo", "create"]) is None


@pytest.mark.parametrize(
    "words", [[], ["log"], ["log", "destroy"], ["nothing"], ["post"], ["keygen"]], ids=" ".join
)
def test_wrong_usage_is_2(words: list[str]) -> None:
    done = writ(*words)
    assert done.returncode == 2
    assert "usage: writ" in done.stderr
    assert "Traceback" not in done.stderr


def test_who_names_no_command_is_shown_all() -> None:
    done = writ()
    assert {words[0] for words in COMMANDS} <= set(done.stderr.split())
    assert "    publish " in writ("log").stderr
    assert "    publish " not in writ("log", "destroy").stderr


def test_an_expected_failure_is_one_line_with_its_remedy(tmp_path: Path) -> None:
    done = writ("post", str(tmp_path / "none"), "--log", "x", "--key", "y")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "No such file" in done.stderr
    assert error_line(Failure("no\n key", "make\none"), as_json=False) == "writ: no key — make one"
    assert json.loads(error_line(FormatError("bad"), as_json=True)) == {
        "error": "bad", "kind": "FormatError", "remedy": "",
    }  # fmt: skip


NOWHERE = ["--url", "http://127.0.0.1:1", "--patience", "0"]
LOG = ["--log", EXAMPLE_VKEY]
POST = [*LOG, "--key", "k.key", "--controller", "c"]

ORDER = ["order", "new", "--template", "ico-clearview", "--authority", "ico.example", *LOG]

WRONG: dict[str, tuple[list[str], int, str]] = {
    "no URL": (["status", "a/b", *LOG, "--url", "localhost"], 2, "is no URL of a service"),
    "half an address": (["status", "a/b", *LOG, "--url", "http://[::1"], 2, "is no URL of a service"),
    "nobody there to post to": (["key", "register", EXAMPLE_VKEY, "--role", "controller", *POST, *NOWHERE], 1,
                                "see that the service is running"),
    "nobody there to read from": (["status", "a/b", *LOG, *NOWHERE], 1, "is not answered"),
    "nobody there to export": (["export", "a/b", "-o", "b.zip", *LOG, *NOWHERE], 1, "broke off"),
    "nobody there to show": (["log", "show", "x", *NOWHERE], 1, "is not answered"),
    "nobody there to replay": (["replay", "http://127.0.0.1:1/logs/x"], 2, "logs/x: Connection refused"),
    "no log's key": (["status", "a/b", "--log", "clearview", *NOWHERE], 2,
                     "--log: verifier key is not written name+hex8+base64, as writ keygen prints it — give"),
    "no log's key to mirror": (["mirror", "http://127.0.0.1:1", "m", "--log", "x"], 2, "--log: verifier key"),
    "no log's key to watch": (["witness", "--log", "x", "--key", "k.key"], 2, "--log: verifier key"),
    "no log's key of a fork": (["fork", "text", "--log", "x"], 2, "--log: verifier key"),
    "no key to register": (["key", "register", "x", "--role", "controller", *POST], 2, "VKEY: verifier key"),
    "no assessor's key": ([*ORDER, "--assessor", "x"], 2, "--assessor: verifier key"),
    "no witness's key to name": ([*ORDER, "--witness", "x"], 2, "--witness: verifier key"),
    "no folder to export to": (["export", "a/b", "-o", "no/b.zip", *LOG, *NOWHERE], 1, "no/b.zip.part: No"),
    "no order": (["order", "issue", "none.json", *LOG, "--key", "k.key"], 1, "none.json: No such file"),
    "no order in it": (["order", "issue", "text", *LOG, "--key", "k.key"], 1, "not an order"),
    "no key": (["witness", *LOG, "--key", "none"], 1, "there is no key at none"),
    "no witness's key": (["witness", *LOG, "--key", "k.key"], 1, "not a witness's key"),
    "no blinding key": (["blind", "--key-file", "none", "--namespace", "x"], 1, "there is no key at none"),
    "no bundle": (["replay", "none.zip"], 2, "none.zip: No such file"),
    "no log in it": (["replay", "."], 2, "there is no log here"),
    "no bundle to verify": (["verify", "none.zip"], 2, "none.zip: No such file"),
    "no type": (["events", "data.sold"], 1, "is no type of event"),
    "no port": (["serve", "--port", "x"], 2, "is not a port"),
    "no host": (["serve", "--host", "256.1.1.1", "--data", "d"], 2, "--host (WRIT_HOST): '256.1.1.1'"),
    "no key's role": (["key", "register", EXAMPLE_VKEY, "--role", "assessor", *POST], 2, "invalid choice"),
    "no role": (["token", "create", "t", "--role", "king", *POST], 2, "invalid choice"),
}  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_wrong_usage_is_one_line_of_json_where_json_is_asked_for(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    for given in (["--nothing", "--json"], ["--js", "--nothing"]):
        assert main([*words, *given]) == 2
        out, err = capsys.readouterr()
        said = json.loads(err)
        assert (out, err.count("\n"), set(said)) == ("", 1, {"error", "kind", "remedy"})
        assert said["remedy"].startswith("see writ")
        assert said["kind"] == "Misuse"
    # An argument that only looks like the option asks for nothing.
    assert main([*words, "--nothing", "--", "--json"]) == 2
    assert capsys.readouterr().err.startswith("usage: writ")


@pytest.mark.parametrize("words", [[], ["log"], ["log", "destroy"], ["nothing"]], ids=" ".join)
def test_a_command_that_is_none_is_told_in_json_too(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--json"]) == 2
    assert json.loads(capsys.readouterr().err)["kind"] == "Misuse"


@pytest.mark.parametrize("name", WRONG)
def test_what_is_given_wrong_is_said_in_one_line(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words, code, says = WRONG[name]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text").write_text("text\n")
    make_key(tmp_path / "k.key", "k", ED25519)
    assert main(words) == code
    out, err = capsys.readouterr()
    assert (out, says in err.splitlines()[-1]) == ("", True), err
    is_parsers = err.startswith("usage: ")
    assert is_parsers or err.count("\n") == 1
    assert main([*words, "--json"]) == code
    out, err = capsys.readouterr()
    said = json.loads(err)
    assert (out, set(said)) == ("", {"error", "kind", "remedy"})
    assert says in f"{said['error']} — {said['remedy']}"
    assert not list(tmp_path.glob("b.zip*")), "no half of a bundle is left"


def test_a_remedy_names_commands_that_run_as_they_are_named() -> None:
    named = re.findall(r"`writ ([^`]+)`", " ".join(REMEDIES.values()))
    assert named
    for words in map(str.split, named):
        build_parser(chosen_command(words)).parse_args(words)


def test_a_bug_is_not_hidden() -> None:
    for expected in (Failure("x"), FormatError("x"), ProofError("x"), OSError("x")):
        assert as_expected(expected) is expected
    bugs = (KeyError("x"), TypeError("x"), ValueError("x"), ModuleNotFoundError("x", name="ledger.gone"))
    assert [as_expected(bug) for bug in bugs] == [None] * 4


def test_where_the_services_packages_are_missing_it_says_so() -> None:
    script = (
        "import sys; sys.modules['asyncpg'] = None\nfrom ledger.cli import main; sys.exit(main(['serve']))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("writ: this command needs asyncpg, which is not installed — install")


def test_a_closed_pipe_is_met_quietly() -> None:
    command = f"{sys.executable} -m ledger.cli events log.created --schema | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert done.stderr == ""


# Commands that need no service.


def test_keys_are_made_in_files_of_their_own(tmp_path: Path) -> None:
    made = json.loads(writ("keygen", "crawler.example/7", "--out", str(tmp_path), "--json").stdout)
    path = tmp_path / "crawler.example_7.key"
    assert made == {"name": "crawler.example/7", "file": str(path), "vkey": made["vkey"]}
    assert path.stat().st_mode & 0o777 == 0o600
    key = parse_signing_key(path.read_text().rstrip("\n"))
    assert parse_vkey(made["vkey"]) == key.verifier
    again = writ("keygen", "crawler.example/7", "--out", str(tmp_path))
    assert (again.returncode, "exists" in again.stderr) == (1, True)
    witness = json.loads(writ("keygen", "w.example", "--witness", "--out", str(tmp_path), "--json").stdout)
    assert parse_vkey(witness["vkey"]).algorithm == COSIGNATURE
    assert writ("keygen", "Not A Name", "--out", str(tmp_path)).returncode == 1


def test_native_ids_are_blinded_line_by_line(tmp_path: Path) -> None:
    made = json.loads(writ("keygen", "people", "--blinding", "--out", str(tmp_path), "--json").stdout)
    key = read_blinding_key(tmp_path / "people.blinding")
    assert made["blinding_commitment"] == __import__("base64").b64encode(blinding_commitment(key)).decode()
    blind = ("blind", "--key-file", str(tmp_path / "people.blinding"), "--namespace", "people")
    done = writ(*blind, stdin="aardsda01\n42\nZoë\n")
    assert done.stdout.split() == [handle(key, "people", native) for native in ("aardsda01", 42, "Zoë")]
    composite = writ(*blind, "--composite", "--json", stdin='["aardsda01", 2004, 1]\n')
    assert json.loads(composite.stdout)["handle"] == handle(key, "people", ["aardsda01", 2004, 1])
    wrong = writ(*blind, "--composite", stdin="[1]\nno json\n")
    assert (wrong.returncode, wrong.stderr.startswith("writ: line 2: ")) == (1, True)
    (tmp_path / "people.blinding").chmod(0o640)
    assert "chmod 600" in writ(*blind, stdin="x\n").stderr


def test_event_types_are_listed_and_shown() -> None:
    listed = json.loads(writ("events", "--json").stdout)
    assert [row["type"] for row in listed] == list(EVENT_TYPES)
    example = writ("events", "data.held", "--example").stdout
    assert decode_event(example.rstrip("\n").encode()).type == "writ.data.held.v1"
    schema = json.loads(writ("events", "writ.data.held.v1", "--schema").stdout)
    assert "properties" in json.dumps(schema)
    assert writ("events", "data.hold").returncode == 1
    shown = writ("events", "order.varied").stdout
    assert "Posted by: authority\n" in shown
    assert "\nObligation:\n" in shown
    every = writ("events").stdout
    assert all(f"  {name.removeprefix('writ.')[:-3]} " in every for name in EVENT_TYPES)
    schemas = [json.loads(line) for line in writ("events", "--schema").stdout.splitlines()]
    assert [one["title"] for one in schemas] == list(EVENT_TYPES)
    examples = writ("events", "--example").stdout.splitlines()
    assert [decode_event(one.encode()).type for one in examples] == list(EVENT_TYPES)
    may = writ("events", "--role", "recipient").stdout
    assert "recipient.acknowledged" in may
    assert "order." not in may
    assert writ("events", "--role", "reader").returncode == 1


def test_lines_are_completed_and_checked_before_anything_is_posted() -> None:
    store = json.dumps({"type": "writ.store.registered.v1", "data": STORE | {"store": "people"}})
    raw = f"{store}\n{store}\n".encode()
    lines = complete_lines(raw, sha256(raw).hexdigest(), "poster.example", "2026-01-01T00:00:00Z")
    events = [decode_event(line) for line in lines]
    assert len({event.id for event in events}) == 2
    assert {event.source for event in events} == {"poster.example"}
    again = complete_lines(raw, sha256(raw).hexdigest(), "poster.example", "2026-01-01T00:00:00Z")
    assert again == lines
    whole = lines[0].decode().replace("poster.example", "other.example")
    kept = complete_lines(whole.encode(), "0" * 64, "poster.example", "2027-01-01T00:00:00Z")
    assert kept == [whole.encode()]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("", "not JSON"),
        ("[]", "not a JSON object"),
        ('{"type":"writ.data.held.v1","type":"x"}', "twice"),
        ('{"data":{"n":1.5},"type":"writ.data.held.v1"}', "float"),
        ('{"data":{"n":"é"},"type":"writ.data.held.v1"}', "ASCII"),
        ('{"data":{},"type":"writ.data.holding.v1"}', "no type of event"),
        ('{"data":{"controller":"c"},"type":"writ.store.retired.v1"}', "store"),
        ("\udcff", "not JSON"),
    ],
)
def test_a_line_that_is_no_event_is_named(line: str, why: str) -> None:
    good = json.dumps({"type": "writ.store.retired.v1", "data": {"controller": "c", "store": "s"}})
    raw = f"{good}\n{line}\n".encode(errors="surrogateescape")
    with pytest.raises(FormatError, match="line 2: ") as caught:
        complete_lines(raw, "0" * 64, "poster.example", "2026-01-01T00:00:00Z")
    assert why in str(caught.value)


async def test_an_empty_data_folder_is_enough(tmp_path: Path) -> None:
    serve = [sys.executable, "-m", "ledger.cli", "serve", "--data", "data", "--port", "0"]
    for line in ("next, in another terminal:", "log clearview: "):
        process = await asyncio.create_subprocess_exec(
            *serve, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert process.stdout is not None
        url = (await process.stdout.readline()).decode().split()[-1]
        key = (await process.stdout.readline()).decode().split()[-1]
        assert (await process.stdout.readline()).decode().startswith(line)
        made = await asyncio.to_thread(
            writ, "log", "create", ORIGIN, "--controller", "clearview", "--url", url, "--key", key, "--json"
        )
        assert json.loads(made.stdout)["origin"] == ORIGIN
        process.terminate()
        assert await process.wait() == 0


def test_a_setting_that_cannot_be_used_is_wrong_usage(tmp_path: Path) -> None:
    done = writ("serve", "--port", "many", cwd=tmp_path)
    assert (done.returncode, "--port" in done.stderr) == (2, True)
    (tmp_path / "policy").write_text("witness w1\n")
    done = writ("serve", "--policy", "policy", "--data", "data", "--port", "0", cwd=tmp_path)
    assert (done.returncode, "policy line 1" in done.stderr.splitlines()[-1]) == (1, True)
    for host in ("127.0.0.1:1", "nowhere.invalid"):
        nowhere = ["--database", f"postgresql://writ_service@{host}/x"]
        nowhere += ["--migrate-database", f"postgresql://owner@{host}/x"]
        done = writ("serve", "--data", "data", *nowhere, cwd=tmp_path)
        assert (done.returncode, "can't be used" in done.stderr.splitlines()[-1]) == (1, True)
