"""The sentence from end to end, with a model whose verdicts are plain to see."""

from __future__ import annotations

import html
import json
import re
from xml.etree.ElementTree import canonicalize

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from feedclean.cleaning import clean
from feedclean.judging.policy import Policy
from feedclean.types import Action, Cleaned, Format, Kind, Label, TitleAction
from tests.fakes import KeywordJudge
from tests.strategies import any_html, bodies, phrases, plain_texts

JUDGE = KeywordJudge()
NEWS = "<p>Revenue rose 4 percent to 12 million euros, the company said.</p>"

actions = st.fixed_dictionaries({label: st.sampled_from(Action) for label in Label})
policies = st.builds(
    Policy, actions=actions, title_action=st.sampled_from(TitleAction), max_share=st.sampled_from([0.3, 0.6, 1.0])
)
CUTTING = st.just(Policy(max_share=1.0))


def cleaned(data: str, policy: Policy | None = None, *, explain: bool = False) -> Cleaned:
    return clean(data, model=JUDGE, policy=policy, explain=explain)


def text(data: str, policy: Policy | None = None) -> str:
    return cleaned(data, policy).content.decode()


def rss(*items: tuple[str, str, str]) -> str:
    """A feed of items with title, description and content, the content in CDATA."""
    written = "".join(
        f"<item><title>{html.escape(title)}</title><guid>{number}</guid><description>{html.escape(short)}</description>"
        f"<content:encoded><![CDATA[{full}]]></content:encoded><x:ticker>ACM</x:ticker></item>\n"
        for number, (title, short, full) in enumerate(items)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" xmlns:x="urn:x"'
        ' xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>t</title>\n'
        f"<!-- note -->{written}</channel></rss>\n"
    )


def atom(title: str, body: str) -> str:
    return (
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title><id>urn:f</id><updated>2026-03-12T10:00:00Z</updated>'
        f"<entry><title>{html.escape(title)}</title><id>urn:1</id><updated>2026-03-12T10:00:00Z</updated>"
        f'<content type="html">{html.escape(body)}</content></entry></feed>'
    )


def json_feed(title: str, body: str) -> str:
    item = {"id": "1", "title": title, "content_html": body}
    return json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "t", "items": [item]})


def c14n(data: bytes) -> str:
    return canonicalize(etree.tostring(etree.fromstring(data), encoding="unicode"))


# Characters that no XML document can hold, and the end of character data, are the formats' business.
xml_bodies = st.one_of(bodies, any_html).map(
    lambda body: "".join(c for c in body if c in "\t\n" or (" " <= c < "\ud800") or "\ue000" <= c < "\ufffe").replace(
        "]]>", ""
    )
)
_keywords = st.sampled_from(["<p>HOOK</p>", "<p>PROMO</p>", "<li>TEASER", "HOOK<br><br>", "<h2>HOOK</h2>", NEWS, NEWS])
hooked = st.lists(st.one_of(_keywords, bodies), max_size=6).map("".join)
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f]")  # what makes a text a binary file
titles = st.tuples(phrases(), st.sampled_from(["", " ?!"])).map("".join)


# ── Cleaning twice changes nothing more ───────────────────────────────────────────────────────────────────────────────


def test_a_str_is_read_as_its_characters_whatever_it_says_of_its_bytes() -> None:
    said = "<html><head><meta charset=windows-1251></head><body><p>Выручка выросла.</p></body></html>"
    assert "Выручка" in cleaned(said).content.decode("utf-8-sig")


@given(st.one_of(hooked, any_html), policies)
def test_a_page_cleaned_twice_is_the_page_cleaned_once(body: str, policy: Policy) -> None:
    once = cleaned(f"<p>start</p>{body}", policy).content
    assert clean(once, model=JUDGE, policy=policy).content == once


@given(plain_texts, policies)
def test_a_text_cleaned_twice_is_the_text_cleaned_once(body: str, policy: Policy) -> None:
    once = cleaned(f"Start here.\n\n{_CONTROL.sub('', body)}", policy).content
    assert clean(once, model=JUDGE, policy=policy).content == once


@given(titles, st.one_of(hooked, xml_bodies), xml_bodies, policies)
def test_an_rss_feed_cleaned_twice_is_the_feed_cleaned_once(title: str, full: str, short: str, policy: Policy) -> None:
    once = cleaned(rss((title, short, full.replace("]]>", "")), ("Second", NEWS, NEWS)), policy).content
    assert clean(once, model=JUDGE, policy=policy).content == once


@given(titles, st.one_of(hooked, xml_bodies), policies)
def test_an_atom_feed_cleaned_twice_is_the_feed_cleaned_once(title: str, body: str, policy: Policy) -> None:
    once = cleaned(atom(title, body), policy).content
    assert clean(once, model=JUDGE, policy=policy).content == once


@given(titles, st.one_of(hooked, any_html), policies)
def test_a_json_feed_cleaned_twice_is_the_feed_cleaned_once(title: str, body: str, policy: Policy) -> None:
    once = cleaned(json_feed(title, body), policy).content
    assert clean(once, model=JUDGE, policy=policy).content == once


# ── Nothing is lost ───────────────────────────────────────────────────────────────────────────────────────────────────


@given(st.one_of(bodies, any_html))
def test_a_page_in_which_nothing_is_acted_upon_is_the_same_bytes(body: str) -> None:
    policy = Policy(actions=dict.fromkeys(Label, Action.KEEP))
    page = f"<p>start</p>{body}"
    assert cleaned(page, policy).content == page.encode("utf-8", "surrogatepass")


@given(titles, xml_bodies, xml_bodies)
def test_a_feed_in_which_nothing_is_acted_upon_keeps_its_infoset(title: str, short: str, full: str) -> None:
    policy = Policy(actions=dict.fromkeys(Label, Action.KEEP), title_action=TitleAction.KEEP)
    for feed in (rss((title, short, full)), atom(title, full)):
        assert c14n(cleaned(feed, policy).content) == c14n(feed.encode())


@given(hooked, CUTTING)
def test_the_ledger_holds_what_is_gone(body: str, policy: Policy) -> None:
    """Every block is either in its place or in the ledger, with the characters that restore it."""
    found = cleaned(f"{NEWS}{body}", policy)
    (item,) = found.items
    (blocks,) = item.bodies
    assert "".join(one.block.source for one in blocks) == item.item.bodies[0].text
    acted = [one for one in blocks if one.decision.action is not Action.KEEP]
    assert [(line.source, line.action, line.label) for line in found.ledger] == [
        (one.block.source, one.decision.action, one.decision.label) for one in acted
    ]
    for line in found.ledger:
        assert blocks[line.position].block.source == line.source
        assert line.clues


@given(st.integers(0, 6), st.sampled_from([0.3, 0.6]))
def test_no_more_is_cut_than_the_share_however_often_it_is_judged(count: int, share: float) -> None:
    """The guard counts from what was published, not from what an earlier pass has left."""
    found = cleaned(NEWS + "<p>HOOK that is about as long as the news above it</p>" * count, Policy(max_share=share))
    blocks = [one for one in found.items[0].bodies[0] if one.block.kind is not Kind.GLUE]
    cut = sum(len(one.block.text) for one in blocks if one.decision.action is Action.CUT)
    assert cut <= share * sum(len(one.block.text) for one in blocks) + 1e-6


# ── What is cut ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_advertising_is_cut_and_the_rest_stands_as_it_stood() -> None:
    page = f"{NEWS}\n<div class=ad><p>Ad PROMO</p>\n<ul><li>PROMO</ul></div>\n<p>DISCLOSURE: none.</p>"
    assert text(page) == f"{NEWS}\n\n<p>DISCLOSURE: none.</p>"


def test_cutting_goes_on_until_nothing_changes() -> None:
    """A block that led up to another is judged again once that is gone."""
    assert text(f"{NEWS}<h2>HOOK</h2><p>HOOK</p><p>PROMO</p>") == NEWS
    assert text(f"{NEWS}<h2>HOOK</h2>{NEWS}") == f"{NEWS}<h2>HOOK</h2>{NEWS}"


def test_blocks_that_read_as_one_after_a_cut_are_judged_as_one() -> None:
    """Without its heading this table is one of data, and what is decided about it holds for all that it is made of."""
    page = f"{NEWS}<table><tr><td><h2>PROMO</h2>x<td>HOOK<tr><td>a<td>b</table>"
    once = cleaned(page)
    assert once.content.count(b"<mark") == 1
    assert clean(once.content, model=JUDGE).content == once.content
    assert [(line.text, line.action) for line in once.ledger] == [
        ("PROMO", Action.CUT),
        *((text, Action.MARK) for text in ("x", "HOOK", "a", "b")),
    ]


def test_bodies_of_one_item_are_cut_alike() -> None:
    """A short body that repeats the beginning of the long one loses what the long one loses, marked-up or not."""
    full = f"{NEWS}<p>PROMO one</p>{NEWS}<p>HOOK</p>"
    found = cleaned(rss(("Title", f"{NEWS}<p>PROMO one</p>", full)))
    assert found.items[0].texts == (NEWS, f"{NEWS}{NEWS}")
    assert [line.field for line in found.ledger] == ["description", "content:encoded", "content:encoded"]


def test_what_several_bodies_hold_is_judged_once_where_most_is_known() -> None:
    """`HOOK` stands last in the short body, but not in the article."""
    found = cleaned(rss(("Title", f"{NEWS}<p>HOOK</p>", f"{NEWS}<p>HOOK</p>{NEWS}")))
    assert found.ledger == ()


def test_a_feed_is_judged_in_one_batch() -> None:
    """Repetition between items can only be seen together, and one call is fast."""
    judge = KeywordJudge()
    clean(rss(*((str(number), "", NEWS) for number in range(7))), model=judge)
    assert judge.batches == [7]


def test_other_items_of_a_feed_stay_as_they_were() -> None:
    feed = rss(("One", NEWS, NEWS), ("Two", "", f"{NEWS}<p>PROMO</p>"), ("Three", NEWS, NEWS))
    written = cleaned(feed, Policy(title_action=TitleAction.KEEP)).content
    assert c14n(written) == c14n(feed.replace("<p>PROMO</p>", "").encode())


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (Action.KEEP, "<p>PROMO</p>"),
        (Action.CUT, ""),
        (Action.MARK, '<p><mark data-feedclean="promo">promo 99 %</mark> PROMO</p>'),
        (
            Action.COLLAPSE,
            '<details data-feedclean="promo"><summary>promo 99 %</summary><p>PROMO</p></details>',
        ),
    ],
)
def test_each_action_does_what_it_says(action: Action, expected: str) -> None:
    policy = Policy(actions={**Policy().actions, Label.PROMO: action})
    assert text(f"{NEWS}<p>PROMO</p>", policy) == NEWS + expected


def test_an_item_of_nothing_but_advertising_is_marked() -> None:
    assert "<p>" in text("<p>PROMO</p><p>PROMO</p>")


def test_clues_are_given_for_what_was_acted_upon_or_for_all() -> None:
    page = f"{NEWS}<p>PROMO</p>"

    def told(found: Cleaned) -> list[bool]:
        return [bool(one.decision.verdict and one.decision.verdict.clues) for one in found.items[0].bodies[0]]

    assert told(cleaned(page)) == [False, True]
    assert told(cleaned(page, explain=True)) == [True, True]


# ── Titles ────────────────────────────────────────────────────────────────────────────────────────────────────────────

BAIT = "Acme: buy or sell?!"


def test_a_clickbait_title_is_marked_beside_not_rewritten() -> None:
    feed = rss((BAIT, NEWS, NEWS), ("Plain", NEWS, NEWS))
    once = text(feed)
    assert f"<title>{BAIT}</title>" in once
    assert once.count("clickbait") == 1
    assert "0.96" in once


def test_a_prefix_is_put_before_the_title_once() -> None:
    policy = Policy(title_action=TitleAction.PREFIX)
    once = text(rss((BAIT, NEWS, NEWS)), policy)
    assert f"<title>[clickbait] {BAIT}</title>" in once
    assert text(once, policy) == once


def test_a_title_is_left_alone_if_told_so() -> None:
    feed = rss((BAIT, NEWS, NEWS))
    assert text(feed, Policy(title_action=TitleAction.KEEP)) == feed


def test_a_title_is_judged_without_its_prefix_and_beside_the_cleaned_body() -> None:
    found = cleaned(rss((f"[clickbait] {BAIT}", "", NEWS)))
    title = found.items[0].title
    assert title is not None
    assert title.block.text == BAIT


def test_the_result_names_the_model_and_the_format() -> None:
    found = cleaned(rss(("a", "", NEWS)))
    assert (found.model, found.format) == ("keywords 0", Format.RSS)
