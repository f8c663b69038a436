"""`feedclean model`: which models there are, what they would decide differently, and which one is in use."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .. import model_home
from ..errors import FeedcleanError, FormatError, ModelError
from .faults import say

if TYPE_CHECKING:
    from ..judging.model import Model
    from ..learning.comparison import Difference, Flip

__all__ = ["model_app"]

_HELD_OUT = Path("training_data") / "real" / "dev"
_SHOWN = 90  # characters of a block
_MEASURES = ("cut_f1", "editorial_cut")  # of the folds, as the card tells them

model_app = typer.Typer(
    help="Which models there are, what they would decide differently, and which one is in use.", no_args_is_help=True
)

_Name = Annotated[str, typer.Argument(metavar="NAME|PATH", help="A model, as `feedclean model list` names it.")]


@model_app.command("list")
def list_models() -> None:
    """All models, the one in use with a star."""
    from ..model_files import load_model

    used = model_home.promoted()
    typer.echo(f"  {'name':<28}{'feature':>8}{'blocks':>9}  {'F1':>6}  {'lost':>6}  made by")
    for name, folder in model_home.models():
        here = name == (used or [model_home.SHIPPED])[0]
        star = "*" if here else " "
        try:
            card = load_model(folder).card
        except FeedcleanError as fault:
            typer.echo(f"{star} {name:<28}cannot be used: {fault.what}")
            continue
        told = f"{'its card does not say how good it is':>26}"
        if row := _folds(card):
            f1, lost = (row[key]["value"] for key in _MEASURES)
            told = f"{row['blocks']:>9,}  {f1:>6.3f}  {lost:>6.1%}  {_made(card)}"
        typer.echo(f"{star} {name:<28}{card['feature_version']:>8}{told}")
    if len(used) > 1:
        say(f"before it: {', '.join(used[1:])}; `feedclean model rollback` goes back")


@model_app.command()
def info(name: _Name = "") -> None:
    """What a model is, what it was trained on, and how good its folds were. Without a name: the one in use."""
    import json

    from ..model_files import load_model
    from .evaluating import folds, scores

    model = load_model(name or None)
    card = {key: value for key, value in model.card.items() if key != "folds"}
    typer.echo(f"{model.name}\n{model_home.find(name or None)}\n{json.dumps(card, indent=2, ensure_ascii=False)}")
    if _folds(model.card):
        scores("folds by style", folds(model.card))


@model_app.command()
def diff(
    before: _Name,
    after: _Name,
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="PATH", help="Labelled documents; the held-out ones if not given.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Settings of the proxy whose store is looked at, too.")
    ] = None,
    last: Annotated[int, typer.Option(metavar="N", min=0, help="How many items of the store, newest first.")] = 500,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for each block, and nothing else.")] = False,
) -> None:
    """List every block about which two models decide differently, in labelled documents and in the proxy's store.

    Pinned decisions stay whatever a new model says: what is listed of the store is what the models would say anew.
    """
    from ..learning import comparison, corpus
    from ..model_files import load_model

    one, other = load_model(before), load_model(after)
    named = paths or ([_HELD_OUT] if _HELD_OUT.is_dir() else [])
    if named:
        examples = corpus.load(named)
        if not as_json:
            typer.echo("\n".join(_difference(found) for found in comparison.compare(examples, one, other)))
        _show(comparison.flips(examples, one, other), as_json)
    items = 0
    for url, content in _bodies(config) if last else ():
        if items >= last:
            break
        try:
            count, found = comparison.flips_in(content, url, one, other)
        except FormatError as fault:
            say(fault.at(url))
            continue
        items += count
        _show(found, as_json)
    say(f"{len(named)} labelled file{'' if len(named) == 1 else 's'} or folders, {items} items of the store")


@model_app.command()
def use(
    name: _Name,
    held_out: Annotated[
        list[Path] | None,
        typer.Option("--golden", metavar="FILE", help="Labelled documents that neither model has seen."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Whatever the comparison says.")] = False,
) -> None:
    """Put a model in use, if it is no worse than the one that is.

    Both are compared on held-out documents (training_data/real/dev, or --golden), or else by the folds of their
    trainings. A model is refused if it loses significantly more of the news, or if precision or recall fall by more
    than a point. A running proxy takes it within seconds. What is in use stays as it is, however often NAME is trained
    again.
    """
    from ..model_files import load_model, promote

    new = load_model(name)
    old = _present()
    if old is None or old.name == new.name:
        say("it is in use already" if old else "there is nothing to compare it with")
    else:
        against = _objections(old, new, held_out or ([_HELD_OUT] if _HELD_OUT.is_dir() else []))
        if against and not force:
            raise ModelError(
                f"{old.name} stays: {'; '.join(against)}", where=name, hint="--force takes it all the same"
            )
    say(f"{promote(name)} is in use")


@model_app.command()
def rollback() -> None:
    """Put the model in use that was before the present one."""
    from ..model_files import load_model

    if len(used := model_home.in_use()) > 1:
        load_model(used[1])  # before anything is changed
    say(f"{model_home.rollback()} is in use")


def _present() -> Model | None:
    """The model in use; `None` if it cannot be loaded, which is said."""
    from ..model_files import load_model

    try:
        return load_model()
    except ModelError as fault:
        say(fault)
        return None


def _objections(old: Model, new: Model, held_out: Sequence[Path]) -> list[str]:
    from ..learning import comparison, corpus

    if held_out:
        examples = corpus.load(held_out)
        told = f"{len(examples)} documents of {', '.join(map(str, held_out))}"
        if missing := comparison.missing(examples):
            return [f"held-out documents without a block that is labelled {missing} tell nothing (--golden)"]
        found = comparison.compare(examples, old, new)
    elif _folds(old.card) and _folds(new.card):
        told = "the folds of their trainings, since there are no held-out documents here (--golden)"
        found = comparison.compare_folds(old.card, new.card)
    else:
        return ["nothing is known about one of them, and there are no held-out documents (--golden)"]
    say(f"{old.name} and {new.name} on {told}")
    for one in found:
        typer.echo(_difference(one))
    return comparison.objections(found)


def _folds(card: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the folds of its training gave, or nothing if the card does not say it: others may have written it."""
    try:
        row: Mapping[str, Any] = card["folds"]["blocks"]
        figures = [row["blocks"]]
        for name in _MEASURES:
            low, high = row[name]["interval"]
            figures += [row[name]["value"], low, high]
        return row if all(map(math.isfinite, figures)) else {}
    except (KeyError, TypeError, ValueError, OverflowError):
        return {}


def _made(card: Mapping[str, Any]) -> str:
    versions = card.get("versions")
    return f"scikit-learn {versions.get('scikit-learn', '?') if isinstance(versions, Mapping) else '?'}"


def _difference(one: Difference) -> str:
    low, high = (f"{value * 100:+.1f}" for value in one.interval)
    return f"{one.measure:<26}{one.before:>7.1%} -> {one.after:>6.1%}  {one.by * 100:+.1f} points [{low}, {high}]"


def _show(flips: Sequence[Flip], as_json: bool) -> None:
    import json

    for one in flips:
        if as_json:
            typer.echo(json.dumps(asdict(one), ensure_ascii=False))
            continue
        text = one.text if len(one.text) <= _SHOWN else one.text[: _SHOWN - 2] + " …"
        chances = "{:.0%} -> {:.0%}".format(*one.probabilities)
        typer.echo(f"{one.before:>4} -> {one.after:<5} {chances:>12}  {one.label:<12}{one.place}  {text}")


def _bodies(config: Path | None) -> Iterator[tuple[str, bytes]]:
    """Addresses and last good copies of the feeds in the proxy's store, newest first; none where there is no store."""
    from time import time

    from ..proxy.reading import readable
    from ..proxy.store import Store
    from ..settings import load

    url = load(config, os.environ).store.url
    if url.startswith("sqlite") and not Path(url.partition(":///")[2]).is_file():
        return
    store = Store(url, clock=time)
    try:
        for state in sorted(store.feeds(), key=lambda one: -(one.last_success or 0.0)):
            body = store.body(state.url)
            if body is not None:
                yield state.url, readable(body).content
    finally:
        store.close()
