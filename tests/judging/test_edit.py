"""What was cut is gone with all that only it needed; what was kept stands as it stood."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedclean.judging.blocks import Partition, judged, split
from feedclean.judging.edit import PARTING, rewrite
from feedclean.types import Action, Block, Decision, Kind, Label, Markup
from tests.strategies import GIVEN, actions_for, any_html, bodies, decided, plain_texts

HTML, TEXT = Markup.HTML, Markup.TEXT
KEEP, MARK, COLLAPSE, CUT = Action.KEEP, Action.MARK, Action.COLLAPSE, Action.CUT


def by_word(partition: Partition, action: Action, word: str = "PROMO") -> list[Decision]:
    """Decisions that act upon every block that holds `word`."""
    return [GIVEN[action if judged(block) and word in block.text else KEEP] for block in partition.blocks]


def edited(text: str, action: Action = CUT, markup: Markup = HTML) -> str:
    partition = split(text, markup)
    return rewrite(partition, by_word(partition, action))


def texts(text: str, markup: Markup = HTML) -> list[str]:
    return [block.text for block in split(text, markup).blocks if judged(block)]


def emptied(partition: Partition, actions: Sequence[Action]) -> set[int]:
    """Containers with something cut in them and nothing left, found the slow way."""
    inside: list[list[Action]] = [[] for _ in partition.parents]
    for block, action in zip(partition.blocks, actions, strict=True):
        scope = block.scope if block.kind is not Kind.GLUE else -1
        while scope >= 0:
            inside[scope].append(action)
            scope = partition.parents[scope]
    return {number for number, held in enumerate(inside) if held and all(action is CUT for action in held)}


def explains(result: str, blocks: Sequence[Block], actions: Sequence[Action], gone: set[int]) -> bool:
    """Whether `result` is the kept blocks, the glue of the containers that stay, and some of the separators."""
    places = {0}  # to where `result` is explained so far
    for block, action in zip(blocks, actions, strict=True):
        after = {place + len(block.source) for place in places if result.startswith(block.source, place)}
        if block.kind is not Kind.GLUE:
            places = places if action is CUT else after
        elif block.tag == "br":
            places |= after
        elif block.scope not in gone:
            places = after
        places |= {place + len(PARTING) for place in places if result.startswith(PARTING, place)}
    return len(result) in places


# ── Laws ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(any_html, st.sampled_from(Markup))
def test_all_keep_is_the_identity(text: str, markup: Markup) -> None:
    partition = split(text, markup)
    assert rewrite(partition, [GIVEN[KEEP]] * len(partition.blocks)) == text


@given(st.data(), st.sampled_from(Markup))
def test_a_cut_removes_its_blocks_and_what_only_they_needed(data: st.DataObject, markup: Markup) -> None:
    """Nothing else goes, nothing moves: kept blocks, their containers and what parts them stand as they stood."""
    partition = split(data.draw(any_html if markup is HTML else plain_texts), markup)
    actions = data.draw(actions_for(partition.blocks, (KEEP, CUT)))
    result = rewrite(partition, decided(actions))
    assert explains(result, partition.blocks, actions, emptied(partition, actions))
    if PARTING not in "".join(block.source for block in partition.blocks):
        assert result.count(PARTING) <= actions.count(CUT)


@given(st.data(), st.sampled_from(Markup))
def test_what_is_kept_reads_the_same_after_a_cut(data: st.DataObject, markup: Markup) -> None:
    """A body with what was cut gone holds the units that were kept, one by one: none is lost, none are joined.

    Only a table may turn into one unit, if what was cut told that it lays out a page.
    """
    partition = split(data.draw(bodies if markup is HTML else plain_texts), markup)
    actions = data.draw(actions_for(partition.blocks, (KEEP, CUT)))
    kept = [b.text for b, done in zip(partition.blocks, actions, strict=True) if judged(b) and done is KEEP]
    result = rewrite(partition, decided(actions))
    assert " ".join(texts(result, markup)).split() == " ".join(kept).split()
    if "<table" not in result:
        assert texts(result, markup) == kept


@given(st.data(), st.sampled_from([MARK, COLLAPSE]), st.sampled_from(Markup))
def test_a_mark_is_settled_and_its_neighbours_are_judged_as_before(
    data: st.DataObject, action: Action, markup: Markup
) -> None:
    """Read again, what was marked is not judged a second time, and nothing else looks different."""
    partition = split(data.draw(bodies if markup is HTML else plain_texts), markup)
    actions = data.draw(actions_for(partition.blocks, (KEEP, action)))
    before = [(b, done) for b, done in zip(partition.blocks, actions, strict=True) if b.kind is not Kind.GLUE]
    again = split(rewrite(partition, decided(actions)), markup)
    after = [block for block in again.blocks if block.kind is not Kind.GLUE]
    assert len(after) == len(before)
    for (block, done), now in zip(before, after, strict=True):
        if done is KEEP:
            assert (now.kind, now.text, now.source) == (block.kind, block.text, block.source)
        else:
            assert now.kind is Kind.SETTLED


@given(any_html)
def test_marking_a_tangle_leaves_every_character(text: str) -> None:
    """Whatever does not balance may be marked, and the marks are all that is added."""
    partition = split(text, HTML)
    decisions = [GIVEN[MARK if block.kind is Kind.TANGLE else KEEP] for block in partition.blocks]
    result = rewrite(partition, decisions)
    mark = '<mark data-feedclean="promo">promo 97 %</mark> '
    assert result.replace(mark, "") == text.replace(mark, "")


# ── Cuts ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

CUTS = {
    "<p>a</p>\n<p>PROMO</p>\n<p>b</p>": "<p>a</p>\n\n<p>b</p>",
    "<ul><li>a</li><li>PROMO</li></ul>": "<ul><li>a</li></ul>",
    "<p>a</p><ul>\n<li>PROMO</li>\n<li>PROMO</li>\n</ul>": "<p>a</p>",
    "<p>a</p><div class=box><div> <p>PROMO</p> <!-- x --></div></div>": "<p>a</p>",
    "<p>a</p><div><p>PROMO</p><p>b</p></div>": "<p>a</p><div><p>b</p></div>",
    "<div><div></div><p>PROMO</p></div>b": "b",
    "a<br><br>PROMO<br><br>b": "a<br><br>b",
    "a<br><br>PROMO": "a",
    "PROMO<br/>\n<br/>b": "b",
    "a<br><br>PROMO<br><br><br>PROMO<br><br>b": "a<br><br>b",
    "<p>a<br><br>PROMO</p><p>b</p>": "<p>a</p><p>b</p>",
    "a<hr>PROMO<hr>b": "a<hr>b",
    "<p>a</p><hr><p>PROMO</p>": "<p>a</p>",
    "<p>a<p>PROMO<p>b": "<p>a<p>b",
    "<table><tr><td><p>PROMO</p><p>a</p></table>": "<table><tr><td><p>a</p></table>",
    "<figure><img src=x><figcaption>PROMO</figcaption></figure>": "<figure><img src=x></figure>",
    "<p>PROMO</p>": "",
    # Bare text on both sides would run together.
    "a<p>PROMO</p>b": "a<br><br>b",
    "a\n<div><p>PROMO</p></div>\n<!-- x -->b": "a\n<br><br>\n<!-- x -->b",
    "<div>a<p>PROMO</p><p>PROMO</p>b</div>": "<div>a<br><br>b</div>",
    "a<p>PROMO</p><p>b</p>": "a<p>b</p>",
    "a<div>PROMO<p>PROMO</p></div><br><br>b": "a<br><br>b",
}


@pytest.mark.parametrize("text", CUTS)
def test_a_cut_takes_along_what_only_it_needed(text: str) -> None:
    assert edited(text) == CUTS[text]


PLAIN_CUTS = {
    "a\n\nPROMO\n\nb": "a\n\nb",
    "PROMO\n\nb\n": "b\n",
    "a\n\nPROMO\n": "a\n",
    "a:\n- PROMO\n- b": "a:\n- b",
    "a\n- PROMO\n\nb": "a\n\nb",
}


@pytest.mark.parametrize("text", PLAIN_CUTS)
def test_a_cut_in_plain_text_takes_one_gap_along(text: str) -> None:
    assert edited(text, markup=TEXT) == PLAIN_CUTS[text]


# ── Marks ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

TOLD = '<mark data-feedclean="promo">promo 97 %</mark> '
FOLD = '<details data-feedclean="promo"><summary>promo 97 %</summary>'
MARKS = {
    "<p class='x'>PROMO</p>": f"<p class='x'>{TOLD}PROMO</p>",
    "<ul><li>PROMO<li>a</ul>": f"<ul><li>{TOLD}PROMO<li>a</ul>",
    "a<br><br>PROMO": f"a<br><br>{TOLD}PROMO",
    "<table><tr><td>PROMO<td>1<tr><td>a<td>2</table>": '<div data-feedclean="promo">'
    f"{TOLD}<table><tr><td>PROMO<td>1<tr><td>a<td>2</table></div>",
    "<div><section><p>PROMO</p></div></section>": f"<div>{TOLD}<section><p>PROMO</p></div></section>",
}
COLLAPSES = {
    "<p>PROMO</p>": f"{FOLD}<p>PROMO</p></details>",
    "<ul><li>PROMO</li></ul>": f"<ul><li>{FOLD}PROMO</details></li></ul>",
    "<p>a<br><br>PROMO</p>": f"<p>a<br><br>{TOLD}PROMO</p>",
    "a<br><br>PROMO": f"a<br><br>{FOLD}PROMO</details>",
}


@pytest.mark.parametrize("text", MARKS)
def test_a_mark_stands_before_the_words(text: str) -> None:
    assert edited(text, MARK) == MARKS[text]


@pytest.mark.parametrize("text", COLLAPSES)
def test_what_is_collapsed_stands_behind_one_line(text: str) -> None:
    """Where `<details>` may not stand, a mark does."""
    assert edited(text, COLLAPSE) == COLLAPSES[text]


@pytest.mark.parametrize("action", [MARK, COLLAPSE])
def test_plain_text_is_marked_behind_its_bullet(action: Action) -> None:
    assert edited("a\n- PROMO\n\nPROMO", action, TEXT) == "a\n- [promo 97 %] PROMO\n\n[promo 97 %] PROMO"


def test_a_decision_about_glue_is_ignored() -> None:
    partition = split("<div><p>a</p> <p>b</p></div>", HTML)
    decisions = [GIVEN[KEEP if judged(block) else CUT] for block in partition.blocks]
    assert rewrite(partition, decisions) == "<div><p>a</p> <p>b</p></div>"


def test_a_mark_names_label_and_probability() -> None:
    partition = split("<p>a</p>", HTML)
    assert "teaser 60 %" in rewrite(partition, [Decision(MARK, Label.TEASER, 0.6, None)])
