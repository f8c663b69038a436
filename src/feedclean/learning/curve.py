"""The learning curve: what a few labelled documents of a style bring to a model that had never seen it.

    all but the style ──> lacks it
    + 5, 10, 20 documents of it, as one's own ──> learned it
    + all of it but what is tested on ──> knew it

All are tested on the same documents of the style, which none of them has seen. A style is dealt out in several ways, so
that more than a handful of documents is tested on.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from ..errors import CorpusError
from ..judging.features import VERSION
from ..judging.model import Model
from . import evaluation
from .corpus import LABELS, Example
from .training import Recipe, Trained, train_on

SIZES = (0, 5, 10, 20)
_TESTED = 3  # the least number of documents that a curve can be measured on


@dataclass(frozen=True)
class Point:
    """One model of a curve."""

    documents: int  # of the style, that it had
    cut_f1: float
    interval: tuple[float, float]
    editorial_cut: float


@dataclass(frozen=True)
class Curve:
    """What was measured for one style."""

    style: str
    documents: int  # of the style
    tested: int  # documents that were tested on
    points: tuple[Point, ...]  # by number of documents; the last one knew all that was not tested on
    made_with: str = ""  # digest of the data and the recipe, if known

    @property
    def closed(self) -> float:
        """Share of the gap that the most documents below the last point close; 1 where there is no gap."""
        if len(self.points) < 2:  # it was broken off
            return 0.0
        lacks, learned, knew = self.points[0].cut_f1, self.points[-2].cut_f1, self.points[-1].cut_f1
        return 1.0 if knew <= lacks else (learned - lacks) / (knew - lacks)


def learning_curve(
    examples: Sequence[Example],
    style: str,
    *,
    sizes: Sequence[int] = SIZES,
    rounds: int = 2,
    recipe: Recipe | None = None,
    say: Callable[[str], None] = print,
    data: str = "",
    begun: Curve | None = None,
    keep: Callable[[Curve], None] = lambda _: None,
) -> Curve:
    """Measure the curve of a style, point by point: the one that knew the style first, since all others are held to it.

    Args:
        examples: the corpus.
        style: its name, or a pattern (`crypto-*`) for a family of styles.
        sizes: how many documents of it are learned from.
        rounds: in how many ways the style is dealt out.
        recipe: of all trainings; the weight of own documents is for those of `sizes` alone.
        say: is told of each training.
        data: digest of the corpus.
        begun: points that were measured before, and are not measured again if data and recipe were the same.
        keep: is given the curve after each point.

    Raises:
        CorpusError: there are too few documents of the style, or nothing else.
    """
    recipe = recipe or Recipe()
    of_style = (one for one in examples if fnmatchcase(one.style, style))
    own = sorted(of_style, key=lambda one: zlib.crc32(one.id.encode()))
    rest = [one for one in examples if not fnmatchcase(one.style, style)]
    most = max(sizes)
    if len(own) < most + _TESTED:
        told = f"{len(own)} documents of style {style!r}; a curve up to {most} needs {most + _TESTED}"
        raise CorpusError(told, hint="choose another style, or give more data")
    tested = max(min(len(own) // 3, len(own) - most), _TESTED)
    cuts = [slice(turn * tested, (turn + 1) * tested) for turn in range(min(rounds, len(own) // tested))]
    deals = [(own[cut], own[: cut.start] + own[cut.stop :]) for cut in cuts]
    made_with = _digest(data, recipe, rounds)
    curve = Curve(style, len(own), len(deals) * tested, (), made_with)
    before = begun.points if begun and made_with and begun.made_with == made_with else ()
    for size in (None, *sizes):
        known = before[-1:] if size is None else [one for one in before[:-1] if one.documents == size]
        point = known[0] if known else None
        if point is None:
            given = []
            for turn, (test, pool) in enumerate(deals):
                mine = pool if size is None else [replace(one, own=True) for one in pool[:size]]
                say(f"{style}, round {turn + 1}: {len(mine)} documents{' (all others)' if size is None else ''}")
                model = _model(train_on([*rest, *mine], name="curve", recipe=recipe, say=lambda _: None))
                judged = [model.probabilities([one.passage]) for one in test]
                given.append((test, judged, dict(model.thresholds)))
            point = _point(len(own) - tested if size is None else size, given)
        curve = replace(curve, points=(*curve.points[:-1], point, *curve.points[-1:]))
        keep(curve)
    return curve


def _digest(data: str, recipe: Recipe, rounds: int) -> str:
    """What a point depends on besides the number of documents; in how many processes is nothing to it."""
    if not data:
        return ""
    told = json.dumps([data, VERSION, rounds, asdict(replace(recipe, jobs=1))])
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _model(trained: Trained) -> Model:
    return Model(trained.arrays, {**trained.card, "weights": {"sha256": "0" * 64}})


def _point(documents: int, given: Sequence[tuple[list[Example], list[Any], dict[str, float]]]) -> Point:
    """The measures over all rounds, each decided by the thresholds of its own model."""
    test = [one for documents, _, _ in given for one in documents]
    scored = evaluation.blocks_of(test, np.vstack([rows for _, judged, _ in given for rows in judged]))
    cut = np.concatenate(
        [evaluation.acted(evaluation.blocks_of(tested, np.vstack(judged)), limits) for tested, judged, limits in given]
    )
    # Decisions in the place of probabilities, so that the bootstrap can resample them.
    decided = np.zeros((len(cut), len(LABELS)))
    decided[np.arange(len(cut)), np.where(cut, 1, 0)] = 1.0
    as_decided = replace(scored, probabilities=decided)
    half = {"promo": 0.5, "teaser": 0.5}
    low, high = evaluation.interval(as_decided, lambda s: evaluation.cut_f1(s, evaluation.acted(s, half)))
    return Point(
        documents,
        round(evaluation.cut_f1(scored, cut), 4),
        (low, high),
        round(evaluation.editorial_cut(scored, cut), 4),
    )


def to_json(curves: Sequence[Curve]) -> str:
    """Curves for a file."""
    return json.dumps([{**asdict(curve), "closed": round(curve.closed, 4)} for curve in curves], indent=2) + "\n"


def from_json(text: str) -> list[Curve]:
    """Curves of a file.

    Raises:
        ValueError: the text is not what `to_json` gives.
        KeyError: likewise.
        TypeError: likewise.
    """
    return [
        Curve(
            str(one["style"]),
            int(one["documents"]),
            int(one["tested"]),
            tuple(
                Point(int(p["documents"]), float(p["cut_f1"]), (float(p["interval"][0]), float(p["interval"][1])),
                      float(p["editorial_cut"]))
                for p in one["points"]
            ),
            str(one.get("made_with", "")),
        )
        for one in json.loads(text)
    ]  # fmt: skip
