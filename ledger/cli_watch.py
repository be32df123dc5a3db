"""`writ watch`: follow the checkpoints of many logs, keep them for ever, and raise alarms."""

import argparse
import json
import shlex
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ledger.follow_cosigning import Cosigner
    from ledger.follow_memory import Alarm
    from ledger.follow_round import Follower, Round

EXIT_ALARM = 3
COMMAND_TIMEOUT_S = 60.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ watch`."""
    parser.description = (
        "Follow the checkpoints of many logs: verify that each continues the one before, keep them for ever, "
        "and raise an alarm on a fork, a rollback, a log that stands still and a missed deadline."
    )
    parser.add_argument("--config", required=True, metavar="FILE", help="which logs (TOML; docs/mirror.md)")
    parser.add_argument("--data", default="writ-watch", metavar="DIR", help="where everything is kept")
    parser.add_argument("--key", metavar="FILE", help="a witness's key: what was proved is cosigned")
    parser.add_argument(
        "--on-alarm", metavar="CMD", help="a command that gets each alarm as a line of JSON on its input"
    )
    parser.add_argument(
        "--once", action="store_true", help="look once, and end with 3 when an alarm stands: for cron"
    )


def run(args: argparse.Namespace) -> int:
    """Look once, or until a signal comes."""
    from ledger.failure import Misuse
    from ledger.follow_config import read_config
    from ledger.follow_round import following
    from signing.errors import FormatError

    path = Path(args.config)
    try:
        config = read_config(path)
    except (OSError, FormatError) as error:
        why = error.strerror if isinstance(error, OSError) else None
        raise Misuse(f"{path}: {why or error}", "docs/mirror.md shows such a file") from error
    data = Path(args.data)
    with following(config, path.resolve().parent, data, _cosigner(args, data)) as follower:
        if args.once:
            return _look_once(args, follower)
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        troubles: dict[str, str] = {}
        while not stop.is_set():
            result = follower.round(int(time.time()))
            _tell(args, follower, result)
            _grumble(result, troubles)
            stop.wait(config.every_s)
    return 0


def _cosigner(args: argparse.Namespace, data: Path) -> "Cosigner | None":
    if not args.key:
        return None
    from ledger.follow_cosigning import Cosigner
    from ledger.keyfiles import read_key

    return Cosigner(data, read_key(Path(args.key)))


def _look_once(args: argparse.Namespace, follower: "Follower") -> int:
    """One round, told whole: each log and each alarm that stands, new or not."""
    result = follower.round(int(time.time()))
    told = _tell(args, follower, result)
    standing = follower.memory.standing()
    for alarm in standing:
        if alarm.number not in told:
            _say(args, "stands", alarm)
    if not args.json:
        for seen in result.logs:
            size = "not seen" if seen.size is None else f"{seen.size:,} entries"
            print(f"{seen.origin}: {size}" + (f" ({seen.trouble})" if seen.trouble else ""))
        print(_count(len(standing)))
    return EXIT_ALARM if standing else 0


def _grumble(result: "Round", troubles: dict[str, str]) -> None:
    """Say on standard error why a log could not be looked at, once: it is no alarm until the log is stale."""
    for seen in result.logs:
        if seen.trouble and troubles.get(seen.origin) != seen.trouble:
            print(f"writ watch: {seen.origin}: {seen.trouble}", file=sys.stderr, flush=True)
        troubles[seen.origin] = seen.trouble


def _count(alarms: int) -> str:
    return "no alarm stands" if not alarms else "1 alarm stands" if alarms == 1 else f"{alarms} alarms stand"


def _tell(args: argparse.Namespace, follower: "Follower", result: "Round") -> set[int]:
    """Say what is new. An alarm counts as told once the command has taken it: until then it is told again."""
    told = set()
    for alarm in follower.memory.untold():
        _say(args, "raised", alarm)
        told.add(alarm.number)
        if _hand_over(args, "raised", alarm):
            follower.memory.tell(alarm)
    for alarm in result.cleared:
        _say(args, "cleared", alarm)
        _hand_over(args, "cleared", alarm)
    return told


def _say(args: argparse.Namespace, state: str, alarm: "Alarm") -> None:
    if args.json:
        print(_line(state, alarm), flush=True)
    else:
        print(f"{_time(alarm.since_s)} {state} {alarm.kind}: {alarm.log}: {alarm.what}", flush=True)


def _hand_over(args: argparse.Namespace, state: str, alarm: "Alarm") -> bool:
    """Whether the command took an alarm, or there is none."""
    if not args.on_alarm:
        return True
    try:
        subprocess.run(
            shlex.split(args.on_alarm), input=_line(state, alarm) + "\n", text=True,
            timeout=COMMAND_TIMEOUT_S, check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        print(f"writ watch: the command did not take an alarm: {error}", file=sys.stderr, flush=True)
        return False
    return True


def _line(state: str, alarm: "Alarm") -> str:
    value = {
        "state": state, "kind": alarm.kind, "log": alarm.log, "subject": alarm.subject, "what": alarm.what,
        "evidence": alarm.evidence, "since": _time(alarm.since_s),
    }  # fmt: skip
    return json.dumps(value)


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
