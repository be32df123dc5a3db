"""The command line `writ`.

`writ` imports nothing beyond the standard library until a subcommand is chosen, and then only that
subcommand's module: a verifier's machine has neither aiohttp nor asyncpg. Each module offers a pair of
functions, one that declares the arguments and one that runs and returns the exit code.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NamedTuple, NoReturn

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
NO_COMMAND = ": COMMAND"
OURS = ("ledger", "projections", "signing")


class Command(NamedTuple):
    """Where a subcommand lives. Its words are its key in `COMMANDS`."""

    module: str
    summary: str
    arguments: str = "add_arguments"
    run: str = "run"


ORDER_TURNS = {
    "serve": "say that an order was served",
    "appeal": "say that an order was appealed: it is suspended",
    "stay": "suspend an order",
    "lift-stay": "end a stay, or what an appeal suspended",
    "set-aside": "say that a court set an order aside",
    "reinstate": "put an order back in force",
    "revoke": "take an order back",
    "discharge": "say that nothing more is required under an order",
}

COMMANDS: dict[tuple[str, ...], Command] = {
    ("serve",): Command(
        "ledger.cli_serve", "run the service, with a Postgres of its own unless one is given"
    ),
    ("keygen",): Command("ledger.cli_keygen", "make a signing, witness or blinding key"),
    ("log", "create"): Command(
        "ledger.cli_log", "make a log's keys and its first entry", "add_create_arguments", "create"
    ),
    ("log", "show"): Command(
        "ledger.cli_log", "show a log's checkpoint and size", "add_show_arguments", "show"
    ),
    ("log", "events"): Command(
        "ledger.cli_log_events", "list what was posted to a log, or what is about one record"
    ),
    ("log", "publish"): Command(
        "ledger.cli_mirror", "write a log's tree for a plain web server", "add_publish_arguments", "publish"
    ),
    ("key", "register"): Command(
        "ledger.cli_key", "let a key post in a role", "add_register_arguments", "register"
    ),
    ("key", "revoke"): Command("ledger.cli_key", "end a key's validity", "add_revoke_arguments", "revoke"),
    ("token", "create"): Command(
        "ledger.cli_token", "make a bearer token and print its secret once", "add_create_arguments", "create"
    ),
    ("blind",): Command("ledger.cli_blind", "turn native ids into handles, one a line"),
    ("post",): Command("ledger.cli_post", "sign the events of a file and post them"),
    ("inventory",): Command("ledger.cli_inventory", "count what is really in a store, and attest to it"),
    ("reconcile",): Command("ledger.cli_reconcile", "name what differs between a store and the ledger"),
    ("probe",): Command("ledger.cli_probe", "look in a store for what an order had erased there"),
    ("outbox",): Command("ledger.cli_outbox", "keep events until the log has them, and send them"),
    ("order", "new"): Command(
        "ledger.cli_order_new", "write an order from a template", "add_new_arguments", "new"
    ),
    ("order", "check"): Command(
        "ledger.cli_order_new",
        "explain an order in plain sentences before it is signed",
        "add_check_arguments",
        "check",
    ),
    ("order", "issue"): Command(
        "ledger.cli_order",
        "sign an order with the authority's key and post it",
        "add_issue_arguments",
        "issue",
    ),
    ("order", "vary"): Command(
        "ledger.cli_order_life", "post a higher version of an order", "add_vary_arguments", "vary"
    ),
    **{
        ("order", word): Command("ledger.cli_order_life", summary, "add_turn_arguments", "turn")
        for word, summary in ORDER_TURNS.items()
    },
    ("order", "exempt"): Command(
        "ledger.cli_order_life",
        "leave records, or a class of data, out of an obligation",
        "add_exempt_arguments",
        "exempt",
    ),
    ("hold", "place"): Command(
        "ledger.cli_order_life", "have records kept in spite of an order", "add_place_arguments", "place"
    ),
    ("hold", "release"): Command(
        "ledger.cli_order_life", "end a hold before its day", "add_release_arguments", "release"
    ),
    ("status",): Command("ledger.cli_status", "show an order's verdict and what stands behind it"),
    ("timeline",): Command("ledger.cli_timeline", "show when an order's verdict changed, and why"),
    ("rules",): Command("ledger.cli_rules", "list the rules that verdicts name, each in a sentence"),
    ("questions",): Command(
        "ledger.cli_questions", "show what a log says on matters of law, beside its orders"
    ),
    ("export",): Command("ledger.cli_export", "write the evidence bundle of an order, or of one record"),
    ("verify",): Command("projections.runners.verify", "check an evidence bundle, offline"),
    ("verifier",): Command("ledger.cli_verifier", "print the page that checks a bundle in a browser"),
    ("replay",): Command("projections.runners.replay_command", "check a whole log and fold it again"),
    ("mirror",): Command(
        "ledger.cli_mirror", "copy a log, keeping only what is proved", "add_mirror_arguments", "mirror"
    ),
    ("watch",): Command("ledger.cli_watch", "follow the checkpoints of many logs, and raise alarms"),
    ("fork",): Command("ledger.cli_fork", "check the evidence that a log forked, offline"),
    ("attest",): Command("ledger.cli_attest", "replay a log and sign the statement that it gives"),
    ("sample",): Command("ledger.cli_sample", "draw from what an order erased, and look for it in the store"),
    ("redraw",): Command(
        "ledger.cli_sample", "draw a sample again, and check it", "add_redraw_arguments", "redraw"
    ),
    ("vault", "keep"): Command(
        "ledger.cli_vault", "keep evidence where it can be erased", "add_keep_arguments", "keep"
    ),
    ("vault", "show"): Command(
        "ledger.cli_vault", "take a piece of evidence out, with its salt", "add_show_arguments", "show"
    ),
    ("vault", "erase"): Command(
        "ledger.cli_vault", "erase evidence for good, and say so in the log", "add_erase_arguments", "erase"
    ),
    ("vault", "list"): Command(
        "ledger.cli_vault", "list what is kept, and what was erased", "add_list_arguments", "list_pieces"
    ),
    ("witness",): Command("ledger.cli_witness", "cosign the checkpoints of logs"),
    ("events",): Command("ledger.cli_events", "list the event types, their schemas and examples"),
    ("demo",): Command("ledger.demo", "play one real case from order to proof"),
}

GROUPS = {"log": "make or read a log", "key": "register or revoke keys", "token": "create bearer tokens",
          "order": "write, check, issue and move orders",
          "hold": "have records kept, or no longer",
          "vault": "keep evidence outside the log, where it can be erased"}  # fmt: skip


class WrongUsage(Exception):
    """A line of words that the parser of a command does not take."""

    def __init__(self, parser: argparse.ArgumentParser, what: str) -> None:
        super().__init__(what)
        self._parser = parser

    def as_prose(self) -> str:
        """As argparse says it: the usage, then what is wrong. Who names no command is shown all."""
        shown = self._parser.format_help() if str(self).endswith(NO_COMMAND) else self._parser.format_usage()
        return f"{shown}{self._parser.prog}: error: {self}"

    def as_json(self) -> str:
        """One line, like every other failure."""
        remedy = f"see {self._parser.prog} --help"
        return json.dumps({"error": str(self), "kind": "Misuse", "remedy": remedy})


class Parser(argparse.ArgumentParser):
    """A parser that leaves it to `main` how wrong usage is told."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, instead of printing it."""
        raise WrongUsage(self, message)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand and return its exit code; expected failures are one line on stderr."""
    words = list(sys.argv[1:] if argv is None else argv)
    chosen = chosen_command(words)
    try:
        arguments = build_parser(chosen).parse_args(words)
    except WrongUsage as error:
        print(error.as_json() if asks_for_json(words) else error.as_prose(), file=sys.stderr)
        return EXIT_USAGE
    command = COMMANDS[chosen] if chosen else None
    assert command is not None, "the parser refuses a line without a subcommand"
    try:
        code: int = getattr(import_module(command.module), command.run)(arguments)
        # Flushed here, so that a closed pipe is met where it is handled.
        sys.stdout.flush()
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader (`head`, say) has seen enough. Python would complain once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except Exception as error:
        met = as_expected(error)
        if met is None:
            raise
        print(error_line(met, as_json=arguments.json), file=sys.stderr)
        return exit_code(met)
    return code


def chosen_command(words: Sequence[str]) -> tuple[str, ...] | None:
    """The subcommand that a line of words begins with, or None (for `--help`, a group alone, a mistake)."""
    return next((tuple(words[:n]) for n in (1, 2) if tuple(words[:n]) in COMMANDS), None)


def asks_for_json(words: Sequence[str]) -> bool:
    """Whether a line that the parser could not take asks for JSON. Argparse takes `--js` for it too."""
    options = words[: words.index("--")] if "--" in words else words
    return any(len(word) > 2 and "--json".startswith(word) for word in options)


def build_parser(chosen: tuple[str, ...] | None) -> argparse.ArgumentParser:
    """The parser of all subcommands, with the arguments of the chosen one: only its module is imported."""
    parser = Parser(
        prog="writ", description="A ledger of orders about personal data and of what was done about them."
    )
    parser.add_argument("--version", action="version", version=f"writ {_version()}")
    top = parser.add_subparsers(metavar="COMMAND", required=True)
    groups: dict[str, argparse._SubParsersAction[Parser]] = {}
    for words, command in COMMANDS.items():
        if len(words) == 2 and words[0] not in groups:
            group = top.add_parser(words[0], help=GROUPS[words[0]], description=GROUPS[words[0]])
            groups[words[0]] = group.add_subparsers(metavar="COMMAND", required=True)
        place = groups[words[0]] if len(words) == 2 else top
        child = place.add_parser(words[-1], help=command.summary, description=command.summary)
        if words == chosen:
            _declare(child, command)
    return parser


def error_line(error: Exception, *, as_json: bool) -> str:
    """What is wrong and the remedy, as one line of prose or of JSON."""
    what = " ".join(_words_of(error).split()) or type(error).__name__
    remedy = " ".join(getattr(error, "remedy", "").split())
    if as_json:
        return json.dumps({"error": what, "kind": type(error).__name__, "remedy": remedy})
    return f"writ: {what}" + (f" — {remedy}" if remedy else "")


def _words_of(error: Exception) -> str:
    """An error as it reads; of the operating system's errors the file and the reason, without the number."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def exit_code(error: Exception) -> int:
    """2 when the command line itself is at fault, otherwise 1."""
    from ledger.failure import Misuse

    return EXIT_USAGE if isinstance(error, Misuse) else EXIT_FAILED


def as_expected(error: Exception) -> Exception | None:
    """The error as people are to read it: bad input, a false proof, a refused connection. None for a bug."""
    from ledger.failure import Failure
    from signing.errors import FormatError, MissingPackage, ProofError

    if isinstance(error, ModuleNotFoundError) and not str(error.name).startswith(OURS):
        needed = f"this command needs {error.name}, which is not installed"
        return Failure(needed, "install the service's packages: pip install 'writ[server]'")
    return error if isinstance(error, Failure | FormatError | ProofError | MissingPackage | OSError) else None


def _declare(parser: argparse.ArgumentParser, command: Command) -> None:
    # A command may word its own --json; the later declaration wins.
    parser.conflict_handler = "resolve"
    parser.add_argument("--json", action="store_true", help="print JSON instead of prose")
    getattr(import_module(command.module), command.arguments)(parser)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("writ")
    except PackageNotFoundError:
        return "from a source tree"


if __name__ == "__main__":
    sys.exit(main())
