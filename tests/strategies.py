"""Texts as publishers send them, and worse: what the laws are tried on.

words ──> inline ──> blocks ──> bodies            balanced, with the freedoms of the HTML standard
                       └──────> torn bodies       the same with tags lost, doubled and crossed
fragments of tags in any order ──> rubble         what no publisher means, but some send
"""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from feedclean.judging.blocks import judged
from feedclean.types import Action, Block, Decision, Label

WORDS = (
    "revenue rose 4 % quarter Acme shares analysts PROMO TEASER free study buy sell now Umsatz stieg Börse € 1,234.5"
    " &amp; &nbsp; &lt;b&gt; &unknown; AT&T 5<6 6>5 ]]> “quoted” don't — 株価 🚀 \u200b"
).split(" ")
BLOCK_TAGS = ("p", "div", "section", "h2", "blockquote", "aside", "figure", "center", "pre", "article")
OPTIONAL_END = ("p", "li", "dt", "dd", "td", "th", "tr", "option")

_space = st.sampled_from(["", "", " ", "\n", "\n  ", "\xa0"])


def phrases(minimum: int = 1) -> st.SearchStrategy[str]:
    """A few words, some of them entities or stray signs."""
    return st.lists(st.sampled_from(WORDS), min_size=minimum, max_size=8).map(" ".join)


_attributes = st.sampled_from(
    ["", "", "", ' class="box"', " id=a1 class='x y'", ' data-x="<p>"', " hidden", ' title="a > b"', ' style="x:y" ']
)
_hidden = st.sampled_from(
    ["<!-- note -->", "<!---->", "<!-- <p>not</p> -->", "<script>if (a<b) '</p>'</script>", "<style>p{}</style>"]
)
_media = st.sampled_from(
    ['<img src="a.png">', "<img src=a.png alt='x'/>", "<iframe src=x></iframe>", "<picture><img src=b></picture>"]
)


def _wrapped(tag: str, inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(lambda attributes, held: f"<{tag}{attributes}>{held}</{tag}>", _attributes, inner)


def _link(text: str) -> str:
    return f'<a href="https://offers.example/x?ref=1">{text}</a>'


inline: st.SearchStrategy[str] = st.recursive(
    st.one_of(phrases(), phrases(), phrases().map(_link), _hidden, _media, st.just("<br>")),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(" ".join),
        *(_wrapped(tag, inner) for tag in ("b", "em", "span", "strong")),
    ),
    max_leaves=4,
)
_breaks = st.sampled_from(["<br><br>", "<br/>\n<br />", "<br><br><br>", "<BR> <BR>"])
_runs = st.lists(inline, min_size=1, max_size=3).flatmap(
    lambda parts: st.lists(_breaks, min_size=len(parts), max_size=len(parts)).map(
        lambda seps: "".join(part + sep for part, sep in zip(parts, [*seps[1:], ""], strict=True))
    )
)


def _list(items: list[tuple[str, bool]], tag: str, item: str) -> str:
    return (
        f"<{tag}>" + "".join(f"<{item}>{held}{f'</{item}>' if closed else ''}" for held, closed in items) + f"</{tag}>"
    )


def _table(rows: list[list[str]], closed: bool) -> str:
    end, row_end = ("</td>", "</tr>") if closed else ("", "")
    return "<table>" + "".join(f"<tr>{''.join(f'<td>{c}{end}' for c in row)}{row_end}" for row in rows) + "</table>"


def _blocks(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    items = st.lists(st.tuples(inner, st.booleans()), min_size=1, max_size=4)
    return st.one_of(
        *(_wrapped(tag, inner) for tag in ("div", "section", "blockquote", "aside", "figure", "article")),
        st.builds(_list, items, st.sampled_from(["ul", "ol"]), st.just("li")),
        st.builds(_list, items, st.just("dl"), st.sampled_from(["dt", "dd"])),
        st.builds(_table, st.lists(st.lists(inner, min_size=1, max_size=3), min_size=1, max_size=3), st.booleans()),
        st.lists(st.tuples(inner, _space).map("".join), min_size=1, max_size=3).map("".join),
        st.builds("{}{}{}".format, phrases(), inner, phrases()),
    )


_leaf_blocks = st.one_of(
    *(_wrapped(tag, inline) for tag in ("p", "p", "p", "h2", "pre", "div", "figcaption")),
    st.builds("<p>{}".format, inline).map(lambda open_p: open_p + "<hr>"),
    _runs,
)
bodies: st.SearchStrategy[str] = st.lists(
    st.tuples(st.recursive(_leaf_blocks, _blocks, max_leaves=6), _space).map("".join), max_size=6
).map("".join)

_tag_names = (
    "p",
    "div",
    "b",
    "a",
    "ul",
    "li",
    "table",
    "tr",
    "td",
    "br",
    "img",
    "h2",
    "mark",
    "details",
    "script",
    "x",
)
_scraps = st.one_of(
    st.sampled_from([f"<{name}>" for name in _tag_names] + [f"</{name}>" for name in _tag_names]),
    st.sampled_from(
        ["<", ">", "</", "<!--", "-->", "--", "<![CDATA[", "]]>", "<a href='", '<a href="x', "<p class=", "/>", "\x00"]
    ),
    st.sampled_from(
        ["<script>", "</script", "<textarea>", "<plaintext>", "<title>", "<?php ", "<!DOCTYPE html>", "<P\n>"]
    ),
    st.sampled_from(
        ['<mark data-feedclean="promo">', "</mark>", '<details data-feedclean="promo">', "<p data-feedclean=''>"]
    ),
    phrases(),
    _space,
)
rubble: st.SearchStrategy[str] = st.one_of(
    st.lists(_scraps, max_size=20).map("".join), st.text(alphabet="<>/!-=\"' \npbraluit&;x", max_size=60), st.text()
)


@st.composite
def torn_bodies(draw: st.DrawFn) -> str:
    """A balanced body into which scraps were cut, or out of which a piece was."""
    body = draw(bodies)
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(body)))
        lost = draw(st.sampled_from([0, 0, 1, 4, 9]))
        body = body[:place] + draw(_scraps) + body[place + lost :]
    return body


any_html: st.SearchStrategy[str] = st.one_of(bodies, torn_bodies(), rubble)

_bullets = st.sampled_from(["", "", "- ", "* ", "• ", "1. ", "12) ", "[promo 97 %] "])
plain_texts: st.SearchStrategy[str] = st.one_of(
    st.lists(
        st.tuples(_bullets, phrases(0), st.sampled_from(["\n", "\n\n", "\r\n\r\n", "\n \t\n", "\n\n\n"])).map("".join),
        max_size=8,
    ).map("".join),
    st.text(alphabet="ab-*•1.) \n\r\t[]%", max_size=40),
    st.text(),
)

GIVEN = {action: Decision(action, Label.PROMO, 0.97, None) for action in Action}


@st.composite
def actions_for(
    draw: st.DrawFn, blocks: tuple[Block, ...], actions: tuple[Action, ...] = tuple(Action)
) -> list[Action]:
    """An action for every block; what is not judged is kept."""
    chosen = st.sampled_from(actions)
    return [draw(chosen) if judged(block) else Action.KEEP for block in blocks]


def decided(actions: Sequence[Action]) -> list[Decision]:
    """Decisions for these actions."""
    return [GIVEN[action] for action in actions]
