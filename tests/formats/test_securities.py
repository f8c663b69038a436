"""Securities in texts: what is one is found, what is none is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedclean.formats.securities import is_isin, securities
from tests.strategies import phrases

_BASE = st.tuples(
    st.sampled_from(["US", "DE", "GB", "CH", "XS", "KY", "FR"]),
    st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=8, max_size=8),
    st.sampled_from("0123456789"),
).map("".join)


def digit(base: str) -> str:
    """The check digit of the first eleven characters, as ISO 6166 describes it, worked out from the left."""
    digits = [int(d) for character in base for d in str(int(character, 36))]
    doubled = [d * (2 if place % 2 == (len(digits) - 1) % 2 else 1) for place, d in enumerate(digits)]
    return str(-sum(d // 10 + d % 10 for d in doubled) % 10)


isins = _BASE.map(lambda base: base + digit(base))


def found(text: str) -> list[str]:
    return [str(one) for one in securities(text)]


@given(isins, phrases(), phrases())
def test_every_valid_isin_is_found(isin: str, before: str, after: str) -> None:
    assert f"ISIN:{isin}" in found(f"{before} ({isin}), {after}")


@given(isins, st.integers(2, 11), st.sampled_from("0123456789"))
def test_an_isin_with_one_wrong_digit_is_rejected(isin: str, place: int, wrong: str) -> None:
    """The sum of Luhn finds every single wrong digit."""
    if not isin[place].isdigit() or isin[place] == wrong:
        return
    broken = isin[:place] + wrong + isin[place + 1 :]
    assert not is_isin(broken)
    assert found(f"ISIN {broken}") == []


@pytest.mark.parametrize("isin", ["US0378331005", "DE0007164600", "GB0002634946", "CH0012032048", "FR0000120271"])
def test_isins_that_everybody_knows(isin: str) -> None:
    assert is_isin(isin)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Tarnwick (NASDAQ: ACME) rose", ["NASDAQ:ACME"]),
        ("Tarnwick (Nasdaq:ACME) rose", ["NASDAQ:ACME"]),
        ("SAP (ETR: SAP) und (XETRA:BAS)", ["XETRA:SAP", "XETRA:BAS"]),
        ("(NYSE: BRK.B, LSE: VOD)", ["NYSE:BRK.B", "LSE:VOD"]),
        ("(TYO: 7203) (HKG: 0700)", ["TYO:7203", "HKEX:0700"]),
        ("$ACME gains, $TSLA does not", ["TICKER:ACME", "TICKER:TSLA"]),
        ("WKN: 716460", ["WKN:716460"]),
        ("(WKN A1EWWW)", ["WKN:A1EWWW"]),
        ("WKN/ISIN: 716460 / DE0007164600", ["ISIN:DE0007164600", "WKN:716460"]),
        ("ISIN DE 000716460 0", ["ISIN:DE0007164600"]),
        ("ISIN US0378331005, US0378331005 again", ["ISIN:US0378331005"]),
    ],
)
def test_what_is_found(text: str, wanted: list[str]) -> None:
    assert found(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "716460 visitors came, A1EWWW is a licence plate",
        "WKN numbers, WKN SHARES and WKN: ANLAGE",
        "It cost $500, $5B, $1.2 billion, US$ABC, $a, $USD",
        "https://x.example/$ACME?a=$B",
        "Breaking: NOW. The exchange: ACME. Time: 12",
        "Six: ACME, nyse: abc, Fra: DAX",
        "NYSE: 4 of 10 shares fell, NASDAQ: 12",
        "HE: DO WE SELL? SHE: NO. TSE: RY",
        "US0378331006 US037833100 XUS0378331005 US03783310055 DEUTSCHLAND1",
        "AABBCCDDEEFF INTERNATIONA1",
    ],
)
def test_ordinary_words_and_prices_are_no_securities(text: str) -> None:
    assert found(text) == []


@given(phrases())
def test_written_phrases_hold_none(text: str) -> None:
    assert found(text) == []
