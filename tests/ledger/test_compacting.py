"""Which entries a compact bundle proves: all that its statement names."""

from ledger.compacting import indexes
from projections.stating import Stated
from projections.verdict import judge
from tests.projections.story import ASSESSOR, Story
from tests.projections.test_probing import probe
from tests.projections.test_statement import statement


def test_what_a_statement_names_of_looks_and_probes_is_proved() -> None:
    story = Story(stores=("faces",))
    story.hold(1)
    story.order()
    story.erase(1)
    looked = story.look("faces", by=ASSESSOR)
    probed = probe(story, 0, checked=(1,))
    case = story.case(40)
    stated = Stated(statement(story, days=40), judge(case), case)
    (store,) = stated.statement.obligations[0].stores
    assert (store.begun, getattr(store.probe, "entry", None)) == (looked, probed)
    assert {looked, store.attested, probed} <= set(indexes(case.docket, case.issued, stated))
