"""What must not become a feature is masked: codes, dates, and the names an item is about."""

from __future__ import annotations

import numpy as np
import pytest

from feedclean.judging import masks, ngrams


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Pellworth DE000A1EWWW0", "Pellworth codex"),
        ("WKN: A1B2C3, fest", "codex, fest"),
        ("Pellworth (NASDAQ: PLW) rose", "Pellworth (codex) rose"),
        ("Pellworth (PLW.B) and $PLW", "Pellworth codex and codex"),
        ("on November 27, 2025 at noon", "on datex at noon"),
        ("am 3. März 2026 um zwölf", "am datex um zwölf"),
        ("Stand 20. November, um zwölf", "Stand datex, um zwölf"),
        ("Shares 12 and Maybe 3", "Shares 12 and Maybe 3"),
        ("(in part) 4 of 5", "(in part) 4 of 5"),
    ],
)
def test_codes_and_dates_become_one_word(text: str, masked: str) -> None:
    assert masks.codes(text) == masked


def _columns(title: str, text: str, common: str) -> list[int]:
    known = np.unique(ngrams.read([common]).hashes)
    found = masks.names(ngrams.read([text]), ngrams.read([title]), np.array([1]), known)
    return sorted(ngrams.grams(found, *ngrams.TEXT).columns.tolist())


def test_a_pitch_reads_the_same_for_names_of_one_length() -> None:
    common = "shares buy or sell of the new study"
    one = _columns("Pellworth sells its dredgers", "Pellworth shares: buy or sell? The new Pellworth study", common)
    other = _columns("Arnsdorff grows", "Arnsdorff shares: buy or sell? The new Arnsdorff study", common)
    assert one == other


def test_common_words_of_the_title_stay_readable() -> None:
    common = "shares buy or sell of the new study"
    with_title = _columns("Shares: buy or sell", "Shares to buy or sell", common)
    assert with_title == _columns("", "Shares to buy or sell", common)


def test_a_name_is_masked_in_its_own_item_only() -> None:
    words, titles = ngrams.read(["Pellworth rose", "Pellworth fell"]), ngrams.read(["Pellworth", "Arnsdorff"])
    found = masks.names(words, titles, np.array([1, 1]), np.zeros(1, np.uint64))
    assert bytes(found.bytes).split() == [b"xxxxxxxxx", b"rose", b"pellworth", b"fell"]
