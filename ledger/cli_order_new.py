"""`writ order new` and `writ order check`: an order is written from a template and explained before it is
signed."""

import argparse
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from ledger import cli_connect as connect
from ledger.cli_review import paragraphs, wrapped

if TYPE_CHECKING:
    from ledger.order_templates import Template
    from projections.order import Order

# What may be added later by hand, and what it means that it is not there.
_ASKED = {
    "witness": "--witness LINE: without witnesses no time can be proved",
    "assessor": "--assessor VKEY: without assessors nobody's look counts for more than the controller's word",
    "instrument": "--instrument FILE: the hash of the signed notice is still all zeros",
}


def add_new_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ order new`."""
    parser.add_argument("--template", metavar="NAME", help="the order to begin from (without: list them)")
    parser.add_argument("-o", "--output", metavar="FILE", help="where to write it (default: print it)")
    parser.add_argument("--authority", metavar="NAME", help="the name of the authority's key")
    parser.add_argument("--log", metavar="VKEY", help="the log's verifier key")
    parser.add_argument("--controller", metavar="ID", help="the controller's id (default: the template's)")
    parser.add_argument(
        "--assessor", metavar="VKEY", action="append", default=[], help="an assessor's key; may be repeated"
    )
    parser.add_argument(
        "--assessors-needed",
        metavar="N",
        type=int,
        help="how many of them must sign a statement that comes without the log (default: one)",
    )
    parser.add_argument(
        "--witness",
        metavar="LINE",
        action="append",
        default=[],
        help="a witness's key, or a line of a tlog-policy; may be repeated (default quorum: more than half)",
    )
    parser.add_argument(
        "--timestamp-root",
        metavar="FILE",
        action="append",
        default=[],
        help="a time-stamp authority's root certificate, PEM or DER; may be repeated",
    )
    parser.add_argument("--instrument", metavar="FILE", help="the signed notice, whose SHA-256 is written")


def new(args: argparse.Namespace) -> int:
    """Write an order from a template, or list the templates."""
    from ledger import order_templates as templates
    from ledger.failure import Failure

    if args.template is None:
        return _list(args, [templates.read(name) for name in templates.names()])
    if args.template not in templates.names():
        raise Failure(f"{args.template} is no template", f"there are {', '.join(templates.names())}")
    template = templates.read(args.template)
    _check_given(args)
    for option, vkey in [("--log", args.log), *(("--assessor", one) for one in args.assessor)]:
        connect.read_vkey(option, vkey)
    for one in args.witness:
        if " " not in one:
            connect.read_vkey("--witness", one, foreign=True)
    instrument = (
        hashlib.sha256(Path(args.instrument).read_bytes()).hexdigest()
        if args.instrument
        else templates.NO_INSTRUMENT
    )
    order = templates.fill(
        template,
        templates.Parties(
            authority=args.authority,
            log=args.log,
            assessors=tuple(args.assessor),
            assessors_needed=args.assessors_needed,
            witnesses=tuple(args.witness),
            timestamp_roots=tuple(_certificate(Path(name)) for name in args.timestamp_root),
            controller=args.controller or "",
            instrument_sha256=instrument,
        ),
    )
    return _write(args, template, order)


def add_check_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ order check`."""
    parser.add_argument("file", metavar="FILE.json", help="the order, before it is signed")


def check(args: argparse.Namespace) -> int:
    """Explain an order in plain sentences. Ends with 1 when it holds a mistake, not merely a remark."""
    import msgspec

    from ledger.explaining import explain
    from ledger.reviewing import review
    from projections.order import order_hash, parse_order

    order = parse_order(Path(args.file).read_bytes())
    concerns = review(order)
    if args.json:
        value = {
            "order": order.id,
            "version": order.version,
            "order_sha256": order_hash(order).hex(),
            "sentences": explain(order),
            "concerns": msgspec.to_builtins(concerns),
        }
        print(json.dumps(value))
    else:
        for sentence in explain(order):
            print(wrapped(sentence))
            print()
        for paragraph in paragraphs(concerns):
            print(paragraph)
        print(f"SHA-256 of the order  {order_hash(order).hex()}")
    return 1 if any(one.grave for one in concerns) else 0


def _certificate(path: Path) -> bytes:
    """The DER of a certificate's file; whether it is a root, `writ order check` says."""
    import ssl

    from ledger.failure import Misuse

    raw = path.read_bytes()
    if not raw.startswith(b"-----"):
        return raw
    try:
        return ssl.PEM_cert_to_DER_cert(raw.decode())
    except ValueError as error:
        raise Misuse(f"--timestamp-root {path}: {error}", "give one certificate, PEM or DER") from error


def _check_given(args: argparse.Namespace) -> None:
    """Say all that is missing at once; without a log and an authority there is no order."""
    from ledger.failure import Misuse

    missing = [
        what
        for given, what in (
            (args.authority, "--authority NAME (the name of the authority's key)"),
            (args.log, "--log VKEY (the log's key, as log create or log show prints it)"),
        )
        if not given
    ]
    if missing:
        later = [said for name, said in _ASKED.items() if not getattr(args, name)]
        wanted = f"; wanted too: {'; '.join(later)}" if later else ""
        raise Misuse(f"{args.template} lacks {' and '.join(missing)}", f"give them{wanted}")


def _write(args: argparse.Namespace, template: "Template", order: "Order") -> int:
    import msgspec

    later = [said for name, said in _ASKED.items() if not getattr(args, name)]
    value = msgspec.to_builtins(order)
    text = json.dumps(value, indent=2) + "\n"
    if args.output is None:
        print(text, end="")
        return 0
    Path(args.output).write_text(text)
    if args.json:
        print(json.dumps({"file": args.output, "order": order.id, "missing": later}))
        return 0
    print(f"{template.title}\n{wrapped(template.about)}\n")
    print(f"{args.output} holds the order {order.id}. Read it with: writ order check {args.output}")
    if later:
        print("\nNot given yet:")
        for one in later:
            print(wrapped(one, "- ", "  "))
    return 0


def _list(args: argparse.Namespace, templates: list["Template"]) -> int:
    if args.json:
        found = [{"name": one.name, "title": one.title, "about": one.about} for one in templates]
        print(json.dumps(found))
        return 0
    for one in templates:
        print(f"{one.name}\n{wrapped(f'{one.title}. {one.about}', '  ', '  ')}")
    print("\nwrit order new --template NAME -o FILE.json --authority NAME --log VKEY … writes one.")
    return 0
