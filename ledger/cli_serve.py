"""`writ serve`: run the service. With an empty data folder it makes everything that it needs."""

import argparse
import json
import os
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ledger.config import Config
    from ledger.service import Service


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `writ serve`; what is left out is read from the environment."""
    parser.add_argument("--data", metavar="DIR", help="keys, released checkpoints, own Postgres (WRIT_DATA)")
    parser.add_argument(
        "--database", metavar="URL", help="an existing database, service login (WRIT_DATABASE)"
    )
    parser.add_argument(
        "--migrate-database",
        metavar="URL",
        help="the same database, its owner's login (WRIT_MIGRATE_DATABASE)",
    )
    parser.add_argument("--policy", metavar="FILE", help="the witnesses, as tlog-policy (WRIT_POLICY)")
    parser.add_argument(
        "--timestamp-url",
        action="append",
        metavar="URL",
        help="an RFC 3161 authority, asked beside the witnesses; may be repeated (WRIT_TIMESTAMP_URLS)",
    )
    parser.add_argument(
        "--without-quorum",
        metavar="go-on|stop",
        help="while too few witnesses cosign: go on, the default, or take nothing in (WRIT_WITHOUT_QUORUM)",
    )
    parser.add_argument("--host", help="where to listen (WRIT_HOST, 127.0.0.1)")
    parser.add_argument("--port", help="0 for any free one (WRIT_PORT, 8321)")


def run(args: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM."""
    import asyncpg

    from ledger.app import serve
    from ledger.failure import Failure

    config = _config(args)
    try:
        serve(config, lambda service: _announce(service, args))
    except (ConnectionRefusedError, socket.gaierror, asyncpg.PostgresError) as error:
        if config.database is None:
            raise
        raise Failure(
            f"the database that --database and --migrate-database name can't be used: {error}",
            "see that it runs and takes both logins, or leave both out for a Postgres of its own",
        ) from error
    return 0


def _config(args: argparse.Namespace) -> "Config":
    from ledger.config import ConfigError, Flags, read_config
    from ledger.failure import Misuse

    flags = Flags(
        data=args.data,
        database=args.database,
        migrate_database=args.migrate_database,
        policy=args.policy,
        timestamp_urls=None if args.timestamp_url is None else " ".join(args.timestamp_url),
        host=args.host,
        port=args.port,
        without_quorum=args.without_quorum,
    )
    try:
        config = read_config(flags, os.environ)
        # Asked here, before Postgres is started for nothing.
        socket.getaddrinfo(config.host, config.port)
    except ConfigError as error:
        raise Misuse(str(error)) from error
    except socket.gaierror as error:
        given = args.host or os.environ.get("WRIT_HOST", "")
        raise Misuse(f"--host (WRIT_HOST): {given!r} is not a host: {error.strerror}") from error
    return config


def _announce(service: "Service", args: argparse.Namespace) -> None:
    """Say where the service answers, and what to do next."""
    from signing.keys import format_vkey

    logs = {log.name: format_vkey(log.keys.log.verifier) for log in service.logs.values()}
    if args.json:
        value = {"url": service.url, "administrator_key": service.admin_key_path, "logs": logs}
        print(json.dumps(value), flush=True)
        return
    print(f"writ serves at {service.url}")
    print(f"administrator's key: {service.admin_key_path}")
    for name, vkey in logs.items():
        print(f"log {name}: {vkey}")
    if not logs:
        print("next, in another terminal:")
        url = f" --url {service.url}"
        key = f" --key {service.admin_key_path}"
        print(f"  writ log create ledger.example/clearview --controller clearview{url}{key}")
    print(end="", flush=True)
