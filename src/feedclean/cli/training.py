"""`feedclean corpus` and `train`: around `feedclean.learning`, which is imported when used."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from ..errors import CorpusError
from .evaluating import folds, scores
from .faults import Ending, ExitCode, say

__all__ = ["corpus_app", "train"]

_CORPUS = Path("training_data")

corpus_app = typer.Typer(help="Check, count and fetch labelled documents.", no_args_is_help=True)

_Paths = Annotated[
    list[Path] | None, typer.Argument(metavar="PATH", help="Files of labelled documents, or folders of them.")
]


@corpus_app.command()
def check(paths: _Paths = None) -> None:
    """Check labelled documents, one line a fault.

    The exit code is 1 if there is any. Warnings, such as two labels for nearly the same text, do not change it.
    """
    from ..learning.corpus_check import check_paths

    report = check_paths(paths or [_CORPUS])
    for fault in report.faults:
        typer.echo(fault)
    for warning in report.warnings:
        typer.echo(f"warning: {warning}")
    _counts(report.counts)
    told = [f"{len(report.faults)} fault{'' if len(report.faults) == 1 else 's'}"]
    if report.warnings:
        told.append(f"{len(report.warnings)} warning{'' if len(report.warnings) == 1 else 's'}")
    say(f"{report.documents} documents, {report.blocks} blocks, {', '.join(told)}")
    raise Ending(ExitCode.FAILED if report.faults else ExitCode.OK)


@corpus_app.command()
def stats(paths: _Paths = None) -> None:
    """Count them by language, label and title."""
    from ..learning.corpus_check import check_paths

    report = check_paths(paths or [_CORPUS])
    _counts(report.counts)
    wrong = "; `feedclean corpus check` tells what is wrong with them" if report.faults else ""
    say(f"{report.documents} documents, {report.blocks} blocks{wrong}")


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
    data: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="The same as PATH; may be given several times.")
    ] = None,
    own: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Documents that you labelled yourself: they count more. May be repeated."),
    ] = None,
    own_weight: Annotated[
        float | None,
        typer.Option(min=0.1, max=100, help="How many times they count; chosen by folds if not given."),
    ] = None,
    name: Annotated[str, typer.Option(help="What to call the model.")] = "mine",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="DIR", help="Where to put it, instead of among your own.", show_default=False
        ),
    ] = None,
    search: Annotated[
        bool,
        typer.Option("--search", help="Let the folds choose how strongly the parts are regularised; takes longer."),
    ] = False,
    seed: Annotated[int, typer.Option(min=0, max=2**31, help="Of all that is left to chance.")] = 0,
    jobs: Annotated[int, typer.Option("--jobs", "-j", metavar="N", min=1, help="Train in N processes.")] = 2,
) -> None:
    """Train a model on labelled documents.

    Tells how good it is on styles that it had not seen. The same data and seed give the same bytes. The new model is
    not in use until `feedclean model use NAME` says so, which compares the two first.
    """
    from .. import model_home
    from ..learning.training import Recipe
    from ..learning.training import train as train_on
    from ..model_files import check_room, save_model
    from .bars import stages

    named = [*(data or ()), *(paths or ())] or [_CORPUS]
    if named == [_CORPUS] and not _CORPUS.is_dir():
        missing = "nothing to train on: there is no training_data here, and no PATH was given"
        raise CorpusError(missing, hint="run this in a checkout of feedclean, or give labelled documents of your own")
    folder = output or model_home.own(name)  # before the work: a name or place that cannot be is no surprise at the end
    check_room(folder)
    recipe = Recipe(jobs=jobs, seed=seed, search=search, own_weight=own_weight)
    with stages(say) as (told, stage):
        trained = train_on(named, own=own or (), name=name, recipe=recipe, say=told, stage=stage)
    save_model(folder, trained.arrays, trained.card)
    scores("folds by style", folds(trained.card))
    say(f"written to {folder}" + ("" if output else f"; `feedclean model use {name}` puts it in use"))


def _counts(counts: Mapping[str, Mapping[str, int]]) -> None:
    """A table of counts, with each one's share of its kind."""
    for kind, values in counts.items():
        total = sum(values.values()) or 1
        for value, count in values.items():
            typer.echo(f"{kind:<10} {value:<12} {count:>7}  {count / total:>6.1%}")
