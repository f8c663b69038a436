"""Which blocks are of one template: names, numbers, dates and a word may differ, and news is never like a pitch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedclean.judging.blocks import whole
from feedclean.judging.likeness import ALIKE, Templates, mask, traits

CORPUS = Path(__file__).parents[2] / "training_data"
PITCH = "Get our free report on Acme Holdings before March 3, 2026 and save 40 percent on the first year"


def like(text: str, *known: str) -> list[int]:
    templates = Templates()
    for one in known:
        templates.add(one)
    return [number for _, number in templates.like(text)]


@pytest.mark.parametrize(
    "text",
    [
        "Get our free report on Globex before 17 May and save 5 percent on the first year",
        "Get our new free report on Globex before 17 May and save 5 percent on the first year",
        "Get the free report on Globex before 17 May and save 5 percent on the first year",
    ],
)
def test_another_name_number_date_or_word_is_the_same_template(text: str) -> None:
    assert like(text, "Something else altogether, that is long enough to be a template of its own", PITCH) == [1]


def test_the_most_alike_comes_first() -> None:
    other = PITCH.replace("our free report", "our latest free report").replace("first", "second")
    assert like(PITCH.replace("Acme", "Globex"), other, PITCH) == [1, 0]


@pytest.mark.parametrize("text", ["Market Outlook", "READ MORE ABOUT THIS HERE NOW", "4.5 % 2026", ""])
def test_too_little_is_no_template(text: str) -> None:
    """Otherwise a label for one heading would hold for all headings."""
    assert like(text, text) == []


def test_short_texts_are_alike_only_if_nothing_but_what_is_masked_differs() -> None:
    assert like("buy or sell Globex today, for free", "buy or sell Acme today, for free") == [0]
    assert like("buy or hold Globex today, for free", "buy or sell Acme today, for free") == []


@given(st.lists(st.text("abc ", min_size=40, max_size=60), max_size=8), st.text("abc ", min_size=40, max_size=60))
def test_nothing_that_is_alike_is_missed(known: list[str], text: str) -> None:
    """What is looked at first must never hide what a comparison with everything would find."""
    templates = Templates()
    for one in known:
        templates.add(one)
    own = traits(mask(text))
    wanted = {
        number
        for number, one in enumerate(known)
        if templates.like(one) and min(len(own), len(other := traits(mask(one)))) >= 10
        and len(own & other) / len(own | other) >= ALIKE
    }  # fmt: skip
    assert wanted <= {number for _, number in templates.like(text)}


@given(st.lists(st.text(), max_size=5), st.text())
def test_any_texts_can_be_compared(known: list[str], text: str) -> None:
    templates = Templates()
    for one in known:
        templates.add(one)
    assert len(templates) == len(known)
    found = templates.like(text)
    assert all(ALIKE <= likeness <= 1 for likeness, _ in found)
    assert traits(mask(text)) is not None


def test_masking_takes_linear_time() -> None:
    for text in ("a" * 200_000, "A " * 100_000, "0 " * 100_000, "A." * 100_000, "may " * 50_000, "A & " * 50_000):
        traits(mask(text))


@pytest.mark.slow
def test_no_pitch_of_the_corpus_is_like_its_news() -> None:
    """So that a label for an ad never cuts editorial text: 8,900 pitches and teasers against 18,000 pieces of news."""
    ads, news = Templates(), list[str]()
    for path in sorted(CORPUS.glob("*.jsonl")):
        for line in path.read_text("utf-8").split("\n"):
            for block in json.loads(line)["blocks"] if line else ():
                if block["label"] in {"promo", "teaser"}:
                    ads.add(whole(block["html"]).text)
                elif block["label"] == "editorial":
                    news.append(whole(block["html"]).text)
    assert len(ads) > 8_000 and len(news) > 15_000
    assert [text for text in news if ads.like(text)] == []
