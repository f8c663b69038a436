"""A pitch behind news does not take the news along."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedclean.cleaning import clean
from feedclean.judging.blocks import judged
from feedclean.judging.mixes import GUARD, sentences, taken_apart
from feedclean.judging.policy import Policy
from feedclean.types import Action, Block, Cleaned, Decision, Kind, Label, Passage, Verdict
from tests.fakes import KeywordJudge
from tests.strategies import bodies, phrases

LEAD = "Orvell, which makes boilers, told how its third quarter went. " * 5
NEWS = "Orvell sold 4.5 percent more boilers. Orders rose to Mio. 12 in Poland, Dr. Kolenz said on Jan. 4 in Graz."
PITCH = "The free PROMO study tells you more!"
ORDER = list(Label)


class Tipped(KeywordJudge):
    """Is 0.9 sure of advertising wherever a block names it, however much else the block says."""

    def judge(self, passages: Sequence[Passage]) -> list[list[Verdict]]:
        return [[self._wavering(verdict) for verdict in verdicts] for verdicts in super().judge(passages)]

    def _wavering(self, verdict: Verdict) -> Verdict:
        return Verdict(tuple(0.9 if one > 0.5 else 0.025 for one in verdict.probabilities))


class Drowned(KeywordJudge):
    """Is sure only about what is advertising by itself: where a block says more, next to nothing is left of it."""

    def judge(self, passages: Sequence[Passage]) -> list[list[Verdict]]:
        return [
            [self._weighed(block, verdict) for block, verdict in zip(passage.blocks, verdicts, strict=True)]
            for passage, verdicts in zip(passages, super().judge(passages), strict=True)
        ]

    def _weighed(self, block: Block, verdict: Verdict) -> Verdict:
        mix = len(sentences(block.text)) > 1 and verdict.probabilities[ORDER.index(Label.EDITORIAL)] < 0.5
        return Verdict((0.9, 0.1, 0.0, 0.0, 0.0)) if mix else verdict


def cleaned(text: str, model: KeywordJudge | None = None) -> Cleaned:
    return clean(text, model=model or Tipped())


def decision(text: str) -> Decision:
    """That about the second of three paragraphs."""
    found = cleaned(f"<p>{LEAD}</p><p>{text}</p><p>The share rose.</p>")
    return decisions(found)[0][1]


def decisions(found: Cleaned) -> list[list[Decision]]:
    """Those about the blocks of each body of the first item."""
    return [[one.decision for one in body if judged(one.block)] for body in found.items[0].bodies]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", []),
        ("One sentence", ["One sentence"]),
        ("It rose. It fell.", ["It rose.", "It fell."]),
        ("Buy or sell?! Read on …", ["Buy or sell?!", "Read on …"]),
        ("Acme Inc. and J. Doe of the U.S. Navy met.", ["Acme Inc. and J. Doe of the U.S. Navy met."]),
        ("Am 4. März, z. B. in Köln, Nr. 3.", ["Am 4. März, z. B. in Köln, Nr. 3."]),
        ("Er sagte: „Gut.“ Dann ging er.", ["Er sagte: „Gut.“", "Dann ging er."]),
        ("Ende. Öl steigt.", ["Ende.", "Öl steigt."]),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text: str, parts: list[str]) -> None:
    assert sentences(text) == parts


@given(st.text() | phrases())
def test_sentences_hold_every_word_in_order(text: str) -> None:
    assert " ".join(sentences(text)).split() == text.split()


@pytest.mark.parametrize("text", [f"{NEWS} {PITCH}", f"{PITCH} {NEWS}"])
def test_news_with_a_pitch_is_marked_not_cut(text: str) -> None:
    found = decision(text)
    assert (found.action, found.label, found.guard) == (Action.MARK, Label.PROMO, GUARD)


@pytest.mark.parametrize("text", [PITCH, f"{PITCH} {PITCH}", f"It rose. {PITCH} {PITCH}"])
def test_a_pitch_is_cut_whatever_its_sentences(text: str) -> None:
    assert decision(text).action is Action.CUT


def test_what_is_sure_is_not_asked_about() -> None:
    found = clean(f"<p>{LEAD}</p><p>{NEWS} {PITCH}</p><p>The share rose.</p>", model=KeywordJudge())
    assert decisions(found)[0][1].action is Action.CUT


def test_a_feed_says_the_same_in_both_fields_of_an_item() -> None:
    body = f"&lt;p&gt;{LEAD}&lt;/p&gt;&lt;p&gt;{NEWS} {PITCH}&lt;/p&gt;"
    feed = f"""<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>t</title><item>
        <title>Orvell</title><description>{body}</description>
        <content:encoded>{body}&lt;p&gt;The share rose.&lt;/p&gt;</content:encoded></item></channel></rss>"""
    found = cleaned(feed)
    assert [body[1].guard for body in decisions(found)] == [GUARD, GUARD]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"<p>{NEWS} {PITCH}</p>", f"<p>{NEWS} ¶{PITCH}</p>"),
        (f"<p>{NEWS} {PITCH} {NEWS}</p>", f"<p>{NEWS} ¶{PITCH} {NEWS}</p>"),
        (f'<p>{NEWS} <a title="{PITCH}" href="/s">{PITCH}</a></p>', f'<p>{NEWS} <a title="{PITCH}" href="/s">¶{PITCH}</a></p>'),
        (f"<p>{NEWS} The <b>free</b> PROMO study tells more!</p>", f"<p>¶{NEWS} The <b>free</b> PROMO study tells more!</p>"),
        (f'<p>{NEWS} The <i>free</i> PROMO study<img alt="The free PROMO study"></p>', f'<p>¶{NEWS} The <i>free</i> PROMO study<img alt="The free PROMO study"></p>'),
        (f"{NEWS} {PITCH}<br><br>", f"{NEWS} ¶{PITCH}<br><br>"),
        (f"<p>{PITCH} It rose.</p>", f"<p>{PITCH} It rose.</p>"),
    ],
    ids="end inside link tags attribute bare pitch".split(),
)  # fmt: skip
def test_a_pitch_in_news_that_is_kept_is_marked_where_it_begins(before: str, after: str) -> None:
    text = f"<p>{LEAD}</p>{before}<p>The share rose.</p>"
    found = cleaned(text, Drowned())
    mark = '<mark data-feedclean="promo">promo 99 %</mark> '
    assert found.content.decode() == text.replace(before, after.replace("¶", mark))
    assert len(found.ledger) == ("¶" in after)
    assert cleaned(found.content.decode(), Drowned()).content == found.content


def test_a_pitch_in_plain_text_is_marked_where_it_begins() -> None:
    text = f"{LEAD.strip()}\n\n- {NEWS} {PITCH}\n\nThe share rose.\n"
    found = cleaned(text, Drowned())
    assert found.content.decode() == text.replace(PITCH, f"[promo 99 %] {PITCH}")
    assert cleaned(found.content.decode(), Drowned()).content == found.content


@pytest.mark.parametrize("policy", [Policy(threshold=0.999), Policy(actions=dict.fromkeys(Label, Action.KEEP))])
def test_a_pitch_in_news_is_acted_upon_only_where_the_policy_would(policy: Policy) -> None:
    text = f"<p>{LEAD}</p><p>{NEWS} {PITCH}</p>"
    assert clean(text, model=Drowned(), policy=policy).content.decode() == text


mixed = st.lists(
    st.one_of(st.sampled_from([f"<p>{NEWS} {PITCH}</p>", f"<p>{PITCH}</p>", f"{PITCH} HOOK<br><br>"]), bodies),
    max_size=5,
).map("".join)


@given(mixed, st.sampled_from([Tipped(), Drowned()]))
def test_cleaning_twice_changes_nothing_more(body: str, model: KeywordJudge) -> None:
    once = cleaned(f"<p>{LEAD}</p>{body}", model)
    assert cleaned(once.content.decode(), model).content == once.content


def test_a_passage_without_doubts_is_itself() -> None:
    passage = Passage((Block("", Kind.PARAGRAPH, "One."),), "")
    assert taken_apart(passage, {}) is passage
    assert [one.text for one in taken_apart(passage, {0: ["A.", "B."]}).blocks] == ["A.", "B."]
