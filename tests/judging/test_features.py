"""What is seen of a block does not depend on names and figures, and repetition counts only where it stands out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedclean.judging import cohesion, features, ngrams
from feedclean.judging.blocks import whole
from feedclean.judging.features import NAMES, WIDTH, Matrix, markup, structure
from feedclean.types import Block, Kind, Link, Passage

few = settings(max_examples=settings().max_examples // 5)  # of the laws that need a whole feed
HOSTS = ("alpha.test", "www.beta.test", "shop.beta.test", "gamma.co.uk")
RENAMED = {"alpha": "sun", "beta": "moonlight", "gamma": "x1"}

said = st.one_of(
    st.text(max_size=30),
    st.lists(
        st.sampled_from(["buy", "Acme", "shares", "now!", "4,5 %", "2025", "?", "€", "„so“", ".", "株", "\ud800"]),
        max_size=25,
    ).map(" ".join),
)
hrefs = st.one_of(
    st.builds(
        "https://{}{}".format, st.sampled_from(HOSTS), st.sampled_from(["", "/", "/go/x", "/a/b-c-d-e?utm_id=1"])
    ),
    st.sampled_from(["", "#", "#a", "/x", "mailto:a@alpha.test", "javascript:x", "http://[", "?aff=1"]),
)
links = st.builds(Link, hrefs, said, st.sampled_from(["", "nofollow", "sponsored noopener"]))
blocks = st.builds(
    Block,
    source=st.just(""),
    kind=st.sampled_from(Kind),
    text=said,
    tag=st.sampled_from(["", "p", "h2", "li", "x-y"]),
    links=st.lists(links, max_size=4).map(tuple),
    images=st.integers(0, 9),
    names=st.lists(st.sampled_from(["promo-box", "x"]), max_size=2).map(tuple),
    containers=st.lists(st.sampled_from(["div.a", "ul", "aside", "div"]), max_size=10).map(tuple),
)
urls = st.one_of(st.none(), st.sampled_from(HOSTS).map("https://{}/feed".format), st.just("http://["))
passages = st.builds(Passage, st.lists(blocks, max_size=4).map(tuple), said, urls)
feeds = st.lists(passages, max_size=3)


COMMON = np.sort(ngrams.read(["the was fine weather beats all rose by today"]).hashes)


def seen(feed: list[Passage]) -> Matrix:
    words = ngrams.read([block.text for passage in feed for block in passage.blocks])
    own = structure(feed, words, ngrams.read([passage.title for passage in feed]), COMMON)
    sizes = np.array([len(passage.blocks) for passage in feed], np.int64)
    return np.hstack((own, cohesion.repetition(*cohesion.runs(words), sizes)))


def column(feed: list[Passage], name: str) -> list[float]:
    values: list[float] = seen(feed)[:, NAMES.index(name)].tolist()
    return values


def article(*lines: str, title: str = "", url: str | None = None) -> Passage:
    return Passage(tuple(whole(line if "<" in line else f"<p>{line}</p>", ()) for line in lines), title, url)


# ── Laws ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_feature_has_its_own_name() -> None:
    assert len(set(NAMES)) == WIDTH


@few
@given(feeds)
def test_features_of_any_blocks_are_finite_and_bounded(feed: list[Passage]) -> None:
    found = seen(feed)
    assert found.shape == (sum(len(passage.blocks) for passage in feed), WIDTH)
    assert np.isfinite(found).all() and np.abs(found).max(initial=0) < 1000


def _renamed(feed: list[Passage]) -> list[Passage]:
    def other(url: str) -> str:
        for name, new in RENAMED.items():
            url = url.replace(f"{name}.", f"{new}.")
        return url

    return [
        replace(
            passage,
            url=passage.url and other(passage.url),
            blocks=tuple(
                replace(block, links=tuple(replace(link, href=other(link.href)) for link in block.links))
                for block in passage.blocks
            ),
        )
        for passage in feed
    ]


@few
@given(feeds)
def test_names_of_hosts_do_not_matter(feed: list[Passage]) -> None:
    other = _renamed(feed)
    np.testing.assert_array_equal(seen(feed), seen(other))
    assert markup(feed) == markup(other)


@few
@given(feeds, st.permutations("0123456789"))
def test_figures_do_not_matter(feed: list[Passage], digits: list[str]) -> None:
    table = str.maketrans("0123456789", "".join(digits))
    other = [
        replace(
            passage,
            title=passage.title.translate(table),
            blocks=tuple(replace(block, text=block.text.translate(table)) for block in passage.blocks),
        )
        for passage in feed
    ]
    np.testing.assert_array_equal(seen(feed), seen(other))


@few
@given(feeds)
def test_only_repetition_looks_beyond_the_passage(feed: list[Passage]) -> None:
    """Everything else is the same for an item alone and in its feed."""
    within = slice(0, NAMES.index("repetition"))
    apart = [seen([passage]) for passage in feed if passage.blocks]
    if apart:
        np.testing.assert_allclose(seen(feed)[:, within], np.vstack(apart)[:, within], rtol=0, atol=1e-9)


@few
@given(st.lists(passages, min_size=1, max_size=4))
def test_how_a_text_meets_its_title_is_finite(feed: list[Passage]) -> None:
    found = features.answered(feed)
    assert found.shape == (len(feed), features.TITLE_WIDTH - features.WORDING_WIDTH)
    assert np.isfinite(found).all() and (found >= 0).all()


# ── Repetition ───────────────────────────────────────────────────────────────────────────────────────────────────

PITCH = "Our free report names the five shares that every investor should hold this year"
NEWS = (
    "Acme's revenue rose in the third quarter because more customers renewed their contracts early",
    "The central bank left its main rate unchanged and pointed to slower growth of wages",
    "Copper fell for a second week as stocks in the exchange's warehouses built up further",
    "Two directors of the brewery bought shares after the profit warning, filings showed",
)


def test_what_stands_under_every_item_stands_out() -> None:
    feed = [article(news, PITCH) for news in NEWS]
    repetition, often = column(feed, "repetition"), column(feed, "log repeats")
    assert all(value > 0.3 for value in repetition[1::2]) and not any(repetition[::2])
    assert all(value > 1 for value in often[1::2]) and not any(often[::2])


def test_a_pitch_counts_when_only_names_and_figures_change() -> None:
    lines = [f"Should you buy {name} shares at {price} now? Our free report has the answer for every investor"
             for name, price in (("Acme", "4.20"), ("Brewery", "1,310"), ("Copperworks", "77"))]  # fmt: skip
    feed = [article(news, line) for news, line in zip(NEWS, lines, strict=False)]
    assert all(value > 0.2 for value in column(feed, "repetition")[1::2])


def test_an_item_alone_repeats_nothing() -> None:
    assert not any(column([article(*NEWS, PITCH, PITCH)], "repetition"))


@pytest.mark.parametrize("heading", ["Analysis", "Third quarter", "<h2>Outlook</h2>", "•"])
def test_an_item_carried_twice_convicts_nothing(heading: str) -> None:
    """Not even where lines are too short to be compared."""
    twice = article(NEWS[0], heading, NEWS[1])
    feed = [twice, twice, article(NEWS[2]), article(NEWS[3])]
    assert not any(column(feed, "repetition")) and not any(column(feed, "log repeats"))


# ── Single features ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("Buy now!", "has exclamation", 1),
        ("Buy now", "has exclamation", 0),
        ("Buy now?", "ends in ?", 1),
        ("Now 50", "share of digit", 2 / 6),
        ("„So“", "begins with quote", 1),
        ("<h2>Risk</h2>", "kind heading", 1),
        ("<h2>Risk</h2>", "tag h2", 1),
        ('<p class="x">Risk</p>', "has names", 1),
        ("<p>Risk <img src=a> of <img src=b></p>", "images", 2),
        ('<p><a href="/x">All of it</a></p>', "linked share", 1),
        ('<p><a href="/x">Half</a> half</p>', "same site", 1),
        ('<p>Here <a href="https://x.test/go?aff=1" rel="sponsored">now</a> or so</p>', "affiliate", 1),
        ('<p>Here <a href="https://x.test/go?aff=1" rel="sponsored">now</a> or so</p>', "sponsored", 1),
        ('<p>Here <a href="#">now</a> or so</p>', "no target", 1),
    ],
)
def test_feature(line: str, name: str, value: float) -> None:
    assert column([article(line)], name) == [pytest.approx(value)]


def test_the_same_site_is_told_by_the_items_own_address() -> None:
    line = '<p>See <a href="https://shop.paper.test/x">this</a> and <a href="https://ads.test/x">that</a> today</p>'
    assert column([article(line, url="https://www.paper.test/1")], "same site") == [0.5]
    assert column([article(line)], "same site") == [0]
    most = '<p><a href="https://www.paper.test/a">One</a> <a href="https://www.paper.test/b">two</a> three</p>'
    last = '<p><a href="https://www.paper.test/c">Four</a> five</p>'
    assert column([article(line, most, last)], "same site") == [0.5, 1, 1]


def test_places_within_an_item() -> None:
    feed = [article("One.", "<h2>Two</h2>", "Three?"), article("Four.")]
    assert column(feed, "place") == [0, 0.5, 1, 0]
    assert column(feed, "first") == [1, 0, 0, 1] and column(feed, "last") == [0, 0, 1, 1]
    assert column(feed, "since heading") == [1, 0, 1 / 8, 1]
    assert column(feed, "passage question share") == pytest.approx([1 / 3] * 3 + [0])
    assert column(feed, "characters before") == pytest.approx([0, 4 / 13, 7 / 13, 0])


def test_words_of_the_title_in_the_text() -> None:
    feed = [article("Acme beats forecast.", "Weather was fine.", title="Acme beats all")]
    assert column(feed, "title in block") == pytest.approx([2 / 3, 0])
    assert column(feed, "block in title") == pytest.approx([2 / 3, 0])
    assert column([article("Acme beats forecast.")], "has title") == [0]


def test_names_that_an_item_goes_on_about_and_names_that_stand_alone() -> None:
    feed = [
        article(
            "Acme beats Tarnwick.", "Tarnwick rose by 4 %.", "The Orlen study!", "The weather was fine.", title="Acme"
        ),
        article("The Orlen study."),
    ]
    assert column(feed, "rare words said elsewhere") == pytest.approx([1 / 2, 1 / 2, 0, 0, 0])
    assert column(feed, "rare words said before") == pytest.approx([0, 1 / 2, 0, 0, 0])
    assert column(feed, "rare words in title") == pytest.approx([1 / 2, 0, 0, 0, 0])
    assert column(feed, "rare words said or in title") == pytest.approx([1, 1 / 2, 0, 0, 0])
    assert column(feed, "rare words said against passage") == pytest.approx([5 / 8, 1 / 8, -3 / 8, -3 / 8, 0])
    assert column(feed, "common words said elsewhere") == pytest.approx([0, 0, 1, 1 / 4, 0])
    assert column(feed, "rare words, all new") == [0, 0, 1, 0, 1]
    assert column(feed, "no rare words") == [0, 0, 0, 1, 0]
    assert column(feed, "share of rare words") == pytest.approx([2 / 3, 2 / 4, 2 / 3, 0, 2 / 3])
