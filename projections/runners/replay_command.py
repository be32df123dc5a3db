"""`writ replay`: check a whole log and fold it again: a bundle, a directory of tiles, or a log's URL."""

import argparse
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import msgspec
from msgspec import Struct

from projections.docket import IssuedOrder
from projections.finding import Verdict
from projections.moments import first_second
from projections.runners import resume_option, wording
from projections.runners.asking import AnswerPage, page_of
from projections.runners.asking import lines as question_lines
from projections.runners.offline import Replayed, replay
from projections.runners.outcome import NOT_SOUND
from projections.runners.progress import progress_bar
from projections.runners.restating import (
    Brought,
    end_of,
    reach,
    read_statement,
    replay_to,
    state_end,
    state_order,
)
from projections.runners.resuming import Resuming, told
from projections.runners.rules import rules_hash
from projections.runners.shelf import MOST_HELD
from projections.runners.source import DirectorySource, Missing, Source, ZipSource, open_source
from projections.runners.usage import UsageError, tell
from projections.runners.width import fitted
from projections.standing import QUESTIONS, ask, view_of
from projections.statement import Projection, format_statement
from projections.stating import find_order
from projections.vocabulary import Moment
from signing.checkpoint import verify_checkpoint
from signing.encoding import encode_base64
from signing.errors import FormatError, MissingPackage, ProofError
from signing.keys import parse_vkey


class OrderResult(Struct, frozen=True):
    """An order, judged as of the log's last entry; `provisional` where no witness vouches for it."""

    id: str
    version: int
    entry: int
    signed_by: str | None
    as_of: int
    provisional: bool
    verdict: Verdict
    headline: str


class StatementResult(Struct, frozen=True):
    """The statement that this log gives on an order: its note's text, and the file that says the same."""

    order: str
    text: str
    file: str | None = None


class Result(Struct, frozen=True, kw_only=True):
    """What a whole log amounts to. `log_vkey` is what the log itself says: believe it on no other ground."""

    sound: bool = True
    origin: str
    size: int
    root: str
    log_vkey: str
    submissions: int
    events: int
    sources: int
    rules: str
    states: tuple[Projection, ...]
    repeats: tuple[tuple[int, int], ...]
    orders: tuple[OrderResult, ...]
    questions: tuple[AnswerPage, ...]
    seconds: float
    statement: StatementResult | None = None
    resumed: int = 0
    """So many entries, from the first on, earlier runs have checked, by the word of --resume's folder."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ replay`."""
    parser.add_argument("source", metavar="SOURCE", help="a bundle, a directory of tiles, or a log's URL")
    stated = parser.add_mutually_exclusive_group()
    stated.add_argument(
        "--statement",
        type=Path,
        metavar="FILE",
        help="a statement, or a bundle with one, which the log must give byte for byte",
    )
    stated.add_argument("--order", metavar="ID", help="write the statement on an order, as of the log's end")
    parser.add_argument("--questions", action="store_true", help="answer the standing questions too")
    parser.add_argument(
        "--as-of",
        type=_moment,
        metavar="TIME",
        help="the moment that questions and --order ask about (default: when the log ends)",
    )
    resume_option.add_argument(parser)
    parser.add_argument("--token", metavar="SECRET", help="a reader's bearer token, where a URL needs one")


def run(args: argparse.Namespace) -> int:
    """Replay the source and print what its log amounts to."""
    with ExitStack() as opened:
        resuming = opened.enter_context(resume_option.resuming(args, "replay"))
        try:
            source = opened.enter_context(closing(open_source(args.source, args.token)))
            _require_a_log(source, args.source)
            result = _replayed(source, args, resuming)
        except (ProofError, FormatError) as error:
            failed = {"sound": False, "failure": str(error)}
            print(msgspec.json.encode(failed).decode() if args.json else fitted(f"NOT SOUND: {error}"))
            return NOT_SOUND
        except OSError as error:
            return _unreadable(args, error)
        except MissingPackage as error:
            what = f"{args.source}: {error}"
            return tell("replay", error, what, error.remedy, as_json=args.json)
        except UsageError as error:
            return tell("replay", error, str(error), error.remedy, as_json=args.json)
        print(msgspec.json.encode(result).decode() if args.json else fitted(prose(result)), flush=True)
        # Only now: a kill before this loses nothing that was found out.
        if resuming is not None:
            resuming.remove()
    return 0


def _replayed(source: Source, args: argparse.Namespace, resuming: Resuming | None) -> Result:
    began_s = time.monotonic()
    brought = None if args.statement is None else _brought(args.statement)
    replayed = _replay(source, brought, resuming)
    # The log's own key, as its first entry names it: the log agrees with itself, no more can be said.
    verify_checkpoint(replayed.note, parse_vkey(replayed.audit.registry.log.log_vkey))
    stated = _state(replayed, brought, args)
    questions = _ask(replayed, args.as_of) if args.questions else ()
    return _result(replayed, questions, stated, time.monotonic() - began_s)


def prose(result: Result) -> str:
    """The result in words."""
    lines = [
        f"{result.origin}: {result.size:,} entries, {result.submissions:,} submissions, "
        f"{result.events:,} events of {result.sources:,} source logs",
        f"  root     {result.root}",
        f"  log key  {result.log_vkey}, which the log itself names",
        f"  rules    {result.rules}",
    ]
    lines += [f"  resumed  {told(result.resumed)}"] if result.resumed else []
    lines += [
        f"  state    {one.name} {one.version}: {one.rows:,} rows, {one.digest}" for one in result.states
    ]
    lines += [
        f"  repeated entry {again}: the source and id of entry {first}" for first, again in result.repeats
    ]
    for one in result.orders:
        as_of = wording.moment(one.as_of) + (", provisional" if one.provisional else "")
        lines += [
            f"  order    {one.id} version {one.version}, entry {one.entry}, signed by {one.signed_by}",
            f"           as of {as_of}: {one.headline}",
        ]
    for page in result.questions:
        lines += ["", *question_lines(page)]
    lines += [""] if result.questions else []
    if result.statement is not None:
        lines += _statement_lines(result.statement)
    lines.append(f"Every hash, link, root, signature, key and role holds ({result.seconds} s).")
    return "\n".join(lines)


def _statement_lines(stated: StatementResult) -> list[str]:
    if stated.file is not None:
        return [f"  {stated.file}: the statement on {stated.order} is what this log gives, byte for byte"]
    return ["", stated.text]


def _require_a_log(source: Source, named: str) -> None:
    """What holds no log says nothing against one."""
    if isinstance(source, DirectorySource) and not source.has("checkpoint"):
        what = f"{named}: there is no log here: a directory of tiles has a file named checkpoint"
        raise UsageError(what, "name a bundle, a directory of tiles, or a log's URL")
    if isinstance(source, ZipSource) and not any(name.startswith("tile/") for name in source.paths):
        what = f"{named}: this bundle proves single entries, and does not hold the log"
        raise UsageError(what, "ask for the full bundle, or check this one with writ verify")


def _brought(path: Path) -> Brought:
    try:
        return read_statement(path)
    except Missing as error:
        raise UsageError(f"--statement {path}: {error}", "give a statement, or a bundle with one") from error
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from error


def _require_order(replayed: Replayed, order: str) -> None:
    known = sorted({one.order.id for one in replayed.fold.docket.orders})
    if order not in known:
        here = f"its orders: {', '.join(known)}" if known else "it has none"
        raise UsageError(f"--order: there is no order {order} in this log", here)


def _replay(source: Source, brought: Brought | None, resuming: Resuming | None) -> Replayed:
    progress = progress_bar("replaying")
    if brought is not None:
        return replay_to(source, brought, progress, resuming)
    return replay(source, progress=progress, most_held=MOST_HELD, resuming=resuming)


def _state(replayed: Replayed, brought: Brought | None, args: argparse.Namespace) -> StatementResult | None:
    """The statement brought, reached again; or that on the order asked for."""
    if brought is not None:
        statement = reach(replayed, brought, None).stated.statement
        return StatementResult(statement.order.id, format_statement(statement), str(args.statement))
    if args.order is None:
        return None
    _require_order(replayed, args.order)
    statement = state_order(replayed, args.order, None, args.as_of).stated.statement
    return StatementResult(args.order, format_statement(statement))


def _unreadable(args: argparse.Namespace, error: OSError) -> int:
    """Say that there was nothing to judge: a source that can't be read is not an unsound log."""
    what = f"{error.filename or args.source}: {getattr(error, 'reason', None) or error.strerror or error}"
    return tell("replay", error, what, "see that it is there, and may be read", as_json=args.json)


def _result(
    replayed: Replayed,
    questions: tuple[AnswerPage, ...],
    stated: StatementResult | None,
    took_s: float,
) -> Result:
    checkpoint, fold = replayed.audited.checkpoint, replayed.fold
    return Result(
        origin=checkpoint.origin,
        size=checkpoint.size,
        root=encode_base64(checkpoint.root),
        log_vkey=replayed.audit.registry.log.log_vkey,
        submissions=replayed.audited.submissions,
        events=replayed.audited.events,
        sources=len(replayed.audited.sources),
        rules=rules_hash(),
        states=tuple(
            Projection(encode_base64(one.digest), one.name, one.rows, one.version) for one in fold.digests()
        ),
        repeats=tuple(replayed.repeats),
        orders=tuple(_judge(replayed, one, end_of(replayed)) for one in _governing(replayed)),
        questions=questions,
        statement=stated,
        seconds=round(took_s, 3),
        resumed=replayed.begun,
    )


def _ask(replayed: Replayed, as_of: int | None) -> tuple[AnswerPage, ...]:
    """The standing questions over the entries recorded by a moment, as the service answers them."""
    moment = end_of(replayed) if as_of is None else as_of
    view = view_of(replayed.fold, as_of=moment, size=replayed.recorded_by(moment))
    return tuple(page_of(ask(view, name)) for name in QUESTIONS)


def _moment(text: str) -> int:
    try:
        return first_second(msgspec.convert(text, Moment))
    except ValueError:
        problem = f"{text[:40]!r} is no time: write it as 2026-12-24T00:00:00Z or 2026-12-24"
        raise argparse.ArgumentTypeError(problem) from None


def _governing(replayed: Replayed) -> Iterator[IssuedOrder]:
    """Of each order, by id and key, the version that governs when the last entry was recorded."""
    fold = replayed.fold
    named = ((one.order.id, fold.docket.posters[one.by].vkey) for one in fold.docket.orders)
    for order_id, vkey in dict.fromkeys(named):
        found = find_order(fold, order_id, None, vkey, as_of=end_of(replayed))
        assert found is not None, "its id and key come from the docket"
        yield found


def _judge(replayed: Replayed, issued: IssuedOrder, as_of: int) -> OrderResult:
    stated, vouched = state_end(replayed, issued, as_of, states=())
    return OrderResult(
        id=issued.order.id,
        version=issued.order.version,
        entry=issued.index,
        signed_by=replayed.fold.docket.posters[issued.by].vkey,
        as_of=as_of,
        provisional=not vouched,
        verdict=stated.judgment.verdict,
        headline=wording.headline(stated.statement),
    )
