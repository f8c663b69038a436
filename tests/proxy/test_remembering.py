"""What became of items is remembered, and nobody can tell: each copy is the one that would have been made anew."""

from __future__ import annotations

import json
import random
from collections.abc import Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedclean.judging.policy import Policy
from feedclean.proxy.answer import Order
from feedclean.proxy.making import make
from feedclean.proxy.nouns import Body, Pin
from feedclean.proxy.pins import PinnedJudge
from feedclean.proxy.remembering import Outcomes, digests, with_readers
from feedclean.types import (
    Action,
    Clue,
    Cut,
    Decision,
    Field,
    Item,
    Label,
    Markup,
    Outcome,
    Passage,
    TitleAction,
    TitleLabel,
    Verdict,
)
from tests.fakes import KeywordJudge, sure
from tests.proxy.test_pins import Shelf

URL = "https://x.example/feed"


class Sociable(KeywordJudge):
    """A model whose opinion depends on all that it is shown at once, and on its mood."""

    def __init__(self, mood: int) -> None:
        super().__init__()
        self.name = f"sociable {mood}"
        self.title_threshold = 0.8 if mood % 2 else 0.99
        self._mood = mood

    def _chance(self, *seen: object) -> float:
        return random.Random(f"{self._mood}{seen}").random()  # noqa: S311 - by the seed, the same every time

    def judge(self, passages: Sequence[Passage]) -> list[list[Verdict]]:
        found = super().judge(passages)
        for passage, verdicts in zip(passages, found, strict=True):
            for number, block in enumerate(passage.blocks):
                if "GREY" in block.text:
                    drawn = self._chance(block.text, passages)
                    verdicts[number] = sure(Label.TEASER if drawn < 0.5 else Label.EDITORIAL)
        return found

    def judge_titles(self, passages: Sequence[Passage]) -> list[Verdict]:
        drawn = [self._chance(passage) for passage in passages]
        return [Verdict((1 - chance, chance)) for chance in drawn]

    def clues(self, passages: Sequence[Passage], wanted: Sequence[tuple[int, int]]) -> list[tuple[Clue, ...]]:
        return [(Clue(f"{self._chance(passages, one)}", 1.0),) for one in wanted]


class Forgetful:
    """A judge that pins, but hides it: whatever is made with it is made anew."""

    def __init__(self, judge: PinnedJudge) -> None:
        self._judge = judge

    @property
    def name(self) -> str:
        return self._judge.name

    @property
    def thresholds(self) -> Mapping[str, float]:
        return self._judge.thresholds

    @property
    def title_threshold(self) -> float:
        return self._judge.title_threshold

    def judge(self, passages: Sequence[Passage]) -> list[list[Verdict]]:
        return self._judge.judge(passages)

    def judge_titles(self, passages: Sequence[Passage]) -> list[Verdict]:
        return self._judge.judge_titles(passages)

    def clues(self, passages: Sequence[Passage], wanted: Sequence[tuple[int, int]]) -> list[tuple[Clue, ...]]:
        return self._judge.clues(passages, wanted)


# ── The law ──────────────────────────────────────────────────────────────────────────────────────────────────────────

LEAD = "The lead of story {} is long enough to be most of the item by far. "
TEXTS = ("News of the day.", "GREY one", "GREY two", "PROMO this", "BOILERPLATE", "A HOOK", "Up 4 %", "Up 5 %")

Entry = tuple[int, str, tuple[str, ...]]  # number, how its body is written, texts
entries = st.lists(
    st.tuples(
        st.integers(0, 19),
        st.sampled_from(["p", "br", "bare", "mark"]),
        st.lists(st.sampled_from(TEXTS), max_size=4).map(tuple),
    ),
    max_size=30,
)


def html_of(entry: Entry) -> str:
    number, how, texts = entry
    if how == "bare":
        return " ".join(texts)
    lead = LEAD.format(chr(97 + number)) * (1 if how == "mark" else 8)
    if how == "br":
        return "<br><br>".join([lead, *texts])
    return "".join(f"<p>{text}</p>" for text in [lead, *texts])


def rss(shown: Sequence[Entry]) -> bytes:
    items = "".join(
        f"<item><title>Title {entry[0]}?!</title><link>https://x.example/{entry[0]}?{len(entry[2])}</link>"
        f"<guid>{entry[0]}</guid><description><![CDATA[{html_of(entry)}]]></description></item>"
        for entry in shown
    )
    return f'<rss version="2.0"><channel><title>t</title>{items}</channel></rss>'.encode()


def json_feed(shown: Sequence[Entry]) -> bytes:
    items = [
        {
            "id": str(entry[0]),
            "title": f"Title {entry[0]}",
            "content_html": html_of(entry),
            "summary": " ".join(entry[2]),
        }
        for entry in shown
    ]
    return json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "t", "items": items}).encode()


POLICIES = (
    Policy(),
    Policy(title_action=TitleAction.PREFIX, threshold=0.5),
    Policy(actions=dict.fromkeys(Label, Action.MARK), max_share=1.0),
    Policy(actions={**Policy().actions, Label.PROMO: Action.COLLAPSE, Label.BOILERPLATE: Action.CUT}),
)

steps = st.lists(
    st.one_of(
        st.tuples(st.just("feed"), entries, st.sampled_from([rss, json_feed])),
        st.tuples(st.just("next"), st.integers(0, 30), entries.map(lambda some: some[:3])),  # all again, and some more
        st.tuples(st.just("label"), st.sampled_from(TEXTS), st.sampled_from(["editorial", "promo"])),
        st.tuples(st.just("unlabel")),
        st.tuples(st.just("model"), st.integers(0, 2)),
        st.tuples(st.just("order"), st.sampled_from(POLICIES), st.booleans()),
    ),
    min_size=2,
    max_size=12,
)


@pytest.mark.slow
@given(steps)
def test_a_copy_made_from_memory_is_the_one_that_would_have_been_made_anew(taken: list[tuple[object, ...]]) -> None:
    """Byte for byte and row for row, whatever came and went, and whoever said something in between."""
    shelves = Shelf(), Shelf()
    warm, cold = (PinnedJudge(Sociable(0), shelf) for shelf in shelves)
    order, shown, written = Order(URL, POLICIES[0]), list[Entry](), rss
    for what, *how in taken:
        match what, how:
            case "feed", [list(shown), written]:  # type: ignore[misc]
                pass
            case "next", [int(place), list(more)]:
                shown = [*more, *shown[place:], *shown[:place]]
            case "label", [str(text), str(label)]:
                for shelf in shelves:
                    shelf.say(text, label)
            case "unlabel", []:
                for shelf in shelves:
                    shelf.said.clear()
            case "model", [int(mood)]:
                warm, cold = warm.succeeded_by(Sociable(mood)), cold.succeeded_by(Sociable(mood))
            case "order", [Policy() as policy, bool(drop)]:
                order = Order(URL, policy, drop)
        body = Body(URL, written(shown), "", 0.0, "")
        assert make(body, order, warm, 1.0) == make(body, order, Forgetful(cold), 1.0)
        assert shelves[0].kept == shelves[1].kept


# ── What is known, and what is asked ─────────────────────────────────────────────────────────────────────────────────


def item(number: int, text: str = "News of the day.", title: str = "Title") -> Item:
    field = Field("description", f"<p>{LEAD.format(number)}</p><p>{text}</p>", Markup.HTML)
    return Item(str(number), Field("title", title, Markup.TEXT), (field,), f"https://x.example/{number}")


def test_known_items_are_not_judged_but_for_the_company_of_a_new_one() -> None:
    model = KeywordJudge()
    judge, old = PinnedJudge(model, Shelf()), [item(number) for number in range(40)]
    first = judge.outcomes(old, Policy())
    assert model.batches == [40]
    assert judge.outcomes(old[::-1], Policy()) == first[::-1]
    assert model.batches == [40]
    assert judge.outcomes([*old, item(99, "Other news.")], Policy())[:-1] == first
    assert model.batches == [40, 13]


def test_the_company_of_new_items_is_what_they_would_have_among_all() -> None:
    """Up to the twelfth known item that has anything to be read; new ones wherever they stand."""
    read, done = Outcome((), None, (), read=True), Outcome((), None, (), read=False)
    assert with_readers([None, *[read] * 20, None]) == [*range(13), 21]
    assert with_readers([done, *[read] * 20, None]) == [*range(13), 21]
    assert with_readers([None, done, read]) == [0, 1, 2]


class Interrupted(KeywordJudge):
    """Somebody labels a block while it judges."""

    def __init__(self, shelf: Shelf) -> None:
        super().__init__()
        self.shelf = shelf

    def judge(self, passages: Sequence[Passage]) -> list[list[Verdict]]:
        self.shelf.say("News of the day.", "promo")
        return super().judge(passages)


def test_what_people_say_while_items_are_judged_holds_from_the_next_time_on() -> None:
    """All of a copy is made by what they had said when it was begun."""
    shelf = Shelf()
    judge = PinnedJudge(Interrupted(shelf), shelf)
    (before,) = judge.outcomes([item(1)], Policy())
    (after,) = judge.outcomes([item(1)], Policy())
    assert not before.cuts and [cut.text for cut in after.cuts] == ["News of the day."]
    shelf.said.clear()
    assert judge.outcomes([item(1)], Policy()) == [before]


def test_labels_are_asked_for_once_a_feed() -> None:
    class Counting(Shelf):
        asked = 0

        def label_mark(self) -> tuple[tuple[str, str], ...]:
            self.asked += 1
            return super().label_mark()

    shelf = Counting()
    PinnedJudge(KeywordJudge(), shelf).outcomes([item(1, "PROMO"), item(2)], Policy())
    assert shelf.asked == 1


class CountingWrites(Shelf):
    writes = 0

    def pin(self, pins: Sequence[Pin]) -> None:
        self.writes += 1
        super().pin(pins)


def test_the_pins_of_a_feed_are_written_at_once() -> None:
    shelf = CountingWrites()
    PinnedJudge(KeywordJudge(), shelf).outcomes([item(1, "PROMO"), item(2)], Policy())
    apart = Shelf()
    for one in (item(1, "PROMO"), item(2)):
        PinnedJudge(KeywordJudge(), apart).outcomes([one], Policy())
    assert shelf.writes == 1 and shelf.kept == apart.kept and len(shelf.limits) == 1


def test_pins_are_written_even_when_a_feed_cannot_be_judged_to_its_end() -> None:
    """Another feed may have been served by them meanwhile."""

    class NoTitles(KeywordJudge):
        def judge_titles(self, passages: Sequence[Passage]) -> list[Verdict]:
            raise ValueError("no titles")

    shelf = CountingWrites()
    with pytest.raises(ValueError, match="no titles"):
        PinnedJudge(NoTitles(), shelf).outcomes([item(1, "PROMO")], Policy())
    assert shelf.writes == 1 and len(shelf.kept) > 0


def test_nothing_is_remembered_of_what_was_judged_while_the_store_failed() -> None:
    """The thresholds of an earlier model may be unknown then, and known a moment later."""
    shelf = Shelf()
    PinnedJudge(KeywordJudge(), shelf).outcomes([item(1, "PROMO")], Policy())

    class Strict(KeywordJudge):
        name, thresholds = "strict 0", dict.fromkeys(Label, 0.999)

    judge = PinnedJudge(Strict(), shelf)
    shelf.failing = True
    assert not judge.outcomes([item(1, "PROMO")], Policy())[0].cuts
    shelf.failing = False
    assert len(judge._outcomes._known) == 0
    judge.outcomes([item(1, "PROMO")], Policy())
    assert len(judge._outcomes._known) == 1


def test_many_threads_get_one_answer() -> None:
    judge = PinnedJudge(KeywordJudge(), Shelf())
    feeds = [[item(number, "PROMO" if number % 3 else "News") for number in range(at, at + 30)] for at in range(40)]
    alone = {one.key: outcomes for one in feeds[0] + feeds[-1] for outcomes in judge.outcomes([one], Policy())}
    judge._outcomes = Outcomes(20_000)
    with ThreadPoolExecutor(8) as threads:
        for feed, found in zip(feeds, threads.map(lambda feed: judge.outcomes(feed, Policy()), feeds), strict=True):
            assert all(outcome == alone.get(one.key, outcome) for one, outcome in zip(feed, found, strict=True))
    assert 0 < judge._outcomes._size <= 20_000


def test_what_nobody_has_asked_for_longest_is_forgotten_first() -> None:
    def outcome(text: str) -> Outcome:
        cut = Cut("1", "description", 0, Action.CUT, Label.PROMO, 0.9, (Clue("free", 1.0),), text, text)
        return Outcome(((0, text),), Decision(Action.KEEP, TitleLabel.PLAIN, 0.1, None), (cut,), read=True)

    memory = Outcomes(10_000)
    memory.put({b"a": outcome("x" * 300), b"b": outcome("y" * 300)})
    one = memory._size // 2
    assert one > 300
    memory.get([b"a"])
    memory.put({bytes([number]): outcome("z" * 300) for number in range(10_000 // one - 1)})
    assert [found is not None for found in memory.get([b"a", b"b"])] == [True, False]
    memory.put({b"c": outcome("too large " * 1000)})
    assert len(memory._known) == 0 and memory._size == 0


def test_what_is_known_stays_when_another_thread_comes_later() -> None:
    memory, first = Outcomes(), Outcome((), None, (), read=True)
    memory.put({b"a": first})
    memory.put({b"a": replace(first, read=False)})
    assert memory.get([b"a", b"b"]) == [first, None]


def test_what_an_outcome_is_found_by() -> None:
    """All that is said in an item, the policy, and what people said; not its language, nor where it stands."""
    base, policy = item(1), Policy()
    (body,) = base.bodies

    def key(one: Item = base, policy: Policy = policy, mark: Hashable = (1, 2.0)) -> bytes:
        return digests([one], policy, mark)[0]

    assert key(replace(base, language="de")) == key() == digests([item(2), base], Policy(), (1, 2.0))[1]
    others = [
        *(key(replace(base, **{name: "other"})) for name in ("key", "url")),  # type: ignore[arg-type]
        key(replace(base, url=None)),
        key(replace(base, title=None)),
        key(item(1, title="Other")),
        key(replace(base, bodies=())),
        key(replace(base, bodies=(body, body))),
        key(replace(base, bodies=(replace(body, name="summary"),))),
        key(replace(base, bodies=(replace(body, markup=Markup.TEXT),))),
        key(replace(base, bodies=(replace(body, text=f"{body.text} "),))),
        key(replace(base, bodies=(replace(body, text="ab"), replace(body, text="c")))),
        key(replace(base, bodies=(replace(body, text="a"), replace(body, text="bc")))),
        *(key(policy=one) for one in (*POLICIES[1:], Policy(max_share=0.5), Policy(threshold=0.6))),
        key(mark=(2, 2.0)),
        key(mark=None),
    ]
    assert len({key(), *others}) == len(others) + 1
