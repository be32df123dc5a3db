"""Workers: begun when there is much to do, and gone with whoever began them."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.failure import Failure
from ledger.inventory import crew as crews
from ledger.inventory.crew import Crew, batches
from signing.errors import FormatError
from signing.handle import handle

KEY = bytes(range(32))
FOR_EVER = """
from itertools import count
from ledger.inventory.crew import Crew
if __name__ == "__main__":
    with Crew(bytes(32), "people", workers=2) as crew:
        for number, run in enumerate(crew.blinded(["x"] * 1000 for _ in count())):
            if number == 20:
                print("under way", flush=True)
"""


@given(st.lists(st.lists(st.text(max_size=3), max_size=30), max_size=10), st.integers(1, 9))
def test_batches_are_the_same_ids_in_their_sequence(some: list[list[str]], most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crews, "BATCH_KEYS", most)
        made = list(batches(some))
    assert [one for batch in made for one in batch] == [one for ids in some for one in ids]
    assert all(len(batch) == most for batch in made[:-1])
    assert all(1 <= len(batch) <= most for batch in made)


@pytest.mark.parametrize("workers", [0, 2])
def test_what_is_looked_for_is_found_with_its_id(workers: int) -> None:
    wanted = {number: handle(KEY, "people", f"p{number}") for number in (5, 70, 900)}
    rows = frozenset(map(bytes.fromhex, [*wanted.values(), "00" * 16]))
    ids = [[f"p{number}" for number in range(at, at + 100)] for at in range(0, 1_000, 100)]
    with Crew(KEY, "people", rows, workers) as crew:
        found = [match for some in crew.matches(ids) for match in some]
    assert [(one.native, one.handle) for one in found] == [
        (f"p{number}", wanted[number]) for number in wanted
    ]


def test_a_worker_says_what_is_wrong_as_its_parent_would() -> None:
    ids = [["a"]] * 20 + [["half\udcff"]]
    with Crew(KEY, "people", workers=2) as crew, pytest.raises(FormatError, match="not Unicode text"):
        list(crew.blinded(ids))


def test_reading_that_fails_ends_the_workers() -> None:
    def some() -> object:
        yield from [["a"]] * 20
        raise Failure("the store is away")

    with Crew(KEY, "people", workers=2) as crew, pytest.raises(Failure, match="away"):
        list(crew.blinded(some()))  # type: ignore[arg-type]
    assert not [one for one in psutil.Process().children() if "spawn_main" in " ".join(one.cmdline())]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_whoever_kills_the_reader_ends_its_workers(tmp_path: Path, how: signal.Signals) -> None:
    (tmp_path / "reader.py").write_text(FOR_EVER)
    reader = subprocess.Popen([sys.executable, str(tmp_path / "reader.py")], stdout=subprocess.PIPE)
    assert reader.stdout is not None
    assert reader.stdout.readline() == b"under way\n"
    workers = psutil.Process(reader.pid).children(recursive=True)
    assert len(workers) >= 2
    reader.send_signal(how)
    assert reader.wait() == -how
    reader.stdout.close()
    _, left = psutil.wait_procs(workers, timeout=60)
    assert left == []
