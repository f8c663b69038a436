"""`feedclean corpus`, `train` and `evaluate`: around `feedclean.learning`, which is imported when used."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from .faults import Ending, ExitCode, say

__all__ = ["corpus_app", "evaluate", "train"]

_CORPUS = Path("training_data")
_DEV = _CORPUS / "real" / "dev"

corpus_app = typer.Typer(help="Check, count and fetch labelled documents.", no_args_is_help=True)

_Paths = Annotated[
    list[Path] | None, typer.Argument(metavar="PATH", help="Files of labelled documents, or folders of them.")
]


@corpus_app.command()
def check(paths: _Paths = None) -> None:
    """Check labelled documents, one line a fault.

    The exit code is 1 if there is any.
    """
    from ..learning.corpus_check import check_paths

    report = check_paths(paths or [_CORPUS])
    for fault in report.faults:
        typer.echo(fault)
    _counts(report.counts)
    faults = len(report.faults)
    say(f"{report.documents} documents, {report.blocks} blocks, {faults} fault{'' if faults == 1 else 's'}")
    raise Ending(ExitCode.FAILED if report.faults else ExitCode.OK)


@corpus_app.command()
def stats(paths: _Paths = None) -> None:
    """Count them by language, label and title."""
    from ..learning.corpus_check import check_paths

    report = check_paths(paths or [_CORPUS])
    _counts(report.counts)
    say(f"{report.documents} documents, {report.blocks} blocks")


@corpus_app.command()
def fetch(
    source: Annotated[Path, typer.Option("--from", metavar="DIR", help="The folder that holds the real documents.")],
    annotations: Annotated[
        Path, typer.Argument(metavar="ANNOTATIONS", help="The folder of annotations: labels without the text.")
    ] = _CORPUS / "annotations",
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Where to put them; never to be committed.")
    ] = _CORPUS / "real",
) -> None:
    """Put real pages and their annotations together.

    Real pages belong to their publishers, so only annotations of them come with feedclean.
    """
    from ..learning.annotations import materialise

    fetched = materialise(annotations, source, output)
    for missing in fetched.missing:
        say(f"{missing}: not in {source}")
    say(f"{fetched.documents} documents, {fetched.blocks} blocks; {fetched.changed} blocks have changed since")
    raise Ending(ExitCode.FAILED if fetched.missing else ExitCode.OK)


@corpus_app.command()
def annotate(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="Labelled real documents, with their `source`.")],
    target: Annotated[Path, typer.Argument(metavar="ANNOTATIONS", help="The file to write, without any text.")],
) -> None:
    """Turn labelled real documents into annotations, which may be committed: labels by digest, without the text."""
    from ..learning.annotations import annotate as annotate_file

    say(f"{annotate_file(source, target)} documents annotated in {target}")


def train(
    paths: _Paths = None,
    name: Annotated[str, typer.Option(help="What to call the model.")] = "default",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="DIR", help="Where to put it, instead of models/NAME.", show_default=False
        ),
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", metavar="N", min=1, help="Train in N processes.")] = 2,
) -> None:
    """Train a model on labelled documents.

    Tells how good it is on styles that it had not seen.
    """
    from ..learning.training import Recipe
    from ..learning.training import train as train_on
    from ..model_files import save_model

    trained = train_on(paths or [_CORPUS], name=name, recipe=Recipe(jobs=jobs), say=say)
    folder = output or Path("models") / name
    save_model(folder, trained.arrays, trained.card)
    _scores("folds by style", _folds(trained.card))
    say(f"written to {folder}")


def evaluate(
    paths: _Paths = None,
    data: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="The same as PATH; may be given several times.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="NAME|PATH", help="The model to measure, instead of the shipped one.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all measures as JSON.")] = False,
) -> None:
    """Measure a model on labelled documents."""
    from ..learning.evaluation import evaluate as evaluate_on
    from ..learning.evaluation import numbers
    from ..model_files import load_model

    judge = load_model(model)
    named = [*(data or ()), *(paths or ())]
    if not named and not as_json:
        _scores("folds by style, as the card has them", _folds(judge.card))
    if not named and not _DEV.is_dir():
        say(f"nothing to measure on in {_DEV}; `feedclean corpus fetch --from DIR` puts real pages there")
        return
    rows = evaluate_on(named or [_DEV], judge)
    if as_json:
        import json

        typer.echo(json.dumps([numbers(row) for row in rows], indent=2))
        return
    for row in rows:
        _scores(row["file"], row)


def _folds(card: Mapping[str, Any]) -> dict[str, Any]:
    """The scores of training, in the form of an evaluation."""
    folds = card["folds"]
    parts = {**folds["by_origin"], **folds["by_language"]}
    return {**folds["blocks"], "languages": parts, "titles": folds["titles"]}


def _counts(counts: Mapping[str, Mapping[str, int]]) -> None:
    """A table of counts, with each one's share of its kind."""
    for kind, values in counts.items():
        total = sum(values.values()) or 1
        for value, count in values.items():
            typer.echo(f"{kind:<10} {value:<12} {count:>7}  {count / total:>6.1%}")


def _scores(heading: str, row: Mapping[str, Any]) -> None:
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
