"""What may be followed, shown and parsed."""

from __future__ import annotations

import time

import pytest

from feedclean.formats.html_markdown import html_to_markdown
from feedclean.formats.html_text import html_to_text
from feedclean.formats.html_weight import depth_of, is_bomb
from feedclean.formats.sanitize import LOADED, plain_title, safe_html, safe_id, safe_url


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://e.example/a?b=c:d", True),
        ("HTTP://e.example/", True),
        ("mailto:a@e.example", True),
        ("/a:b", True),
        ("a/b?c:d", True),
        ("../x y", True),
        ("javascript:alert(1)", False),
        ("JAVA\nSCRIPT:alert(1)", False),
        ("\x01javascript:alert(1)", False),
        ("\u2028javascript:alert(1)", False),
        ("java\u200bscript:x", False),
        ("data:text/html,x", False),
        ("ftp://e.example/", False),
        ("1:2", False),
        ("", False),
        (" ", False),
    ],
)
def test_only_web_and_mail_addresses_are_followed(url: str, *, safe: bool) -> None:
    """Relative ones pass if nobody can take a part of them for a scheme."""
    assert safe_url(url) == (url.strip() if safe else None)


def test_bases_make_addresses_absolute() -> None:
    """And a base cannot make a dangerous one safe, nor break anything."""
    assert safe_url("a", base="https://e.example/x/") == "https://e.example/x/a"
    assert safe_url("javascript:x", base="https://e.example/") is None
    assert safe_url("a", base="http://[") is None
    assert safe_url("mailto:a@b", schemes=LOADED) is None
    assert safe_id("urn:x") == "urn:x" and safe_id("java script:x") is None and safe_id("data:x") is None


def test_news_markup_survives() -> None:
    """Pictures with their sources, tables, films, quotes and code."""
    source = (
        '<figure><picture><source srcset="/a.webp 1x, https://e.example/b.webp 2x" type="image/webp">'
        '<img src="/a.jpg" alt="A"></picture><figcaption>C</figcaption></figure><table><tr><td colspan="2">1</td></tr>'
        '</table><video src="https://e.example/v.mp4" controls=""></video><blockquote cite="https://e.example/">q'
        "</blockquote><pre><code>x &lt; y</code></pre><section><details><summary>s</summary>t</details></section>"
    )
    kept = safe_html(source, "https://e.example/n/")
    for piece in (
        'srcset="https://e.example/a.webp 1x, https://e.example/b.webp 2x"',
        'src="https://e.example/a.jpg"',
        '<td colspan="2">1</td>',
        '<video src="https://e.example/v.mp4" controls="">',
        "<code>x &lt; y</code>",
        "<summary>s</summary>",
    ):
        assert piece in kept


@pytest.mark.parametrize(
    "piece",
    ["<div>", "<b><p>", "<font a=%d><p>", "<b a=%d>x", "<table><td>", "<i><div></i>", "<a href=%d>y", "<svg><p>"],
)
def test_heavy_markup_becomes_its_text(piece: str) -> None:
    """What would take an HTML parser minutes or gigabytes takes a moment."""
    source = "".join(piece % number if "%d" in piece else piece for number in range(20_000)) + "words"
    start = time.process_time()
    assert "words" in safe_html(source)
    assert "words" in html_to_markdown(source)
    assert time.process_time() - start < 3


def test_ordinary_sloppiness_is_not_heavy() -> None:
    """Unclosed paragraphs, items and a few forgotten formatting tags are how people write."""
    sloppy = "<ul>" + "<li>one<p>two<br>" * 3000 + "</ul>" + "<b><i>" + "<p>text</p>" * 3000
    assert not is_bomb(sloppy)
    assert depth_of("<p><p><li><li><br><div><b>") == 2


def test_titles_lose_their_tags_and_nothing_else() -> None:
    """Also those that appear when others go."""
    assert plain_title("a < b & c > d <3") == "a < b & c > d <3"
    assert plain_title("<b>A</b>&amp;B<script>x</script>") == "A&amp;B"
    assert "<script" not in plain_title("<scr<b>ipt>x")
    assert "<" not in plain_title("<<<<<<<b>b>b>b>b>b>b")


def test_text_keeps_the_form_of_its_source() -> None:
    """Paragraphs, items, cells, pictures and links."""
    source = (
        '<p>a\n b</p><ul><li>c</li></ul><p><a href="http://x/">d</a> <a href="http://y">http://y</a></p><img alt="e">'
    )
    assert html_to_text(source) == "a b\n\n- c\n\nd (http://x/) http://y\n\n[e]"
