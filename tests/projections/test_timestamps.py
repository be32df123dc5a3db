"""Time-stamps as anchors: what they prove to an order that names their authority, and to another."""

import base64
import json
import time
from pathlib import Path

import pytest

from projections.clock import Clock, read_clock, time_failures, what_stamps_lack
from projections.docket import Docket
from projections.docket_rows import added_rows
from projections.order import Trust
from signing.keys import ED25519, SigningKey
from signing.timestamp import Seen
from tests.projections.story import WITNESS, Story
from tests.signing.authority import Authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def story_now() -> Story:
    """A log whose entries are recorded about now: an authority of today stamps them."""
    story = Story()
    story.log.now_us = int((time.time() - 30) * 1_000_000)
    return story


def naming(story: Story, *authorities: Authority, witnesses: tuple[str, ...] = ()) -> Trust:
    roots = tuple(sorted(base64.b64encode(one.root_der).decode() for one in authorities))
    return story.trust(timestamp_roots=roots, witnesses=witnesses) if roots else story.trust(witnesses=())


def clock_of(story: Story, trust: Trust) -> Clock:
    return read_clock(story.case().docket.anchors, trust)


def recorded(story: Story) -> dict[int, int]:
    return {index: row.time_us for index, row in enumerate(story.log.rows)}


def test_a_token_alone_proves_where_the_order_names_its_authority(authority: Authority) -> None:
    story = story_now()
    story.order()
    size = story.log.size
    story.log.timestamp(authority.stamp)
    clock = clock_of(story, naming(story, authority))
    assert clock.sizes == (size,)
    assert abs(clock.times[0] - time.time()) < 60
    assert clock.proven(size - 1) == clock.times[0]
    assert clock.proven(size) is None
    assert clock_of(story, naming(story)) == Clock((), ())


def test_an_authority_that_the_order_does_not_name_proves_nothing(
    tmp_path: Path, authority: Authority
) -> None:
    story = story_now()
    story.order()
    at = story.log.timestamp(authority.stamp)
    other = naming(story, Authority(tmp_path))
    assert clock_of(story, other) == Clock((), ())
    ((index, why),) = what_stamps_lack(story.case().docket.anchors, other)
    assert (index, why[:25]) == (at, "no authority that is beli")


def test_the_earlier_of_quorum_and_token_counts(authority: Authority) -> None:
    now_s = int(time.time())
    for quorum_s in (now_s - 1000, now_s + 1000):
        story = story_now()
        story.order()
        story.log.timestamp(authority.stamp)
        story.log.anchor(WITNESS, time_s=quorum_s)
        both = naming(story, authority, witnesses=story.trust().witnesses)
        proven = clock_of(story, both).proven(0)
        assert proven is not None
        assert (proven == quorum_s) == (quorum_s < now_s)
        assert proven <= quorum_s


def test_a_token_over_another_checkpoint_proves_nothing(authority: Authority) -> None:
    story = story_now()
    story.order()
    at = story.log.timestamp(lambda text: authority.stamp(text + b"more\n"))
    trust = naming(story, authority)
    assert clock_of(story, trust) == Clock((), ())
    assert list(what_stamps_lack(story.case().docket.anchors, trust)) == [
        (at, "the time-stamp is over another text")
    ]


def test_garbage_is_no_token(authority: Authority) -> None:
    story = story_now()
    story.order()
    story.log.timestamp(lambda _: b"garbage")
    trust = naming(story, authority)
    assert clock_of(story, trust) == Clock((), ())
    ((_, why),) = what_stamps_lack(story.case().docket.anchors, trust)
    assert why.startswith("not a time-stamp response")


def test_a_checkpoint_that_another_key_signed_proves_nothing(authority: Authority) -> None:
    story = story_now()
    story.order()
    trust = naming(story, authority)
    story.log.keys[story.log.origin] = SigningKey(story.log.origin, ED25519, b"x" * 32)
    story.log.timestamp(authority.stamp)
    assert clock_of(story, trust) == Clock((), ())


def test_recorded_times_that_the_token_contradicts(authority: Authority) -> None:
    story = story_now()
    story.order()
    at = story.log.timestamp(authority.stamp)
    (anchor,) = story.case().docket.anchors
    trust, honest = naming(story, authority), recorded(story)
    assert time_failures([anchor], trust, honest) == []
    (failure,) = time_failures([anchor], trust, honest | {at: honest[at] - 600_000_000})
    assert (failure.rule, failure.index) == ("time.before_anchor", at)
    (failure,) = time_failures([anchor], trust, honest | {anchor.size - 1: honest[at] + 600_000_000})
    assert (failure.rule, failure.index) == ("time.after_proven", anchor.size - 1)


def test_what_is_vague_accuses_nobody(tmp_path: Path) -> None:
    """An hour of accuracy moves the moment proved on by an hour; that the entry is older is no wonder."""
    authority = Authority(tmp_path, accuracy="accuracy = secs:3600")
    story = story_now()
    story.order()
    story.log.timestamp(authority.stamp)
    trust = naming(story, authority)
    assert clock_of(story, trust).times[0] > time.time() + 3500
    assert time_failures(story.case().docket.anchors, trust, recorded(story)) == []


def test_what_was_read_is_remembered(authority: Authority) -> None:
    story = story_now()
    story.order()
    at = story.log.timestamp(authority.stamp)
    trust, anchors = naming(story, authority), story.case().docket.anchors
    known: dict[int, Seen | None] = {}
    clock = read_clock(anchors, trust, known)
    assert list(known) == [at]
    assert read_clock(anchors, trust, known) == clock
    assert read_clock(anchors, trust, {at: None}) == Clock((), ()), "and not read again"


def test_rows_of_cosigned_anchors_stay_what_they_were() -> None:
    story = Story()
    story.order()
    story.log.anchor(WITNESS)
    (row,) = (row for name, _, row in added_rows(Docket(), story.case().docket) if name == "anchors")
    assert sorted(json.loads(row)) == ["index", "raw", "size", "time_us"]
