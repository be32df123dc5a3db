"""`writ events`: the event types, their schemas and examples."""

import argparse
import inspect
import json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ events`."""
    parser.add_argument("type", nargs="?", metavar="TYPE", help="such as writ.data.held.v1, or data.held")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--schema", action="store_true", help="print its JSON Schema")
    what.add_argument("--example", action="store_true", help="print an example, as it would be posted")


def run(args: argparse.Namespace) -> int:
    """List the types, or describe one."""
    from projections.events import EVENT_TYPES

    if args.type is None:
        return _list(args)
    from ledger.failure import Failure

    name = args.type if args.type in EVENT_TYPES else f"writ.{args.type}.v1"
    if name not in EVENT_TYPES:
        raise Failure(f"{args.type} is no type of event", "`writ events` lists them")
    return _describe(args, name)


def _list(args: argparse.Namespace) -> int:
    from projections.events import EVENT_TYPES
    from projections.roles import ROLES

    rows = [(name, _summary(data), sorted(ROLES[name])) for name, data in EVENT_TYPES.items()]
    if args.json:
        print(json.dumps([{"type": name, "summary": text, "roles": roles} for name, text, roles in rows]))
        return 0
    width = max(len(name) for name in EVENT_TYPES)
    for name, text, roles in rows:
        print(f"{name:{width}}  {text}")
        print(f"{'':{width}}  posted by: {', '.join(roles)}")
    return 0


def _describe(args: argparse.Namespace, name: str) -> int:
    from projections.events import EVENT_TYPES, encode_event
    from projections.examples import EXAMPLES
    from projections.schema import json_schema

    example = encode_event(EXAMPLES[name]).decode()
    schema = json.dumps(json_schema(name), indent=None if args.json else 2)
    if args.example or args.schema:
        print(example if args.example else schema)
    elif args.json:
        print(json.dumps({"type": name, "schema": json_schema(name), "example": json.loads(example)}))
    else:
        print(f"{name}\n\n{inspect.getdoc(EVENT_TYPES[name])}\n\nExample:\n{example}\n\nSchema:\n{schema}")
    return 0


def _summary(data: type) -> str:
    return (inspect.getdoc(data) or "").split("\n")[0].rstrip(".:")
