"""From labelled documents to a model: heads, network, calibration, thresholds, card.

Folds are grouped by style, so every score is about styles (or publishers) that training had not seen. The linear heads
are fitted once for each fold and once on everything; the network learns from scores that the heads gave to documents
they had not seen, and is itself scored on folds it had not seen (stacking; Wolpert, 1992, "Stacked Generalization").
The same data and seed give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy import sparse
from sklearn.model_selection import StratifiedGroupKFold
from threadpoolctl import threadpool_limits

from ..errors import CorpusError, ModelError
from ..judging import context, features, masks, ngrams
from ..judging.model import Model, block_inputs, title_inputs
from ..judging.ngrams import Hashes
from ..types import Label
from . import corpus, evaluation
from .corpus import Example
from .heads import Calibration, Ensemble, LinearHead, matrix

Matrix = NDArray[np.float64]
Ints = NDArray[np.int64]
Say = Callable[[str], None]

# What the thresholds may lose of the editorial blocks of publishers that training had not seen (docs/decisions, 6).
EDITORIAL_LOSS = 0.01
PARITY = 1e-6
ENOUGH = 500  # real blocks from which on the proportions of the world are known


@dataclass(frozen=True)
class Recipe:
    """What can be chosen about training; the defaults were chosen by folds (`docs/experiments.md`)."""

    folds: int = 5
    text_C: float = 5.0
    markup_C: float = 1.0
    title_C: float = 30.0
    units: int = 128
    fits: int = 6
    fold_fits: int = 2  # networks averaged for a fold's score: fewer, to save time
    alpha: float = 1.0
    epochs: int = 20
    title_units: int = 32
    title_alpha: float = 3.0
    title_epochs: int = 60
    common_styles: int = 10  # a word that so many styles use is no name
    unsure_weight: float = 0.5
    seed: int = 0
    jobs: int = 2


@dataclass
class Trained:
    """A model's weights, and what its card says."""

    arrays: dict[str, NDArray[Any]]
    card: dict[str, Any]
    blocks: evaluation.Scored  # out-of-fold
    titles: evaluation.Scored


@dataclass(frozen=True)
class _View:
    """One way in which the documents may arrive, read for the model."""

    text: sparse.csr_matrix
    markup: sparse.csr_matrix
    known: Matrix
    structure: Matrix
    sizes: Ints
    labels: Ints
    weights: Matrix
    folds: Ints  # of each block
    real: NDArray[np.bool_]

    def stacked(self, text: Matrix, markup: Matrix) -> Matrix:
        return context.stack(text, markup, self.known, self.structure, self.sizes)


def train(paths: Sequence[Path], *, name: str = "default", recipe: Recipe | None = None, say: Say = print) -> Trained:
    """Train a model on all documents of `paths`.

    Args:
        paths: files of labelled documents, or folders of them.
        name: of the model.
        recipe: what can be chosen.
        say: is told about progress, a line at a time.

    Raises:
        CorpusError: data that cannot be used, or too little of it.
        ModelError: the arrays do not give what scikit-learn gives.
    """
    recipe = recipe or Recipe()
    examples = [example for example in corpus.load(paths) if example.passage.blocks]
    fold_of, count = _folds(examples, recipe)
    say(f"{len(examples)} documents, {sum(len(e.labels) for e in examples)} blocks, {count} folds by style")
    common = _common(examples, recipe)
    views = _views(examples, fold_of, common, recipe)
    full = views[0]
    say("linear heads")
    text_heads = _heads(full.text, full, recipe.text_C, count, recipe)
    markup_heads = _heads(full.markup, full, recipe.markup_C, count, recipe)
    stacked = [
        view.stacked(_unseen(text_heads, view.text, view.folds), _unseen(markup_heads, view.markup, view.folds))
        for view in views
    ]
    inputs, labels = np.vstack(stacked), np.concatenate([view.labels for view in views])
    weights, folds = np.concatenate([view.weights for view in views]), np.concatenate([view.folds for view in views])
    say("network")
    networks = _ensembles(inputs, labels, weights, folds, count, recipe)
    raw = np.zeros((len(full.labels), len(corpus.LABELS)))
    for fold in range(count):
        raw[full.folds == fold] = networks[fold].predict_proba(stacked[0][full.folds == fold])
    calibration = Calibration().fit(raw, full.labels, _worldly(full))
    scored = evaluation.blocks_of(examples, calibration.transform(raw))
    arrays: dict[str, NDArray[Any]] = {
        "common_words": common,
        **text_heads[-1].arrays("text"),
        **markup_heads[-1].arrays("markup"),
        **networks[-1].arrays("block"),
        **calibration.arrays("block"),
    }
    say("titles")
    title_arrays, titles = _titles(examples, fold_of, count, recipe)
    arrays |= title_arrays
    world = scored.where(full.real) if full.real.sum() >= ENOUGH else scored
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
        "data": _data(paths, examples),
        "recipe": {key: value for key, value in vars(recipe).items() if key != "jobs"},
        "versions": _versions(),
        "folds": evaluation.summary(scored, titles, full.real, thresholds),
    }
    _check_parity(arrays, card, examples, text_heads[-1], markup_heads[-1], networks[-1], calibration)
    return Trained(arrays, card, scored, titles)


def _folds(examples: Sequence[Example], recipe: Recipe) -> tuple[Ints, int]:
    """A fold for every document; documents of one style share theirs."""
    styles = [example.style for example in examples]
    count = min(recipe.folds, len(set(styles)))
    if count < 2:
        raise CorpusError(
            "all documents are of one style, so nothing can be tested on an unseen one",
            hint="add documents of another `style`",
        )
    marks = [int(any(label in (1, 2) for label in example.labels)) + 2 * example.real for example in examples]
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=recipe.seed)
    fold_of = np.zeros(len(examples), np.int64)
    for fold, (_, held) in enumerate(splitter.split(marks, marks, styles)):
        fold_of[held] = fold
    for fold in range(-1, count):  # with all documents, then without each fold: so that the plainest fault comes first
        seen = [example for example, own in zip(examples, fold_of, strict=True) if own != fold]
        _check_labels(seen, "no" if fold < 0 else "without the styles of one fold, no")
    return fold_of, count


def _check_labels(examples: Sequence[Example], told: str) -> None:
    """Every head must see every label."""
    blocks = {label for example in examples for label in example.labels}
    titles = {example.title_label for example in examples if example.passage.title}
    for things, labels, present in (("block", corpus.LABELS, blocks), ("title", corpus.TITLE_LABELS, titles)):
        missing = ", ".join(label for place, label in enumerate(labels) if place not in present)
        if missing:
            hint = "a model needs examples of every label in several styles"
            raise CorpusError(f"{told} {things} is labelled {missing}", hint=hint)


def _views(examples: list[Example], fold_of: Ints, common: Hashes, recipe: Recipe) -> list[_View]:
    """The documents as they are, as text only, without class names, and as feeds in which blocks repeat."""
    fold_by_id = {id(example): int(fold) for example, fold in zip(examples, fold_of, strict=True)}
    style_fold = {example.style: fold_by_id[id(example)] for example in examples}
    arrangements = [
        [[example] for example in examples],
        [[corpus.plain(example)] for example in examples],
        [[corpus.bare(example)] for example in examples],
        corpus.feeds(examples, recipe.seed),
    ]
    return [_read(feeds, style_fold, common, recipe) for feeds in arrangements if feeds]


def _common(examples: Sequence[Example], recipe: Recipe) -> Hashes:
    """Words that so many styles use that they name nobody: sorted hashes, at least one."""
    by_style: dict[str, list[str]] = {}
    for example in examples:
        by_style.setdefault(example.style, []).extend(block.text for block in example.passage.blocks)
    used = [np.unique(ngrams.read(list(map(masks.codes, texts))).hashes) for texts in by_style.values()]
    words, styles = np.unique(np.concatenate(used), return_counts=True)
    found: Hashes = words[styles >= recipe.common_styles]
    return found if len(found) else words[:1]


def _read(feeds: list[list[Example]], style_fold: dict[str, int], common: Hashes, recipe: Recipe) -> _View:
    texts, markups, knowns, structures, sizes = [], [], [], [], []
    for feed in feeds:
        said, names, known, structure, size = block_inputs([example.passage for example in feed], common)
        texts.append(said)
        markups.append(names)
        knowns.append(known)
        structures.append(structure)
        sizes.append(size)
    flat = [example for feed in feeds for example in feed]
    return _View(
        text=sparse.vstack([matrix(found, ngrams.TEXT[2]) for found in texts]).tocsr(),
        markup=sparse.vstack([matrix(found, ngrams.MARKUP[2]) for found in markups]).tocsr(),
        known=np.concatenate(knowns),
        structure=np.vstack(structures),
        sizes=np.concatenate(sizes),
        labels=np.array([label for example in flat for label in example.labels]),
        weights=np.array([recipe.unsure_weight if u else 1.0 for example in flat for u in example.unsure]),
        folds=np.array([style_fold[example.style] for example in flat for _ in example.labels]),
        real=np.array([example.real for example in flat for _ in example.labels]),
    )


def _worldly(view: _View) -> Matrix:
    """Weights with which the labels have the proportions of real documents (D14).

    Written documents count as much as real ones, since they have what those lack. Without enough real documents, all
    count alike.
    """
    weights = np.ones(len(view.labels))
    if view.real.sum() < ENOUGH:
        return weights
    for label in range(len(corpus.LABELS)):
        own = view.labels == label
        weights[own & ~view.real] = (own & view.real).sum() / max((own & ~view.real).sum(), 1)
    return weights


def _heads(X: sparse.csr_matrix, view: _View, C: float, count: int, recipe: Recipe) -> list[LinearHead]:
    """A head for each fold, fitted on the others, then one fitted on everything."""
    masks = [view.folds != fold for fold in range(count)] + [np.ones(len(view.folds), bool)]
    found: list[LinearHead] = Parallel(n_jobs=recipe.jobs, max_nbytes="1M")(
        delayed(_fit_head)(X[mask], view.labels[mask], view.weights[mask], C) for mask in masks
    )
    return found


def _fit_head(X: sparse.csr_matrix, y: Ints, weights: Matrix, C: float) -> LinearHead:
    with threadpool_limits(1):
        return LinearHead(C).fit(X, y, weights)


def _unseen(heads: Sequence[LinearHead], X: sparse.csr_matrix, folds: Ints) -> Matrix:
    """Scores for every row from the head that had not seen its fold."""
    scores = np.zeros((X.shape[0], heads[-1].regression_.coef_.shape[0]))
    for fold in range(len(heads) - 1):
        rows = folds == fold
        if rows.any():
            scores[rows] = heads[fold].decision_function(X[rows])
    return scores


def _ensembles(
    inputs: Matrix, labels: Ints, weights: Matrix, folds: Ints, count: int, recipe: Recipe
) -> list[Ensemble]:
    """Networks for each fold, fitted on the others, then those fitted on everything."""
    of_folds = replace(recipe, fits=recipe.fold_fits)
    masks = [(folds != fold, of_folds) for fold in range(count)] + [(np.ones(len(folds), bool), recipe)]
    found: list[Ensemble] = Parallel(n_jobs=recipe.jobs, max_nbytes="1M")(
        delayed(_fit_ensemble)(inputs[mask], labels[mask], weights[mask], own) for mask, own in masks
    )
    return found


def _fit_ensemble(inputs: Matrix, labels: Ints, weights: Matrix, recipe: Recipe) -> Ensemble:
    # One thread each: sums of several threads may differ in their last bits from run to run.
    with threadpool_limits(1):
        return Ensemble(recipe.units, recipe.fits, recipe.alpha, recipe.epochs, seed=recipe.seed).fit(
            inputs, labels, weights
        )


def _titles(
    examples: list[Example], fold_of: Ints, count: int, recipe: Recipe
) -> tuple[dict[str, NDArray[Any]], evaluation.Scored]:
    """The head and network for titles."""
    titled = [place for place, example in enumerate(examples) if example.title_label >= 0 and example.passage.title]
    said, structure = title_inputs([examples[place].passage for place in titled])
    X = matrix(said, ngrams.TITLE[2])
    labels = np.array([examples[place].title_label for place in titled])
    folds = fold_of[titled]
    weights = np.ones(len(labels))
    masks = [folds != fold for fold in range(count)] + [np.ones(len(folds), bool)]
    heads = [LinearHead(recipe.title_C).fit(X[mask], labels[mask]) for mask in masks]
    inputs = np.hstack((_unseen(heads, X, folds), structure))
    own = replace(recipe, units=recipe.title_units, alpha=recipe.title_alpha, epochs=recipe.title_epochs)
    ensembles = _ensembles(inputs, labels, weights, folds, count, own)
    raw = np.zeros((len(labels), 2))
    for fold in range(count):
        raw[folds == fold] = ensembles[fold].predict_proba(inputs[folds == fold])
    calibration = Calibration().fit(raw, labels)
    arrays = {**heads[-1].arrays("title"), **ensembles[-1].arrays("title"), **calibration.arrays("title")}
    return arrays, evaluation.titles_of([examples[place] for place in titled], calibration.transform(raw))


def _check_parity(
    arrays: dict[str, NDArray[Any]],
    card: dict[str, Any],
    examples: list[Example],
    text: LinearHead,
    markup: LinearHead,
    network: Ensemble,
    calibration: Calibration,
) -> None:
    """Serving must give what scikit-learn gives, on the whole corpus."""
    model = Model(arrays, {**card, "weights": {"sha256": ""}})
    worst = 0.0
    for example in examples:
        said, names, known, structure, sizes = block_inputs([example.passage], arrays["common_words"])
        inputs = context.stack(
            text.decision_function(matrix(said, ngrams.TEXT[2])),
            markup.decision_function(matrix(names, ngrams.MARKUP[2])),
            known,
            structure,
            sizes,
        )
        expected = calibration.transform(network.predict_proba(inputs))
        worst = max(worst, float(np.abs(model.probabilities([example.passage]) - expected).max()))
    card["parity"] = float(f"{worst:.0e}")
    if worst > PARITY:
        raise ModelError(f"serving differs from scikit-learn by {worst:.1e}, more than {PARITY:.0e}")


def _data(paths: Sequence[Path], examples: Sequence[Example]) -> dict[str, Any]:
    real = [example for example in examples if example.real]
    return {
        "sha256": corpus.digest(paths),
        "files": [path.name for path in corpus.files(paths)],
        "written": {"documents": len(examples) - len(real), "blocks": _blocks(examples) - _blocks(real)},
        "real": {"documents": len(real), "blocks": _blocks(real)},
    }


def _blocks(examples: Sequence[Example]) -> int:
    return sum(len(example.labels) for example in examples)


def _versions() -> dict[str, str]:
    import platform

    import scipy
    import sklearn

    versions = {"numpy": np.__version__, "scipy": scipy.__version__, "scikit-learn": sklearn.__version__}
    return {"python": platform.python_version(), **versions}
