"""`feedclean evaluate` and `learning-curve`: around `feedclean.learning`, which is imported when used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import CorpusError
from .faults import say

if TYPE_CHECKING:
    from ..learning.curve import Curve

__all__ = ["evaluate", "folds", "learning_curve", "scores"]

_CORPUS = Path("training_data")
_DEV = _CORPUS / "real" / "dev"
_SHOWN = 5  # mistakes in a terminal

_Data = Annotated[list[Path] | None, typer.Option(metavar="FILE", help="The same as PATH; may be given several times.")]


def evaluate(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="PATH", help="Files of labelled documents, or folders of them.")
    ] = None,
    data: _Data = None,
    model: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME|PATH", help="The model to measure, instead of the one in use. May be repeated."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all measures as JSON.")] = False,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page with plots, to look at.", show_default=False)
    ] = None,
    curve: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Show this of `learning-curve` in the page as well.")
    ] = None,
    mistakes: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, max=10_000, help="How many of the worst mistakes; 5, or 50 in JSON and page."),
    ] = None,
) -> None:
    """Measure models on labelled documents, side by side.

    Without any documents, the scores of the folds are told, as the model's card has them.
    """
    from ..learning import examination
    from ..model_files import load_model

    models = [load_model(name) for name in (model or (None,))]
    named = [*(data or ()), *(paths or ())]
    if not named and not as_json:
        for judge in models:
            scores(f"{judge.name}: folds by style, as the card has them", folds(judge.card))
    if not named and not _DEV.is_dir():
        say(f"nothing to measure on in {_DEV}; `feedclean corpus fetch` puts real pages there")
        if as_json:
            typer.echo("[]")
        return
    curves = [one for file in curve or () for one in curve_of(file) if len(one.points) > 1]
    examined = examination.examine(named or [_DEV], models, say)
    most = mistakes if mistakes is not None else examination.MISTAKES if as_json or report else _SHOWN
    rows = [examination.row(one, most) for one in examined]
    if report:
        from ..learning.report import report as page
        from .atomic import Replacement

        with Replacement(report) as file:
            file.write(page(examined, rows, curves).encode())
        say(f"report in {report}")
    if as_json:
        import json

        typer.echo(json.dumps([examination.numbers(row) for row in rows], indent=2))
        return
    for row in rows:
        scores(f"{row['file']}  {row['model']}", row)
        _by_label(row)
        _told_mistakes(row["mistakes"][: _SHOWN if mistakes is None else mistakes])


def learning_curve(
    styles: Annotated[
        list[str],
        typer.Argument(metavar="STYLE", help="Styles to learn anew; a pattern (`crypto-*`) is a family."),
    ],
    data: _Data = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write them there, for `evaluate --curve`."),
    ] = None,
    own_weight: Annotated[
        float | None, typer.Option(min=0.1, max=100, help="How many times the style's documents count; else by folds.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, max=9, help="In how many ways its documents are dealt out.")] = 2,
    jobs: Annotated[int, typer.Option("--jobs", "-j", metavar="N", min=1, help="Train in N processes.")] = 2,
) -> None:
    """Measure what 5, 10 and 20 labelled documents of a style bring to a model that had never seen it.

    For each style, models are trained on the data without it, with that many of its documents, and with nearly all of
    them; so this takes ten trainings. With --output, each point is kept as soon as it is there, and the same command
    goes on after the last one that is; what the file holds of other styles stays.
    """
    from ..learning import corpus
    from ..learning.curve import learning_curve as measure
    from ..learning.curve import to_json
    from ..learning.training import Recipe
    from .atomic import Replacement

    replaced = output is not None and (output.is_file() or not output.exists())  # and no pipe
    kept = {curve.style: curve for curve in curve_of(output)} if output and output.is_file() else {}

    def keep(*curves: Curve, done: bool = False) -> None:
        kept.update((curve.style, curve) for curve in curves)
        if output and (replaced or done):
            with Replacement(output) as file:
                file.write(to_json(list(kept.values())).encode())

    examples, digest = corpus.load(data or [_CORPUS]), corpus.digest(corpus.files(data or [_CORPUS]))
    recipe = Recipe(jobs=jobs, own_weight=own_weight)
    if output and replaced:
        Replacement(output).discard()  # before the work: a place that cannot be written is no surprise at the end
    for style in styles:
        begun = kept.get(style)
        curve = measure(examples, style, rounds=rounds, recipe=recipe, say=say, data=digest, begun=begun, keep=keep)
        for point in curve.points:
            low, high = point.interval
            lost = f"editorial_cut {point.editorial_cut:.3f}"
            typer.echo(
                f"{style:<24} {point.documents:>3} documents  cut_f1 {point.cut_f1:.3f} [{low:.3f}, {high:.3f}]  {lost}"
            )
        typer.echo(f"{style:<24} {curve.points[-2].documents:>3} documents close {curve.closed:.0%} of the gap")
    keep(done=True)


def curve_of(path: Path) -> list[Curve]:
    """The curves of a file."""
    from ..learning.curve import from_json

    try:
        return from_json(path.read_text("utf-8"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        told = getattr(error, "strerror", None) or f"no curves of `feedclean learning-curve` ({error})"
        raise CorpusError(told, where=str(path)) from error


def folds(card: Mapping[str, Any]) -> dict[str, Any]:
    """The scores of training, in the form of an evaluation."""
    found = card["folds"]
    parts = {**found["by_origin"], **found["by_language"]}
    return {**found["blocks"], "languages": parts, "titles": found["titles"]}


def scores(heading: str, row: Mapping[str, Any]) -> None:
    """The measures of one set of documents that a person wants first, by language."""
    typer.echo(heading)
    rows = {"all": row, **row.get("languages", {}), "titles": row.get("titles", {})}
    for name, measures in rows.items():
        if measures:
            typer.echo("  " + "  ".join([f"{name:<6}", *_measures(measures)]))


def _measures(measures: Mapping[str, Any]) -> list[str]:
    told: list[str] = []
    for key, value in measures.items():
        if key == "promo_recall_at":
            told.extend(_measure(f"promo_recall_at_{loss}", one) for loss, one in value.items())
        elif isinstance(value, Mapping) and "value" in value:
            told.append(_measure(key, value))
        elif isinstance(value, int):
            told.append(f"{key} {value}")
    return told


def _measure(name: str, measure: Mapping[str, Any]) -> str:
    low, high = measure["interval"]
    return f"{name} {measure['value']:.3f} [{low:.3f}, {high:.3f}]"


def _by_label(row: Mapping[str, Any]) -> None:
    """By label: precision, recall and F1, and what its blocks were taken for."""
    names = list(row["labels"])
    typer.echo("  " + " ".join([f"{'label':<12}{'blocks':>7}", " prec.  recall     F1  PR-AUC   taken for", *names]))
    for name, own in row["labels"].items():
        measures = "  ".join(f"{own[key]['value']:6.3f}" for key in ("precision", "recall", "f1", "pr_auc"))
        taken = " ".join(f"{count:>{max(len(other), 5)}}" for other, count in row["confusion"][name].items())
        typer.echo(f"  {name:<12}{own['blocks']:>7} {measures}             {taken}")


def _told_mistakes(mistakes: Sequence[Mapping[str, Any]]) -> None:
    if mistakes:
        typer.echo("  worst mistakes")
    for one in mistakes:
        what = "lost" if one["cut"] else "missed"
        text = one["text"] if len(one["text"]) <= 90 else one["text"][:88] + " …"
        typer.echo(
            f"    {what:<7}{one['label']:<12}{one['probability']:>5.0%}  {one['document']}:{one['block']}  {text}"
        )
        if one["clues"]:
            typer.echo(" " * 31 + ", ".join(f'"{clue}"' for clue in one["clues"]))
