"""What the model sees of a block beside its n-grams: structure, links, place, cohesion, repetition.

Everything is computed for a batch of passages at once, by the same code in training and in serving. Names of hosts
never become features: links are read by `links.py`, class names and path words go through their own
hashed head, which training switches off at random because feeds often carry neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..types import Block, Kind, Passage
from . import cohesion
from .links import Target, home, target
from .masks import among
from .ngrams import Hashes, Words

VERSION = 8  # raised whenever the same block would get other features

Matrix = NDArray[np.float64]
Ints = NDArray[np.int64]

_KINDS = [kind for kind in Kind if kind not in (Kind.GLUE, Kind.SETTLED, Kind.TITLE)]
_INSIDE = ("aside", "footer", "header", "nav", "form", "ul", "figure", "a", "table", "article", "main", "section")
_TAGS = ("p", "div", "li", "h1", "h2", "h3", "h4", "span", "td", "a", "figcaption", "button", "label", "time")
_ENDS = ".?!:…"

# Which characters are counted, by their byte in UTF-8.
_CHARACTERS = {
    "digit": "0123456789",
    "upper": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "exclamation": "!",
    "question": "?",
    "percent": "%",
    "quote": "\"'",
    "comma": ",",
    "colon": ":",
    "slash": "|/",
    "money": "$",
}
_COUNTED = np.full(256, len(_CHARACTERS), np.uint8)
for _index, _members in enumerate(_CHARACTERS.values()):
    _COUNTED[list(_members.encode())] = _index
_PRESENT = [list(_CHARACTERS).index(name) for name in ("exclamation", "question", "money")]

NAMES: tuple[str, ...] = (
    *(f"share of {name}" for name in _CHARACTERS),
    "has exclamation", "has question", "has money",
    "log characters", "log words", "characters per word",
    "log sentences", "questions", "only questions", "asks and shouts",
    *(f"ends in {end}" for end in _ENDS), "ends in a word", "begins lower", "begins with quote", "begins with digit",
    "links", "linked share", "words per link", "no target", "anchor", "mail", "same site", "other site",
    "redirects", "tracked", "affiliate", "sponsored", "nofollow", "log slug", "depth", "images",
    *(f"kind {kind}" for kind in _KINDS), *(f"tag {tag}" for tag in _TAGS), *(f"inside {name}" for name in _INSIDE),
    "containers", "has markup", "has names",
    "place", "from start", "from end", "first", "last", "log blocks", "characters before",
    "length against median", "length against previous", "length against next", "since heading",
    "passage linked share", "passage short share", "passage question share",
    *cohesion.NAMES, *cohesion.REPETITION,
)  # fmt: skip
WIDTH = len(NAMES)
OWN_WIDTH = WIDTH - len(cohesion.REPETITION)
WORDING_WIDTH = NAMES.index("links")
_LINKED = NAMES.index("images") + 1 - NAMES.index("links")


def structure(passages: Sequence[Passage], words: Words, titles: Words, common: Hashes) -> Matrix:
    """Structural features of all blocks of `passages`, but for repetition: nothing of a passage depends on another.

    Args:
        passages: the items of one document.
        words: `ngrams.read` of the blocks' texts, in the same order.
        titles: `ngrams.read` of the items' titles.
        common: sorted hashes of words that name nobody; all others are rare.

    Returns:
        Array of shape (blocks, `OWN_WIDTH`); the columns are the first of `NAMES`.
    """
    blocks = [block for passage in passages for block in passage.blocks]
    if not blocks:
        return np.zeros((0, OWN_WIDTH))
    sizes = np.array([len(passage.blocks) for passage in passages], np.int64)
    texts = [block.text for block in blocks]
    said, lengths, counts = _wording(texts, words)
    linked = _linked(passages)
    columns = [
        *said,
        linked,
        _forms(blocks),
        _places(blocks, texts, lengths, linked, sizes),
        cohesion.within(titles, words, counts, sizes, ~among(words.hashes, common)),
    ]
    return np.hstack(columns)


def wording(texts: list[str], words: Words) -> Matrix:
    """What texts tell by themselves, shape (texts, `WORDING_WIDTH`); the first columns of `structure`."""
    return np.hstack(_wording(texts, words)[0])


def _wording(texts: list[str], words: Words) -> tuple[list[Matrix], Matrix, Matrix]:
    """The parts of `wording`, and how many characters and words each text has."""
    lengths = np.fromiter(map(len, texts), np.float64, len(texts))
    counts = np.bincount(words.rows, minlength=len(texts)).astype(np.float64)
    said = [
        _characters(texts, lengths),
        np.column_stack((np.log1p(lengths), np.log1p(counts), lengths / np.maximum(counts, 1))),
        _sentences(texts),
        np.array([_ends(text[-1:], text[:1]) for text in texts], np.float64),
    ]
    return said, lengths, counts


def _characters(texts: list[str], lengths: Matrix) -> Matrix:
    """Shares of kinds of characters, and whether some stand there at all."""
    data = np.frombuffer("\n".join(texts).encode("utf-8", "replace"), np.uint8)
    kinds = _COUNTED[data]
    width = len(_CHARACTERS)
    places = np.flatnonzero(kinds < width)
    rows = np.searchsorted(np.flatnonzero(data == ord("\n")), places)
    counted = np.bincount(rows * width + kinds[places], minlength=len(texts) * width)[: len(texts) * width]
    table = counted.reshape(len(texts), width).astype(np.float64)
    return np.hstack((table / np.maximum(lengths, 1)[:, None], table[:, _PRESENT] > 0))


def _sentences(texts: list[str]) -> Matrix:
    """How many sentences, and whether they ask: a hook does nothing else."""
    questions = np.array([text.count("?") for text in texts], np.float64)
    others = np.array([text.count(". ") + text.count("! ") + text.endswith((".", "!")) for text in texts], np.float64)
    asks = (questions > 0) & (others == 0)
    return np.column_stack(
        (np.log1p(questions + others), np.minimum(questions, 3), asks, ["?!" in text for text in texts])
    )


@lru_cache(maxsize=4096)
def _ends(last: str, first: str) -> tuple[bool, ...]:
    """What a text's last and first characters are; few pairs are ever met."""
    return (
        *(last == end for end in _ENDS),
        last.isalnum(),
        first.islower(),
        first in "\"'„“”«»‚‘’",
        first.isdigit(),
    )


def home_of(passage: Passage) -> str:
    """The host that a passage is published on, or `""` if nothing tells."""
    return home(passage.url, (link.href for block in passage.blocks for link in block.links))


def _linked(passages: Sequence[Passage]) -> Matrix:
    """Where the links of each block lead, and how many pictures it has."""
    table = np.zeros((sum(len(passage.blocks) for passage in passages), _LINKED))
    row = 0
    for passage in passages:
        own = home_of(passage)
        for block in passage.blocks:
            if block.links:
                table[row, :-1] = _links(block, own)
            table[row, -1] = min(block.images, 5)
            row += 1
    return table


def _links(block: Block, home: str) -> tuple[float, ...]:
    found: list[Target] = [target(link.href, home) for link in block.links[:50]]
    count = len(found)
    kinds = [one.kind for one in found]
    share = sum(len(link.text) for link in block.links) / max(len(block.text), 1)
    rels = " ".join(link.rel for link in block.links)
    return (
        np.log1p(len(block.links)),
        min(share, 1.0),
        min(sum(len(link.text.split()) for link in block.links) / count, 20) / 10,
        (kinds.count("none") + kinds.count("script")) / count,
        kinds.count("anchor") / count,
        kinds.count("mail") / count,
        kinds.count("same") / count,
        kinds.count("other") / count,
        sum(one.redirects for one in found) / count,
        sum(one.tracked for one in found) / count,
        sum(one.affiliate for one in found) / count,
        float("sponsored" in rels),
        float("nofollow" in rels),
        np.log1p(max(one.slug for one in found)),
        max(one.depth for one in found) / 4,
    )


def _forms(blocks: Sequence[Block]) -> Matrix:
    """Kind, element and enclosing elements of each block. A document has few different ones."""
    number: dict[tuple[Kind, str, tuple[str, ...], bool], int] = {}
    numbers = [
        number.setdefault((block.kind, block.tag, block.containers, bool(block.names)), len(number)) for block in blocks
    ]
    return np.array([_form(*form) for form in number], np.float64)[numbers]


def _form(kind: Kind, tag: str, containers: tuple[str, ...], named: bool) -> tuple[float, ...]:
    inside = {name.partition(".")[0] for name in containers}
    return (
        *(kind is one for one in _KINDS),
        *(tag == one for one in _TAGS),
        *(name in inside for name in _INSIDE),
        min(len(containers), 8) / 4,
        bool(tag),
        named or any("." in name for name in containers),
    )


def _places(blocks: Sequence[Block], texts: list[str], lengths: Matrix, linked: Matrix, sizes: Ints) -> Matrix:
    """Where a block stands among its neighbours, and how its passage looks as a whole."""
    filled = sizes[sizes > 0]
    passage = np.repeat(np.arange(len(filled)), filled)
    size = filled[passage]
    begins = (np.cumsum(filled) - filled)[passage]
    index = np.arange(len(blocks))
    place = index - begins

    total = np.add.reduceat(lengths, begins[place == 0])[passage]
    before = np.cumsum(lengths) - lengths
    logs = np.log1p(lengths)
    ordered = logs[np.lexsort((logs, passage))]
    median = (ordered[begins + (size - 1) // 2] + ordered[begins + size // 2]) / 2
    step = np.diff(logs, prepend=logs[0])
    step[place == 0] = 0

    heading = np.array([block.kind is Kind.HEADING for block in blocks])
    last_heading = np.maximum.accumulate(np.where(heading, index, -1))
    since = np.where(last_heading < begins, 8, np.minimum(index - last_heading, 8))

    def share(mask: NDArray[np.bool_]) -> Matrix:
        return (np.bincount(passage, weights=mask) / filled)[passage]

    return np.column_stack(
        (
            place / np.maximum(size - 1, 1),
            1 / (1 + place),
            1 / (size - place),
            place == 0,
            place == size - 1,
            np.log1p(size),
            (before - before[begins]) / np.maximum(total, 1),
            logs - median,
            step,
            -np.append(step[1:], 0.0),
            since / 8,
            share(linked[:, 1] > 0.8),
            share(lengths < 60),
            share(np.array(["?" in text for text in texts])),
        )
    )


def markup(passages: Sequence[Passage]) -> list[str]:
    """For every block, the words of its class names, ids, containers and link paths: a text for the markup head."""
    return [_markup(block, own) for passage in passages for own in [home_of(passage)] for block in passage.blocks]


def _markup(block: Block, home: str) -> str:
    found: list[str] = [f"{block.tag or 'text'}"]
    found.extend(block.names)
    for depth, container in enumerate(block.containers[:6]):
        found.append(container if depth < 2 else container.replace(".", " ~"))
    for link in block.links[:6]:
        leads = target(link.href, home)
        found.extend("/" + word for word in leads.words)
        found.append("to-" + leads.kind)
    return " ".join(found)


_ANSWERED = ("said in the first block", "said in the text", "text characters", "question answered")
TITLE_WIDTH = WORDING_WIDTH + len(_ANSWERED)


def answered(passages: Sequence[Passage]) -> Matrix:
    """How an item's text meets its title: shape (passages, 4).

    A plain title's words come back in the first lines; bait withholds the ones that matter. Columns: the share of the
    title's words in the first two blocks and in the first ten, how much text there is, and whether a title with a
    question mark has a text at all.
    """
    rows: list[tuple[float, ...]] = []
    for passage in passages:
        texts = [block.text for block in passage.blocks[:12]]
        own = set(passage.title.lower().split())
        first = own.intersection(" ".join(texts[:2]).lower().split())
        whole = first | own.intersection(" ".join(texts[2:]).lower().split())
        length = max(len(own), 1)
        rows.append(
            (
                len(first) / length,
                len(whole) / length,
                float(np.log1p(sum(map(len, texts)))) / 8,
                float("?" in passage.title and bool(texts)),
            )
        )
    return np.array(rows, np.float64).reshape(len(rows), len(_ANSWERED))
