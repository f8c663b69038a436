"""The page of an evaluation stands alone, shows what was measured, and lets no document do anything to it."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedclean.learning import evaluation, examination
from feedclean.learning.curve import Curve, Point, from_json, to_json
from feedclean.learning.drawing import Plot, ticks
from feedclean.learning.report import report
from tests.learning.models import DATA, random_model
from tests.learning.test_evaluation import certain

HOSTILE = "</style><script>alert(1)</script><img src=x onerror=alert(1)>\"'&"
CURVE = Curve(
    "plain-note",
    40,
    20,
    (Point(0, 0.5, (0.4, 0.6), 0.01), Point(20, 0.7, (0.6, 0.8), 0.0), Point(30, 0.8, (0.7, 0.9), 0.0)),
)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two models on a file whose every text is an attack."""
    documents = [json.loads(line) for line in DATA.read_text(encoding="utf-8").splitlines()[:6]]
    for number, document in enumerate(documents):
        document["id"], document["style"] = f"{HOSTILE}{number}", HOSTILE
        for block in document["blocks"]:
            block["html"] = block["html"].replace("</p>", " &lt;script&gt;alert(1)&lt;/script&gt;</p>")
    path = tmp_path_factory.mktemp("data") / "a&b.jsonl"
    path.write_text("\n".join(map(json.dumps, documents)), encoding="utf-8")
    examined = examination.examine([path], [random_model(0), random_model(1)])
    return report(examined, [examination.row(one) for one in examined], [CURVE])


class Elements(HTMLParser):
    """What a browser would make of the page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}


def test_the_page_needs_nothing_from_elsewhere(page: str) -> None:
    found = Elements(page)
    assert not found.names & {"script", "link", "img", "iframe", "object", "embed", "use", "image", "base"}
    assert not found.attributes & {"src", "href", "xlink:href", "srcset", "action", "background"}
    assert not re.search(r"url\(|@import", page)
    assert len(page) < 300_000


def test_no_text_of_a_document_becomes_markup(page: str) -> None:
    assert "onerror" not in Elements(page).attributes and page.count("</style>") == 1
    assert "&lt;script&gt;" in page


def test_every_plot_is_well_formed_and_says_in_words_what_it_shows(page: str) -> None:
    plots = re.findall(r'<svg class="plot".*?</svg>', page, re.DOTALL)
    assert len(plots) == 5  # of the file: precision and recall, calibration, two costs; and the learning curve
    for plot in plots:
        root = ET.fromstring(plot)  # noqa: S314  our own page
        title, told = root.find("title"), root.find("desc")
        assert title is not None and title.text and told is not None and told.text


def test_the_curve_tells_how_much_of_the_gap_is_closed(page: str) -> None:
    assert CURVE.closed == pytest.approx(2 / 3) and "close 67% of the gap of 0.30" in page
    assert from_json(to_json([CURVE])) == [CURVE]
    flat = Curve(
        "x", 1, 1, (Point(0, 0.8, (0.7, 0.9), 0.0), Point(20, 0.7, (0.6, 0.8), 0.0), Point(30, 0.8, (0.7, 0.9), 0.0))
    )
    assert flat.closed == 1  # there was nothing to learn


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_ticks_are_few_round_and_inside(low: float, width: float) -> None:
    found = ticks(low, low + width)
    assert 2 <= len(found) <= 8
    slack = width * 1e-6 + abs(low) * 1e-8
    assert all(low - slack <= value <= low + width + slack for value in found)


def test_points_outside_a_plot_are_not_drawn() -> None:
    plot = Plot("t", "x", "y")
    plot.dots([(0.5, 0.5), (2.0, 0.5)], 0)
    assert plot.svg().count("<circle") == 1


# ── What the rows say ────────────────────────────────────────────────────────────────────────────────────────────


def test_area_under_precision_and_recall_counted_by_hand() -> None:
    found = certain((0.9, 1), (0.8, 0), (0.7, 1), (0.1, 0))
    assert evaluation.pr_auc(found) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    precision, recall, scores = evaluation.precision_recall(evaluation.acting(found), evaluation.advertising(found))
    assert recall.tolist() == [0.5, 0.5, 1, 1] and precision[-1] == 0.5 and scores[0] == pytest.approx(0.9)
    # Blocks of one score are acted upon together, in whatever order they stand.
    assert evaluation.pr_auc(certain((0.5, 1), (0.5, 0))) == evaluation.pr_auc(certain((0.5, 0), (0.5, 1))) == 0.5


def test_losses_by_blocks_and_by_characters_are_different_things() -> None:
    found = certain((0.9, 0), (0.1, 0), (0.9, 1))
    found.characters[:] = 10, 90, 50
    cut = evaluation.acted(found, {"promo": 0.5, "teaser": 0.5})
    assert evaluation.editorial_cut(found, cut) == 0.5
    assert evaluation.editorial_cut_characters(found, cut) == pytest.approx(0.1)


def test_rows_name_model_style_confusion_and_the_surest_mistakes_first(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"".join(DATA.read_bytes().splitlines(keepends=True)[:30]))
    (examined,) = examination.examine([path], [random_model()])
    row = examination.row(examined, 7)
    assert row["model"] == random_model().name
    assert sum(sum(taken.values()) for taken in row["confusion"].values()) == row["blocks"]
    assert row["styles"] and all(set(one) >= {"cut_f1", "editorial_cut_characters"} for one in row["styles"].values())
    worst: list[dict[str, Any]] = row["mistakes"]
    assert len(worst) == 7 and all(one["cut"] != (one["label"] in ("promo", "teaser")) for one in worst)
    wrongness = [abs(one["probability"] - (not one["cut"])) for one in worst]
    assert np.all(np.diff(np.round(wrongness, 2)) <= 0.011)
    texts = [block.text for example in examined.examples for block in example.passage.blocks]
    assert all(one["text"] in texts for one in worst) and any(one["clues"] for one in worst)
