"""Plots as SVG, drawn by hand: a frame with two axes, lines, dots and marks; colours are left to the page's style."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

Points = Sequence[tuple[float, float]]

_LEFT, _RIGHT, _TOP, _BOTTOM = 68.0, 24.0, 12.0, 42.0
_MOST = 240  # points of a line that anybody can see


class Plot:
    """A plot with two linear axes.

    Args:
        title: what it shows, for those who cannot see it, and as its name.
        x: name of the horizontal axis.
        y: name of the vertical axis.
        xs: ends of the horizontal axis.
        ys: ends of the vertical axis.
        percent: which axes are shares, shown in per cent (`"x"`, `"y"`, `"xy"`).
        width: in pixels, of a page that is wide enough.
        height: likewise.
    """

    def __init__(
        self,
        title: str,
        x: str,
        y: str,
        *,
        xs: tuple[float, float] = (0.0, 1.0),
        ys: tuple[float, float] = (0.0, 1.0),
        percent: str = "xy",
        width: float = 480.0,
        height: float = 320.0,
    ) -> None:
        self.title, self._names, self._xs, self._ys, self._percent = title, (x, y), xs, ys, percent
        self._width, self._height = width, height
        self._parts: list[str] = []
        self._told: list[str] = []

    def line(self, points: Points, series: int, name: str = "") -> None:
        """A line through points."""
        kept = list(points)
        if len(kept) > _MOST:
            stride = len(kept) / _MOST
            kept = [kept[int(place * stride)] for place in range(_MOST)] + [kept[-1]]
        path = " ".join(f"{self._x(x):.1f},{self._y(y):.1f}" for x, y in kept if self._inside(x, y))
        if path:
            self._parts.append(f'<polyline class="line s{series}" points="{path}">{_told(name)}</polyline>')

    def dots(self, points: Points, series: int, told: Sequence[str] = (), sizes: Sequence[float] = ()) -> None:
        """Dots, each with what a pointer over it tells."""
        for number, (x, y) in enumerate(points):
            if self._inside(x, y):
                size = sizes[number] if sizes else 4.0
                self._parts.append(
                    f'<circle class="dot s{series}" cx="{self._x(x):.1f}" cy="{self._y(y):.1f}" r="{size:.1f}">'
                    f"{_told(told[number] if told else '')}</circle>"
                )

    def whiskers(self, spans: Sequence[tuple[float, float, float]], series: int) -> None:
        """Vertical intervals, each at its place: (x, low, high)."""
        for x, low, high in spans:
            self._parts.append(
                f'<line class="whisker s{series}" x1="{self._x(x):.1f}" x2="{self._x(x):.1f}" '
                f'y1="{self._y(max(low, self._ys[0])):.1f}" y2="{self._y(min(high, self._ys[1])):.1f}"/>'
            )

    def rule(self, series: int, *, x: float | None = None, y: float | None = None, name: str = "") -> None:
        """A line across the plot, upright at `x` or level at `y`."""
        x1, x2 = (x, x) if x is not None else self._xs
        y1, y2 = (y, y) if y is not None else self._ys
        ends = f'x1="{self._x(x1):.1f}" x2="{self._x(x2):.1f}" y1="{self._y(y1):.1f}" y2="{self._y(y2):.1f}"'
        self._parts.append(f'<line class="rule s{series}" {ends}>{_told(name)}</line>')
        if name:
            here = (self._x(x1) + 5, self._y(y2) + 12) if x is not None else (self._x(x1) + 6, self._y(y1) - 5)
            self._parts.append(f'<text class="note" x="{here[0]:.1f}" y="{here[1]:.1f}">{html.escape(name)}</text>')

    def diagonal(self) -> None:
        """From the lower left to the upper right: where both axes say the same."""
        (x1, x2), (y1, y2) = self._xs, self._ys
        self._parts.append(
            f'<line class="rule" x1="{self._x(x1):.1f}" y1="{self._y(y1):.1f}" '
            f'x2="{self._x(x2):.1f}" y2="{self._y(y2):.1f}"/>'
        )

    def tell(self, sentence: str) -> None:
        """Add to the description for those who cannot see the plot."""
        self._told.append(sentence)

    def svg(self) -> str:
        """The whole."""
        told = html.escape(" ".join(self._told))
        return (
            f'<svg class="plot" role="img" viewBox="0 0 {self._width:g} {self._height:g}" '
            f'aria-label="{html.escape(self.title, quote=True)}"><title>{html.escape(self.title)}</title>'
            f"<desc>{told}</desc>{self._axes()}{''.join(self._parts)}</svg>"
        )

    def _axes(self) -> str:
        parts: list[str] = []
        bottom, left, right = self._height - _BOTTOM, _LEFT, self._width - _RIGHT
        for value in ticks(*self._ys):
            y = self._y(value)
            parts.append(f'<line class="grid" x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
            label = self._label(value, "y")
            parts.append(f'<text class="tick" text-anchor="end" x="{left - 7}" y="{y + 4:.1f}">{label}</text>')
        for value in ticks(*self._xs):
            x = self._x(value)
            parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{bottom}"/>')
            label = self._label(value, "x")
            parts.append(f'<text class="tick" text-anchor="middle" x="{x:.1f}" y="{bottom + 17}">{label}</text>')
        parts.append(f'<line class="axis" x1="{left}" x2="{right}" y1="{bottom}" y2="{bottom}"/>')
        x_name, y_name = map(html.escape, self._names)
        middle = (left + right) / 2
        parts.append(f'<text class="name" text-anchor="middle" x="{middle}" y="{self._height - 6}">{x_name}</text>')
        upright = (_TOP + bottom) / 2
        parts.append(
            f'<text class="name" text-anchor="middle" transform="translate(12 {upright}) rotate(-90)">{y_name}</text>'
        )
        return "".join(parts)

    def _label(self, value: float, axis: str) -> str:
        if axis in self._percent:
            return f"{value * 100:.3g} %"
        return f"{value:.6g}"

    def _inside(self, x: float, y: float) -> bool:
        margin = 1e-9
        return self._xs[0] - margin <= x <= self._xs[1] + margin and self._ys[0] - margin <= y <= self._ys[1] + margin

    def _x(self, value: float) -> float:
        low, high = self._xs
        return _LEFT + (value - low) / (high - low) * (self._width - _LEFT - _RIGHT)

    def _y(self, value: float) -> float:
        low, high = self._ys
        return self._height - _BOTTOM - (value - low) / (high - low) * (self._height - _TOP - _BOTTOM)


def _told(text: str) -> str:
    return f"<title>{html.escape(text)}</title>" if text else ""


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers between two ends.

    >>> ticks(0, 1)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    raw = (high - low) / about
    unit = 10.0 ** math.floor(math.log10(raw))
    step = next(unit * factor for factor in (1, 2, 2.5, 5, 10) if unit * factor >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(number * step, 10) for number in range(first, last + 1)]


def span(value: float, low: float, high: float, most: float, series: int = 0) -> str:
    """A value with its interval as a little bar for a cell of a table, on a scale from 0 to `most`."""

    def place(number: float) -> float:
        return 2 + 96 * min(max(number / most, 0.0), 1.0)

    return (
        '<svg class="span" viewBox="0 0 100 12" preserveAspectRatio="none" aria-hidden="true">'
        '<line class="track" x1="2" x2="98" y1="6" y2="6"/>'
        f'<line class="whisker s{series}" x1="{place(low):.1f}" x2="{place(high):.1f}" y1="6" y2="6"/>'
        f'<line class="point s{series}" x1="{place(value):.1f}" x2="{place(value):.1f}" y1="1" y2="11"/></svg>'
    )
