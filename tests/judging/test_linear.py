"""Hostile input costs no more than its length: nothing is measured in seconds, only how cost grows with size."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

import pytest

from feedclean.judging.blocks import judged, split
from feedclean.judging.edit import rewrite
from feedclean.types import Action, Markup
from tests.strategies import GIVEN

pytestmark = pytest.mark.slow

SIZE, TIMES = 1_000, 16
GROWTH = 6.0  # times the size may cost this many times `TIMES`; what is quadratic costs `TIMES` times as much

REPEATED = (
    *("<", "<a ", "<a href='", '<a href="', "<a x=", "<a x=' '", "</", "<!--", "<!-- --", "<!", "<?", "&", "&#", "='"),
    *("<script>", "</script", "<textarea></textare", "<plaintext>", "<p>", "<div>", "<li>", "<br>", "<br> ", "<hr>"),
    *("</p>", "</div>", "</table>", "<b>", "<a>", "<body>", "<head>", "<td>", "<tr>", "<caption>", "<option>", "<rt>"),
    *("<b><p>", "<b></i>", "<p><b></p>", "<i><b></i>", "<div><b></div></b>", "<ul><li>", "<dl><dd>", "<tr><td>"),
    *(
        "<table><tr><td>",
        "<select><option>",
        "<ruby><rt>",
        "<div><p>",
        "</div><p>",
        "<div>a<p>b</p>",
        "<div class='a b'>",
    ),
    *("a<br><br>", "<p data-feedclean>", "<mark data-feedclean>a", "<details data-feedclean=x>", "<p>a<table>"),
)
PAIRED = {
    "an end tag behind a scope": ("<a><table>", "<b>", "</a>", ""),
    "list items behind bodies": ("", "<body>", "<li>", ""),
    "end tags that cross": ("", "<b>", "<i>", "</b>"),
    "tangles deep inside": ("", "<div>", "<b><p>a</b></p>", ""),
    "breaks deep inside": ("", "<div>", "a<br><br>", ""),
}
PLAIN = (
    " ",
    "\t",
    "\n",
    "\r\n",
    "a\n",
    "a ",
    "- ",
    "- \n",
    "-\n",
    "\n-",
    "1. ",
    "\n1",
    "a\n- b\n",
    "[promo ",
    "\xa0\n",
    "a\n\n",
)


def growth(cost: Callable[[str], object], make: Callable[[int], str]) -> float:
    """How many times as much a text costs that is `TIMES` times as long, over `TIMES`; the best of a few tries."""

    def seconds(text: str) -> float:
        best = float("inf")
        for _ in range(3):
            gc.collect()
            gc.disable()  # it would look through all that other tests have left behind, more often the longer the text
            begin = time.process_time()
            cost(text)
            best = min(best, time.process_time() - begin)
            gc.enable()
        return best

    small, large = make(SIZE), make(SIZE * TIMES)
    # What takes no time at all is rounded up, so that noise is not taken for growth.
    return seconds(large) / max(seconds(small), 1e-3) / TIMES


def cut_all(markup: Markup) -> Callable[[str], object]:
    def run(text: str) -> str:
        partition = split(text, markup)
        return rewrite(partition, [GIVEN[Action.CUT if judged(block) else Action.KEEP] for block in partition.blocks])

    return run


@pytest.mark.parametrize("piece", REPEATED)
def test_a_repeated_piece_costs_its_length(piece: str) -> None:
    assert growth(cut_all(Markup.HTML), lambda count: piece * count) < GROWTH


@pytest.mark.parametrize("name", PAIRED)
def test_pieces_that_meet_cost_their_length(name: str) -> None:
    begin, *pieces = PAIRED[name]
    assert growth(cut_all(Markup.HTML), lambda count: begin + "".join(piece * count for piece in pieces)) < GROWTH


@pytest.mark.parametrize("piece", PLAIN)
def test_plain_text_costs_its_length(piece: str) -> None:
    assert growth(cut_all(Markup.TEXT), lambda count: f"a{piece * count * 4}b") < GROWTH
