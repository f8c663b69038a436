"""Verdicts that stay (D8): a judge that remembers what it said, and obeys what people said.

    block ── a person's label? ──> that
          ── pinned? ──> that
          ── else ──> the model, as if the advertisements around were gone ──> pinned

An item whose editorial text did not change must not change when its advertisements rotate, or a reader shows it as
unread again. So a verdict must not depend on which advertisements stand beside the block at the moment it is first
seen: `settling.py` makes it as if they were gone. What is served first is then what is served ever after, so what
became of a whole item can be remembered, too (`remembering.py`).
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from copy import copy
from typing import Generic, Protocol, TypeVar

from ..cleaning import Judge, outcomes
from ..corrections import BY_HAND, Corrections
from ..errors import StoreError
from ..judging.policy import Policy
from ..types import Clue, Correction, Item, Label, Outcome, Passage, TitleLabel, Verdict
from .block_keys import Place
from .nouns import LabelRow, Pin
from .remembering import Outcomes, digests, with_readers
from .settling import Spot, settle, with_company

V = TypeVar("V")
Probabilities = tuple[float, ...]

_REMEMBERED = 20_000  # pins kept in memory, 8 MB; of items that stay the same, nobody asks for them
_CLUES = 10_000  # blocks whose clues are kept in memory
_LABELS: Mapping[str, Label | TitleLabel] = {label.value: label for label in (*Label, *TitleLabel)}
_ACTED = [number for number, label in enumerate(Label) if label in {Label.PROMO, Label.TEASER}]
_LIMITS = "thresholds of "  # and the model's name: by this they stand among the pins, whose names are digests


class Memory(Protocol):
    """What is needed of the store; `store.Store` is one."""

    def pins(self, blocks: Sequence[str]) -> dict[str, Pin]:
        """As `Store.pins`."""
        ...

    def pin(self, pins: Sequence[Pin]) -> None:
        """As `Store.pin`."""
        ...

    def all_labels(self) -> list[LabelRow]:
        """As `Store.all_labels`."""
        ...

    def label_mark(self) -> Hashable:
        """As `Store.label_mark`."""
        ...


class PinnedJudge:
    """A judge around another one, for as long as the process lives; may be used from any thread.

    Args:
        model: judges what is not pinned.
        store: keeps pins and labels. Without one, and while it fails, pins last as long as this object.
        keeps: whether verdicts are pinned in the store, too; labels are read there anyhow.
        tell: is told of each failure of the store.
    """

    def __init__(
        self,
        model: Judge,
        store: Memory | None = None,
        *,
        keeps: bool = True,
        tell: Callable[[StoreError], None] = lambda _: None,
    ) -> None:
        self._model = model
        self._store = store
        self._keeps = keeps and store is not None
        self._noted = False  # whether the model's thresholds stand beside its verdicts
        self._limits: dict[str, tuple[float, ...]] = {}  # of earlier models
        self._tell = tell
        self._heeds = True  # whether labels are read anew
        self._due: list[Pin] | None = None  # new pins of a feed, which are written together
        self._failing = False
        self._recent: _Recent[Pin] = _Recent(_REMEMBERED)
        self._clues: _Recent[tuple[Clue, ...]] = _Recent(_CLUES)
        self._said: tuple[Hashable, Corrections] = (None, Corrections())
        self._outcomes = Outcomes()

    @property
    def name(self) -> str:
        """The model's."""
        return self._model.name

    @property
    def thresholds(self) -> Mapping[str, float]:
        """The model's."""
        return self._model.thresholds

    @property
    def title_threshold(self) -> float:
        """The model's."""
        return self._model.title_threshold

    def succeeded_by(self, model: Judge) -> PinnedJudge:
        """The judge that goes on with another model; what is pinned stays, with the thresholds of then (D8)."""
        new = PinnedJudge(model, self._store, keeps=self._keeps, tell=self._tell)
        new._recent, new._said = self._recent, self._said
        new._limits = {**self._limits, self.name: _limits_of(self._model)}
        return new

    def corrections(self) -> Corrections:
        """What people said by now; while the store fails, what they had said before."""
        if self._store is None or not self._heeds:
            return self._said[1]
        try:
            mark = self._store.label_mark()
            if mark != self._said[0]:
                self._said = (mark, Corrections(_corrections(self._store.all_labels())))
        except StoreError as error:
            self._failed(error)
        return self._said[1]

    def outcomes(self, items: Sequence[Item], policy: Policy) -> list[Outcome]:
        """What is to become of the items of a feed: what became of them before, and only of the others a new answer."""
        self.corrections()
        # For this feed alone: what people say meanwhile counts from the next one on.
        one: PinnedJudge = copy(self)
        one._heeds = one._failing = False
        one._due = []
        keys = digests(items, policy, one._said[0])
        known = self._outcomes.get(keys)
        if None not in known:
            return [outcome for outcome in known if outcome is not None]
        chosen = with_readers(known)
        try:
            became = outcomes([items[place] for place in chosen], model=one, policy=policy)
        finally:  # a feed that shares an item may have been told of a pin by now
            one._write(one._due)
        found = dict(zip(chosen, became, strict=True))
        if not one._failing:  # else it may lack thresholds of an earlier model
            self._outcomes.put({keys[place]: outcome for place, outcome in found.items()})
        self._noted |= one._noted
        return [outcome or found[place] for place, outcome in enumerate(known)]

    def judge(self, passages: Sequence[Passage]) -> list[list[Verdict]]:
        """A verdict for every block of every passage: a person's, else the pinned one, else a new one."""
        keys = _keys(passages)
        labelled = self._labelled(passages)
        pinned, sure = self._pinned({key for of_passage in keys for key in of_passage}, len(Label))
        given = {spot: labelled.get(spot) or pinned.get(key) for spot, key in _spots(keys)}
        new = {spot: verdict for spot, verdict in given.items() if verdict is not None}
        if len(new) < len(given):
            settled = settle(self._model, passages, new)
            fresh: dict[str, Verdict] = {}
            for spot, verdict in settled.items():
                key = keys[spot[0]][spot[1]]
                # The same words twice in an item get one verdict: the one that cuts less.
                if key not in fresh or _acted(verdict) < _acted(fresh[key]):
                    fresh[key] = verdict
            self._pin(fresh, sure)
            self._clues.put({key: verdict.clues for key, verdict in fresh.items() if verdict.clues})
            new |= {spot: Verdict(fresh[keys[spot[0]][spot[1]]].probabilities) for spot in settled}
        return [[new[number, block] for block in range(len(passage.blocks))] for number, passage in enumerate(passages)]

    def judge_titles(self, passages: Sequence[Passage]) -> list[Verdict]:
        """A verdict for the title of every passage, likewise."""
        keys = [Place(passage).title_key() for passage in passages]
        pinned, sure = self._pinned(set(keys), len(TitleLabel))
        asked = [number for number, key in enumerate(keys) if key not in pinned]
        if asked:
            found = self._model.judge_titles([passages[number] for number in asked])
            fresh = {keys[number]: verdict for number, verdict in reversed(list(zip(asked, found, strict=True)))}
            self._pin(fresh, sure)
            pinned |= fresh
        said = self.corrections()
        return [said.title_verdict(passage.title) or pinned[key] for passage, key in zip(passages, keys, strict=True)]

    def clues(self, passages: Sequence[Passage], wanted: Sequence[Spot]) -> list[tuple[Clue, ...]]:
        """The clues for some blocks; that a person labelled it is reason enough."""
        keys = _keys(passages)
        labelled = self._labelled(passages)
        told: dict[str, tuple[Clue, ...]] = {}
        asked: dict[str, Spot] = {}  # the same words twice in an item have one verdict, and one reason for it
        for number, block in wanted:
            key = keys[number][block]
            known = self._clues.get(key)
            if known is not None:
                told[key] = known
            elif (number, block) not in labelled:
                asked.setdefault(key, (number, block))
        if asked:
            chosen = with_company({number for number, _ in asked.values()}, len(passages))
            place = {number: position for position, number in enumerate(chosen)}
            spots = [(place[number], block) for number, block in asked.values()]
            fresh = dict(zip(asked, self._model.clues([passages[number] for number in chosen], spots), strict=True))
            self._clues.put(fresh)
            told |= fresh
        return [(BY_HAND,) if spot in labelled else told[keys[spot[0]][spot[1]]] for spot in wanted]

    # ── What is remembered ───────────────────────────────────────────────────────────────────────────────────────────

    def _pinned(self, keys: set[str], width: int) -> tuple[dict[str, Verdict], bool]:
        """What is pinned, and whether that is all there is."""
        found = {key: pin for key in keys if (pin := self._recent.get(key)) and len(pin.probabilities) == width}
        missing = sorted(keys - found.keys())
        complete = self._store is not None
        if missing and self._keeps:
            read = self._read(missing)
            complete = read is not None
            sound = {key: pin for key, pin in (read or {}).items() if _plausible(pin.probabilities, width)}
            self._recent.put(sound)
            found |= sound
        limits = self._limits_of({pin.model for pin in found.values()} - {self.name})
        return {key: _verdict(pin, limits.get(pin.model)) for key, pin in found.items()}, complete

    def _read(self, keys: Sequence[str]) -> dict[str, Pin] | None:
        """Pins of the store; `None` if it fails."""
        assert self._store is not None  # noqa: S101 - it keeps pins
        try:
            return self._store.pins(keys)
        except StoreError as error:
            self._failed(error)
            return None

    def _limits_of(self, models: set[str]) -> Mapping[str, tuple[float, ...]]:
        """The thresholds of earlier models, as far as they are known."""
        unknown = {_LIMITS + name: name for name in models - self._limits.keys()}
        if unknown and self._keeps:
            read = self._read(sorted(unknown))
            if read is not None:  # what is not there will not come
                width = len(Label) + 1
                for key, name in unknown.items():
                    limits = read[key].probabilities if key in read else ()
                    self._limits[name] = limits if len(limits) == width else ()
        return self._limits

    def _pin(self, fresh: Mapping[str, Verdict], sure: bool) -> None:
        """Remember new verdicts; in the store only if it is certain that it has none about the same blocks."""
        pins = {key: Pin(key, self.name, verdict.probabilities) for key, verdict in fresh.items()}
        self._recent.put(pins)
        if not sure or not self._keeps:
            return
        if self._due is None:
            self._write(pins.values())
        else:
            self._due += pins.values()

    def _write(self, pins: Iterable[Pin]) -> None:
        """Give the store new pins, and beside them the thresholds by which they decide."""
        pins = [*pins]
        if not pins or self._store is None:
            return
        noted = [] if self._noted else [Pin(_LIMITS + self.name, self.name, _limits_of(self._model))]
        try:
            self._store.pin([*noted, *pins])
            self._noted = True
        except StoreError as error:
            self._failed(error)

    def _failed(self, error: StoreError) -> None:
        self._failing = True
        self._tell(error)

    def _labelled(self, passages: Sequence[Passage]) -> dict[Spot, Verdict]:
        """What people said of these blocks, or of others of their template."""
        said = self.corrections()
        if not said:
            return {}
        return {
            (number, place): verdict
            for number, passage in enumerate(passages)
            for place, block in enumerate(passage.blocks)
            if (verdict := said.verdict(block)) is not None
        }


def _keys(passages: Sequence[Passage]) -> list[list[str]]:
    return [[place.key(block) for block in passage.blocks] for passage in passages for place in (Place(passage),)]


def _spots(keys: Sequence[Sequence[str]]) -> Iterable[tuple[Spot, str]]:
    return (((number, block), key) for number, row in enumerate(keys) for block, key in enumerate(row))


def _limits_of(model: Judge) -> tuple[float, ...]:
    """The thresholds of a model for blocks, by label, and that for titles."""
    return (*(model.thresholds[label] for label in Label), model.title_threshold)


def _verdict(pin: Pin, limits: tuple[float, ...] | None) -> Verdict:
    """A pinned verdict, with the thresholds by which it was decided then."""
    width = len(pin.probabilities)
    if not limits:
        return Verdict(pin.probabilities)
    return Verdict(pin.probabilities, limits=limits[:width] if width == len(Label) else limits[-1:] * width)


def _acted(verdict: Verdict) -> float:
    return sum(verdict.probabilities[number] for number in _ACTED)


def _plausible(probabilities: Probabilities, width: int) -> bool:
    """Whether a pin can be what was pinned: a changed bit must not cut anything for good."""
    return (
        len(probabilities) == width
        and all(0 <= value <= 1 for value in probabilities)
        and math.isclose(sum(probabilities), 1, abs_tol=1e-3)
    )


def _corrections(rows: Iterable[LabelRow]) -> Iterable[Correction]:
    """Labels as corrections; one that this feedclean does not know says nothing."""
    for row in rows:
        if row.label in _LABELS:
            yield Correction(_LABELS[row.label], row.text, row.source)


class _Recent(Generic[V]):
    """The last so many values, by digest."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: dict[str, V] = {}
        self._lock = threading.Lock()

    def get(self, key: str) -> V | None:
        return self._values.get(key)

    def put(self, values: Mapping[str, V]) -> None:
        with self._lock:
            self._values.update(values)
            while len(self._values) > self._most:
                del self._values[next(iter(self._values))]
