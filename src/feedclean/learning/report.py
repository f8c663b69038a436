"""An evaluation as one page to look at: self-contained, light and dark, without a script.

Every plot has its figures in a table as well, and a sentence for those who cannot see it.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from importlib.resources import files
from itertools import groupby
from typing import Any

import numpy as np

from . import evaluation
from .corpus import LABELS
from .curve import Curve
from .drawing import Plot, span
from .examination import Examined

_KEY = (
    ("cut_f1", "cut-or-keep F1", "higher is better"),
    ("pr_auc", "PR-AUC", "higher is better"),
    ("editorial_cut", "editorial blocks lost", "lower is better"),
    ("editorial_cut_characters", "editorial text lost", "by characters; lower is better"),
)
_SHARES = {"editorial_cut", "editorial_cut_characters"}


def report(examined: Sequence[Examined], rows: Sequence[Mapping[str, Any]], curves: Sequence[Curve] = ()) -> str:
    """The page.

    Args:
        examined: models on files, file by file.
        rows: of the same, from `examination.row`.
        curves: learning curves to show.
    """
    names = list(dict.fromkeys(one.model.name for one in examined))
    body = [_head(examined, names)]
    pairs = list(zip(examined, rows, strict=True))
    for number, (file, own) in enumerate(groupby(pairs, key=lambda pair: pair[0].file)):
        body.append(_file(file, list(own), names, number))
    if curves:
        body.append(_curves(curves))
    style = files(__package__).joinpath("report.css").read_text("utf-8")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>feedclean: how good the model is</title><style>\n{style}</style></head>"
        f"<body><main>{''.join(body)}</main></body></html>\n"
    )


def _head(examined: Sequence[Examined], names: Sequence[str]) -> str:
    files_ = list(dict.fromkeys(one.file for one in examined))
    legend = "".join(
        '<li><svg viewBox="0 0 34 10" aria-hidden="true">'
        f'<line class="line s{place}" x1="1" x2="33" y1="5" y2="5"/></svg>'
        f"{html.escape(name)}</li>"
        for place, name in enumerate(names)
    )
    blocks = sum({one.file: len(one.blocks.labels) for one in examined}.values())
    documents = sum({one.file: len(one.examples) for one in examined}.values())
    return (
        f"<header><h1>How good the model is</h1><p>Measured on {documents:,} labelled documents, {blocks:,} blocks, in "
        f"{len(files_)} file{'' if len(files_) == 1 else 's'}. Acting means cutting what is a pitch or a teaser; "
        "intervals are 95 % bootstraps over documents.</p>"
        f'<ul class="legend" aria-label="Models">{legend}</ul></header>'
    )


def _file(file: str, pairs: list[tuple[Examined, Mapping[str, Any]]], names: Sequence[str], number: int) -> str:
    series = [names.index(one.model.name) for one, _ in pairs]
    plots = [_precision_recall(pairs, series), _calibration(pairs, series), *_costs(pairs, series)]
    parts = [
        f'<section aria-labelledby="f{number}"><h2 id="f{number}">{html.escape(file)}</h2>',
        _key_figures(pairs, series),
        f'<div class="grid2">{"".join(plots)}</div>',
        _by_label(pairs, series),
        _by_part("By language", "languages", pairs, series),
        _by_part("By style", "styles", pairs, series),
    ]
    for one, row in pairs:
        parts += [_confusion(one.model.name, row["confusion"]), _mistakes(one.model.name, row["mistakes"])]
    return "".join(parts) + "</section>"


# ── Tables ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _key_figures(pairs: list[tuple[Examined, Mapping[str, Any]]], series: Sequence[int]) -> str:
    head = "".join(f'<th scope="col">{name}<small>{told}</small></th>' for _, name, told in _KEY)
    head += '<th scope="col">calibration error<small>lower is better</small></th>'
    lines = []
    for (one, row), place in zip(pairs, series, strict=True):
        cells = "".join(_cell(row[key], key, place) for key, _, _ in _KEY)
        lines.append(
            f'<tr><th scope="row"><i class="key s{place}"></i>{html.escape(one.model.name)}</th>{cells}'
            f"<td><b>{row['calibration_error']:.3f}</b></td></tr>"
        )
    return _table(head, lines, "Model", "key")


def _cell(measure: Mapping[str, Any], key: str, series: int) -> str:
    value, (low, high) = measure["value"], measure["interval"]
    if key in _SHARES:
        told, between, most = f"{value * 100:.1f} %", f"{low * 100:.1f} to {high * 100:.1f} %", 0.05
    else:
        told, between, most = f"{value:.3f}", f"{low:.2f} to {high:.2f}", 1.0
    return f"<td><b>{told}</b><small>{between}</small>{span(value, low, high, most, series)}</td>"


def _by_label(pairs: list[tuple[Examined, Mapping[str, Any]]], series: Sequence[int]) -> str:
    head = "".join(f'<th scope="col">{name}</th>' for name in ("blocks", "precision", "recall", "F1", "PR-AUC"))
    lines = []
    for label in LABELS:
        for (one, row), place in zip(pairs, series, strict=True):
            own = row["labels"][label.value]
            cells = "".join(_cell(own[name], name, place) for name in (*evaluation.LABEL_MEASURES, "pr_auc"))
            name = label.value if len(pairs) == 1 else f"{label.value}<small>{html.escape(one.model.name)}</small>"
            lines.append(
                f'<tr><th scope="row"><i class="key s{place}"></i>{name}</th><td>{own["blocks"]:,}</td>{cells}</tr>'
            )
    return f"<h3>By label</h3>{_table(head, lines, 'Label')}"


def _by_part(heading: str, key: str, pairs: list[tuple[Examined, Mapping[str, Any]]], series: Sequence[int]) -> str:
    parts = sorted({part for _, row in pairs for part in row[key]})
    if not parts:
        return ""
    head = '<th scope="col">blocks</th>' + "".join(f'<th scope="col">{name}</th>' for _, name, _ in _KEY)
    lines = []
    for part in parts:
        for (one, row), place in zip(pairs, series, strict=True):
            own = row[key].get(part)
            if own is None:
                continue
            cells = "".join(_cell(own[name], name, place) for name, _, _ in _KEY)
            name = html.escape(part) + ("" if len(pairs) == 1 else f"<small>{html.escape(one.model.name)}</small>")
            lines.append(
                f'<tr><th scope="row"><i class="key s{place}"></i>{name}</th><td>{own["blocks"]:,}</td>{cells}</tr>'
            )
    return f"<h3>{heading}</h3>{_table(head, lines, heading.removeprefix('By ').capitalize())}"


def _confusion(model: str, counts: Mapping[str, Mapping[str, int]]) -> str:
    head = "".join(f'<th scope="col">{label.value}</th>' for label in LABELS)
    lines = []
    for true, row in counts.items():
        total = sum(row.values()) or 1
        cells = "".join(
            f'<td class="heat{" right" if taken == true else ""}" style="--share:{count / total:.3f}">{count:,}</td>'
            for taken, count in row.items()
        )
        lines.append(f'<tr><th scope="row">{true}</th>{cells}</tr>')
    told = "Rows are what blocks are, columns what they were taken for."
    return (
        f"<h3>Taken for what <small>{html.escape(model)}</small></h3><p>{told}</p>{_table(head, lines, 'Is', 'heats')}"
    )


def _table(head: str, lines: Sequence[str], first: str, kind: str = "") -> str:
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{html.escape(first)}">'
        f'<table class="{kind}"><thead>'
        f'<tr><th scope="col">{first}</th>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'
    )


def _mistakes(model: str, mistakes: Sequence[Mapping[str, Any]]) -> str:
    if not mistakes:
        return ""
    items = []
    for one in mistakes:
        what = "lost" if one["cut"] else "missed"
        clues = "".join(f"<li>{html.escape(clue)}</li>" for clue in one["clues"])
        text = one["text"] if len(one["text"]) <= 400 else one["text"][:400].rsplit(" ", 1)[0] + " …"
        unsure = ", label unsure" if one["unsure"] else ""
        items.append(
            f'<li class="{what}"><p class="what"><b>{what}</b> {html.escape(one["label"])} at '
            f"{one['probability']:.0%}<small>{html.escape(one['document'])}, block {one['block']}{unsure}</small></p>"
            f"<blockquote>{html.escape(text) or '(no words)'}</blockquote>"
            + (f'<ul class="clues" aria-label="Clues">{clues}</ul>' if clues else "")
            + "</li>"
        )
    lost = sum(one["cut"] for one in mistakes)
    told = f"{len(mistakes)} worst mistakes: {lost} lost, {len(mistakes) - lost} missed"
    return (
        f"<details><summary>{told} <small>{html.escape(model)}</small></summary>"
        f'<ol class="mistakes">{"".join(items)}</ol></details>'
    )


# ── Plots ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _figure(plot: Plot, told: str) -> str:
    return f"<figure>{plot.svg()}<figcaption><b>{html.escape(plot.title)}</b> {told}</figcaption></figure>"


def _precision_recall(pairs: list[tuple[Examined, Mapping[str, Any]]], series: Sequence[int]) -> str:
    plot = Plot("Precision and recall", "advertising found (recall)", "of what is cut, advertising (precision)")
    for (one, row), place in zip(pairs, series, strict=True):
        score, truth = evaluation.acting(one.blocks), evaluation.advertising(one.blocks)
        precision, recall, scores = evaluation.precision_recall(score, truth)
        plot.line(list(zip(recall.tolist(), precision.tolist(), strict=True)), place, one.model.name)
        limit = one.model.thresholds["promo"]
        at = int((scores >= limit).sum()) - 1
        told = f"{one.model.name} at its threshold {limit:.2f}: nothing is cut"
        if at >= 0:
            told = f"{one.model.name} at its threshold {limit:.2f}: {precision[at]:.1%} / {recall[at]:.1%}"
            plot.dots([(float(recall[at]), float(precision[at]))], place, [told], [5.5])
        plot.tell(f"{told}; area {row['pr_auc']['value']:.3f}.")
    return _figure(plot, "for every threshold; the dot is the model's own.")


def _calibration(pairs: list[tuple[Examined, Mapping[str, Any]]], series: Sequence[int], bins: int = 10) -> str:
    plot = Plot("Calibration", "probability that it is advertising", "share that is")
    plot.diagonal()
    for (one, row), place in zip(pairs, series, strict=True):
        score, truth = evaluation.acting(one.blocks), evaluation.advertising(one.blocks)
        at = np.minimum((score * bins).astype(int), bins - 1)
        points, told, sizes = [], [], []
        for number in range(bins):
            inside = at == number
            count = int(inside.sum())
            if count:
                points.append((float(score[inside].mean()), float(truth[inside].mean())))
                told.append(
                    f"{one.model.name}: {count} blocks at {points[-1][0]:.0%} on average, {points[-1][1]:.0%} are"
                )
                sizes.append(2.5 + 1.6 * float(np.log10(count)))
        plot.line(points, place, one.model.name)
        plot.dots(points, place, told, sizes)
        plot.tell(f"{one.model.name}: expected calibration error {row['calibration_error']:.3f}.")
    return _figure(plot, "on the dotted line a probability means what it says; larger dots have more blocks.")


def _costs(pairs: list[tuple[Examined, Mapping[str, Any]]], series: Sequence[int]) -> list[str]:
    """What is missed and what is lost at every threshold, in two plots, since their scales are ten apart."""
    limits = np.linspace(0.2, 1.0, 161)
    missed: list[np.ndarray[Any, Any]] = []
    lost: list[np.ndarray[Any, Any]] = []
    for one, _ in pairs:
        score, truth = evaluation.acting(one.blocks), evaluation.advertising(one.blocks)
        editorial = one.blocks.labels == 0
        missed.append(np.array([(score[truth] < limit).mean() if truth.any() else 0.0 for limit in limits]))
        lost.append(np.array([(score[editorial] >= limit).mean() if editorial.any() else 0.0 for limit in limits]))
    ceiling = max(0.01, float(np.ceil(max(values[limits >= 0.3].max() for values in lost) * 100) / 100))
    plots = []
    for title, name, values, top in (
        ("Advertising missed", "of all advertising, kept", missed, 1.0),
        ("Editorial blocks lost", "of all editorial blocks, cut", lost, ceiling),
    ):
        plot = Plot(title, "threshold", name, xs=(0.2, 1.0), ys=(0.0, top), percent="y")
        for (one, _), place, given in zip(pairs, series, values, strict=True):
            limit = one.model.thresholds["promo"]
            told = f"{limit:.2f}" if len(pairs) == 1 else ""
            plot.rule(place, x=limit, name=told)
            plot.line(list(zip(limits.tolist(), given.tolist(), strict=True)), place, one.model.name)
            at = float(np.interp(limit, limits, given))
            plot.dots([(limit, at)], place, [f"{one.model.name} at {limit:.2f}: {at:.1%}"], [5.5])
            plot.tell(f"{one.model.name}: {at:.1%} at its threshold {limit:.2f}.")
        plots.append(_figure(plot, "at every threshold; the dot is the model's own."))
    return plots


def _curves(curves: Sequence[Curve]) -> str:
    figures = []
    for curve in curves:
        most = curve.points[-1].documents
        few = min([one.cut_f1 for one in curve.points] + [one.interval[0] for one in curve.points])
        low = max(0.0, np.floor(few * 10) / 10)
        plot = Plot(
            f"Learning {curve.style}",
            "labelled documents of the style",
            "cut-or-keep F1",
            xs=(0.0, float(most)),
            ys=(float(low), 1.0),
            percent="",
        )
        learned = curve.points[:-1]
        plot.rule(1, y=curve.points[-1].cut_f1, name=f"knew the style: {curve.points[-1].cut_f1:.2f}")
        plot.whiskers([(one.documents, *one.interval) for one in learned], 0)
        plot.line([(one.documents, one.cut_f1) for one in learned], 0)
        told = [
            f"{one.documents} documents: {one.cut_f1:.3f}, {one.editorial_cut:.1%} editorial lost" for one in learned
        ]
        plot.dots([(one.documents, one.cut_f1) for one in learned], 0, told)
        plot.tell(" ".join(f"{sentence}." for sentence in told))
        gap = curve.points[-1].cut_f1 - curve.points[0].cut_f1
        share = f"close {curve.closed:.0%} of the gap of {gap:.2f}" if gap > 0 else "meet no gap to close"
        figures.append(
            _figure(plot, f"{learned[-1].documents} documents {share}; tested on {curve.tested} documents of it.")
        )
    return (
        '<section aria-labelledby="curves"><h2 id="curves">Learning a style it had never seen</h2>'
        "<p>A corpus without one style, then a few of its documents as one's own.</p>"
        f'<div class="grid2">{"".join(figures)}</div></section>'
    )
