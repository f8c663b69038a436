"""A score is not a decision: what the policy makes of verdicts, and what no verdict can override."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from feedclean.errors import SettingsError
from feedclean.judging.blocks import judged, split
from feedclean.judging.policy import Policy
from feedclean.types import Action, Block, Decision, Kind, Label, Markup, TitleAction, TitleLabel, Verdict
from tests.strategies import any_html

THRESHOLDS: dict[str, float] = dict.fromkeys(Label, 0.8)
PROMO, NEWS = Verdict((0.02, 0.95, 0.01, 0.01, 0.01)), Verdict((0.96, 0.01, 0.01, 0.01, 0.01))

verdicts = st.lists(st.integers(0, 50), min_size=5, max_size=5).map(
    lambda parts: Verdict(tuple((part + 0.01) / (sum(parts) + 0.05) for part in parts))
)
policies = st.builds(
    Policy,
    actions=st.fixed_dictionaries({label: st.sampled_from(Action) for label in Label}),
    threshold=st.one_of(st.none(), st.floats(0, 1)),
    max_share=st.floats(0, 1),
)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Sequence[Block], list[Verdict]]:
    blocks = split(draw(any_html), Markup.HTML).blocks
    return blocks, [draw(verdicts) for block in blocks if judged(block)]


def decide(text: str, *given: Verdict, policy: Policy | None = None) -> list[Decision]:
    """Decisions about the judged blocks of `text`."""
    blocks = split(text, Markup.HTML).blocks
    decisions = (policy or Policy()).decide(blocks, given, THRESHOLDS)
    return [decision for block, decision in zip(blocks, decisions, strict=True) if judged(block)]


# ── Laws ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(cases(), policies)
def test_every_block_gets_a_decision_and_glue_is_kept(
    case: tuple[Sequence[Block], list[Verdict]], policy: Policy
) -> None:
    blocks, given_verdicts = case
    decisions = policy.decide(blocks, given_verdicts, THRESHOLDS)
    assert len(decisions) == len(blocks)
    waiting = iter(given_verdicts)
    for block, decision in zip(blocks, decisions, strict=True):
        assert 0 <= decision.probability <= 1
        if judged(block):
            assert decision.verdict is next(waiting)
            assert isinstance(decision.label, Label)
        else:
            assert (decision.action, decision.label, decision.verdict) == (Action.KEEP, None, None)


@given(cases(), policies, st.floats(0, 1), st.floats(0, 1))
def test_a_higher_threshold_never_acts_more(
    case: tuple[Sequence[Block], list[Verdict]], policy: Policy, one: float, other: float
) -> None:
    """What a higher threshold acts upon, a lower one does; what it cuts, the lower one cuts or a guard spared there."""
    low, high = sorted((one, other))
    lax = Policy(policy.actions, low, max_share=policy.max_share).decide(*case, THRESHOLDS)
    strict = Policy(policy.actions, high, max_share=policy.max_share).decide(*case, THRESHOLDS)
    for less, more in zip(strict, lax, strict=True):
        if less.action is not Action.KEEP:
            assert more.action is not Action.KEEP
        if less.action is Action.CUT:
            assert more.action is Action.CUT or more.guard


@given(cases(), policies)
def test_an_item_is_never_emptied(case: tuple[Sequence[Block], list[Verdict]], policy: Policy) -> None:
    """Some words stay if there were any, and something stays in any case."""
    blocks, given_verdicts = case
    decisions = policy.decide(blocks, given_verdicts, THRESHOLDS)
    shown = [(b, d) for b, d in zip(blocks, decisions, strict=True) if b.kind is not Kind.GLUE]
    left = [block for block, decision in shown if decision.action is not Action.CUT]
    assert left or not shown
    if any(block.text for block, _ in shown):
        assert any(block.text for block in left)


@given(cases(), policies)
def test_no_more_is_cut_than_the_share(case: tuple[Sequence[Block], list[Verdict]], policy: Policy) -> None:
    blocks, given_verdicts = case
    decisions = policy.decide(blocks, given_verdicts, THRESHOLDS)
    total = sum(len(block.text) for block in blocks if block.kind is not Kind.GLUE)
    cut = sum(len(b.text) for b, d in zip(blocks, decisions, strict=True) if d.action is Action.CUT)
    assert cut <= policy.max_share * total + 1e-6


@given(cases(), policies)
def test_the_only_table_and_the_only_picture_stay(case: tuple[Sequence[Block], list[Verdict]], policy: Policy) -> None:
    blocks, given_verdicts = case
    decisions = policy.decide(blocks, given_verdicts, THRESHOLDS)
    tables = [d for b, d in zip(blocks, decisions, strict=True) if b.kind is Kind.TABLE]
    pictures = [d for b, d in zip(blocks, decisions, strict=True) if b.images]
    for holders in (tables, pictures):
        if len(holders) == 1:
            assert holders[0].action is not Action.CUT


@given(cases(), policies)
def test_a_tangle_is_marked_never_cut(case: tuple[Sequence[Block], list[Verdict]], policy: Policy) -> None:
    """Tags that do not balance are not cut into, nor folded away."""
    blocks, given_verdicts = case
    for block, decision in zip(blocks, policy.decide(blocks, given_verdicts, THRESHOLDS), strict=True):
        if block.kind is Kind.TANGLE:
            assert decision.action in (Action.KEEP, Action.MARK)


@given(cases(), policies)
def test_a_guard_only_makes_a_decision_milder(case: tuple[Sequence[Block], list[Verdict]], policy: Policy) -> None:
    """Guarded decisions are marks, and say which guard it was."""
    blocks, given_verdicts = case
    for decision in policy.decide(blocks, given_verdicts, THRESHOLDS):
        if decision.guard:
            assert decision.action is Action.MARK
            assert decision.label is not None
            assert policy.actions[Label(decision.label)] in (Action.CUT, Action.COLLAPSE)


@given(cases())
def test_unsure_is_kept(case: tuple[Sequence[Block], list[Verdict]]) -> None:
    for decision in Policy().decide(*case, THRESHOLDS):
        assert not decision.unsure or decision.action is Action.KEEP


@pytest.mark.parametrize("wrong", [{"threshold": 3.0}, {"threshold": -0.1}, {"max_share": 1.5}, {"actions": {}}])
def test_a_policy_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        Policy(**wrong)


# ── Labels and thresholds ─────────────────────────────────────────────────────────────────────────────────────────────


def test_promo_and_teaser_are_cut_by_default_and_nothing_else() -> None:
    text = "<p>news that is long enough</p>" * 3 + "<p>x</p>" * 5
    found = decide(
        text, NEWS, NEWS, NEWS, *(Verdict(tuple(0.96 if i == k else 0.01 for i in range(5))) for k in range(5))
    )
    assert [(d.label, d.action) for d in found[3:]] == [
        (Label.EDITORIAL, Action.KEEP),
        (Label.PROMO, Action.CUT),
        (Label.TEASER, Action.CUT),
        (Label.BOILERPLATE, Action.KEEP),
        (Label.DISCLOSURE, Action.KEEP),
    ]


def test_probabilities_of_all_labels_that_are_acted_upon_add_up() -> None:
    """Promo or teaser is a question of taste; that it is one of them is what counts."""
    _, torn = decide("<p>news that is long enough</p><p>x</p>", NEWS, Verdict((0.1, 0.41, 0.45, 0.02, 0.02)))
    assert (torn.action, torn.label) == (Action.CUT, Label.TEASER)
    assert torn.probability == pytest.approx(0.86)


def test_a_kept_block_bears_its_likeliest_label_and_may_be_unsure() -> None:
    _, near, far = decide(
        "<p>news that is long enough</p><p>x</p><p>y</p>",
        NEWS,
        Verdict((0.3, 0.6, 0.05, 0.03, 0.02)),
        Verdict((0.7, 0.1, 0.05, 0.1, 0.05)),
    )
    assert (near.action, near.label, near.unsure) == (Action.KEEP, Label.PROMO, True)
    assert (far.action, far.label, far.unsure) == (Action.KEEP, Label.EDITORIAL, False)


def test_the_threshold_is_that_of_the_likeliest_acted_label_unless_one_is_given() -> None:
    blocks = split("<p>news that is long enough</p><p>x</p>", Markup.HTML).blocks
    given_verdicts = [NEWS, Verdict((0.25, 0.7, 0.05, 0.0, 0.0))]
    own = THRESHOLDS | {Label.PROMO: 0.74}
    assert Policy().decide(blocks, given_verdicts, own)[1].action is Action.CUT
    assert Policy(threshold=0.76).decide(blocks, given_verdicts, own)[1].action is Action.KEEP


def test_with_nothing_to_act_upon_everything_is_kept() -> None:
    policy = Policy(actions=dict.fromkeys(Label, Action.KEEP), threshold=0.0)
    assert {d.action for d in decide("<p>a</p><p>b</p>", PROMO, NEWS, policy=policy)} == {Action.KEEP}


# ── Guards ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_item_that_is_all_advertising_is_marked() -> None:
    found = decide("<p>a</p><p>b</p>", PROMO, PROMO)
    assert [(d.action, d.guard) for d in found] == [(Action.MARK, "nothing would be left of the item")] * 2


def test_a_picture_without_words_is_no_text_that_could_be_left() -> None:
    """Cutting an advertising banner with its pitch leaves the news: that guard does not speak."""
    text = "<p>news that is long enough</p><p><img src=a></p><p><img src=b></p><p>pitch</p>"
    found = decide(text, NEWS, NEWS, PROMO, PROMO)
    assert [d.action for d in found] == [Action.KEEP, Action.KEEP, Action.CUT, Action.CUT]
    found = decide("<p>pitch</p><p><img src=a></p><p><img src=b></p>", PROMO, NEWS, PROMO)
    assert [d.action for d in found] == [Action.MARK, Action.KEEP, Action.MARK]


def test_more_than_the_share_is_marked() -> None:
    found = decide("<p>abcd</p><p>abcdefgh</p>", NEWS, PROMO)
    assert (found[1].action, found[1].guard) == (Action.MARK, "more than 60% of the item would be cut")
    assert decide("<p>abcd</p><p>abcdefgh</p>", NEWS, PROMO, policy=Policy(max_share=0.7))[1].action is Action.CUT


@pytest.mark.parametrize(
    ("text", "guard"),
    [
        ("<table><tr><td>a<td>1<tr><td>b<td>2</table>", "it holds the only table"),
        ("<p>a <img src=x></p>", "it holds the only picture"),
    ],
)
def test_what_there_is_only_one_of_is_marked(text: str, guard: str) -> None:
    news = "<p>news that is long enough</p>"
    assert [(d.action, d.guard) for d in decide(news + text, NEWS, PROMO)][1] == (Action.MARK, guard)
    assert decide(news + text + text, NEWS, PROMO, NEWS)[1].action is Action.CUT


def test_a_tangle_says_why_it_is_only_marked() -> None:
    _, tangle = decide("<p>news that is long enough</p><b><p>a</b></p>", NEWS, PROMO)
    assert (tangle.action, tangle.guard) == (Action.MARK, "tags do not balance")


# ── Titles ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(st.floats(0, 1), st.floats(0, 1), st.sampled_from(TitleAction))
def test_a_title_is_never_more_than_marked(probability: float, threshold: float, title_action: TitleAction) -> None:
    verdict = Verdict((1 - probability, probability))
    decision = Policy(title_action=title_action).decide_title(verdict, threshold)
    bait = probability >= threshold
    assert decision.label is (TitleLabel.CLICKBAIT if bait else TitleLabel.PLAIN)
    assert decision.action is (Action.MARK if bait and title_action is not TitleAction.KEEP else Action.KEEP)
    assert decision.probability == probability


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_higher_threshold_never_marks_more_titles(probability: float, one: float, other: float) -> None:
    assume(one != other)
    low, high = sorted((one, other))
    verdict = Verdict((1 - probability, probability))
    if Policy().decide_title(verdict, high).action is Action.MARK:
        assert Policy().decide_title(verdict, low).action is Action.MARK


# ── Two opinions ──────────────────────────────────────────────────────────────────────────────────────────────────────


def promo(probability: float) -> Verdict:
    return Verdict((1 - probability, probability, 0.0, 0.0, 0.0))


def outweighed(*probabilities: float, policy: Policy | None = None) -> list[bool]:
    """Which of some paragraphs are cut, that an extractor found in an article twenty times as long."""
    text = "".join("<p>Acme</p>" for _ in probabilities) + f"<p>{'News. ' * 20 * len(probabilities)}</p>"
    blocks = split(text, Markup.HTML).blocks
    given = [promo(probability) for probability in probabilities] + [NEWS]
    decisions = (policy or Policy()).decide(blocks, given, dict.fromkeys(Label, 0.5), extracted=True)
    shown = [decision for block, decision in zip(blocks, decisions, strict=True) if judged(block)]
    return [decision.action is Action.CUT for decision in shown[:-1]]


def test_in_an_extracted_article_only_what_is_sure_is_cut() -> None:
    assert outweighed(0.98) == [False]
    assert outweighed(0.998) == [True]


def test_what_is_likely_goes_with_what_is_sure_beside_it() -> None:
    assert outweighed(0.92, 0.998, 0.91) == [True, True, True]
    assert outweighed(0.92, 0.8, 0.998) == [False, False, True]  # the one between is not likely enough
    assert outweighed(0.92, 0.98, 0.95) == [False, False, False]


def test_a_threshold_of_ones_own_counts_in_an_extracted_article_too() -> None:
    assert outweighed(0.6, policy=Policy(threshold=0.5)) == [True]


def test_an_extractor_is_believed_where_much_of_its_article_would_go() -> None:
    blocks = split("<p>Buy now</p><p>Acme earned 4 mn</p>", Markup.HTML).blocks
    given = [promo(0.998), NEWS]
    for extracted, action in ((False, Action.CUT), (True, Action.MARK)):
        decisions = Policy().decide(blocks, given, THRESHOLDS, extracted=extracted)
        assert [one.action for one in decisions if one.label is not None] == [action, Action.KEEP]
    assert any(decision.guard == "more than 25% of the item would be cut" for decision in decisions)


@given(cases(), policies)
def test_a_second_opinion_never_cuts_more(case: tuple[Sequence[Block], list[Verdict]], policy: Policy) -> None:
    blocks, given_verdicts = case
    alone, outvoted = (
        policy.decide(blocks, given_verdicts, THRESHOLDS, extracted=extracted) for extracted in (False, True)
    )
    for one, other in zip(alone, outvoted, strict=True):
        if other.action is Action.CUT:
            assert one.action is Action.CUT or "would be" in one.guard or "nothing would be left" in one.guard
