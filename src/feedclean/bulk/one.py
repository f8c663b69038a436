"""One document, whatever happens to it.

Source ── read ──> bytes ── clean ──> Cleaned ── convert ──> Outcome
"""

from __future__ import annotations

import traceback
from dataclasses import replace
from pathlib import Path

from ..cleaning import Judge, clean
from ..corrections import Corrected, Corrections
from ..errors import FeedcleanError
from ..model_files import load_model
from ..types import Correction
from .nouns import Options, Outcome, Source, Target
from .reading import read

__all__ = ["clean_one", "judge_of"]


def clean_one(source: Source, options: Options) -> Outcome:
    """Clean one document.

    Args:
        source: where it comes from.
        options: what to do with it.

    Raises:
        ModelError: the model cannot be used. Every other fault is told in the outcome.
    """
    judge = judge_of(options.model, options.corrections)
    url = source.url or options.url
    try:
        data = read(source)
        cleaned = clean(
            data,
            model=judge,
            policy=options.policy,
            url=url,
            charset=source.charset,
            where=source.name,
            explain=options.explain,
            in_place=options.in_place,
        )
        content, target = cleaned.content, options.to
        if options.to is Target.JSON:
            from ..formats.article_json import write_article_json

            content = write_article_json(cleaned, url)
        elif options.to is not None:
            from ..formats.convert import convert

            content = convert(cleaned.content, cleaned.format, options.to.value, url=url)
            target = options.to if options.to.value != cleaned.format.value else None
    except FeedcleanError as fault:
        return Outcome(_slim(source), fault=fault.at(source.name))
    except Exception as fault:  # noqa: BLE001  the other documents are still to be cleaned
        told = FeedcleanError(
            f"unexpected {type(fault).__name__}: {fault}",
            where=source.name,
            hint="please report it; --traceback shows where it happened",
        )
        return Outcome(_slim(source), fault=told, traceback=traceback.format_exc())
    if not options.blocks:
        cleaned = replace(cleaned, items=())
    return Outcome(_slim(source), cleaned, content, target)


def judge_of(model: Judge | Path | str | None, corrections: tuple[Correction, ...] = ()) -> Judge:
    """The model itself, or what people made of it.

    Args:
        model: it, or what `load_model` takes.
        corrections: what people said, over the model.

    Raises:
        ModelError: it cannot be used.
    """
    judge: Judge = load_model(model) if model is None or isinstance(model, (str, Path)) else model
    return Corrected(judge, Corrections(corrections)) if corrections else judge


def _slim(source: Source) -> Source:
    """The source without its bytes: nobody needs them once it is cleaned, and results wait for their turn."""
    return replace(source, data=None) if source.data is not None else source
