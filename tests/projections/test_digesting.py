"""Many processes give the digest that one gives."""

import pytest

from projections import events as ev
from projections.fact import Fact
from projections.fold import Fold
from projections.registry import Poster
from projections.runners import digesting
from tests.projections.deeds import collected
from tests.projections.test_mould import SOURCE, line


def test_parts_give_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    fold = Fold.empty()
    poster = Poster(SOURCE, "controller")
    for at in range(500):
        fold.take(Fact(at, at, poster, ev.decode_event(line(collected(at)))))
    alone = fold.digests()
    monkeypatch.setattr(digesting, "FEW_ROWS", 10)
    for cores in (1, 2, 3, 40):
        monkeypatch.setattr("os.cpu_count", lambda cores=cores: cores)
        assert digesting.digests(fold) == alone
