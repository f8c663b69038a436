"""The sentence: bytes -> Document -> fields -> blocks -> verdicts -> decisions -> Document -> bytes.

It is written once, here; the command line, the proxy and the evaluation all call it, and the proxy leaves out the items
whose `Outcome` it knows. The sentence is said again over its own result until nothing changes any more, since a block
may look different once its neighbours are gone. That makes "cleaning twice changes nothing more" true by construction,
and costs a second reading only where something was cut.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from .drafts import TITLE_PREFIX, Draft, Reading, length
from .formats.sniff import open_document
from .judging import mixes
from .judging.blocks import judged
from .judging.edit import published_of, rewrite, standing
from .judging.policy import Policy
from .types import (
    Action,
    Block,
    Cleaned,
    CleanedItem,
    Clue,
    Decision,
    Document,
    Item,
    Judged,
    Kind,
    Outcome,
    Passage,
    TitleAction,
    TitleLabel,
    Verdict,
)

_PASSES = 8  # far more than any feed seen needed; a bound for hostile ones


class Judge(Protocol):
    """What cleaning needs of a model; `judging.model.Model` is one."""

    @property
    def name(self) -> str:
        """Its name and digest."""
        ...

    @property
    def thresholds(self) -> Mapping[str, float]:
        """Probability from which a block is acted upon, by label."""
        ...

    @property
    def title_threshold(self) -> float:
        """Probability from which a title is clickbait."""
        ...

    def judge(self, passages: Sequence[Passage]) -> list[list[Verdict]]:
        """A verdict for every block of every passage; the passages of one call are one document."""
        ...

    def judge_titles(self, passages: Sequence[Passage]) -> list[Verdict]:
        """A verdict for the title of every passage."""
        ...

    def clues(self, passages: Sequence[Passage], wanted: Sequence[tuple[int, int]]) -> list[tuple[Clue, ...]]:
        """What decided about the `wanted` blocks, each given as numbers of passage and block in it."""
        ...


def clean(
    data: bytes | str,
    *,
    model: Judge | None = None,
    policy: Policy | None = None,
    url: str | None = None,
    charset: str | None = None,
    where: str | None = None,
    explain: bool = False,
    in_place: bool = False,
) -> Cleaned:
    """Clean a feed, a page, a mail or a text of its advertising.

    Args:
        data: the document: an RSS, Atom or JSON feed, an HTML page or fragment, a page saved as MHTML, a mail, Markdown
            or plain text. Which of them it is is told by its content. A `str` is read as UTF-8.
        model: from `load_model`; the one that comes with feedclean if `None`.
        policy: which labels are cut, collapsed or marked, and from which probability on.
        url: where the document was published; its links are read against it.
        charset: the character set that was named when it was sent (`Content-Type`), for documents that do not say it.
        where: what to call the document in an error.
        explain: give clues for every block, not only for those that are acted upon.
        in_place: cut inside whole pages and mails and leave all else in them as it is, instead of making a page to read
            of the article that they hold.

    Returns:
        The document in its own format (`Cleaned.content`, UTF-8 for feeds), with every block and decision; a page to
        read in place of a whole page or a mail.

    Raises:
        FormatError: the bytes hold no document that can be cleaned.
        ModelError: the model cannot be used.

    >>> from feedclean import clean
    >>> cleaned = clean("<p>Acme's revenue rose 4 percent to 12 million euros in the third quarter.</p>")
    >>> cleaned.content.decode()
    "<p>Acme's revenue rose 4 percent to 12 million euros in the third quarter.</p>"
    >>> cleaned.ledger
    ()
    """
    if isinstance(data, str):
        data, charset = data.encode("utf-8", "surrogatepass"), "utf-8"
    document = open_document(data, where=where, url=url, charset=charset, in_place=in_place)
    return clean_document(document, model=model, policy=policy, explain=explain)


def clean_document(
    document: Document, *, model: Judge | None = None, policy: Policy | None = None, explain: bool = False
) -> Cleaned:
    """Clean an opened document in place; see `clean`."""
    if model is None:
        from .model_files import load_model

        model = load_model()
    policy = policy or Policy()
    drafts = _settled(document.items, model, policy, explain, document.extracted)
    found = [draft.outcome() for draft in drafts]
    carry_out(document, found, policy)
    results = [
        CleanedItem(draft.item, draft.headline, tuple(map(tuple, draft.judged)), tuple(draft.texts)) for draft in drafts
    ]
    ledger = tuple(cut for outcome in found for cut in outcome.cuts)
    return Cleaned(document.to_bytes(), document.format, tuple(results), ledger, model.name, document.rescued)


def outcomes(items: Sequence[Item], *, model: Judge, policy: Policy) -> list[Outcome]:
    """What is to become of the items of one document: the sentence without its two ends, for who knows some already."""
    return [draft.outcome() for draft in _settled(items, model, policy, explain=False, extracted=False)]


def carry_out(document: Document, found: Sequence[Outcome], policy: Policy) -> None:
    """Write into a document what becomes of each of its items; `policy` is that by which it was decided."""
    for number, (item, outcome) in enumerate(zip(document.items, found, strict=True)):
        for body, text in outcome.texts:
            document.replace(number, body, text)
        if outcome.title is not None:
            _apply_title(document, number, item, outcome.title, policy)


def _settled(items: Sequence[Item], model: Judge, policy: Policy, explain: bool, extracted: bool) -> list[Draft]:
    """The items, judged and acted upon until nothing changes any more."""
    drafts = [Draft(item) for item in items]
    for _ in range(_PASSES):
        if not _pass(drafts, model, policy, explain, extracted):
            break
    _judge_titles(drafts, model, policy)
    return drafts


def _pass(drafts: Sequence[Draft], model: Judge, policy: Policy, explain: bool, extracted: bool) -> bool:
    """Judge everything once and act upon it; whether any text changed."""
    for draft in drafts:
        draft.split()
    # What is said again of a text that has not changed has been acted upon.
    readings = [one for one in _judge(drafts, model) if one.given != one.draft.given[one.body]]
    thresholds = model.thresholds
    decided: list[list[Decision]] = []
    for reading in readings:
        reading.draft.given[reading.body] = reading.given
        published, gone = reading.draft.spent(reading.body)
        blocks = reading.partition.blocks
        decided.append(
            policy.decide(blocks, reading.given, thresholds, published=published, gone=gone, extracted=extracted)
        )
    if explain or any(decision.action is not Action.KEEP for decisions in decided for decision in decisions):
        _add_clues(drafts, readings, decided, model, explain)
    _mark_mixes(drafts, readings, decided, model, policy)
    changed = False
    for reading, decisions in zip(readings, decided, strict=True):
        changed |= _act(reading, decisions)
    return changed


def _judge(drafts: Sequence[Draft], model: Judge) -> list[Reading]:
    """A verdict for every block of every field that has any.

    Where several fields of an item say the same, it is judged once, in the field with most around it.
    """
    verdicts = iter(model.judge([draft.passages[body] for draft, body in _own(drafts)]))
    readings: list[Reading] = []
    for draft in drafts:
        found = {body: next(verdicts) for body in sorted(draft.own)}
        known: dict[str, Verdict] = {}
        if any(body not in found and passage.blocks for body, passage in enumerate(draft.passages)):
            for body in draft.own:
                for block, verdict in zip(draft.passages[body].blocks, found[body], strict=True):
                    known.setdefault(block.text, verdict)
        for body, passage in enumerate(draft.passages):
            if passage.blocks:
                given = found[body] if body in found else [known[block.text] for block in passage.blocks]
                readings.append(Reading(draft, body, given))
    return readings


def _own(drafts: Sequence[Draft]) -> list[tuple[Draft, int]]:
    """The bodies that are judged, in document order, so that a verdict does not depend on which is the fullest."""
    return [(draft, body) for draft in drafts for body in sorted(draft.own)]


def _add_clues(
    drafts: Sequence[Draft],
    readings: Sequence[Reading],
    decided: list[list[Decision]],
    model: Judge,
    everywhere: bool,
) -> None:
    """Fill in the clues of the decisions that acted, or of all."""
    number = {one: number for number, one in enumerate(_own(drafts))}
    # For each place that the model is asked about, the decisions that are waiting for it.
    wanted: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for reader, (reading, decisions) in enumerate(zip(readings, decided, strict=True)):
        places = _places(reading.draft, reading.body, number)
        for position, block in enumerate(reading.partition.blocks):
            if judged(block):
                place = next(places)
                if everywhere or decisions[position].action is not Action.KEEP:
                    wanted.setdefault(place, []).append((reader, position))
    clues = model.clues([draft.passages[body] for draft, body in number], list(wanted))
    for waiting, found in zip(wanted.values(), clues, strict=True):
        for reader, position in waiting:
            decision = decided[reader][position]
            if decision.verdict is not None:
                decided[reader][position] = replace(decision, verdict=replace(decision.verdict, clues=found))


def _places(draft: Draft, body: int, number: Mapping[tuple[Draft, int], int]) -> Iterator[tuple[int, int]]:
    """Where each judged block of a body was judged: the number of the passage, and the place in it."""
    blocks = draft.passages[body].blocks
    if (draft, body) in number:
        return ((number[draft, body], place) for place in range(len(blocks)))
    found: dict[str, tuple[int, int]] = {}
    for own in draft.own:
        for place, block in enumerate(draft.passages[own].blocks):
            found.setdefault(block.text, (number[draft, own], place))
    return (found[block.text] for block in blocks)


def _mark_mixes(
    drafts: Sequence[Draft], readings: Sequence[Reading], decided: list[list[Decision]], model: Judge, policy: Policy
) -> None:
    """Mark, and do not cut, where a block is news and a pitch; all is asked at once, as blocks are judged."""
    own = _own(drafts)
    asked: dict[tuple[Draft, int], dict[int, list[str]]] = {}
    for reading, decisions in zip(readings, decided, strict=True):
        if reading.body in reading.draft.own:
            asked[reading.draft, reading.body] = mixes.doubtful(reading.partition.blocks, decisions)
    if not any(asked.values()):
        return
    given = model.judge([mixes.taken_apart(draft.passages[body], asked.get((draft, body), {})) for draft, body in own])
    found: dict[Draft, dict[str, mixes.Mix]] = {}
    for (draft, body), verdicts in zip(own, given, strict=True):
        if doubts := asked.get((draft, body)):
            blocks = draft.passages[body].blocks
            by_text = {blocks[place].text: mix for place, mix in mixes.mixed(doubts, verdicts).items()}
            found.setdefault(draft, {}).update(by_text)
    for number, reading in enumerate(readings):
        if texts := found.get(reading.draft):
            blocks = reading.partition.blocks
            decided[number] = mixes.marked(blocks, decided[number], texts, policy, model.thresholds)


def _act(reading: Reading, decisions: Sequence[Decision]) -> bool:
    """Write down what was decided about a field and change its text; whether it changed."""
    draft, body = reading.draft, reading.body
    blocks = reading.partition.blocks
    shown = standing(blocks)
    places = published_of(draft.judged[body], draft.left[body], [blocks[position] for position in shown])
    for originals, position in zip(places, shown, strict=True):
        if judged(blocks[position]):
            for original in originals:
                draft.judged[body][original] = Judged(draft.judged[body][original].block, decisions[position])
    text = rewrite(reading.partition, decisions)
    if text == draft.texts[body]:
        return False
    draft.texts[body] = text
    draft.left[body] = [
        original
        for originals, position in zip(places, shown, strict=True)
        for original in originals
        if decisions[position].action is not Action.CUT
    ]
    return True


def _judge_titles(drafts: Sequence[Draft], model: Judge, policy: Policy) -> None:
    """Judge the titles, beside the bodies as they are now."""
    titled = [draft for draft in drafts if draft.title.strip()]
    passages = [max(draft.passages, key=length, default=Passage((), draft.title)) for draft in titled]
    for draft, verdict in zip(titled, model.judge_titles(passages), strict=True):
        block = Block(draft.title, Kind.TITLE, " ".join(draft.title.split()))
        draft.headline = Judged(block, policy.decide_title(verdict, model.title_threshold))


def _apply_title(document: Document, number: int, item: Item, decision: Decision, policy: Policy) -> None:
    if policy.title_action is TitleAction.MARK:
        label = TitleLabel.CLICKBAIT if decision.label is TitleLabel.CLICKBAIT else TitleLabel.PLAIN
        document.mark_title(number, label, decision.probability)
    elif decision.action is Action.MARK and item.title is not None and not TITLE_PREFIX.match(item.title.text):
        document.replace(number, None, f"[clickbait] {item.title.text}")
