"""The page on HTTP lists every route of the service, and each of its examples is asked for."""

import re
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from yarl import URL

from ledger.app import ROUTES
from ledger.config import Database
from ledger.export import Exports
from ledger.orders import Orders
from ledger.projector import Projector
from ledger.questions import Questions
from tests.ledger.lab import Lab, running_lab
from tests.ledger.test_export import begin

PAGE = (Path(__file__).parents[2] / "docs" / "spec" / "http.md").read_text()
EXAMPLES = re.findall(r"^(GET|POST) +(/\S+) +(administrator|posters|public|readers) ", PAGE, re.MULTILINE)
SECRET = "9" * 64


async def test_every_route_is_on_the_page(database: Database, tmp_path: Path) -> None:
    async with running_lab(database, tmp_path) as lab:
        assert lab.service.anchors is not None
        projector = Projector(database.service_dsn, "0" * 64)
        orders = Orders(lab.service, projector)
        parts = [*ROUTES, *lab.service.anchors.routes, *orders.routes, *Questions(projector).routes]
        parts += Exports(lab.service, projector).routes
        projector.close()
    application = web.Application()
    application.add_routes(parts)
    found = set()
    for method, path, _ in EXAMPLES:
        match = await application.router.resolve(make_mocked_request(method, path))
        assert match.http_exception is None, path
        assert match.route.resource is not None
        found.add((method, match.route.resource.canonical))
    assert found == {(route.method, re.sub(r":[^}]+}", "}", route.path)) for route in parts}


async def ask(lab: Lab, method: str, path: str, secret: str | None) -> int:
    headers = {} if secret is None else {"Authorization": f"Bearer {secret}"}
    url = URL(lab.service.url + path, encoded=True)
    async with lab.session.request(
        method, url, headers=headers, data=b"x" if method == "POST" else None
    ) as got:
        await got.read()
        return got.status


async def test_the_examples_are_answered_to_whom_the_page_says(database: Database, tmp_path: Path) -> None:
    async with running_lab(database, tmp_path, public_reading=False) as lab:
        case = await begin(lab)
        await lab.register_token("reader.example", SECRET, role="reader")
        await lab.post(case.crawler, case.crawler.events(300))
        for method, path, who in EXAMPLES:
            without, bearing = [await ask(lab, method, path, secret) for secret in (None, SECRET)]
            if who == "public":
                assert (without, bearing) == (200, 200), path
            elif "/statements/" in path:
                assert (without, bearing) == (401, 404), "nobody has attested one"
            elif method == "GET":
                assert (without, bearing) == (401, 200), path
            elif who == "readers":
                assert (without, bearing) == (401, 503), "no witness is configured"
            else:
                assert without in (400, 401), path
