"""The draw: the same for everybody, fair, and nobody's choice; and what it shows."""

import json
import subprocess
from fractions import Fraction
from hashlib import sha256
from math import comb
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.docket import Anchor
from projections.order import Trust
from projections.sampling import Cosigned, draw, first_cosignature, rule_of_three, seed_of, upper_bound
from projections.specimens import ORIGIN, signing_key, vkey
from signing.checkpoint import Checkpoint, sign_checkpoint
from signing.cosignature import cosign
from signing.encoding import encode_base64
from signing.errors import FormatError
from signing.keys import COSIGNATURE, ED25519, SigningKey
from signing.note import Note, NoteSignature, add_signatures, format_note

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "vectors" / "sample.json").read_text())
SPEC = Path(__file__).parents[2] / "docs" / "spec" / "sample.md"
W1, W2, STRANGER = "witness.example/w1", "witness.example/w2", "witness.example/other"
SEED = bytes(range(32))
REQUESTED = 50
KEY = signing_key(ORIGIN)
NAMESAKE = SigningKey(ORIGIN, ED25519, bytes(32))

_handles = st.sets(st.binary(min_size=16, max_size=16).map(bytes.hex), max_size=40)


def trust(*names: str) -> Trust:
    lines = [f"witness {name.rpartition('/')[2]} {vkey(name, COSIGNATURE)}" for name in names]
    quorum = f"quorum {names[0].rpartition('/')[2]}"
    return Trust(assessors=(), log_vkey=vkey(ORIGIN), witnesses=(*lines, quorum))


def checkpoint(size: int, key: SigningKey = KEY) -> Note:
    return sign_checkpoint(Checkpoint(ORIGIN, size, sha256(b"%d" % size).digest()), key)


def line(size: int, witness: str, time_s: int) -> NoteSignature:
    return cosign(checkpoint(size).text, signing_key(witness, COSIGNATURE), time_s)


def anchor(index: int, size: int, *lines: NoteSignature, key: SigningKey = KEY, response: str = "") -> Anchor:
    raw = encode_base64(format_note(add_signatures(checkpoint(size, key), *lines)))
    return Anchor(index, 0, size, raw, response)


def test_the_vectors() -> None:
    for one in VECTORS["draws"]:
        seed = seed_of(bytes.fromhex(one["nonce"]), bytes.fromhex(one["cosignature"]))
        assert seed.hex() == one["seed"]
        assert list(draw(seed, VECTORS["population"], one["n"])) == one["drawn"]
    # The page's example is the first of them.
    first, page = VECTORS["draws"][0], SPEC.read_text()
    assert (first["nonce"], first["n"]) == (bytes(range(32)).hex(), 10)
    assert f"{first['seed']}  -\n" in page
    (smallest,) = draw(bytes.fromhex(first["seed"]), VECTORS["population"], 1)
    assert f"`{smallest}`" in page
    for one in VECTORS["bounds"]:
        assert upper_bound(one["n"], one["failures"]) == pytest.approx(one["upper"], abs=5e-7)


def test_a_shell_draws_the_same() -> None:
    one = VECTORS["draws"][0]
    script = """
    while read h; do
      printf "$(printf '%s%s' SEED $h | sed 's/../\\\\x&/g')" | sha256sum | sed "s/ .*/ $h/"
    done | LC_ALL=C sort | head -n N | cut -d' ' -f2 | LC_ALL=C sort
    """.replace("SEED", one["seed"]).replace("head -n N", f"head -n {one['n']}")
    lines = "".join(f"{handle}\n" for handle in VECTORS["population"])
    done = subprocess.run(["bash", "-c", script], input=lines, capture_output=True, text=True, check=True)
    assert done.stdout.split() == one["drawn"]


@given(_handles, st.integers(1, 50), st.randoms(use_true_random=False))
def test_the_draw_is_of_the_set(population: set[str], n: int, chance: Any) -> None:
    """In whatever sequence it is given, in one piece or several."""
    shuffled = sorted(population)
    chance.shuffle(shuffled)
    drawn = draw(SEED, shuffled, n)
    assert drawn == draw(SEED, sorted(population), n)
    assert len(drawn) == min(n, len(population))
    assert set(drawn) <= population
    halves = [shuffled[:7], shuffled[7:]]
    assert drawn == draw(SEED, [one for half in halves for one in draw(SEED, half, n)], n)
    # A greater sample has the smaller one in it.
    assert set(drawn) <= set(draw(SEED, shuffled, n + 1))


def test_each_is_drawn_as_often_as_another() -> None:
    population = [sha256(b"%d" % number).hexdigest()[:32] for number in range(20)]
    times = dict.fromkeys(population, 0)
    for trial in range(2000):
        for handle in draw(sha256(b"%d" % trial).digest(), population, 5):
            times[handle] += 1
    # 500 each: six deviations from it would be chance once in a billion.
    assert all(abs(count - 500) < 6 * (500 * 0.75) ** 0.5 for count in times.values())


def test_the_first_anchor_behind_the_request_decides() -> None:
    anchors = [
        anchor(60, 50, line(50, W1, 1000)),  # covers entries 0 to 49, so not the request
        anchor(62, 61),  # nobody cosigned
        anchor(64, 61, line(61, STRANGER, 1001)),  # nobody whom the order names
        anchor(66, 61, line(61, W1, 1002), key=NAMESAKE),  # not the log's
        anchor(68, 61, line(61, W1, 1003), response="AAAA"),  # a time-stamp
        anchor(70, 61, line(60, W1, 1004)),  # of another checkpoint
        anchor(72, 61, line(61, W1, 1005)),
        anchor(74, 73, line(73, W1, 1000)),
    ]
    expected = Cosigned(1005, W1, line(61, W1, 1005).signature, 72)
    assert first_cosignature(anchors, trust(W1), REQUESTED) == expected
    assert first_cosignature(reversed(anchors), trust(W1), REQUESTED) == expected
    assert first_cosignature(anchors[:-2], trust(W1), REQUESTED) is None


@given(st.permutations([line(61, W1, 1010), line(61, W2, 1005), line(61, W2, 1020), line(61, STRANGER, 1)]))
def test_the_sequence_of_the_lines_decides_nothing(lines: list[NoteSignature]) -> None:
    found = first_cosignature([anchor(72, 61, *lines)], trust(W1, W2), REQUESTED)
    assert found == Cosigned(1005, W2, line(61, W2, 1005).signature, 72)


def test_nobody_alone_chooses_the_seed() -> None:
    """Who knows one part sees nothing of the seed, and both parts are of a fixed length."""
    nonce, cosignature = bytes(32), bytes(72)
    seeds = {seed_of(nonce, cosignature), seed_of(bytes(31) + b"1", cosignature)}
    seeds.add(seed_of(nonce, bytes(71) + b"1"))
    assert len(seeds) == 3
    for wrong in ((bytes(31), bytes(73)), (bytes(33), bytes(71)), (b"", bytes(104))):
        with pytest.raises(FormatError):
            seed_of(*wrong)


@given(st.integers(1, 60), st.integers(0, 60))
def test_the_bound_is_exact(n: int, failures: int) -> None:
    rate = upper_bound(n, failures)
    if failures >= n:
        assert rate == 1.0
        return
    exactly = Fraction(rate)
    chance = sum(comb(n, k) * exactly**k * (1 - exactly) ** (n - k) for k in range(failures + 1))
    assert float(chance) == pytest.approx(0.05, abs=1e-9)
    if failures == 0:
        assert rate == pytest.approx(1 - 0.05 ** (1 / n), abs=1e-12)
        assert rate < rule_of_three(n)


def test_the_bound_of_a_great_sample() -> None:
    assert upper_bound(1_000_000, 0) == pytest.approx(2.995728e-6, rel=1e-5)
    assert rule_of_three(300) == 0.01
    assert rule_of_three(1) == 1.0
