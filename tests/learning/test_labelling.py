"""Which block is asked about next: doubtful, unlike what is known, each wording once; and no answer is lost on the way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedclean.cleaning import clean
from feedclean.errors import StoreError
from feedclean.learning.labelling import Queue, Session, questions_of, questions_of_document
from feedclean.types import Label, Progress, Question
from tests.fakes import KeywordJudge

PITCH = "Get our free report on {} before {} and save 40 percent on the first year"
TEXTS = (
    "Copper prices fell while miners in Chile went on strike for the second week",
    "The central bank left its rates where they were and spoke of patience",
    PITCH.format("Acme Holdings", "March 3"),
    PITCH.format("Globex", "17 May"),
    "A maker of pumps will deliver nine towns with what they need",
)


def question(text: str, doubt: float = 0.5) -> Question:
    return Question(text, f"<p>{text}</p>", (), (), Label.EDITORIAL, 0.6, 0.4, doubt)


class Kept:
    """Where answers go."""

    def __init__(self) -> None:
        self.labels: dict[str, Label] = {}
        self.broken = False

    def keep(self, question: Question, label: Label) -> None:
        if self.broken:
            raise StoreError("the disk is full")
        self.labels[question.text] = label

    def take_back(self, question: Question) -> None:
        if self.broken:
            raise StoreError("the disk is full")
        del self.labels[question.text]

    def session(self, *questions: Question, known: tuple[str, ...] = ()) -> Session:
        return Session(questions, known, keep=self.keep, take_back=self.take_back)


def asked(queue: Queue) -> list[int]:
    """Every question in its order."""
    found: list[int] = []
    while (number := queue.next()) is not None:
        found.append(number)
        queue.done(number)
    return found


def test_the_most_doubtful_is_asked_first() -> None:
    assert asked(Queue([question(TEXTS[0], 0.2), question(TEXTS[1], 0.9), question(TEXTS[4], 0.6)], [])) == [1, 2, 0]


def test_of_equally_doubtful_ones_the_one_unlike_the_others_comes_next() -> None:
    alike = "Copper prices fell while miners in Peru went to work for the third month"
    order = asked(Queue([question(TEXTS[0], 0.9), question(alike, 0.8), question(TEXTS[1], 0.7)], []))
    assert order == [0, 2, 1]


def test_what_repeats_the_known_or_the_asked_is_not_asked() -> None:
    """The same pitch for another company, and the very same words in another item."""
    questions = [question(text) for text in (TEXTS[2], TEXTS[3], TEXTS[0], TEXTS[0])]
    assert sorted(asked(Queue(questions, []))) == [0, 2]
    assert sorted(asked(Queue(questions, [TEXTS[3]]))) == [2]
    assert asked(Queue(questions, list(TEXTS))) == []


@given(st.lists(st.tuples(st.sampled_from(TEXTS), st.floats(0, 1)), max_size=8), st.lists(st.sampled_from(TEXTS)))
def test_every_wording_is_asked_once_at_most(given_: list[tuple[str, float]], known: list[str]) -> None:
    queue = Queue([question(text, doubt) for text, doubt in given_], known)
    before = len(queue)
    found = asked(queue)
    texts = [given_[number][0] for number in found]
    assert len(set(texts)) == len(texts) <= before
    assert not set(texts) & set(known)
    assert len(queue) == 0


def test_an_answer_is_kept_before_the_next_question_is_asked() -> None:
    kept = Kept()
    session = kept.session(question(TEXTS[0], 0.9), question(TEXTS[1]))
    assert session.question is not None and session.question.text == TEXTS[0]
    session.answer(0, Label.PROMO)
    assert kept.labels == {TEXTS[0]: Label.PROMO}
    assert (session.number, session.progress) == (1, Progress(1, 0, 1))
    session.answer(1, Label.TEASER)
    assert session.progress == Progress(2, 0, 0)


def test_what_cannot_be_kept_stays_asked() -> None:
    kept = Kept()
    session = kept.session(question(TEXTS[0]))
    kept.broken = True
    with pytest.raises(StoreError):
        session.answer(0, Label.PROMO)
    assert (session.number, session.progress) == (0, Progress(0, 0, 1))
    kept.broken = False
    session.answer(0, Label.PROMO)
    kept.broken = True
    with pytest.raises(StoreError):
        session.undo()
    assert session.number is None and kept.labels


def test_an_answer_to_another_question_than_the_one_asked_is_none() -> None:
    """Two clicks on one page must not label two blocks."""
    kept = Kept()
    session = kept.session(question(TEXTS[0], 0.9), question(TEXTS[1]))
    session.answer(0, Label.PROMO)
    session.answer(0, Label.PROMO)
    session.skip(0)
    assert session.number == 1 and len(kept.labels) == 1


def test_undo_takes_the_answer_back_and_asks_again_until_the_beginning() -> None:
    kept = Kept()
    session = kept.session(*(question(text) for text in TEXTS))
    order: list[int] = []
    while session.number is not None:
        order.append(session.number)
        if len(order) == 2:
            session.skip(session.number)
        else:
            session.answer(session.number, Label.EDITORIAL)
    assert len(kept.labels) == len(order) - 1 == 3
    for number in reversed(order):
        assert session.undo() and session.number == number
    assert not kept.labels and not session.undo()
    assert session.progress == Progress(0, 0, len(TEXTS))


def test_going_on_later_asks_what_was_not_answered() -> None:
    kept = Kept()
    session = kept.session(*(question(text) for text in TEXTS))
    session.skip(session.number or 0)
    session.answer(session.number or 0, Label.PROMO)
    later = kept.session(*(question(text) for text in TEXTS), known=tuple(kept.labels))
    left: list[str] = []
    while later.question is not None:
        left.append(later.question.text)
        later.answer(later.number or 0, Label.EDITORIAL)
    assert not set(left) & {text for text, label in kept.labels.items() if label is Label.PROMO}
    assert len(left) == 3


def test_a_question_shows_its_block_where_it_stands() -> None:
    page = "".join(f"<p>{text}</p>" for text in (TEXTS[0], "PROMO here", TEXTS[1], TEXTS[1]))
    cleaned = clean(f"<title>Acme</title>{page}", model=KeywordJudge(), url="https://x.example/1")
    found = list(questions_of(cleaned, "page.html", KeywordJudge.thresholds))
    assert [one.text for one in found] == [TEXTS[0], "PROMO here", TEXTS[1]]
    promo = found[1]
    assert (promo.before, promo.after) == ((TEXTS[0],), (TEXTS[1], TEXTS[1]))
    assert (promo.guess, promo.probability, promo.title, promo.origin) == (Label.PROMO, 0.99, "Acme", "page.html")
    assert promo.acted == pytest.approx(0.9925) and promo.doubt == pytest.approx(0.0375)


def test_only_guesses_of_a_labelled_document_are_asked_about() -> None:
    blocks = [
        {"html": "<p>One</p>", "label": "editorial"},
        {"html": "<p>Two</p>", "guess": "promo", "probability": 0.7},
        {"html": "<p>Three</p>", "guess": "editorial"},
    ]
    document = {"id": "a", "lang": "en", "kind": "article", "style": "s", "title": "T", "blocks": blocks}
    two, three = questions_of_document(document)
    assert (two.text, two.before, two.after, two.acted) == ("Two", ("One",), ("Three",), 0.7)
    assert (three.acted, three.item, three.title, three.origin) == (0.5, "a", "T", "a")
