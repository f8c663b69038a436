"""The blocks of a field, some of them acted upon, as text again.

No serializer is involved: kept blocks are written with the very characters they were read from. What is cut takes its
container's tags along when nothing else is left in it, and the separator that would stand twice. Bare text that only
the cut parted from other bare text is parted by `PARTING`, or two paragraphs would become one.

Marks are made so that `blocks.split` knows them again (`Kind.SETTLED`), which is why cleaning twice changes nothing
more.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..types import Action, Block, Decision, Judged, Kind, Markup
from .blocks import BULLET, MARKED, Partition, judged
from .elements import BLOCK
from .tokens import tags

_OPEN_TAG = re.compile(r"""<[a-zA-Z][^\s/>]*+(?:[^>=]++|=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>"'][^\s>]*+)?+)*+>""")
_CLOSE_TAG = re.compile(r"</([a-zA-Z][^\s/>]*)[^>]*>\s*\Z")
# Elements that may stand only inside particular parents: what is wrapped is their content, not they themselves.
_BOUND = frozenset(("li", "dd", "dt", "td", "th", "caption", "figcaption", "summary", "body"))

PARTING = "<br><br>"
_WORDS = 4  # of a sentence, by which its place is found


def rewrite(partition: Partition, decisions: Sequence[Decision]) -> str:
    """The field's text after its blocks were acted upon.

    Args:
        partition: the field as `blocks.split` gave it.
        decisions: one for each of its blocks; those of blocks that are not judged are ignored.

    Returns:
        The new text. With nothing but `Action.KEEP` it is the old one, character for character.
    """
    blocks = partition.blocks
    actions = [
        decision.action if judged(block) else Action.KEEP for block, decision in zip(blocks, decisions, strict=True)
    ]
    if all(action is Action.KEEP for action in actions):
        return "".join(block.source for block in blocks)
    dropped = _emptied(partition, actions)
    separators = _surplus_separators(blocks, actions)
    pieces: list[str] = []
    run = False  # whether bare text came last
    gap: int | None = None  # the place in `pieces` where something was cut behind it
    for number, (block, action, decision) in enumerate(zip(blocks, actions, decisions, strict=True)):
        if block.kind is Kind.GLUE:
            if block.scope in dropped or number in separators:
                continue
            pieces.append(block.source)
            if run and _parts(block):
                run, gap = False, None
        elif action is Action.CUT:
            if run and gap is None:
                gap = len(pieces)
        else:
            if gap is not None and not block.tag:
                pieces.insert(gap, PARTING)
            pieces.append(_acted(block, action, decision, partition.markup))
            run, gap = partition.markup is Markup.HTML and not block.tag, None
    return "".join(pieces)


def standing(blocks: Sequence[Block]) -> list[int]:
    """The places of the blocks that are more than glue."""
    return [number for number, block in enumerate(blocks) if block.kind is not Kind.GLUE]


def published_of(was: Sequence[Judged], left: Sequence[int], now: Sequence[Block]) -> list[list[int]]:
    """Which of the published blocks that are left each block of the text as it is now stands for.

    Nearly always one each. But a table whose heading was cut may read as one block of data, and an inline element
    without the paragraph it held as part of the line around it.
    """
    if len(left) == len(now):
        return [[original] for original in left]
    waiting = list(reversed(left))
    places: list[list[int]] = []
    for block in now:
        found: list[int] = []
        offset = 0
        while waiting:
            one = was[waiting[-1]]
            if one.decision.action is not Action.KEEP:  # marked before, so it is not written as it was
                if block.kind is Kind.SETTLED and not found:
                    found.append(waiting.pop())
                break
            place = block.source.find(one.block.source, offset)
            if place < 0:
                break
            offset = place + len(one.block.source)
            found.append(waiting.pop())
        places.append(found)
    return places


def _parts(glue: Block) -> bool:
    """Whether text before and after this glue stands in different paragraphs."""
    return glue.tag == "br" or ("<" in glue.source and any(tag.name in BLOCK for tag in tags(glue.source)))


def _acted(block: Block, action: Action, decision: Decision, markup: Markup) -> str:
    """A block that stays, as it is or with what is done to it."""
    if action is Action.KEEP:
        return block.source
    if markup is Markup.TEXT:
        bullet = BULLET.match(block.source)
        text = bullet.end() if bullet else 0
        place = max(text, _place(decision.sentence, block.source))
        return f"{block.source[:place]}[{told(decision)}] {block.source[place:]}"
    if action is Action.COLLAPSE and _may_collapse(block):
        return _collapsed(block, decision)
    return _marked(block, decision)


def told(decision: Decision) -> str:
    """What a mark says: `"promo 97 %"`."""
    return f"{decision.label} {round(decision.probability * 100)} %"


def _emptied(partition: Partition, actions: Sequence[Action]) -> set[int]:
    """Containers in which blocks were cut and none is left."""
    parents = partition.parents
    alive, touched = set[int](), set[int]()
    for block, action in zip(partition.blocks, actions, strict=True):
        if block.kind is Kind.GLUE:
            continue
        reached = touched if action is Action.CUT else alive
        scope = block.scope
        while scope >= 0 and scope not in reached:
            reached.add(scope)
            scope = parents[scope]
    return touched - alive


def _surplus_separators(blocks: Sequence[Block], actions: Sequence[Action]) -> set[int]:
    """Separators that would stand beside another one, or at an end, because all that they parted was cut."""
    surplus: set[int] = set()
    # For each container: the last separator that stays, and whether something was cut or kept since it.
    last: dict[int, int | None] = {}
    since: dict[int, tuple[bool, bool]] = {}
    for number, (block, action) in enumerate(zip(blocks, actions, strict=True)):
        scope = block.scope
        cut, kept = since.get(scope, (False, False))
        if block.kind is not Kind.GLUE:
            since[scope] = (cut or action is Action.CUT, kept or action is not Action.CUT)
        elif block.tag == "br":
            before = last.get(scope)
            if not cut or kept:
                last[scope] = number
            elif before is not None and _weak(blocks[before]) and not _weak(block):
                surplus.add(before)
                last[scope] = number
            else:
                surplus.add(number)
            since[scope] = (False, False)
    for scope, (cut, kept) in since.items():
        before = last.get(scope)
        if cut and not kept and before is not None:
            surplus.add(before)
    return surplus


def _weak(separator: Block) -> bool:
    """Whether it parts only because a bullet follows: a line end in plain text."""
    return separator.source.count("\n") == 1 and not separator.source.strip()


def _may_collapse(block: Block) -> bool:
    """Whether a `<details>` may stand in the block's place: not inside `<p>`, nor where tags do not balance."""
    if block.kind is Kind.TANGLE:
        return False
    around = {container.partition(".")[0] for container in block.containers}
    return not around & {"p", "a", "button", "h1", "h2", "h3", "h4", "h5", "h6", "span", "b", "strong", "i", "em"}


def _collapsed(block: Block, decision: Decision) -> str:
    before, inner, after = _inside(block) if block.tag in _BOUND else ("", block.source, "")
    return f'{before}<details {MARKED}="{decision.label}"><summary>{told(decision)}</summary>{inner}</details>{after}'


def _marked(block: Block, decision: Decision) -> str:
    mark = f'<mark {MARKED}="{decision.label}">{told(decision)}</mark> '
    if block.kind is Kind.TABLE:
        return f'<div {MARKED}="{decision.label}">{mark}{block.source}</div>'
    if block.kind is Kind.TANGLE:
        # Inside its first tag, if it begins with one: before it, the mark would be a block of its own.
        opened = _OPEN_TAG.match(block.source)
        begin = opened.end() if opened else 0
        return block.source[:begin] + mark + block.source[begin:]
    before, inner, after = _inside(block) if block.tag else ("", block.source, "")
    place = _place(decision.sentence, inner)
    return before + inner[:place] + mark + inner[place:] + after


def _place(sentence: str, source: str) -> int:
    """Where a sentence begins in a source; 0 if that cannot be told, as for tags or entities among its first words."""
    place = source.rfind(" ".join(sentence.split()[:_WORDS])) if sentence else 0
    return 0 if place < 0 or any(tag.start < place < tag.end for tag in tags(source)) else place


def _inside(block: Block) -> tuple[str, str, str]:
    """A block's open tag, its content and its end tag (which may be missing)."""
    source = block.source
    opened = _OPEN_TAG.match(source)
    begin = opened.end() if opened else 0
    closed = _CLOSE_TAG.search(source, max(begin, source.rfind("</")))
    end = closed.start() if closed and closed[1].lower() == block.tag else len(source)
    return source[:begin], source[begin:end], source[end:]
