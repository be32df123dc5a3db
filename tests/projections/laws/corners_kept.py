"""Corners of what is kept, derived and disclosed."""

from projections import events as ev
from projections.order import Scope
from tests.projections.laws.corners import (
    ABROAD,
    ANCHORED,
    ANSWERED,
    BROKEN,
    DISCLOSED,
    DONE,
    GIVEN_UP,
    GONE,
    LATE,
    NOWHERE,
    ONLY_VAULT,
    OPEN,
    OWN,
    REPORTED,
    UNDECLARED,
    UNKNOWN,
    USED,
    WRONG_LOOK,
    Corner,
    allowed,
    declared,
    expired,
    gathered,
)
from tests.projections.laws.histories import Step
from tests.projections.laws.test_corners import (
    FIRST,
    HELD,
    LOOKED,
    NOTIFIED,
    ORDERED,
    disclosed,
    preserved,
    said,
    used,
)
from tests.projections.laws.worlds import ARTEFACTS, ATTIC, FACES, INDEX, PROCESSOR, RECIPIENT, VAULT, handles
from tests.projections.story import ASSESSOR, AUTHORITY, COMPANY

KEEPING = {
    "within its term": Corner(DONE, [gathered(1, until=20), ORDERED, *LOOKED]),
    "past its term": Corner(BROKEN, [gathered(1, until=5), ORDERED, *LOOKED]),
    "past the days of its activity": Corner(
        BROKEN, [declared(5), gathered(1, until=20), ORDERED, *LOOKED]
    ),
    "erased after its term": Corner(
        DONE, [gathered(1, until=2), Step("wait", (30,)), ORDERED, Step("erase", ((1,), FACES)), *LOOKED]
    ),
    "erased after its term, nobody looked since": Corner(
        OPEN, [gathered(1, until=2), Step("wait", (30,)), ORDERED, *LOOKED, Step("erase", ((1,), FACES))]
    ),
    "erased after its term, restored, and not looked into since": Corner(
        OPEN,
        [gathered(1, until=2), Step("wait", (30,)), ORDERED, Step("erase", ((1,), FACES)), *LOOKED,
         said(COMPANY, ev.BackupRestored, backup="b-1", store=FACES, erasures_reapplied=False)],
    ),
    "erased after its term, and used": Corner(
        OPEN,
        [gathered(1, until=2), Step("wait", (30,)), ORDERED, Step("erase", ((1,), FACES)), *LOOKED, USED],
    ),
    "erased after its term, used, and looked into since": Corner(
        DONE,
        [gathered(1, until=2), Step("wait", (30,)), ORDERED, Step("erase", ((1,), FACES)), USED, *LOOKED],
    ),
    "erased before its term, and used": Corner(
        DONE, [gathered(1, until=20), ORDERED, Step("erase", ((1,), FACES)), *LOOKED, USED]
    ),
    "restored where nothing was erased, and not looked into since": Corner(
        OPEN,
        [gathered(1, until=20), ORDERED, *LOOKED,
         said(COMPANY, ev.BackupRestored, backup="b-1", store=FACES, erasures_reapplied=True)],
    ),
    "erased before its term asks for no look": Corner(
        DONE, [gathered(1, until=20), ORDERED, *LOOKED, Step("erase", ((1,), FACES))]
    ),
    "looked into by the holder, where an assessor is asked for": Corner(
        OPEN, [gathered(1, until=20), ORDERED, *OWN], {"independent": True, "min_evidence": "E3"}
    ),
    "somebody looked and found another": Corner(OPEN, [gathered(1, until=20), ORDERED, *LOOKED, WRONG_LOOK]),
    "without a term": Corner(OPEN, [gathered(1), ORDERED, *LOOKED]),
    "an opening balance has no term": Corner(OPEN, [HELD, ORDERED, *LOOKED]),
    "a term given later": Corner(DONE, [gathered(1), declared(20), ORDERED, *LOOKED]),
    "a term shortened later": Corner(BROKEN, [declared(20), gathered(1), declared(5), ORDERED, *LOOKED]),
    "a term lengthened later": Corner(BROKEN, [declared(5), gathered(1), declared(20), ORDERED, *LOOKED]),
    "a term lengthened before": Corner(DONE, [declared(5), declared(20), gathered(1), ORDERED, *LOOKED]),
    "a term withdrawn before": Corner(OPEN, [declared(5), declared(), gathered(1), ORDERED, *LOOKED]),
    "collected twice, the last to end counts": Corner(
        DONE, [gathered(1, until=20), gathered(1, until=5), ORDERED, *LOOKED]
    ),
    "collected twice, once without a term": Corner(
        OPEN, [gathered(1, until=20), gathered(1), ORDERED, *LOOKED]
    ),
    "over by a rule": Corner(BROKEN, [gathered(1, until=20), expired(1), ORDERED, *LOOKED]),
    "an opening balance over by a rule": Corner(BROKEN, [HELD, expired(1, 2), ORDERED, *LOOKED]),
    "over by a rule, and collected anew": Corner(
        DONE, [gathered(1, until=20), expired(1), gathered(1, until=20), ORDERED, *LOOKED]
    ),
    "made of what is over": Corner(
        BROKEN,
        [gathered(1, until=5), gathered(2, until=20), Step("derive", ((101,), (1, 2))),
         Step("erase", ((1,), FACES)), ORDERED, *LOOKED],
    ),
    "made of another": Corner(
        DONE,
        [gathered(1, until=5), gathered(2, until=20), Step("derive", (ARTEFACTS, (1, 2))),
         Step("erase", ((1,), FACES)), Step("erase", ((101,), INDEX)), ORDERED, *LOOKED],
    ),
    "made of what was said to be over later": Corner(
        BROKEN,
        [gathered(1, until=20), Step("derive", ((101,), (1,))), expired(1), gathered(1, until=20), ORDERED,
         *LOOKED],
    ),
    "made of nobody knows what": Corner(OPEN, [Step("derive", ((101,), ())), ORDERED, *LOOKED]),
    "an opening balance within the order's own days": Corner(
        DONE, [HELD, ORDERED, *LOOKED], {"retention_days": 20}
    ),
    "an opening balance past them": Corner(BROKEN, [HELD, ORDERED, *LOOKED], {"retention_days": 5}),
    "collected, and past the order's own days": Corner(
        BROKEN, [declared(30), gathered(1, until=20), ORDERED, *LOOKED], {"retention_days": 5}
    ),
    "past its own term within the order's days": Corner(
        BROKEN, [gathered(1, until=5), ORDERED, *LOOKED], {"retention_days": 20}
    ),
    "made of nobody knows what, within the order's own days": Corner(
        DONE, [Step("derive", ((101,), ())), ORDERED, *LOOKED], {"retention_days": 20}
    ),
    "exempt": Corner(
        DONE,
        [gathered(1, until=5), ORDERED, allowed(AUTHORITY, "limit_retention", records=FIRST),
         *LOOKED],
    ),
    "exempt, and without a term": Corner(
        DONE, [gathered(1), ORDERED, allowed(AUTHORITY, "limit_retention", records=FIRST), *LOOKED]
    ),
    "held by the authority": Corner(
        DONE, [gathered(1, until=5), ORDERED, preserved(AUTHORITY, "2027-01-01"), *LOOKED]
    ),
    "held by the controller itself": Corner(
        BROKEN, [gathered(1, until=5), ORDERED, preserved(COMPANY, "2027-01-01"), *LOOKED]
    ),
    "within its term where nobody can look": Corner(
        OPEN, [gathered(1, until=20), UNDECLARED, ORDERED, *LOOKED]
    ),
    "nobody knows whose it is": Corner(
        OPEN, [UNKNOWN, ORDERED, *LOOKED], {"scope": REPORTED}
    ),
    "nothing in scope, and nobody said why": Corner(OPEN, [ORDERED, *LOOKED]),
    "nothing in scope by residency": Corner(DONE, [ABROAD, ORDERED, *LOOKED]),
    "all that was in scope is gone": Corner(
        DONE, [Step("hold", ((1,), FACES, None)), ORDERED, Step("erase", ((1,), FACES)), *LOOKED]
    ),
    "a store that nobody declared is asked about": Corner(OPEN, [HELD, ORDERED], {"scope": NOWHERE}),
}  # fmt: skip
NOTIFYING = {
    "told and answered": Corner(
        DONE, [HELD, DISCLOSED, ORDERED, NOTIFIED, ANCHORED, ANSWERED], {"min_evidence": "E1"}
    ),
    "told too late": Corner(DONE, [HELD, DISCLOSED, ORDERED, LATE, NOTIFIED, ANSWERED]),
    "told, and silent": Corner(OPEN, [HELD, DISCLOSED, ORDERED, NOTIFIED]),
    "answered without having been told": Corner(OPEN, [HELD, DISCLOSED, ORDERED, ANSWERED]),
    "told and answered before the order": Corner(OPEN, [HELD, DISCLOSED, NOTIFIED, ANSWERED, ORDERED]),
    "disclosed again after the answer": Corner(
        OPEN, [HELD, DISCLOSED, ORDERED, NOTIFIED, ANSWERED, disclosed(2)]
    ),
    "answered in its place": Corner(
        OPEN, [HELD, DISCLOSED, ORDERED, NOTIFIED, said(COMPANY, ev.RecipientAcknowledged, disclosure="d-1")]
    ),
    "answered under a stolen key": Corner(
        OPEN, [HELD, DISCLOSED, ORDERED, NOTIFIED, ANSWERED, Step("steal", (RECIPIENT, 1))]
    ),
    "given up": Corner(DONE, [HELD, DISCLOSED, ORDERED, GIVEN_UP]),
    "given up without a reason": Corner(
        OPEN, [HELD, DISCLOSED, ORDERED, NOTIFIED, said(COMPANY, ev.RecipientUnreachable, disclosure="d-1")]
    ),
    "given up, where its own answer is asked for": Corner(
        OPEN, [HELD, DISCLOSED, ORDERED, GIVEN_UP], {"min_evidence": "E1"}
    ),
    "given up, and answered after all": Corner(
        DONE, [HELD, DISCLOSED, ORDERED, GIVEN_UP, ANSWERED], {"min_evidence": "E1"}
    ),
    "an assessor's word is asked for": Corner(
        OPEN, [HELD, DISCLOSED, ORDERED, NOTIFIED, ANSWERED], {"independent": True}
    ),
    "nothing was disclosed": Corner(OPEN, [HELD, ORDERED]),
    "others were disclosed": Corner(OPEN, [HELD, ABROAD, disclosed(3), ORDERED]),
    "disclosed from elsewhere than is asked about": Corner(
        OPEN,
        [HELD, DISCLOSED, ORDERED, Step("erase", ((1,), VAULT, "purge", PROCESSOR)), NOTIFIED, ANSWERED],
        {"scope": ONLY_VAULT},
    ),
}
MADE = Step("derive", ((101,), (1,)))
UNMADE = Step("erase", ((101,), INDEX))
DERIVED = {
    "the template is gone, and the image kept": Corner(DONE, [HELD, MADE, ORDERED, UNMADE, *LOOKED]),
    "gone before witnesses": Corner(DONE, [HELD, MADE, ORDERED, UNMADE, ANCHORED, *LOOKED]),
    "gone too late": Corner(DONE, [HELD, MADE, ORDERED, LATE, UNMADE, *LOOKED]),
    "the template is there": Corner(BROKEN, [HELD, MADE, ORDERED, GONE, *LOOKED], {"include": ()}),
    "held in an index, of nobody knows what": Corner(
        BROKEN, [Step("hold", ((3,), INDEX)), ORDERED, *LOOKED]
    ),
    "derived, and held elsewhere": Corner(
        BROKEN, [HELD, MADE, Step("hold", ((101,), FACES)), ORDERED, UNMADE, *LOOKED]
    ),
    "nobody looked since": Corner(OPEN, [HELD, MADE, ORDERED, *LOOKED, UNMADE]),
    "somebody looked and found another": Corner(OPEN, [HELD, MADE, ORDERED, UNMADE, *LOOKED, WRONG_LOOK]),
    "somebody found it there again": Corner(
        BROKEN, [HELD, MADE, ORDERED, UNMADE, *LOOKED, Step("look", (INDEX, (101,), ASSESSOR, "all"))]
    ),
    "somebody found that it is gone": Corner(
        BROKEN, [HELD, MADE, ORDERED, Step("look", (INDEX, (101,), ASSESSOR, "all"))]
    ),
    "somebody found an image that nobody asks about": Corner(
        OPEN, [HELD, MADE, ORDERED, UNMADE, *LOOKED, Step("look", (FACES, (4,), ASSESSOR, "all"))]
    ),
    "gone, come back, and gone again": Corner(
        DONE, [HELD, MADE, ORDERED, UNMADE, Step("reappear", ((101,), INDEX, "resync")), UNMADE, *LOOKED]
    ),
    "never made, and erased": Corner(OPEN, [HELD, ORDERED, Step("erase", ((101,), INDEX)), *LOOKED]),
    "erased by a weaker method": Corner(
        OPEN, [HELD, MADE, ORDERED, Step("erase", ((101,), INDEX, "clear")), *LOOKED], {"min_method": "purge"}
    ),
    "exempt": Corner(
        DONE,
        [HELD, MADE, ORDERED, allowed(AUTHORITY, "erase_derived", records=handles((101,))),
         *LOOKED],
    ),
    "held by the authority": Corner(
        DONE,
        [HELD, MADE, ORDERED, said(AUTHORITY, ev.HoldPlaced, basis="court_order", hold="h-1",
                                   records=handles((101,)), until="2027-01-01"), *LOOKED],
    ),
    "in a backup": Corner(
        BROKEN,
        [HELD, MADE, said(PROCESSOR, ev.BackupCreated, backup="b-1", store=INDEX,
                          as_of="2026-01-01T00:00:00Z", expires_at="2026-03-01T00:00:00Z"),
         ORDERED, UNMADE, *LOOKED],
    ),
    "restored, and not looked into since": Corner(
        OPEN,
        [HELD, MADE, ORDERED, UNMADE, *LOOKED,
         said(PROCESSOR, ev.BackupRestored, backup="b-1", store=INDEX, erasures_reapplied=False)],
    ),
    "its recipient keeps silent": Corner(OPEN, [HELD, MADE, disclosed(101), ORDERED, UNMADE, *LOOKED]),
    "its image's recipient keeps silent": Corner(DONE, [HELD, MADE, DISCLOSED, ORDERED, UNMADE, *LOOKED]),
    "looked for by name, and not found": Corner(
        DONE,
        [HELD, MADE, ORDERED, UNMADE, *LOOKED,
         said(COMPANY, ev.DeletionVerified, method="negative_read", records=handles((101,)), store=INDEX)],
    ),
    "used after it was gone": Corner(OPEN, [HELD, MADE, ORDERED, UNMADE, *LOOKED, used(101)]),
    "nobody knows whose it is": Corner(
        OPEN, [UNKNOWN, MADE, ORDERED, UNMADE, *LOOKED], {"scope": REPORTED}
    ),
    "made of nobody knows what": Corner(
        BROKEN,
        [Step("derive", ((101,), ())), ORDERED, *LOOKED],
        {"scope": Scope(residency=("GB",), unknown_residency="out_of_scope")},
    ),
    "made of others": Corner(DONE, [ABROAD, Step("derive", ((101,), (3,))), ORDERED, *LOOKED]),
    "in a store that nobody declared": Corner(
        BROKEN, [HELD, MADE, Step("copy", ((101,), INDEX, ATTIC)), ORDERED, UNMADE, *LOOKED]
    ),
    "nothing in scope, and nobody said why": Corner(OPEN, [ORDERED, *LOOKED]),
    "looked into by the holder, where an assessor is asked for": Corner(
        OPEN, [HELD, MADE, ORDERED, UNMADE, *OWN], {"independent": True, "min_evidence": "E3"}
    ),
    "a store that nobody declared is asked about": Corner(OPEN, [HELD, ORDERED], {"scope": NOWHERE}),
}  # fmt: skip
