"""Halves: the parts of a large sum worked out on two cores, by a copy of this process.

The copy shares what the process has in memory, answers over a pipe, and ends. Should it fail, its half is
worked out here.
"""

import gc
import os
import pickle
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, Final, TypeVar

from projections.runners.progress import Progress

T = TypeVar("T")

# Below this a copy takes longer than it saves.
WORTH_A_COPY: Final = 2_048
STRIDE: Final = 16


def in_halves(
    part: Callable[[int], T], numbers: Sequence[int], progress: Progress, worth: int = WORTH_A_COPY
) -> Iterator[T]:
    """`part` of each number, in their sequence. `worth`: how many numbers are worth a copy.

    Nothing is collected meanwhile: what a sum makes has no cycles, and the collector would walk all of it.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield from _in_halves(part, numbers, progress, worth)
    finally:
        if collects:
            gc.enable()


def _in_halves(
    part: Callable[[int], T], numbers: Sequence[int], progress: Progress, worth: int
) -> Iterator[T]:
    if len(numbers) < worth or (os.cpu_count() or 1) < 2 or not hasattr(os, "fork"):
        yield from _here(part, numbers, progress)
        return
    middle = len(numbers) // 2
    ours, theirs = numbers[:middle], numbers[middle:]
    child, pipe = _begin(part, theirs)
    try:
        yield from _here(part, ours, progress)
        answer = pipe.read()
    finally:
        pipe.close()  # a copy that still writes ends by it
        _, status = os.waitpid(child, 0)
    yield from map(part, theirs) if status else pickle.loads(answer)  # noqa: S301 - from a copy of ourselves


def _here(part: Callable[[int], T], numbers: Sequence[int], progress: Progress) -> Iterator[T]:
    for done, number in enumerate(numbers):
        if done % STRIDE == 0:
            progress(done, len(numbers))
        yield part(number)
    progress(len(numbers), len(numbers))


def _begin(part: Callable[[int], T], numbers: Sequence[int]) -> tuple[int, BinaryIO]:
    """The copy's process id, and where its answer is to be read."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return child, os.fdopen(reading, "rb")
    # Nothing of the process that was copied may run here: no handlers, no clean-up.
    status = 1
    try:
        os.close(reading)
        with os.fdopen(writing, "wb") as pipe:
            pickle.dump([part(number) for number in numbers], pipe, pickle.HIGHEST_PROTOCOL)
        status = 0
    finally:
        os._exit(status)
