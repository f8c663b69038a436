"""Which block to ask a person about next: doubtful, unlike what is known, and no repetition of it.

    documents ── questions ──> Queue ── next ──> Session ── answer ──> kept, and the queue knows it
                                 ^                                       │
                                 └───────────── known texts ─────────────┘

A question is worth its doubt times how far it is from everything that was answered or asked before: uncertainty
sampling (Lewis and Gale, A Sequential Algorithm for Training Text Classifiers, SIGIR 1994), spread as in farthest-first
traversal (Gonzalez, 1985). Distances are cosines between hashed words.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..judging.blocks import whole
from ..judging.likeness import Templates, mask, traits
from ..types import Cleaned, CleanedItem, Judged, Label, Progress, Question
from .documents import Document

__all__ = ["Queue", "Session", "labelled_in", "questions_of", "questions_of_document"]

_ORDER = tuple(Label)
_ACTED = frozenset((Label.PROMO, Label.TEASER))
_AROUND = 3  # blocks shown before and after
_COLUMNS = 256  # of hashed words
_THRESHOLD = 0.5  # where a file does not say how sure one must be to act


def questions_of(cleaned: Cleaned, origin: str, thresholds: Mapping[str, float]) -> Iterator[Question]:
    """A question for every block of a document that was judged, each wording of an item once.

    Args:
        cleaned: the document.
        origin: the feed or the file.
        thresholds: of the model, by label: where it is in doubt.
    """
    for item in cleaned.items:
        seen: set[str] = set()
        for body in item.bodies:
            shown = [one for one in body if one.decision.verdict is not None]
            for number, one in enumerate(shown):
                words = _words(one.block.text, one.block.source)
                if words not in seen:
                    seen.add(words)
                    yield _question(item, shown, number, origin, thresholds)


def questions_of_document(document: Document) -> Iterator[Question]:
    """A question for every guess in a document of the corpus."""
    blocks = document["blocks"]
    texts = [whole(block["html"]).text for block in blocks]
    for number, block in enumerate(blocks):
        if "guess" not in block:
            continue
        guess, sure = Label(block["guess"]), float(block.get("probability", 0.5))
        acted = sure if guess in _ACTED else 1 - sure
        yield Question(
            texts[number],
            block["html"],
            *_around(texts, number),
            guess=guess,
            probability=sure,
            acted=acted,
            doubt=_doubt(acted, _THRESHOLD),
            origin=str((document.get("source") or {}).get("document", document["id"])),
            item=document["id"],
            title=document["title"],
            language=document["lang"],
        )


def labelled_in(document: Document) -> list[str]:
    """Texts of the blocks in a document of the corpus that have a label already."""
    return [whole(block["html"]).text or block["html"] for block in document["blocks"] if "label" in block]


class Queue:
    """Questions in the order of what they would teach.

    Args:
        questions: all there are.
        known: texts whose labels are known; questions about them, or about others of their template, are not asked.
    """

    def __init__(self, questions: Sequence[Question], known: Sequence[str]) -> None:
        self._questions = questions
        self._doubt = np.array([question.doubt for question in questions], np.float32)
        self._vectors = _vectors([question.text for question in questions])
        self._worded: dict[str, list[int]] = {}
        for number, question in enumerate(questions):
            self._worded.setdefault(_words(question.text, question.source), []).append(number)
        self._unknown = np.ones(len(questions), bool)
        for words in self._worded.keys() & {_words(text, "") for text in known}:
            self._unknown[self._worded[words]] = False
        self._known = _templates(known)
        self._near_known = self._nearest(_vectors(known))
        self._asked = Templates()
        self._near = self._near_known
        self._open = self._unknown.copy()

    def __len__(self) -> int:
        """How many questions are open."""
        return int(self._open.sum())

    def next(self) -> int | None:
        """The number of the question that would teach most."""
        while self._open.any():
            number = int(np.argmax(np.where(self._open, self._doubt * (1 - self._near) + 1e-6, -1.0)))
            text = self._questions[number].text
            if not self._asked.like(text) and not self._known.like(text):
                return number
            self._open[number] = False
        return None

    def done(self, number: int) -> None:
        """A question was asked: neither it nor what is like it is asked again."""
        question = self._questions[number]
        self._open[self._worded[_words(question.text, question.source)]] = False
        self._asked.add(question.text)
        self._near = np.maximum(self._near, self._vectors @ self._vectors[number])

    def undone(self, numbers: Sequence[int]) -> None:
        """Only these questions were asked so far."""
        self._open, self._near = self._unknown.copy(), self._near_known
        self._asked = Templates()
        for number in numbers:
            self.done(number)

    def _nearest(self, known: NDArray[np.float32]) -> NDArray[np.float32]:
        """How near each question is to the nearest of some texts: a cosine."""
        found = np.zeros(len(self._questions), np.float32)
        for start in range(0, len(known), 1000):  # a few megabytes at a time
            part = self._vectors @ known[start : start + 1000].T
            found = np.maximum(found, part.max(axis=1, initial=0.0))
        return found


class Session:
    """One person's labelling: a question at a time, each answer kept before the next one is asked.

    Args:
        questions: all there are.
        known: texts whose labels are known.
        keep: is told of each answer, and returns when it is safe.
        take_back: is told of each answer that is undone.
    """

    def __init__(
        self,
        questions: Sequence[Question],
        known: Sequence[str],
        *,
        keep: Callable[[Question, Label], None],
        take_back: Callable[[Question], None],
    ) -> None:
        self._questions = questions
        self._keep, self._take_back = keep, take_back
        self._queue = Queue(questions, known)
        self._asked: list[tuple[int, bool]] = []  # number, and whether it was answered
        self._current = self._queue.next()

    @property
    def number(self) -> int | None:
        """The number of the question that is being asked; `None` if none is left."""
        return self._current

    @property
    def question(self) -> Question | None:
        """The question that is being asked."""
        return None if self._current is None else self._questions[self._current]

    @property
    def progress(self) -> Progress:
        """How far it has come."""
        answered = sum(given for _, given in self._asked)
        return Progress(answered, len(self._asked) - answered, len(self._queue))

    def answer(self, number: int, label: Label) -> None:
        """Label a question, if it is the one that is being asked: a click that comes twice labels nothing else.

        Raises:
            FeedcleanError: it cannot be kept; the question stays.
        """
        if number == self._current and self.question is not None:
            self._keep(self.question, label)
            self._go_on(answered=True)

    def skip(self, number: int) -> None:
        """Leave a question, for this time."""
        if number == self._current:
            self._go_on(answered=False)

    def undo(self) -> bool:
        """Go back to the question before, and take its answer back; whether there was one.

        Raises:
            FeedcleanError: it cannot be taken back; nothing has changed.
        """
        if not self._asked:
            return False
        number, answered = self._asked[-1]
        if answered:
            self._take_back(self._questions[number])
        self._asked.pop()
        self._queue.undone([one for one, _ in self._asked])
        self._current = number
        return True

    def _go_on(self, *, answered: bool) -> None:
        assert self._current is not None  # noqa: S101 - as the callers have made sure
        self._asked.append((self._current, answered))
        self._queue.done(self._current)
        self._current = self._queue.next()


def _question(
    item: CleanedItem, shown: Sequence[Judged], number: int, origin: str, thresholds: Mapping[str, float]
) -> Question:
    block, decision = shown[number].block, shown[number].decision
    assert decision.verdict is not None  # noqa: S101 - others are not shown
    given = dict(zip(_ORDER, decision.verdict.probabilities, strict=True))
    guess = max(_ORDER, key=given.__getitem__)
    acted = min(sum(given[label] for label in _ACTED), 1.0)
    return Question(
        block.text,
        block.source,
        *_around([one.block.text for one in shown], number),
        guess=guess,
        probability=given[guess],
        acted=acted,
        doubt=_doubt(acted, thresholds[max(_ACTED, key=given.__getitem__)]),
        unsure=decision.unsure,
        origin=origin,
        item=item.item.key,
        title=item.title.block.text if item.title else "",
        url=item.item.url or "",
        language=item.item.language or "",
    )


def _around(texts: Sequence[str], number: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return tuple(texts[max(0, number - _AROUND) : number]), tuple(texts[number + 1 : number + 1 + _AROUND])


def _doubt(acted: float, threshold: float) -> float:
    """1 where the model is just about to act, 0 where it is certain either way."""
    if acted <= threshold:
        return acted / threshold if threshold else 1.0
    return (1 - acted) / (1 - threshold)


def _words(text: str, source: str) -> str:
    return " ".join((text or source).split())


def _templates(texts: Sequence[str]) -> Templates:
    found = Templates()
    for text in texts:
        found.add(text)
    return found


def _vectors(texts: Sequence[str]) -> NDArray[np.float32]:
    """A row of length 1 for each text: its traits, hashed."""
    found = np.zeros((len(texts), _COLUMNS), np.float32)
    for row, text in zip(found, texts, strict=True):
        for trait in traits(mask(text)):
            row[zlib.crc32(trait.encode("utf-8", "surrogatepass")) % _COLUMNS] += 1
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    found /= np.maximum(lengths, 1e-9)
    return found
