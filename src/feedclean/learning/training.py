"""From labelled documents to a model: heads, network, calibration, thresholds, card.

Folds are grouped by style, so every score is about styles (or publishers) that training had not seen. The heads
are fitted once for each fold and once on everything; the network learns from scores that the heads gave to documents
they had not seen, and is itself scored on folds it had not seen (stacking; Wolpert, 1992, "Stacked Generalization").
The same data and seed give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from ..judging import context, features, ngrams
from ..judging.model import Model
from ..judging.reading import read, read_titles
from ..types import Label
from . import choosing, corpus, evaluation, fitting, views
from .corpus import Example
from .fitting import Stage, without_each
from .folds import by_style as folds_of
from .heads import Calibration, Ensemble, LinearHead, PerceptronHead, matrix
from .views import View

Matrix = NDArray[np.float64]
Ints = NDArray[np.int64]
Say = Callable[[str], None]

# What the thresholds may lose of the editorial blocks of publishers that training had not seen (docs/decisions, 6).
EDITORIAL_LOSS = 0.005
PARITY = 1e-6
ENOUGH = 500  # real blocks from which on the proportions of the world are known


@dataclass(frozen=True)
class Recipe:
    """What can be chosen about training; the defaults were chosen by folds (`docs/experiments.md`)."""

    folds: int = 5
    text_units: int = 64
    words_C: float = 5.0
    markup_C: float = 1.0
    title_text_units: int = 32
    title_text_batch: int = 64  # few titles: smaller batches for fewer epochs in as many steps
    units: int = 128
    fits: int = 3
    fold_fits: int = 2  # networks averaged for a fold's score: fewer, to save time
    alpha: float = 1.0
    epochs: int = 20
    title_units: int = 32
    title_alpha: float = 3.0
    title_epochs: int = 60
    common_styles: int = 10  # a word that so many styles use is no name
    unsure_weight: float = 0.5
    own_weight: float | None = None  # of one's own documents; chosen by folds if there are any
    search: bool = False  # whether the folds choose `words_C`, `markup_C` and `alpha`
    seed: int = 0
    jobs: int = 2


@dataclass
class Trained:
    """A model's weights, and what its card says."""

    arrays: dict[str, NDArray[Any]]
    card: dict[str, Any]
    blocks: evaluation.Scored  # out-of-fold
    titles: evaluation.Scored


def train(
    paths: Sequence[Path],
    *,
    own: Sequence[Path] = (),
    name: str = "default",
    recipe: Recipe | None = None,
    say: Say = print,
    stage: Stage | None = None,
) -> Trained:
    """Train a model on all documents of `paths` and `own`; lines that cannot be used are said and left out.

    Args:
        paths: files of labelled documents, or folders of them.
        own: those that whoever trains has labelled for themselves; they count `recipe.own_weight` times.
        name: of the model.
        recipe: what can be chosen.
        say: is told about progress, a line at a time.
        stage: is told of each stage and its steps; said by its name if `None`.

    Raises:
        CorpusError: data that cannot be used, or too little of it.
        ModelError: the arrays do not give what scikit-learn gives.
    """
    mine = [replace(example, own=True) for example in (corpus.load(own, say) if own else ())]
    examples = [*mine, *corpus.load(paths, say)]
    trained = train_on(_once(examples, say), name=name, recipe=recipe, say=say, stage=stage)
    trained.card["data"] = {**_files([*paths, *own]), **trained.card["data"]}
    return trained


def train_on(
    documents: Sequence[Example],
    *,
    name: str = "default",
    recipe: Recipe | None = None,
    say: Say = print,
    stage: Stage | None = None,
) -> Trained:
    """The same for documents that are at hand, each with an id of its own."""
    recipe = recipe or Recipe()
    stage = stage or _said(say)
    examples = [example for example in documents if example.passage.blocks]
    fold_of, count = folds_of(examples, recipe.folds, recipe.seed, say)
    say(f"{len(examples)} documents, {_blocks(examples)} blocks, {count} folds")
    common = views.common_words(examples, recipe.common_styles)
    fold_by_id = {example.id: int(fold) for example, fold in zip(examples, fold_of, strict=True)}
    arranged = views.arrangements(examples, recipe.seed)
    full = views.read(next(arranged), fold_by_id, common, recipe.unsure_weight, 1.0)
    recipe = _chosen(recipe, full, examples, count, stage, say)
    own_weight = recipe.own_weight or 1.0
    full = replace(full, weights=full.weights * np.where(full.own, own_weight, 1.0))
    masks = without_each(full.folds, full.labels, count)
    step = stage("heads", 3 * (count + 1))
    text_asked = [(_text_head(recipe), mask) for mask in masks]
    text_heads = fitting.fitted(full.text, full.labels, full.weights, text_asked, recipe.jobs, step)
    words_heads, markup_heads = (
        fitting.fitted(X, full.labels, full.weights, [(LinearHead(C), mask) for mask in masks], recipe.jobs, step)
        for X, C in ((full.words, recipe.words_C), (full.markup, recipe.markup_C))
    )

    def stack(view: View) -> tuple[Matrix, Ints, Matrix, Ints]:
        asked = ((text_heads, view.text), (words_heads, view.words), (markup_heads, view.markup))
        text, words, markup = (fitting.unseen(heads, X, view.folds) for heads, X in asked)
        return view.stacked(text, words, markup), view.labels, view.weights, view.folds

    # One arrangement after the other: their n-grams are by far the largest thing here, and are needed only now.
    rest = (views.read(feeds, fold_by_id, common, recipe.unsure_weight, own_weight) for feeds in arranged)
    stacked = [stack(full), *map(stack, rest)]
    full = full.without_ngrams()
    inputs, labels, weights, folds = (np.concatenate(parts) for parts in zip(*stacked, strict=True))
    stacked.clear()  # what it held is in `inputs`, the documents as they are first
    if recipe.search:
        alpha = choosing.network_strength(
            partial(_network, recipe, recipe.fold_fits), inputs, labels, weights, folds, count, recipe.jobs, stage, say
        )
        recipe = replace(recipe, alpha=alpha)
    networks = fitting.fitted(
        inputs, labels, weights, _networks(recipe, folds, labels, count), recipe.jobs, stage("network", count + 1)
    )
    raw = fitting.unseen_probabilities(networks[:-1], inputs[: len(full.labels)], full.folds, len(corpus.LABELS))
    known, real = full.labelled, full.real[full.labelled]
    calibration = Calibration().fit(raw[known], full.labels[known], _worldly(full.labels[known], real))
    scored = evaluation.blocks_of(examples, calibration.transform(raw))
    arrays: dict[str, NDArray[Any]] = {
        "common_words": common,
        **text_heads[-1].arrays("text"),
        **words_heads[-1].arrays("words"),
        **markup_heads[-1].arrays("markup"),
        **networks[-1].arrays("block"),
        **calibration.arrays("block"),
    }
    title_arrays, titles = _titles(examples, fold_of, count, recipe, stage("titles", 2 * (count + 1)))
    arrays |= title_arrays
    world = scored.where(real) if real.sum() >= ENOUGH else scored
    pair = [Label.PROMO, Label.TEASER]
    thresholds = {
        label.value: evaluation.threshold(world, pair if label in pair else [label], EDITORIAL_LOSS) for label in Label
    }
    card = {
        "name": name,
        "feature_version": features.VERSION,
        "labels": [label.value for label in Label],
        "thresholds": thresholds,
        "title_threshold": evaluation.title_threshold(titles),
        "editorial_loss": EDITORIAL_LOSS,
        "cost_of_lost_editorial": evaluation.cost_at(world, thresholds["promo"]),
        "data": _counts(examples),
        "recipe": {key: value for key, value in vars(recipe).items() if key not in {"jobs", "search"}},
        "versions": _versions(),
        "folds": evaluation.summary(scored, titles, real, thresholds),
    }
    heads: list[LinearHead | PerceptronHead] = [text_heads[-1], words_heads[-1], markup_heads[-1]]
    _check_parity(arrays, card, examples, heads, networks[-1], calibration)
    return Trained(arrays, card, scored, titles)


def _said(say: Say) -> Stage:
    """Stages said by their names, for where there is no bar."""

    def stage(name: str, _: int) -> Callable[[], None]:
        say(name)
        return lambda: None

    return stage


def _once(examples: Sequence[Example], say: Say) -> list[Example]:
    """Each document once: of those with the same id the first, and own ones stand first."""
    found: dict[str, Example] = {}
    again = [example.id for example in examples if found.setdefault(example.id, example) is not example]
    if again:
        some = ", ".join(again[:5]) + (", …" if len(again) > 5 else "")
        say(f"warning: {len(again)} documents left out, whose id another one has: {some}")
    # In the order in which documents would stand without own ones, so that those alone change what is learned.
    return sorted(found.values(), key=lambda example: example.own)


def _chosen(recipe: Recipe, view: View, examples: Sequence[Example], count: int, stage: Stage, say: Say) -> Recipe:
    """The recipe with what is left to the folds."""
    if recipe.search:
        strengths = {
            name: choosing.head_strength(name, X, view, count, recipe.jobs, stage, say)
            for name, X in (("words_C", view.words), ("markup_C", view.markup))
        }
        recipe = replace(recipe, **strengths)  # type: ignore[arg-type]
    if recipe.own_weight is None and view.own.any():
        weight = choosing.own_weight(view, examples, partial(_text_head, recipe), recipe.jobs, stage, say)
        recipe = replace(recipe, own_weight=weight)
    return recipe


def _text_head(recipe: Recipe) -> PerceptronHead:
    return PerceptronHead(recipe.text_units, seed=recipe.seed)


def _network(recipe: Recipe, fits: int, alpha: float) -> Ensemble:
    return Ensemble(recipe.units, fits, alpha, recipe.epochs, seed=recipe.seed)


def _networks(recipe: Recipe, folds: Ints, labels: Ints, count: int) -> list[tuple[Ensemble, NDArray[np.bool_]]]:
    """Networks for each fold, to be fitted on the others, then those to be fitted on everything."""
    fits = [recipe.fold_fits] * count + [recipe.fits]
    masks = without_each(folds, labels, count)
    return [(_network(recipe, n, recipe.alpha), mask) for n, mask in zip(fits, masks, strict=True)]


def _worldly(labels: Ints, real: NDArray[np.bool_]) -> Matrix:
    """Weights with which the labels have the proportions of real documents (D14).

    Written documents count as much as real ones, since they have what those lack. Without enough real documents, all
    count alike.
    """
    weights = np.ones(len(labels))
    if real.sum() < ENOUGH:
        return weights
    for label in range(len(corpus.LABELS)):
        own = labels == label
        weights[own & ~real] = (own & real).sum() / max((own & ~real).sum(), 1)
    return weights


def _titles(
    examples: list[Example], fold_of: Ints, count: int, recipe: Recipe, step: Callable[[], None]
) -> tuple[dict[str, NDArray[Any]], evaluation.Scored]:
    """The head and network for titles."""
    titled = [place for place, example in enumerate(examples) if example.title_label >= 0 and example.passage.title]
    said, structure = read_titles([examples[place].passage for place in titled])
    X = matrix(said, ngrams.TITLE[2])
    labels = np.array([examples[place].title_label for place in titled])
    folds = fold_of[titled]
    own = recipe.own_weight or 1.0
    weights = np.array([own if examples[place].own else 1.0 for place in titled])
    asked = [
        (PerceptronHead(recipe.title_text_units, batch=recipe.title_text_batch, seed=recipe.seed), mask)
        for mask in without_each(folds, labels, count)
    ]
    heads = fitting.fitted(X, labels, weights, asked, recipe.jobs, step)
    inputs = np.hstack((fitting.unseen(heads, X, folds), structure))
    of_titles = replace(recipe, units=recipe.title_units, alpha=recipe.title_alpha, epochs=recipe.title_epochs)
    ensembles = fitting.fitted(inputs, labels, weights, _networks(of_titles, folds, labels, count), recipe.jobs, step)
    raw = fitting.unseen_probabilities(ensembles[:-1], inputs, folds, 2)
    calibration = Calibration().fit(raw, labels)
    arrays = {**heads[-1].arrays("title_text"), **ensembles[-1].arrays("title"), **calibration.arrays("title")}
    return arrays, evaluation.titles_of([examples[place] for place in titled], calibration.transform(raw))


def _check_parity(
    arrays: dict[str, NDArray[Any]],
    card: dict[str, Any],
    examples: list[Example],
    heads: Sequence[LinearHead | PerceptronHead],
    network: Ensemble,
    calibration: Calibration,
) -> None:
    """Serving must give what scikit-learn gives, on the whole corpus."""
    model = Model(arrays, {**card, "weights": {"sha256": ""}})
    worst = 0.0
    for example in examples:
        reading = read([example.passage], arrays["common_words"])
        given = ((reading.text, ngrams.TEXT), (reading.words, ngrams.WORDS), (reading.markup, ngrams.MARKUP))
        text, words, markup = (
            head.decision_function(matrix(found, kind[2])) for head, (found, kind) in zip(heads, given, strict=True)
        )
        inputs = context.stack(
            text,
            words,
            markup,
            reading.known,
            np.hstack((reading.structure, reading.repetition)),
            reading.sizes,
        )
        expected = calibration.transform(network.predict_proba(inputs))
        worst = max(worst, float(np.abs(model.probabilities([example.passage]) - expected).max()))
    card["parity"] = float(f"{worst:.0e}")
    if worst > PARITY:
        raise ModelError(f"serving differs from scikit-learn by {worst:.1e}, more than {PARITY:.0e}")


def _files(paths: Sequence[Path]) -> dict[str, Any]:
    return {"sha256": corpus.digest(paths), "files": [path.name for path in corpus.files(paths)]}


def _counts(examples: Sequence[Example]) -> dict[str, Any]:
    real, own = [e for e in examples if e.real], [e for e in examples if e.own]
    counts = {
        "written": {"documents": len(examples) - len(real), "blocks": _blocks(examples) - _blocks(real)},
        "real": {"documents": len(real), "blocks": _blocks(real)},
    }
    return {**counts, "own": {"documents": len(own), "blocks": _blocks(own)}} if own else counts


def _blocks(examples: Sequence[Example]) -> int:
    return sum(label != corpus.UNLABELLED for example in examples for label in example.labels)


def _versions() -> dict[str, str]:
    import platform

    import scipy
    import sklearn

    versions = {"numpy": np.__version__, "scipy": scipy.__version__, "scikit-learn": sklearn.__version__}
    return {"python": platform.python_version(), **versions}
