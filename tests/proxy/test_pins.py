"""Pinned verdicts: what was served once stays as it is, whatever rotates, and a person is always right."""

from __future__ import annotations

import random
import string
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedclean.cleaning import clean
from feedclean.corrections import BY_HAND
from feedclean.errors import StoreError
from feedclean.judging.policy import Policy
from feedclean.proxy.block_keys import Place, block_key, title_key
from feedclean.proxy.nouns import LabelRow, Pin
from feedclean.proxy.pins import PinnedJudge
from feedclean.proxy.store import Store
from feedclean.types import Block, Clue, Kind, Label, Link, Passage, TitleLabel, Verdict
from tests.fakes import KeywordJudge, sure
from tests.proxy.stores import Clock


class Shelf:
    """A store that is a few dictionaries, and may fail."""

    def __init__(self) -> None:
        self.kept: dict[str, Pin] = {}  # verdicts
        self.limits: dict[str, Pin] = {}  # thresholds of models
        self.said: dict[str, LabelRow] = {}
        self.failing = False

    def _fail(self) -> None:
        if self.failing:
            raise StoreError("locked")

    def pins(self, blocks: Sequence[str]) -> dict[str, Pin]:
        self._fail()
        everything = self.kept | self.limits
        return {block: everything[block] for block in blocks if block in everything}

    def pin(self, pins: Sequence[Pin]) -> None:
        self._fail()
        for pin in pins:
            (self.limits if pin.block.startswith("thresholds of ") else self.kept)[pin.block] = pin

    def all_labels(self) -> list[LabelRow]:
        self._fail()
        return list(self.said.values())

    def label_mark(self) -> tuple[tuple[str, str], ...]:
        self._fail()
        return tuple((row.block, row.label) for row in self.said.values())

    def say(self, text: str, label: str) -> None:
        key = block_key(text, text)
        self.said[key] = LabelRow(key, label, text, text, "", 0.0)


class Moody(KeywordJudge):
    """A model whose opinion of a block depends on everything around it, and changes from one model to the next."""

    def __init__(self, mood: int = 0) -> None:
        super().__init__()
        self.name = f"moody {mood}"
        self._mood = mood

    def judge(self, passages: Sequence[Passage]) -> list[list[Verdict]]:
        found = super().judge(passages)
        for passage, verdicts in zip(passages, found, strict=True):
            around = "".join(block.text for block in passage.blocks)
            for number, block in enumerate(passage.blocks):
                if "AD" in block.text:
                    verdicts[number] = sure(Label.PROMO)
                elif "GREY" in block.text and random.Random(f"{self._mood}{around}").random() < 0.5:  # noqa: S311
                    verdicts[number] = sure(Label.TEASER)
        return found


def paragraph(text: str, *links: Link) -> Block:
    return Block(f"<p>{text}</p>", Kind.PARAGRAPH, text, "p", links)


def passage(*texts: str, title: str = "Title", url: str | None = "https://x.example/1?utm=2") -> Passage:
    return Passage(tuple(map(paragraph, texts)), title, url)


def feed(*items: str) -> bytes:
    inner = "".join(
        f"<item><title>Item {number}</title><link>https://x.example/{number}</link><guid>{number}</guid>"
        f"<description><![CDATA[{item}]]></description></item>"
        for number, item in enumerate(items)
    )
    return f'<rss version="2.0"><channel><title>t</title>{inner}</channel></rss>'.encode()


def kept(data: bytes, judge: PinnedJudge) -> list[str]:
    """What is left of each item."""
    return [text for item in clean(data, model=judge).items for text in item.texts]


# ── Rotation ─────────────────────────────────────────────────────────────────────────────────────────────────────────

news = st.sampled_from([f"News number {word} of the day, told in full." for word in ("one", "two", "three")])
grey = st.sampled_from(["GREY area of a text that may be either.", "GREY line of another kind, seen by chance."])
ads = st.lists(st.text(string.ascii_lowercase, min_size=1, max_size=5).map("AD {}".format), max_size=3)


@given(
    st.lists(st.one_of(news, grey), min_size=3, max_size=6, unique=True),
    st.lists(st.lists(ads, min_size=7, max_size=7), min_size=3, max_size=3),
)
def test_an_item_does_not_change_when_its_ads_rotate(editorial: list[str], rotations: list[list[list[str]]]) -> None:
    """Whatever stands between its blocks this time, and whatever model is in force by then."""
    lead = "<p>" + "The lead of the story is long enough to be most of the item by far. " * 5 + "</p>"
    shelf, served = Shelf(), []
    for number, rotation in enumerate(rotations):
        body = lead
        for text, between in zip(editorial, rotation, strict=False):
            body += f"<p>{text}</p>" + "".join(f"<p>{ad}</p>" for ad in between)
        served.append(kept(feed(body), PinnedJudge(Moody(number), shelf)))
    assert served[0] == served[1] == served[2]
    assert "AD" not in served[0][0]


@given(st.lists(st.one_of(news, grey, ads.map(" ".join)), min_size=1, max_size=8))
def test_the_second_serving_is_the_first(texts: list[str]) -> None:
    data = feed("".join(f"<p>{text}</p>" for text in texts))
    shelf = Shelf()
    first = clean(data, model=PinnedJudge(Moody(), shelf)).content
    assert clean(data, model=PinnedJudge(Moody(1), shelf)).content == first
    assert clean(first, model=PinnedJudge(Moody(2), shelf)).content == first


def test_one_question_answers_what_several_passes_of_cleaning_would() -> None:
    """HOOK is a teaser only where nothing stands behind it, so it is found when the advertisement behind it is gone."""
    lead = "The lead of the story is long enough to be most of the item by far, I say. " * 3
    data = feed(f"<p>{lead}</p><p>A HOOK for you</p><p>PROMO here</p>")
    assert kept(data, PinnedJudge(KeywordJudge())) == [f"<p>{lead}</p>"]
    (verdicts,) = PinnedJudge(KeywordJudge()).judge([passage(lead, "A HOOK for you", "PROMO here")])
    assert [max(range(5), key=one.probabilities.__getitem__) for one in verdicts] == [0, 2, 1]


def test_the_same_words_twice_in_an_item_get_the_verdict_that_cuts_less() -> None:
    (verdicts,) = PinnedJudge(KeywordJudge()).judge([passage("HOOK", "news in between", "HOOK")])
    assert verdicts[0] == verdicts[2] == sure(Label.EDITORIAL)


def test_only_what_is_new_is_judged_in_small_company() -> None:
    """One new item in a hundred: the model reads it and a dozen others, not all."""
    shelf, model = Shelf(), KeywordJudge()
    old = [
        passage(f"Words of item {chr(97 + n % 26)}{chr(97 + n // 26)}", url=f"https://x.example/{n}") for n in range(99)
    ]
    PinnedJudge(model, shelf).judge(old)
    assert model.batches == [99]
    PinnedJudge(model, shelf).judge(old)
    assert model.batches == [99]
    PinnedJudge(model, shelf).judge([passage("Something new"), *old])
    assert model.batches == [99, 13]


# ── Pins ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_pinned_verdict_outlives_the_model_and_the_process(tmp_path: Path) -> None:
    one = passage("PROMO text", "news")
    with closing(Store(str(tmp_path / "store.db"), clock=Clock())) as store:
        first = PinnedJudge(KeywordJudge(), store).judge([one])

        class Other(KeywordJudge):
            def judge(self, passages: Sequence[Passage]) -> list[list[Verdict]]:
                raise AssertionError

        assert PinnedJudge(Other(), store).judge([one]) == first


def test_a_pin_holds_as_long_as_the_judge_and_is_read_anew_by_the_next() -> None:
    shelf, text = Shelf(), "PROMO text"
    judge = PinnedJudge(KeywordJudge(), shelf)
    assert judge.judge([passage(text)]) == [[sure(Label.PROMO)]]
    (block,) = shelf.kept
    shelf.kept[block] = Pin(block, "new", sure(Label.EDITORIAL).probabilities)
    assert judge.judge([passage(text)]) == [[sure(Label.PROMO)]]
    judge = PinnedJudge(KeywordJudge(), shelf)
    assert judge.judge([passage(text)]) == [[sure(Label.EDITORIAL)]]
    assert (judge.name, judge.thresholds, judge.title_threshold) == ("keywords 0", KeywordJudge.thresholds, 0.8)


@pytest.mark.parametrize("damaged", [(), (0.5,), (0.9, 0.9, 0.9, 0.9, 0.9), (float("nan"),) * 5, (2.0, -1.0, 0, 0, 0)])
def test_a_pin_that_cannot_be_one_is_judged_anew(damaged: tuple[float, ...]) -> None:
    shelf = Shelf()
    PinnedJudge(KeywordJudge(), shelf).judge([passage("PROMO text")])
    (block,) = shelf.kept
    shelf.kept[block] = Pin(block, "m", damaged)
    assert PinnedJudge(KeywordJudge(), shelf).judge([passage("PROMO text")]) == [[sure(Label.PROMO)]]


# ── Another model ────────────────────────────────────────────────────────────────────────────────────────────────


class Strict(KeywordJudge):
    """The same with thresholds that nothing reaches."""

    name = "strict 0"
    thresholds = dict.fromkeys(Label, 0.999)
    title_threshold = 0.999


PAGE = "<p>Acme earned more than in the year before.</p><p>PROMO text, and what it sells.</p>"
OTHER = "<p>Globex earned more than in the year before.</p><p>PROMO text, and what it sells today.</p>"


@pytest.mark.parametrize("restarted", [False, True])
def test_what_was_decided_stays_when_another_model_takes_over(restarted: bool) -> None:
    """Not only the probability: the decision, which the thresholds of then have made (D8)."""
    shelf = Shelf()
    judge = PinnedJudge(KeywordJudge(), shelf)
    before = clean(PAGE, model=judge).content
    assert b"PROMO" not in before
    judge = PinnedJudge(Strict(), shelf) if restarted else judge.succeeded_by(Strict())
    assert judge.name == "strict 0"
    assert clean(PAGE, model=judge).content == before
    assert b"PROMO" in clean(OTHER, model=judge).content  # new items are the new model's
    back = judge.succeeded_by(KeywordJudge())
    assert b"PROMO" in clean(OTHER, model=back).content and clean(PAGE, model=back).content == before


def test_thresholds_of_the_settings_hold_for_pinned_verdicts_of_any_model() -> None:
    judge = PinnedJudge(KeywordJudge(), Shelf()).succeeded_by(Strict())
    old = PinnedJudge(KeywordJudge(), Shelf())
    clean(PAGE, model=old)
    for one in (judge, old.succeeded_by(Strict())):
        assert b"PROMO" not in clean(PAGE, model=one, policy=Policy(threshold=0.5)).content


def test_titles_of_old_items_stay_marked_or_unmarked_under_another_model() -> None:
    item = Passage((), "What now?!")
    policy, judge = Policy(), PinnedJudge(KeywordJudge(), Shelf())
    (verdict,) = judge.judge_titles([item])
    assert policy.decide_title(verdict, judge.title_threshold).label is TitleLabel.CLICKBAIT
    judge = judge.succeeded_by(Strict())
    (verdict,) = judge.judge_titles([item])
    assert policy.decide_title(verdict, judge.title_threshold).label is TitleLabel.CLICKBAIT
    (new,) = judge.judge_titles([Passage((), "And now?!")])
    assert policy.decide_title(new, judge.title_threshold).label is TitleLabel.PLAIN


def test_a_model_whose_thresholds_nobody_wrote_down_is_read_with_those_at_hand() -> None:
    shelf = Shelf()
    clean(PAGE, model=PinnedJudge(KeywordJudge(), shelf))
    shelf.limits.clear()
    assert b"PROMO" in clean(PAGE, model=PinnedJudge(Strict(), shelf)).content


def test_a_judge_that_keeps_nothing_pins_in_memory_alone_and_obeys_labels() -> None:
    shelf = Shelf()
    judge = PinnedJudge(KeywordJudge(), shelf, keeps=False)
    assert b"PROMO" not in clean(PAGE, model=judge).content
    assert not shelf.kept and not shelf.limits
    shelf.say("Acme earned more than in the year before.", "promo")
    assert judge.judge([passage("Acme earned more than in the year before.")])[0][0].clues == (BY_HAND,)


def test_titles_are_pinned_too() -> None:
    class Changed(KeywordJudge):
        def judge_titles(self, passages: Sequence[Passage]) -> list[Verdict]:
            return [Verdict((1.0, 0.0))] * len(passages)

    shelf, one = Shelf(), passage("x", title="You will not believe this?!")
    first = PinnedJudge(KeywordJudge(), shelf).judge_titles([one, one])
    assert first == [Verdict((0.04, 0.96))] * 2
    assert PinnedJudge(Changed(), shelf).judge_titles([one]) == first[:1]
    assert PinnedJudge(Changed(), shelf).judge_titles([]) == []


def test_clues_are_worked_out_once() -> None:
    class Counting(KeywordJudge):
        asked = 0

        def clues(self, passages: Sequence[Passage], wanted: Sequence[tuple[int, int]]) -> list[tuple[Clue, ...]]:
            self.asked += len(wanted)
            return super().clues(passages, wanted)

    model = Counting()
    judge = PinnedJudge(model)
    many = [passage(f"Item {chr(97 + n)} text", "PROMO") for n in range(20)]
    for _ in range(2):
        found = judge.clues(many, [(19, 1), (3, 0), (19, 1)])
        assert found == [(Clue("PROMO", 1.0),), (Clue("Item", 1.0),), (Clue("PROMO", 1.0),)]
    assert model.asked == 2


def test_why_a_block_goes_is_asked_in_the_company_in_which_it_was_judged() -> None:
    """So a model that keeps what it has read for the next question need not read it again."""

    class Recording(KeywordJudge):
        def __init__(self) -> None:
            super().__init__()
            self.asked: list[tuple[str, Sequence[Passage]]] = []

        def judge(self, passages: Sequence[Passage]) -> list[list[Verdict]]:
            self.asked.append(("judge", passages))
            return super().judge(passages)

        def clues(self, passages: Sequence[Passage], wanted: Sequence[tuple[int, int]]) -> list[tuple[Clue, ...]]:
            self.asked.append((" ".join(passages[one].blocks[block].text for one, block in wanted), passages))
            return super().clues(passages, wanted)

    model, lead = Recording(), "The lead of the story is long enough to be most of the item by far, I say. " * 3
    judge, many = PinnedJudge(model), [passage(lead, "A HOOK", "PROMO"), passage("News")]
    assert judge.judge(many)[0][1].clues == ()
    assert [what for what, _ in model.asked] == ["judge", "PROMO", "judge", "A HOOK", "judge"]
    assert model.asked[1][1] is model.asked[0][1] and model.asked[3][1] is model.asked[2][1]
    assert judge.clues(many, [(0, 1), (0, 2)]) == [(Clue("A", 1.0),), (Clue("PROMO", 1.0),)]
    assert len(model.asked) == 5


# ── People ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_label_beats_model_and_pin_at_once_and_says_so() -> None:
    shelf = Shelf()
    judge = PinnedJudge(KeywordJudge(), shelf)
    one = passage("PROMO that is none", "Plain words")
    judge.judge([one])
    shelf.say("PROMO that is none", "editorial")
    shelf.say("Plain words", "promo")
    assert judge.judge([one]) == [[Verdict((1.0, 0, 0, 0, 0), (BY_HAND,)), Verdict((0.0, 1.0, 0, 0, 0), (BY_HAND,))]]
    assert judge.clues([one], [(0, 1)]) == [(BY_HAND,)]
    shelf.said.clear()
    assert judge.judge([one]) == [[sure(Label.PROMO), sure(Label.EDITORIAL)]]


def test_a_label_holds_for_near_duplicates() -> None:
    """The same pitch with another company's name, another number and another date."""
    shelf = Shelf()
    shelf.say("Get our free report on Acme Holdings before March 3, 2026 and save 40 percent", "promo")
    judge = PinnedJudge(KeywordJudge(), shelf)
    near, far = (
        "Get our free report on Globex before 17 May and save 5 percent",
        "Get our latest numbers on Acme Holdings",
    )
    promo, other = judge.judge([passage(near, far)])[0]
    assert promo.probabilities[1] == 1.0
    assert other == sure(Label.EDITORIAL)


def test_a_label_that_is_taken_back_holds_no_longer() -> None:
    shelf = Shelf()
    shelf.say("Get our free report on Acme before Monday and save money", "promo")
    judge, one = (
        PinnedJudge(KeywordJudge(), shelf),
        passage("Get our free report on Globex before Monday and save money"),
    )
    assert judge.judge([one])[0][0].clues == (BY_HAND,)
    shelf.said.clear()
    assert judge.judge([one]) == [[sure(Label.EDITORIAL)]]


def test_a_label_of_the_wrong_kind_is_no_verdict() -> None:
    shelf = Shelf()
    shelf.say("PROMO text", "clickbait")
    shelf.say("Words", "advert")
    assert PinnedJudge(KeywordJudge(), shelf).judge([passage("PROMO text", "Words")]) == [
        [sure(Label.PROMO), sure(Label.EDITORIAL)]
    ]


def test_a_person_can_label_a_title() -> None:
    shelf = Shelf()
    shelf.said["t"] = LabelRow("t", "clickbait", "Plain title", "", "", 0.0)
    assert PinnedJudge(KeywordJudge(), shelf).judge_titles([passage("x", title="Plain title")]) == [
        Verdict(tuple(float(label is TitleLabel.CLICKBAIT) for label in TitleLabel), (BY_HAND,))
    ]


# ── Without a store ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_while_the_store_fails_verdicts_are_the_models_and_stay() -> None:
    shelf, told = Shelf(), list[StoreError]()
    shelf.say("Words", "promo")
    shelf.failing = True
    judge = PinnedJudge(Moody(), shelf, tell=told.append)
    one = [passage("PROMO text", "Words", "GREY")]
    first = judge.judge(one)
    assert first[0][:2] == [sure(Label.PROMO), sure(Label.EDITORIAL)]
    assert told
    assert judge.judge_titles(one) == judge.judge_titles(one)
    shelf.failing = False
    assert judge.judge(one)[0][1].probabilities[1] == 1.0  # the label, as soon as it can be read
    shelf.failing = True
    assert judge.judge(one)[0][1].probabilities[1] == 1.0  # and from then on
    assert judge.judge(one)[0][2] == first[0][2]
    assert not shelf.kept  # what another proxy may have pinned meanwhile is not overwritten


def test_no_store_at_all() -> None:
    judge = PinnedJudge(KeywordJudge())
    assert judge.judge([]) == []
    assert judge.judge([passage(), passage("PROMO")]) == [[], [sure(Label.PROMO)]]


# ── Digests ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_a_pin_is_found_by() -> None:
    """Numbers and queries may change; words, hosts of links, title and address of the item may not."""
    link = Link("https://a.example/x?token=1", "more")
    base, block = passage("x"), paragraph("Up 4.5 % at 10:30", link)

    def key(block: Block, passage: Passage = base) -> str:
        return Place(passage).key(block)

    same = [
        key(paragraph("Up 12,000.1 % at 9:05", link)),
        key(paragraph("Up 4.5 % at 10:30", replace(link, href="https://user@A.example:443/y?token=2"))),
        key(block, replace(base, url="https://x.example/1#top")),
        key(replace(block, kind=Kind.TEXT, source="Up", containers=("div",))),
    ]
    assert set(same) == {key(block)}
    others = [
        key(paragraph("Down 4.5 % at 10:30", link)),
        key(paragraph("Up 4.5 % at 10:30")),
        key(paragraph("Up 4.5 % at 10:30", Link("https://b.example/", "more"))),
        key(block, replace(base, title="Other")),
        key(block, replace(base, url="https://x.example/2")),
        key(block, replace(base, url=None)),
        Place(base).title_key(),
        key(replace(block, text="", source='<img src="a.png?1">')),
        key(replace(block, text="", source='<img src="b.png?1">')),
    ]
    assert len({key(block), *others}) == len(others) + 1


@given(st.text(), st.text(), st.text(st.characters(exclude_categories=[])))
def test_any_text_has_digests(text: str, source: str, title: str) -> None:
    assert len(block_key(text, source)) == 32
    assert len(title_key(title)) == 32
    block = Block(source, Kind.PARAGRAPH, text, links=(Link(text, title),))
    assert len(Place(Passage((block,), title, text)).key(block)) == 32
