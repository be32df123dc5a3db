"""The processes that read a log: none of them outlives whoever started it."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.projections.logbuilder import LogBuilder, write_tree

READER = """
import multiprocessing, sys, time
from projections.runners.crew import Crew
from projections.runners.source import open_source
multiprocessing.set_start_method(sys.argv[1])
with Crew(open_source(sys.argv[2]), int(sys.argv[3]), workers=2) as crew:
    list(crew.chunks(with_events=False))
    print(*(child.pid for child in multiprocessing.active_children()), flush=True)
    time.sleep(600)
"""
PATIENCE_S = 30


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_end_with_a_reader_that_is_killed(method: str, tmp_path: Path) -> None:
    log = LogBuilder()
    write_tree(log.tree(), tmp_path)
    words = [sys.executable, "-c", READER, method, str(tmp_path), str(log.size)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        workers = [psutil.Process(int(pid)) for pid in reader.stdout.readline().split()]
        try:
            assert workers
            reader.kill()
            _, alive = psutil.wait_procs(workers, timeout=PATIENCE_S)
            assert alive == []
        finally:
            for worker in workers:
                if worker.is_running():
                    worker.kill()
