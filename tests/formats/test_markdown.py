"""Markdown: told from plain text, cleaned in place, read and written with its front matter."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from feedclean.cleaning import clean
from feedclean.formats.convert import convert
from feedclean.formats.front_matter import front_matter_of, read_front_matter, write_front_matter
from feedclean.formats.sniff import open_document
from feedclean.types import Format
from tests.fakes import KeywordJudge
from tests.formats.saved import NEWS, page

SOURCE = f"""---
title: "Tarnwick: more"
authors: [Oona Kestleby, 'Aldwin "A." Prestcote']
date: 2026-03-12
tags:
  - robots
  - "small, caps"
url: https://ledgerlane.example/md
---

# Tarnwick: more

{NEWS[0]}

PROMO **Order the free study** [now](https://study.example/)

```
PROMO is code here

PROMO and here
```

- first [point](https://a.example/)
- PROMO second point
"""


def test_only_what_is_cut_is_gone() -> None:
    wanted = SOURCE.replace("PROMO **Order the free study** [now](https://study.example/)\n\n", "").replace(
        "- PROMO second point\n", ""
    )
    assert clean(SOURCE, model=KeywordJudge()).content.decode().rstrip() == wanted.rstrip()


def test_a_file_of_which_nothing_is_cut_keeps_its_bytes() -> None:
    data = b"\xef\xbb\xbf" + SOURCE.replace("PROMO", "").replace("\n", "\r\n").encode()
    assert clean(data, model=KeywordJudge()).content == data


def test_what_front_matter_says_is_read() -> None:
    said = read_front_matter(front_matter_of(SOURCE))
    assert said.title == "Tarnwick: more"
    assert said.authors == ("Oona Kestleby", 'Aldwin "A." Prestcote')
    assert said.tags == ("robots", "small, caps")
    assert (said.published, said.url) == ("2026-03-12T00:00:00Z", "https://ledgerlane.example/md")


@pytest.mark.parametrize("sign", ["|", ">", ">-", "|2+"])
def test_folded_words_of_front_matter_are_read(sign: str) -> None:
    said = read_front_matter(f"---\ntitle: {sign}\n  Acme:\n\n  up again\ntags:\n  - a\n  - b\nsite: x\n---\n")
    assert (said.title, said.tags, said.site) == ("Acme: up again", ("a", "b"), "x")


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1).map(str.strip).filter(bool),
        min_size=1,
    )
)
def test_what_is_written_as_front_matter_is_read_again(values: list[str]) -> None:
    values = [" ".join(value.split()) for value in values]
    written = write_front_matter({"title": values[0], "authors": values})
    assert front_matter_of(written) == written
    said = read_front_matter(written)
    assert (said.title, said.authors) == (values[0], tuple(values))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("# Heading\n\ntext", Format.MARKDOWN),
        ("text with **bold** words and a [link](https://a.example/)", Format.MARKDOWN),
        ("---\ntitle: x\n---\n<p>text</p>", Format.MARKDOWN),
        ("Acme earned 4 million.\n\n- a\n- b", Format.TEXT),
        ("#hashtag #shares\n\nAcme [sic] * 2", Format.TEXT),
        ("---\nA line between lines\n---\n", Format.TEXT),
    ],
)
def test_markdown_is_told_from_text(text: str, kind: Format) -> None:
    assert open_document(text.encode()).format is kind


@given(
    st.text(st.characters(exclude_categories=["Cs"])), st.lists(st.text(st.sampled_from("<]( \"'\\\n:-#a&\x85\u2028")))
)
@example("---\n</title><script>alert(1)</script>", ["](javascript:alert(1))", "a: b", "- c", "'"])
def test_what_is_written_as_front_matter_is_yaml_and_no_markup(title: str, tags: list[str]) -> None:
    yaml = pytest.importorskip("yaml")
    written = write_front_matter({"title": title, "tags": tags, "site": "x"})
    said = yaml.safe_load(written.removesuffix("---\n"))
    assert (said.get("title") or "", said.get("tags") or [], said["site"]) == (title, tags, "x")
    assert not re.search(r"<[A-Za-z/!?]|\]\(", written)


def test_a_clickbait_title_is_noted_in_the_front_matter() -> None:
    once = clean(SOURCE.replace("more", "more?!"), model=KeywordJudge()).content
    assert b"feedclean_title: clickbait 0.96\n---" in once
    assert clean(once, model=KeywordJudge()).content == once


def test_an_article_becomes_markdown_with_front_matter_and_back() -> None:
    result = clean(page(), model=KeywordJudge())
    written = convert(result.content, result.format, "markdown").decode()
    said = read_front_matter(front_matter_of(written))
    assert (said.title, said.authors) == ("Tarnwick earns more", ("Oona Kestleby",))
    assert (said.published, said.site, said.language) == ("2026-03-12T14:22:07+01:00", "Ledger Lane", "en")
    assert written.count("Tarnwick earns more") == 2 and all(one in written for one in NEWS)
    again = convert(written.encode(), Format.MARKDOWN, "html").decode()
    assert all(f"<p>{one}</p>" in again for one in NEWS) and again.count("<h1>") == 1


def test_markdown_is_made_safe_when_it_becomes_a_page() -> None:
    source = "# T\n\n<script>x()</script>\n\n[a](javascript:x) <a href=javascript:x()>a</a> <img src=x onerror=x()>"
    text = convert(source.encode(), Format.MARKDOWN, "html").decode()
    assert not re.search(r"<script|href=\"javascript|onerror", text)


def test_json_quotes_are_yaml() -> None:
    assert (
        write_front_matter({"title": 'a "b"\\', "tags": [], "url": None})
        == f"---\ntitle: {json.dumps(chr(97) + ' ' + chr(34) + 'b' + chr(34) + chr(92))}\n---\n"
    )


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "written", ["a", '"a"', "'a'", ">-\n  a", "|\n\n  a\n\n  b", "a\n  b", "a # b", "[a", "&a b", ""], ids=range(10)
)
def test_a_new_title_leaves_the_rest_of_the_front_matter_alone(written: str, ends: str) -> None:
    yaml = pytest.importorskip("yaml")
    source = f"---\nsite: a\nTitle: {written}\ntags:\n  - a\n---\n# a\n\nThe text: a.\n".replace("\n", ends)
    document = open_document(source.encode())
    document.replace(0, None, '[clickbait] "a": b')
    front = front_matter_of(document.to_bytes().decode())
    if written:
        assert yaml.safe_load(front.strip("-\r\n")) == {"site": "a", "Title": '[clickbait] "a": b', "tags": ["a"]}
        assert document.to_bytes().decode().removeprefix(front) == f"# a{ends}{ends}The text: a.{ends}"
    else:
        assert front == front_matter_of(source)
        assert f'# [clickbait] "a": b{ends}' in document.to_bytes().decode()


@pytest.mark.parametrize("sign", ["`", "~", "```\n", "- ", "> ", "[a](", "**", "|"])
def test_signs_that_never_end_are_passed_over_once(sign: str) -> None:
    """In quadratic time this would not end."""
    text = "# Heading\n\n" + sign * (2_000_000 // len(sign))
    assert open_document(text.encode()).format is Format.MARKDOWN
