"""FTC v Everalbum: order of 7 May 2021: destroy the content of users who deactivated their accounts, the face
embeddings, and the models trained on them, within 90 days (5 August 2021); and swear to it.
"""

import pytest

from tests.projections.cases.chronicle import Chronicle

CONTENT, EMBEDDINGS, MODEL = (1, 2), (101, 102), (201,)


def ordered() -> Chronicle:
    stores = {"content": "live", "embeddings": "index", "models": "model"}
    case = Chronicle("ftc-everalbum", "ftc.example", "2021-05-01", stores)
    case.hold(CONTENT, "content")
    case.derive(EMBEDDINGS, CONTENT, "embeddings", "template")
    case.derive(MODEL, EMBEDDINGS, "models", "model")
    case.on("2021-05-07").issue()
    return case


def destroyed(case: Chronicle, *, model: bool) -> None:
    case.on("2021-07-01").erase(CONTENT, "content")
    case.erase(EMBEDDINGS, "embeddings")
    if model:
        case.erase(MODEL, "models", "destroy")
    case.look("content")
    case.look("embeddings")
    case.look("models", () if model else MODEL)
    case.anchor()


def test_with_the_model_live_it_is_breached_after_day_90() -> None:
    case = ordered()
    destroyed(case, model=False)
    case.attest("sworn-statement", "sworn")
    assert case.verdict("2021-07-02", "destroy-content") == "carried_out"
    assert case.judge("2021-08-05").verdict == "outstanding"
    assert case.judge("2021-08-06").verdict == "breached"
    assert case.verdict("2021-08-06", "destroy-embeddings-and-models") == "breached"


@pytest.mark.parametrize("oath", ["", "declaration"])
def test_without_the_sworn_statement_it_cannot_be_proved(oath: str) -> None:
    case = ordered()
    destroyed(case, model=True)
    if oath:
        case.attest("sworn-statement", oath)
    assert case.judge("2021-08-05").verdict == "outstanding"
    assert case.judge("2021-08-06").verdict == "cannot_be_proved"


def test_all_destroyed_and_sworn_to_is_carried_out() -> None:
    case = ordered()
    destroyed(case, model=True)
    case.attest("sworn-statement", "sworn")
    case.anchor()
    assert case.judge("2021-08-06").verdict == "carried_out"


def test_the_models_need_more_than_a_purge_of_what_they_were_trained_on() -> None:
    case = ordered()
    case.on("2021-07-01").erase(EMBEDDINGS, "embeddings")
    assert case.verdict("2021-08-06", "destroy-embeddings-and-models") == "breached"
