"""The shipped model is no worse than `quality.json` says, on the data that it names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.quality import floors
from tests.quality.floors import HELD_OUT, OF_FILES, OF_FOLDS, Measure

RENEW = "floors are of other data: `make floors`, and look at what changes"


def test_the_folds_of_the_shipped_model_reach_their_floors() -> None:
    digest, values = floors.of_folds()
    folds = floors.kept()["folds"]
    assert folds["data"] == digest, RENEW
    assert set(folds["floors"]) == set(values)
    below = [
        f"{one.name} {folds['floors'][one.name]}, but it is {values[one.name]}"
        for one in OF_FOLDS
        if not one.holds(values[one.name], folds["floors"][one.name])
    ]
    assert not below


@pytest.mark.slow
def test_held_out_documents_reach_their_floors() -> None:
    """Those that are here: real pages are not, unless they have been fetched."""
    kept = floors.kept()["held_out"]
    found = floors.of_files()
    assert {path.name for path in HELD_OUT[0].glob("*.jsonl")} <= found.keys()
    for name, (digest, values) in found.items():
        assert kept[name]["data"] == digest, RENEW
        for one in OF_FILES:
            floor = kept[name]["floors"][one.name]
            assert one.holds(values[one.name], floor), f"{name}: {one.name} {floor}, but it is {values[one.name]}"


@given(st.floats(0, 1), st.floats(0, 1), st.booleans())
def test_a_floor_holds_what_it_was_made_of_and_only_ever_rises(value: float, other: float, most: bool) -> None:
    measure = Measure(("x",), most=most)
    floor = measure.floor(value)
    assert measure.holds(value, floor) and abs(floor - value) <= 0.0121
    strict = measure.stricter(floor, measure.floor(other))
    assert measure.holds(strict, floor) and measure.holds(strict, measure.floor(other))
