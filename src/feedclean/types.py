"""The nouns of feedclean: frozen, without logic.

    Document ── holds ──> Item ── has ──> Field ── splits into ──> Block
                                                                     │ is judged
                                          Decision <── policy ── Verdict

The sentence that uses them is in `cleaning.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class Markup(StrEnum):
    """How the characters of a field are to be read."""

    HTML = "html"
    TEXT = "text"


class Format(StrEnum):
    """What a document is written in."""

    RSS = "rss"
    ATOM = "atom"
    JSONFEED = "jsonfeed"
    HTML = "html"
    MHTML = "mhtml"  # a page saved as a mail
    EML = "eml"
    MARKDOWN = "markdown"
    TEXT = "text"


class Label(StrEnum):
    """What a block is; `docs/labelling.md` says when."""

    EDITORIAL = "editorial"
    PROMO = "promo"
    TEASER = "teaser"
    BOILERPLATE = "boilerplate"
    DISCLOSURE = "disclosure"


class TitleLabel(StrEnum):
    """What a title is."""

    PLAIN = "plain"
    CLICKBAIT = "clickbait"


class Kind(StrEnum):
    """The form of a block. `GLUE` and `SETTLED` blocks are never judged."""

    TITLE = "title"
    PARAGRAPH = "paragraph"
    HEADING = "heading"
    LIST_ITEM = "list-item"
    TABLE = "table"
    CAPTION = "caption"
    QUOTE = "quote"
    CODE = "code"
    LINK = "link"  # nothing but links: a button, a bare link line, a card
    IMAGE = "image"  # no words, but a picture, a film or a frame
    TEXT = "text"  # words that no element of their own holds
    TANGLE = "tangle"  # the smallest region whose tags do not balance: may be marked, never cut
    GLUE = "glue"  # wrapper tags, separators, white space, comments, scripts
    SETTLED = "settled"  # what an earlier cleaning has wrapped or prefixed


@dataclass(frozen=True, slots=True)
class Link:
    """A link inside a block."""

    href: str
    text: str  # visible text, white space folded
    rel: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """One visual unit of a field, or the glue between two.

    The blocks of a field partition it: `"".join(block.source for block in blocks) == field.text`.
    """

    source: str  # the exact characters of the field
    kind: Kind
    text: str = ""  # visible text, entities decoded, white space folded
    tag: str = ""  # the block's own element, lower case; "" for bare text
    links: tuple[Link, ...] = ()
    images: int = 0  # pictures, films and frames in it
    names: tuple[str, ...] = ()  # its own class names, ids and roles
    containers: tuple[str, ...] = ()  # enclosing elements, innermost first: "div.entry-content", with their names
    scope: int = -1  # the innermost container of the field it stands in (see `blocks.py`); -1 is the field itself


@dataclass(frozen=True, slots=True)
class Field:
    """A place of an item that holds text to clean."""

    name: str  # as its format calls it: "description", "content:encoded", "content_html", "body", …
    text: str  # decoded characters; for HTML, the source
    markup: Markup


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a feed, or one saved article."""

    key: str  # the publisher's id, else its link, else its position; used to name it, not to look it up
    title: Field | None
    bodies: tuple[Field, ...]
    url: str | None = None  # where it is published; relative links are read against it
    language: str | None = None  # ISO 639-1, if declared


class Document(Protocol):
    """Anything that holds text to clean. One implementation a file in `formats/`."""

    rescued: str  # why the bytes were no document as they stood, if this is what could be made of them; else ""
    extracted: bool  # whether its text is what an extractor took for the article: a second opinion, to be outweighed

    @property
    def format(self) -> Format:
        """What `to_bytes` writes."""
        ...

    @property
    def items(self) -> Sequence[Item]:
        """The items in the order of the document, as read (`replace` does not change them)."""
        ...

    def replace(self, item: int, body: int | None, text: str) -> None:
        """Give body number `body` of item number `item` (`None`: its title) new text in the field's own markup."""
        ...

    def mark_title(self, item: int, label: TitleLabel, probability: float) -> None:
        """Note beside the title what it was taken for; the title stays. Marking twice leaves one mark."""
        ...

    def to_bytes(self) -> bytes:
        """The document with what was replaced; the bytes it was read from, if nothing was and they were UTF-8."""
        ...


class Action(StrEnum):
    """What is done with a block."""

    KEEP = "keep"
    MARK = "mark"
    COLLAPSE = "collapse"
    CUT = "cut"


class TitleAction(StrEnum):
    """What is done with a clickbait title."""

    KEEP = "keep"
    MARK = "mark"
    PREFIX = "prefix"


@dataclass(frozen=True, slots=True)
class Clue:
    """A reason for a verdict: words of the block, or something about its place, links or neighbours."""

    text: str
    weight: float  # by how much it raises the score for acting, in log-odds


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the model thinks of a block. It decides nothing."""

    probabilities: tuple[float, ...]  # in the order of `Label` (of `TitleLabel` for titles); sums to 1
    clues: tuple[Clue, ...] = ()  # strongest first
    # Thresholds in the same order, where they are not those of the model at hand: an earlier model gave the verdict.
    limits: tuple[float, ...] | None = None

    # Clues cost time, so they are filled in only for blocks that are acted upon or explained.


@dataclass(frozen=True, slots=True)
class Decision:
    """What the policy makes of a verdict."""

    action: Action
    label: Label | TitleLabel | None  # acted upon, or the likeliest one if kept; None for blocks that are not judged
    probability: float  # of acting being right: the sum over all labels that are acted upon
    verdict: Verdict | None
    unsure: bool = False  # kept, though it may well be what would be acted upon: worth a label
    guard: str = ""  # the guard that turned a cut into something milder, or ""
    sentence: str = ""  # what is meant, where it is not the whole block: a mark goes before it


@dataclass(frozen=True, slots=True)
class Judged:
    """A block and what was decided about it."""

    block: Block
    decision: Decision


@dataclass(frozen=True, slots=True)
class Cut:
    """One line of the ledger: a block that was acted upon, with all that is needed to show and restore it."""

    item: str  # `Item.key`
    field: str  # `Field.name`
    position: int  # index among the field's blocks, glue included
    action: Action
    label: Label | TitleLabel
    probability: float
    clues: tuple[Clue, ...]
    text: str  # what a reader would have seen
    source: str  # the exact characters


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is to be written of one item, and all that was taken from it; without the blocks that stay as they are."""

    texts: tuple[tuple[int, str], ...]  # the bodies that change, by number, and their new texts
    title: Decision | None  # with its verdict only if that gives a reason
    cuts: tuple[Cut, ...]
    read: bool  # whether anything that is judged is left, so that others may repeat it


@dataclass(frozen=True, slots=True)
class CleanedItem:
    """What became of one item."""

    item: Item
    title: Judged | None
    bodies: tuple[tuple[Judged, ...], ...]  # beside `item.bodies`: every block that the field had, in order
    texts: tuple[str, ...]  # beside `item.bodies`: the new text


@dataclass(frozen=True, slots=True)
class Cleaned:
    """The result of cleaning one document."""

    content: bytes
    format: Format
    items: tuple[CleanedItem, ...]
    ledger: tuple[Cut, ...] = field(default=())
    model: str = ""  # name and digest of the model, as its card gives them
    rescued: str = ""  # `Document.rescued`


@dataclass(frozen=True, slots=True)
class Passage:
    """What the model sees of an item: the blocks of one field that are judged, and what stands around them."""

    blocks: tuple[Block, ...]
    title: str = ""
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Correction:
    """What a person said a block or a title is. Beats every model (D8)."""

    label: Label | TitleLabel
    text: str  # what a reader sees of it
    source: str = ""  # its exact characters; tell blocks without words apart


@dataclass(frozen=True, slots=True)
class Question:
    """A block that a person is to label, with what stands around it and what the model thinks."""

    text: str  # what a reader sees of it
    source: str  # its exact characters
    before: tuple[str, ...]  # the texts of the blocks before it, the nearest last
    after: tuple[str, ...]
    guess: Label
    probability: float  # of the guess
    acted: float  # probability that it is to be cut or marked
    doubt: float  # 0 to 1: how much its label would teach
    unsure: bool = False  # `Decision.unsure`
    origin: str = ""  # the feed or the file
    item: str = ""  # `Item.key`
    title: str = ""
    url: str = ""  # of the item
    language: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far somebody has come with labelling."""

    answered: int  # in this session
    skipped: int
    left: int  # at most: what turns out to repeat others will not be asked
