"""What people said: it holds at once, for the very block before its template, and never against itself."""

from __future__ import annotations

import pickle

from feedclean.cleaning import clean
from feedclean.corrections import BY_HAND, Corrected, Corrections
from feedclean.types import Action, Block, Correction, Kind, Label, Passage, TitleLabel, Verdict
from tests.fakes import KeywordJudge, sure

NAMES = ("Acme", "Globex", "Initech")
ASKED = [f"Is {name} a good thing to buy before earnings on Monday" for name in NAMES]


def said(*pairs: tuple[str, Label | TitleLabel]) -> Corrections:
    return Corrections(Correction(label, text, text) for text, label in pairs)


def paragraph(text: str) -> Block:
    return Block(f"<p>{text}</p>", Kind.PARAGRAPH, text, "p")


def labels(corrections: Corrections, *texts: str) -> list[Label | None]:
    return [corrections.of(paragraph(text)) for text in texts]


def test_a_label_holds_for_its_template() -> None:
    assert labels(said((ASKED[0], Label.PROMO)), *ASKED, "Acme earned more") == [Label.PROMO] * 3 + [None]


def test_where_people_cut_one_and_kept_another_of_a_template_the_model_decides_about_the_rest() -> None:
    """Whatever the order in which they said it."""
    both = [(ASKED[0], Label.EDITORIAL), (ASKED[1], Label.PROMO)]
    for order in (both, both[::-1]):
        assert labels(said(*order), *ASKED) == [Label.EDITORIAL, Label.PROMO, None]


def test_the_later_word_about_a_block_holds() -> None:
    assert labels(said((ASKED[0], Label.PROMO), (ASKED[0], Label.EDITORIAL)), *ASKED) == [Label.EDITORIAL] * 3


def test_white_space_makes_no_other_block_and_pictures_are_known_by_their_source() -> None:
    found = Corrections([Correction(Label.PROMO, "Free  report"), Correction(Label.PROMO, "", '<img src="a.png">')])
    assert found.of(paragraph("Free report")) is Label.PROMO
    assert found.of(Block('<img src="a.png">', Kind.IMAGE)) is Label.PROMO
    assert found.of(Block('<img src="b.png">', Kind.IMAGE)) is None


def test_titles_are_labelled_by_themselves() -> None:
    found = said(("A title", TitleLabel.CLICKBAIT), ("A text", Label.PROMO))
    assert (found.of_title("A title"), found.of_title("A text"), found.of(paragraph("A title"))) == (
        TitleLabel.CLICKBAIT, None, None,
    )  # fmt: skip
    assert len(found) == 2 and not Corrections()


def test_a_corrected_judge_says_so_and_asks_the_other_about_the_rest() -> None:
    model = KeywordJudge()
    judge = Corrected(model, said(("Words", Label.TEASER), ("Bait", TitleLabel.CLICKBAIT)))
    passages = [Passage((paragraph("PROMO text"), paragraph("Words")), "Bait"), Passage((), "Plain")]
    assert judge.judge(passages) == [[sure(Label.PROMO), Verdict((0.0, 0.0, 1.0, 0.0, 0.0), (BY_HAND,))], []]
    assert judge.judge_titles(passages) == [Verdict((0.0, 1.0), (BY_HAND,)), Verdict((0.96, 0.04))]
    assert judge.clues(passages, [(0, 1), (0, 0)]) == [(BY_HAND,), model.clues(passages, [(0, 0)])[0]]
    assert (judge.name, judge.thresholds, judge.title_threshold) == (
        model.name,
        model.thresholds,
        model.title_threshold,
    )


def test_a_guard_stands_above_people_too() -> None:
    """An item is never emptied, whoever wants it."""
    text = "The one and only paragraph of this item"
    (cut,) = clean(f"<p>{text}</p>", model=Corrected(KeywordJudge(), said((text, Label.PROMO)))).ledger
    assert cut.action is Action.MARK


def test_what_people_said_goes_to_other_processes() -> None:
    one = Correction(Label.PROMO, "Text")
    assert pickle.loads(pickle.dumps(one)) == one  # noqa: S301  our own
