"""Figures, and the bytes on the wire that they are measured by."""

import asyncio
import io

import pytest
from rich.console import Console

from projections.events import decode_event
from signing.merkle import EMPTY_RANGE, CompactRange
from signing.submission import check_submission
from tests.bench.events import SourceLog, lines
from tests.bench.figures import Figure, quantile, table_of
from tests.bench.growing import found, seal
from tests.bench.page import rewrite
from tests.bench.wire import Answer, Connection, get, post
from tests.ledger.lab import seeded_key


def test_a_figure_is_its_median_and_stands_to_its_target() -> None:
    rate = Figure(name="rate", unit="events/s", samples=[1.0, 9.0, 3.0], target=2.0)
    limit = Figure(name="time", unit="ms", samples=[4.0], target=2.0, at_most=True)

    assert (rate.value, rate.ratio) == (3.0, 1.5)
    assert limit.ratio == 0.5, "twice as slow as it may be"
    assert Figure(name="other", unit="", samples=[1.0]).ratio is None


def test_a_quantile_is_one_of_the_values() -> None:
    values = [float(value) for value in range(1, 101)]

    assert (quantile(values, 0.5), quantile(values, 0.99), quantile(values, 1.0)) == (51.0, 100.0, 100.0)


def test_the_table_shows_what_was_asked_for_and_what_was_found() -> None:
    drawn = io.StringIO()
    figure = Figure(name="signed submissions", unit="events/s", samples=[41_234.0], target=40_000.0)
    Console(file=drawn, width=120).print(table_of([figure], "two cores"))

    assert all(
        word in drawn.getvalue() for word in ("two cores", "≥ 40,000 events/s", "41,234 events/s", "1.03")
    )


def test_the_page_gets_the_figures_of_a_run_and_loses_those_before() -> None:
    figure = {"name": "signed", "unit": "events/s", "value": 41_234.0, "target": 40_000.0, "ratio": 1.031}
    machine = {"cores": 2, "processor": "EPYC", "memory_gib": 23.4, "system": "Linux", "python": "3.11.7"}
    machine |= {"packages": {"asyncpg": "0.32.0"}, "postgres": {"fsync": "on"}, "load_before": 0.04}
    bench = {"machine": machine, "figures": [{**figure, "at_most": False, "samples": [41_234.0, 40_100.0]}]}

    page = rewrite("# Benchmarks\n\n## Figures\n\nfigures of a run before\n", bench)

    assert page.startswith("# Benchmarks\n\n## Figures\n\n2 cores of EPYC, ")
    assert "Postgres: fsync on." in page
    assert "| signed | ≥ 40,000 events/s | **41,234** events/s | 1.03 | 41,234 · 40,100 |\n" in page
    assert "before\n" not in page
    assert rewrite(page, bench) == page


@pytest.mark.parametrize("records", [1, 200])
def test_the_events_are_events(records: int) -> None:
    made = lines("crawler.clearview.example/7", 41, 3, records, salt=7)

    events = [decode_event(line) for line in made]
    assert [event.id for event in events] == ["e-000000041", "e-000000042", "e-000000043"]
    handles = {handle for event in events for handle in event.data.records}
    assert len(handles) == 3 * records
    assert not handles & set(decode_event(lines("other", 41, 1, records, salt=8)[0]).data.records)
    assert records > 1 or all(420 <= len(line) <= 440 for line in made)


def test_submissions_continue_their_source_log() -> None:
    key = seeded_key("crawler.clearview.example")
    source = SourceLog(key, 3)

    first, second = source.submissions(2, 5)
    after = check_submission(first, key.verifier, EMPTY_RANGE)
    assert check_submission(second, key.verifier, after) == source.frontier


def test_a_grown_log_is_the_log_that_its_submissions_make() -> None:
    sources = [SourceLog(seeded_key("crawler.clearview.example"), number) for number in range(2)]
    founded, frontiers = found(), dict[str, CompactRange]()
    first = seal(founded.after, frontiers, [source.submit(10) for source in sources])
    second = seal(first.after, frontiers, [source.submit(10) for source in sources])

    assert second.after.head.size == founded.after.head.size + 4 * 11
    assert frontiers == {source.origin: source.frontier for source in sources}


async def test_the_client_reads_an_answer_that_comes_in_pieces() -> None:
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for body in (b"first", b""):
            asked.append(await reader.readuntil(b"\r\n\r\n"))
            raw = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%b" % (
                len(body),
                body,
            )
            for at in range(0, len(raw), 7):
                writer.write(raw[at : at + 7])
                await writer.drain()
                await asyncio.sleep(0)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        connection = await Connection.open(f"http://127.0.0.1:{port}")
        assert await connection.send(post("/logs", b"")) == Answer(200, b"first")
        assert await connection.send(get("/health")) == Answer(200, b"")
        for _ in range(2):
            with pytest.raises(ConnectionError):
                await asyncio.wait_for(connection.send(get("/health")), 5)
        connection.close()
    assert asked[0].startswith(b"POST /logs HTTP/1.1\r\n")
    assert asked[1].startswith(b"GET /health HTTP/1.1\r\n")
