"""Corners of the prohibition to use, and of the duty to restrict."""

from projections import events as ev
from tests.projections.laws.corners import (
    ABROAD,
    ANCHORED,
    BACK,
    BROKEN,
    DISCLOSED,
    DONE,
    GONE,
    LATE,
    NOWHERE,
    ONLY_VAULT,
    OPEN,
    REPORTED,
    UNDECLARED,
    UNKNOWN,
    USED,
    WRONG_LOOK,
    Corner,
    accounted,
    allowed,
    freed,
    kept,
    stayed,
)
from tests.projections.laws.histories import Step
from tests.projections.laws.test_corners import FIRST, HELD, LOOKED, ORDERED, preserved, used
from tests.projections.laws.worlds import FACE, FACES, OTHER_AUTHORITY, PROCESSOR, VAULT
from tests.projections.story import AUTHORITY, COMPANY

USING = {
    "nobody used it, and somebody accounts for the time": Corner(DONE, [HELD, ORDERED, *accounted()]),
    "nobody accounts for the time": Corner(OPEN, [HELD, ORDERED]),
    "one of two programs does not account for it": Corner(
        OPEN, [HELD, ORDERED, Step("account", (0, 2, "c-2", False, ())), *accounted()]
    ),
    "used in force": Corner(BROKEN, [HELD, ORDERED, USED, *accounted()]),
    "used while the order was stayed": Corner(
        DONE,
        [HELD, ORDERED, stayed(ev.OrderStayed, 1), USED, stayed(ev.OrderStayLifted, 2), *accounted()],
    ),
    "disclosed in force": Corner(BROKEN, [HELD, ORDERED, DISCLOSED, *accounted()]),
    "used with leave": Corner(
        DONE,
        [HELD, ORDERED, allowed(AUTHORITY, "cease_using", records=FIRST), USED, *accounted()],
    ),
    "used, and allowed afterwards": Corner(
        BROKEN,
        [HELD, ORDERED, USED, allowed(AUTHORITY, "cease_using", records=FIRST), *accounted()],
    ),
    "used with another authority's leave": Corner(
        BROKEN, [HELD, ORDERED, allowed(OTHER_AUTHORITY, "cease_using", records=FIRST), USED]
    ),
    "used with leave for a class that it was not wholly of then": Corner(
        BROKEN,
        [
            HELD,
            Step("hold", ((1,), FACES, "GB", "declared", FACE)),
            ORDERED,
            allowed(AUTHORITY, "cease_using", category_class=FACE),
            USED,
        ],
    ),
    "used with leave for a class that it was wholly of then": Corner(
        DONE,
        [
            Step("hold", ((1,), FACES, "GB", "declared", FACE)),
            ORDERED,
            allowed(AUTHORITY, "cease_using", category_class=FACE),
            USED,
            HELD,
            *accounted(),
        ],
    ),
    "a hold allows no use": Corner(BROKEN, [HELD, ORDERED, preserved(AUTHORITY, "2027-01-01"), USED]),
    "used, nobody knows whose it is": Corner(
        OPEN, [UNKNOWN, ORDERED, USED, *accounted()], {"scope": REPORTED}
    ),
    "used with leave, nobody knows whose it is": Corner(
        DONE,
        [UNKNOWN, ORDERED, allowed(AUTHORITY, "cease_using", records=FIRST), USED, *accounted()],
        {"scope": REPORTED},
    ),
    "used elsewhere than where it is asked about": Corner(
        DONE, [HELD, ORDERED, USED, *accounted()], {"scope": ONLY_VAULT}
    ),
    "a stranger's word for an erasure puts nothing into a store": Corner(
        DONE,
        [HELD, ORDERED, Step("erase", ((1,), VAULT, "purge", PROCESSOR)), USED, *accounted()],
        {"scope": ONLY_VAULT},
    ),
    "what was only derived may be used where the order leaves it alone": Corner(
        DONE,
        [HELD, Step("derive", ((101,), (1,))), ORDERED, used(101), *accounted()],
        {"include": ()},
    ),
    "more than a word is asked for": Corner(OPEN, [HELD, ORDERED, *accounted()], {"min_evidence": "E1"}),
    "an assessor's word is asked for": Corner(OPEN, [HELD, ORDERED, *accounted()], {"independent": True}),
    "restricted, it can't be used": Corner(DONE, [HELD, ORDERED, kept(1, 2), *accounted()]),
}  # fmt: skip
RESTRICTING = {
    "all of it is restricted": Corner(DONE, [HELD, ORDERED, kept(1, 2), *LOOKED]),
    "restricted before witnesses": Corner(DONE, [HELD, ORDERED, kept(1, 2), ANCHORED, *LOOKED]),
    "restricted too late": Corner(DONE, [HELD, ORDERED, LATE, kept(1, 2), *LOOKED]),
    "restricted, and once more too late": Corner(
        DONE, [HELD, ORDERED, kept(1, 2), ANCHORED, LATE, kept(1, 2), *LOOKED]
    ),
    "some of it is not restricted": Corner(BROKEN, [HELD, ORDERED, kept(2), *LOOKED]),
    "nobody looked": Corner(OPEN, [HELD, ORDERED, kept(1, 2)]),
    "somebody looked and found another": Corner(OPEN, [HELD, ORDERED, kept(1, 2), *LOOKED, WRONG_LOOK]),
    "restricted by a stranger": Corner(BROKEN, [HELD, ORDERED, kept(1, 2, by=PROCESSOR), *LOOKED]),
    "restricted under a stolen key": Corner(
        BROKEN, [HELD, ORDERED, kept(1, 2), *LOOKED, Step("steal", (COMPANY, 1))]
    ),
    "restricted before it was there": Corner(BROKEN, [kept(1, 2), HELD, ORDERED, USED, *LOOKED]),
    "set free": Corner(BROKEN, [HELD, ORDERED, kept(1, 2), freed(), kept(1), *LOOKED]),
    "set free before the order": Corner(
        DONE,
        [HELD, kept(1, 2), freed(), Step("wait", (25,)), ORDERED, kept(1), *LOOKED],
        {"effective": "2026-01-02"},
    ),
    "set free with leave": Corner(
        DONE,
        [
            HELD,
            ORDERED,
            kept(1, 2),
            allowed(AUTHORITY, "restrict", records=FIRST),
            freed(),
            USED,
            *LOOKED,
        ],
    ),
    "another life of it": Corner(BROKEN, [HELD, ORDERED, kept(1, 2), GONE, BACK, *LOOKED]),
    "another life of it, used before the deadline": Corner(
        DONE, [HELD, ORDERED, kept(1, 2), GONE, BACK, USED, freed(), kept(1), *LOOKED]
    ),
    "used after the restriction": Corner(BROKEN, [HELD, ORDERED, kept(1, 2), USED, *LOOKED]),
    "used after another copy's restriction": Corner(
        BROKEN, [HELD, Step("copy", ((1,), FACES, VAULT)), ORDERED, kept(1, 2), USED, *LOOKED]
    ),
    "used after the restriction, while the order was stayed": Corner(
        DONE,
        [
            HELD,
            ORDERED,
            kept(1, 2),
            stayed(ev.OrderStayed, 1),
            USED,
            stayed(ev.OrderStayLifted, 2),
            *LOOKED,
        ],
    ),
    "used after it was gone, before the deadline": Corner(
        DONE, [HELD, ORDERED, kept(1, 2), GONE, USED, *LOOKED]
    ),
    "used before the restriction": Corner(DONE, [HELD, ORDERED, USED, kept(1, 2), *LOOKED]),
    "used after the deadline": Corner(BROKEN, [HELD, ORDERED, LATE, USED, kept(1, 2), *LOOKED]),
    "exempt": Corner(DONE, [HELD, ORDERED, kept(2), allowed(AUTHORITY, "restrict", records=FIRST), *LOOKED]),
    "held, which is not exempt": Corner(
        BROKEN, [HELD, ORDERED, kept(2), preserved(AUTHORITY, "2027-01-01"), *LOOKED]
    ),
    "exempt where nobody can look": Corner(
        OPEN,
        [
            HELD,
            UNDECLARED,
            ORDERED,
            kept(1, 2),
            allowed(AUTHORITY, "restrict", records=FIRST),
            *LOOKED,
        ],
    ),
    "set free and used, nobody knows whose it is": Corner(
        OPEN, [UNKNOWN, ORDERED, kept(1), freed(), kept(1), USED, *LOOKED], {"scope": REPORTED}
    ),
    "used and gone, nobody knows whose it is": Corner(
        OPEN,
        [UNKNOWN, ORDERED, kept(1), USED, Step("erase", ((1,), FACES)), *LOOKED],
        {"scope": REPORTED},
    ),
    "nobody knows whose it is": Corner(OPEN, [UNKNOWN, ORDERED, kept(1), *LOOKED], {"scope": REPORTED}),
    "nothing in scope, and nobody said why": Corner(OPEN, [ORDERED, *LOOKED]),
    "nothing in scope but by a stranger's word": Corner(
        OPEN, [Step("erase", ((3,), FACES, "purge", PROCESSOR)), ORDERED, *LOOKED]
    ),
    "nothing in scope by residency": Corner(DONE, [ABROAD, ORDERED, *LOOKED]),
    "all that was in scope is gone": Corner(
        DONE, [Step("hold", ((1,), FACES, None)), ORDERED, Step("erase", ((1,), FACES)), *LOOKED]
    ),
    "a store that nobody declared is asked about": Corner(OPEN, [HELD, ORDERED], {"scope": NOWHERE}),
    "more than a word is asked for": Corner(
        OPEN, [HELD, ORDERED, kept(1, 2), *LOOKED], {"min_evidence": "E1"}
    ),
    "an assessor's word is asked for": Corner(
        OPEN, [HELD, ORDERED, kept(1, 2), *LOOKED], {"independent": True}
    ),
}
