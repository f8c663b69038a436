"""Text files: one body that holds everything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedclean.formats.plain_text import open_plain_text
from feedclean.types import Markup, TitleLabel


def test_a_short_first_line_is_the_title_and_stays_in_the_body() -> None:
    """A long one is a paragraph."""
    found = open_plain_text(b"\r\n  Rates rise \r\n\r\nThe bank said.", url="u").items[0]
    assert found.title is not None and found.title.text == "Rates rise"
    assert found.bodies[0].text == "\r\n  Rates rise \r\n\r\nThe bank said."
    assert found.bodies[0].markup is Markup.TEXT
    assert open_plain_text(b"x" * 200).items[0].title is None


def test_title_and_body_change_together_in_any_order() -> None:
    """A prefix goes to the line that is the title, in the old body or the new one; a line that was cut stays cut."""
    data = b"Rates rise\r\n\r\nThe bank said.\r\nSubscribe!"
    for first in (None, 0):
        text = open_plain_text(data)
        for body in (first, 0 if first is None else None):
            text.replace(0, body, "[!] Rates rise" if body is None else "Rates rise\r\n\r\nThe bank said.\r\n")
        assert text.to_bytes() == b"[!] Rates rise\r\n\r\nThe bank said.\r\n"
    text = open_plain_text(data)
    text.replace(0, None, "[!] Rates rise")
    text.replace(0, 0, "The bank said.")
    assert text.to_bytes() == b"The bank said."


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-32"])
def test_the_encoding_stays(encoding: str) -> None:
    """What was changed is written in the encoding that was read."""
    data = "\u00dcber \u20ac\n".encode(encoding)
    text = open_plain_text(data)
    assert text.items[0].bodies[0].text == "\u00dcber \u20ac\n"
    text.replace(0, 0, "\u00e4\n")
    expected = "\u00e4\n".encode(encoding)
    assert text.to_bytes() == expected


def test_a_character_that_the_encoding_lacks_makes_it_utf_8() -> None:
    """Plain text has no other way to write it."""
    text = open_plain_text(b"\xdcber\n")
    text.replace(0, 0, "\u2603\n")
    assert text.to_bytes() == "\u2603\n".encode()


@given(st.binary(max_size=100))
def test_any_bytes_are_a_text(data: bytes) -> None:
    """Unchanged they are the same; a mark has no place in them."""
    text = open_plain_text(data)
    text.mark_title(0, TitleLabel.CLICKBAIT, 0.9)
    assert text.to_bytes() == data
    text.items[0].bodies[0].text.encode()
