"""The model that is shipped is what its card says, and does on the examples what it is for."""

from __future__ import annotations

import hashlib
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from feedclean import Action, Cleaned, clean, load_model
from feedclean.judging.blocks import judged
from feedclean.learning import corpus

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "models" / "default"

# What is advertising in the examples: the hook in the middle, and the section at the end with its marker.
ADVERTISING = re.compile(
    r"(Ad|Anzeige)$|.*: (buy or sell|kaufen oder verkaufen)\?|The fresh .* numbers leave no room"
    r"|Die jüngsten .*-Zahlen lassen keinen Zweifel|(Should (investors|shareholders)|Is this the moment|Sollten Anleger) ",
    re.IGNORECASE,
)
EXPECTED = {
    "article.html": 5,
    "article.txt": 5,
    "artikel.html": 5,
    "feed.xml": 5 + 5 + 4 + 5,
    "feed.de.xml": 5 + 5 + 5,
    "feed.json": 5,
}


@pytest.fixture(autouse=True)
def _there() -> None:
    if not (FOLDER / "card.json").is_file():
        pytest.fail("models/default is missing: train it with `make train`, or check out the whole repository")


def card() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / "card.json").read_text(encoding="utf-8"))
    return found


def test_the_card_describes_the_weights() -> None:
    data = (FOLDER / "weights.npz").read_bytes()
    assert card()["weights"] == {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    assert sorted(path.name for path in FOLDER.iterdir() if path.suffix == ".npz") == ["weights.npz"]
    assert load_model().name == f"default-{hashlib.sha256(data).hexdigest()[:12]}"


def test_model_files_are_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 12 << 20


def test_the_card_describes_the_data() -> None:
    """Where all of it is there: real pages are not part of the repository."""
    data = card()["data"]
    found = corpus.files([ROOT / "training_data"])
    if sorted(path.name for path in found) != sorted(data["files"]):
        pytest.skip("other files of training data than the model was trained on")
    assert corpus.digest([ROOT / "training_data"]) == data["sha256"]


def test_serving_agrees_with_scikit_learn_on_the_whole_corpus() -> None:
    assert card()["parity"] <= 1e-6


@cache
def cleaned(name: str) -> Cleaned:
    path = ROOT / "examples" / name
    return clean(path.read_bytes(), where=str(path))


@pytest.mark.parametrize("name", EXPECTED)
def test_exactly_the_advertising_of_the_examples_is_cut(name: str) -> None:
    """The hook in the middle and the section at the end, whole, and nothing else."""
    wrong: list[str] = []
    expected = 0
    for item in cleaned(name).items:
        for body in item.bodies:
            for one in body:
                if judged(one.block):
                    advertising = bool(ADVERTISING.match(one.block.text))
                    expected += advertising
                    if (one.decision.action is Action.CUT) is not advertising:
                        decision = one.decision
                        done = f"{decision.action} {decision.label} {decision.probability:.3f} {decision.guard}".strip()
                        wrong.append(f"{done}: {one.block.text[:90]}")
    assert expected == EXPECTED[name]
    assert not wrong, "\n".join(["should have been the other way round:", *wrong])


@pytest.mark.parametrize("name", EXPECTED)
def test_cleaning_an_example_twice_changes_nothing_more(name: str) -> None:
    once = cleaned(name)
    assert clean(once.content).content == once.content
