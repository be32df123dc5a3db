"""`writ events`: the event types, their fields, schemas and examples."""

import argparse
import json
import re
import shutil
import sys
import textwrap
from typing import Final

# Without a terminal a row is a line, so that it can be searched.
_UNBROKEN: Final = 10_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ events`."""
    parser.add_argument("type", nargs="?", metavar="TYPE", help="such as writ.data.held.v1, or data.held")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--schema", action="store_true", help="print its JSON Schema; without TYPE all, one a line"
    )
    what.add_argument(
        "--example", action="store_true", help="print an example, as it would be posted; or all"
    )
    what.add_argument("--role", metavar="ROLE", help="list the types that this role may post")


def run(args: argparse.Namespace) -> int:
    """List the types, or describe one."""
    if args.type is None:
        return _list(args)
    return _describe(args, full_name(args.type))


def full_name(given: str) -> str:
    """The type as events bear it, of a name that may be short."""
    from ledger.failure import Failure
    from projections.events import EVENT_TYPES

    name = given if given in EVENT_TYPES else f"writ.{given}.v1"
    if name not in EVENT_TYPES:
        raise Failure(f"{given} is no type of event", "`writ events` lists them")
    return name


def _list(args: argparse.Namespace) -> int:
    from ledger.failure import Failure
    from projections.events import EVENT_TYPES
    from projections.roles import ROLES
    from projections.schema import chapters, summary

    if args.schema or args.example:
        for name in EVENT_TYPES:
            _print_line(args, name)
        return 0
    wanted = [name for name in EVENT_TYPES if args.role is None or args.role in ROLES[name]]
    if not wanted:
        raise Failure(f"{args.role} may post nothing, or is no role", "`writ events TYPE` shows who may")
    if args.json:
        rows = [(name, summary(EVENT_TYPES[name]).rstrip(".:"), sorted(ROLES[name])) for name in wanted]
        print(json.dumps([{"type": name, "summary": text, "roles": roles} for name, text, roles in rows]))
        return 0
    width = max(len(_short(name)) for name in wanted) + 2
    for title, names in chapters().items():
        shown = [name for name in names if name in wanted]
        print(f"{title}:\n" if shown else "", end="")
        for name in shown:
            print(_row(f"  {_short(name)}", summary(EVENT_TYPES[name]), width + 2))
    print("\n`writ events data.held` shows one, writ.data.held.v1; --role ROLE lists what a role may post.")
    return 0


def _describe(args: argparse.Namespace, name: str) -> int:
    from projections.schema import json_schema

    if args.schema and not args.json:
        print(json.dumps(json_schema(name), indent=2))
    elif args.schema or args.example:
        _print_line(args, name)
    elif args.json:
        shown = {"type": name, "schema": json_schema(name), "example": json.loads(_example(name))}
        print(json.dumps(shown))
    else:
        _explain(name)
    return 0


def _print_line(args: argparse.Namespace, name: str) -> None:
    """The schema or the example on one line."""
    from projections.schema import json_schema

    print(json.dumps(json_schema(name)) if args.schema else _example(name))


def _example(name: str) -> str:
    from projections.events import encode_event
    from projections.examples import EXAMPLES

    return encode_event(EXAMPLES[name]).decode()


def _explain(name: str) -> None:
    """What a person wants to know of a type: what it says, who may say it, its fields, and an example."""
    import inspect

    from projections.events import EVENT_TYPES
    from projections.roles import ROLES
    from projections.schema import fields

    print(f"{name}\n\n{inspect.getdoc(EVENT_TYPES[name])}\n\nPosted by: {', '.join(sorted(ROLES[name]))}")
    for part, rows in fields(name).items():
        own = part == EVENT_TYPES[name].__name__
        print("\nFields of `data`, in [brackets] what may be left out:" if own else f"\n{part}:")
        width = max(len(field) for field, _ in rows) + 2
        for field, value in rows:
            print(_row(f"  {_plain(field)}", _plain(value), width))
    print(f"\nExample (its JSON Schema: `writ events {name} --schema`):\n{_example(name)}")


def _short(name: str) -> str:
    """The name as `writ events` takes it too."""
    return name.removeprefix("writ.").removesuffix(".v1")


def _plain(text: str) -> str:
    """A cell of the reference page without its Markdown."""
    return re.sub(r"\[([\w ]+)\]\(#\w+\)", r"\1", text).replace("`", "")


def _row(name: str, text: str, width: int) -> str:
    """A name and its text, broken to the terminal's width."""
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else _UNBROKEN
    return textwrap.fill(
        text,
        max(columns, width + 20),
        initial_indent=f"{name:{width}}",
        subsequent_indent=" " * width,
        break_long_words=False,
        break_on_hyphens=False,
    )
