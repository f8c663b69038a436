"""Securities that a text names: ISINs, German securities numbers (WKN) and tickers with their exchange.

Only what cannot be taken for something else: an ISIN by its check digit and the country it begins with, a WKN only
where the text says that it is one, a ticker only behind an exchange ("NASDAQ: ACME") or, as a cashtag, in capitals
("$ACME").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Security", "is_isin", "securities"]

# ISO 3166-1, the codes that ISO 6166 adds for international securities, and the ZZ that is free for examples.
_COUNTRIES = frozenset(
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ"
    " CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO"
    " FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE"
    " JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO"
    " MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW"
    " PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM"
    " TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW EU EZ XA XB XC XD XF XK XS QS"
    " QT QW ZZ".split()
)
# How publishers write an exchange before a ticker, and what it is called here.
_EXCHANGES = {
    "NASDAQ": "NASDAQ", "NASDAQGS": "NASDAQ", "NASDAQGM": "NASDAQ", "NASDAQCM": "NASDAQ", "NYSE": "NYSE",
    "NYSE AMERICAN": "NYSEAMERICAN", "NYSE ARCA": "NYSEARCA", "NYSEAMERICAN": "NYSEAMERICAN", "NYSEARCA": "NYSEARCA",
    "NYSE MKT": "NYSEAMERICAN", "AMEX": "NYSEAMERICAN", "OTC": "OTC", "OTCQB": "OTC", "OTCQX": "OTC", "OTCMKTS": "OTC",
    "TSX": "TSX", "TSXV": "TSXV", "TSX-V": "TSXV", "TSX VENTURE": "TSXV", "CSE": "CSE", "LSE": "LSE", "LON": "LSE",
    "AIM": "LSE", "ETR": "XETRA", "XETRA": "XETRA", "FRA": "FRA", "FWB": "FRA", "EPA": "EPA", "AMS": "AMS",
    "EBR": "EBR", "ELI": "ELI", "BIT": "BIT", "BME": "BME", "SWX": "SIX", "SIX": "SIX", "VIE": "VIE", "WSE": "WSE",
    "STO": "STO", "CPH": "CPH", "HEL": "HEL", "OSL": "OSL", "OSE": "OSL", "ASX": "ASX", "NZX": "NZX", "NZE": "NZX",
    "HKG": "HKEX", "HKEX": "HKEX", "SEHK": "HKEX", "TYO": "TYO", "TSE": "TYO", "KRX": "KRX", "SHA": "SSE", "SSE": "SSE",
    "SHE": "SZSE", "SZSE": "SZSE", "NSE": "NSE", "BSE": "BSE", "SGX": "SGX", "JSE": "JSE",
    "B3": "B3", "BVMF": "B3", "TLV": "TLV",
}  # fmt: skip
_ISIN = re.compile(r"(?<![A-Za-z0-9])([A-Z]{2})[ ]?([A-Z0-9]{9})[ ]?([0-9])(?![A-Za-z0-9])", re.ASCII)
# "WKN: A1B2C3", "WKN 865985", "(WKN/ISIN: 716460 / DE0007164600)"; letters I and O are not used in them.
_WKN = re.compile(
    r"\bWKN(?:[ ]?[/|][ ]?ISIN)?(?:[ ]?[-:.=]|[ ]lautet|[ ]Nr\.?)?[ ]{0,3}([A-HJ-NP-Z0-9]{6})(?![A-Za-z0-9])"
)
_TICKER = re.compile(
    r"(?<![A-Za-z0-9])("
    + "|".join(sorted(map(re.escape, _EXCHANGES), key=len, reverse=True))
    + r")[ ]?:[ ]{0,3}\$?([A-Z0-9]{1,6}(?:[.\-][A-Z]{1,2})?)(?![A-Za-z0-9])",
    re.IGNORECASE | re.ASCII,
)
# One-letter cashtags are prices of a kind ("$B"); digits are prices.
_CASHTAG = re.compile(r"(?<![A-Za-z0-9$&#/])\$([A-Z]{2,5}(?:\.[A-Z])?)(?![A-Za-z0-9$])", re.ASCII)
# Dollars of other countries, currencies and what is counted in, which stand behind a dollar sign as well.
_NO_TICKERS = frozenset("AUD BN BRL CAD CHF CNY EUR GBP HKD JPY MM MN MXN NZD SGD TN TRN UK US USD USDC USDT".split())


@dataclass(frozen=True, slots=True)
class Security:
    """One security as it is named."""

    kind: str  # "ISIN", "WKN", the exchange, or "TICKER" where none is said
    code: str

    def __str__(self) -> str:
        """As a category: `ISIN:US0378331005`, `NASDAQ:AAPL`."""
        return f"{self.kind}:{self.code}"


def securities(text: str) -> tuple[Security, ...]:
    """The securities that a text names, each once, in order of kind and then of place.

    >>> [str(one) for one in securities("Acme (NASDAQ: ACME; WKN 865985, ISIN US0378331005) rose")]
    ['ISIN:US0378331005', 'WKN:865985', 'NASDAQ:ACME']
    """
    return tuple(dict.fromkeys([*_isins(text), *_wkns(text), *_tickers(text)]))


def is_isin(code: str) -> bool:
    """Whether twelve characters are an ISIN: a country, nine letters or digits, and their check digit (ISO 6166)."""
    found = _ISIN.fullmatch(code)
    return found is not None and " " not in code and found[1] in _COUNTRIES and _checked(code)


def _checked(code: str) -> bool:
    """The check of ISO 6166: letters become two digits, then Luhn's sum is a multiple of ten."""
    digits = "".join(str(int(character, 36)) for character in code)
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * 2 if place % 2 else int(digit)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def _isins(text: str) -> Iterator[Security]:
    for found in _ISIN.finditer(text):
        code = "".join(found.groups())
        if is_isin(code) and any(character.isdigit() for character in code[2:-1]):
            yield Security("ISIN", code)


def _wkns(text: str) -> Iterator[Security]:
    for found in _WKN.finditer(text):
        # Six letters behind "WKN" are a word in capitals; a number has a digit.
        if any(character.isdigit() for character in found[1]):
            yield Security("WKN", found[1])


def _tickers(text: str) -> Iterator[Security]:
    for found in _TICKER.finditer(text):
        exchange, code = found[1], found[2]
        named = _EXCHANGES[exchange.upper()]
        numbered = code[0].isdigit() if named in _NUMBERS else not (code.isdigit() and named in _LETTERS)
        shouted = code.upper() == code and numbered
        if shouted and (exchange.isupper() or exchange in ("Nasdaq", "Xetra")):
            yield Security(named, code)
    for found in _CASHTAG.finditer(text):
        if found[1] not in _NO_TICKERS:
            yield Security("TICKER", found[1])


# Where tickers are numbers; "SHE: NO" is a conversation, and "TSE: RY" stood for Toronto once.
_NUMBERS = frozenset(("SSE", "SZSE", "HKEX", "TYO", "KRX"))
# Where they are words; behind "NYSE: 4" stands a number of something.
_LETTERS = frozenset(("NASDAQ", "NYSE", "NYSEAMERICAN", "NYSEARCA", "OTC", "LSE", "EPA", "AMS", "SIX"))
