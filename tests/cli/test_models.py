"""`feedclean model`, `train` and `evaluate` from a shell: what is refused, what is said, what is written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest

from feedclean import model_home
from feedclean.learning.curve import Curve, Point, from_json, to_json
from feedclean.model_files import load_model, save_model
from tests.cli.conftest import Run
from tests.learning.models import DATA, card, hurried, random_arrays, recipe


@pytest.fixture(autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))


@pytest.fixture
def golden(run: Run) -> Path:
    """Some labelled documents in the folder in which the commands run."""
    path = Path("golden.jsonl").absolute()
    path.write_bytes(b"".join(DATA.read_bytes().splitlines(keepends=True)[:12]))
    return path


def mine(seed: int, name: str = "mine", **changes: object) -> str:
    save_model(model_home.own(name), random_arrays(seed), {**card(name), **changes})
    return load_model(name).name


def test_a_worse_model_is_refused_with_reasons_and_taken_by_force(run: Run, golden: Path) -> None:
    name = mine(0, thresholds={**card()["thresholds"], "promo": 0.01, "teaser": 0.01})  # cuts everything
    refused = run("model", "use", "mine", "--golden", golden)
    assert refused.exit_code == 3 and "default-" in refused.stderr and "--force" in refused.stderr
    assert "editorial blocks lost" in refused.stderr and "editorial_cut" in refused.stdout
    assert load_model().name.startswith("default-")
    assert run("model", "use", "mine", "--golden", golden, "--force").exit_code == 0
    assert load_model().name == name
    listed = run("model", "list")
    assert [line[0] for line in listed.stdout.splitlines()[1:]] == [" ", "*"] or f"* {name}" in listed.stdout
    assert run("model", "rollback").stderr == "feedclean: default is in use\n"
    assert run("model", "rollback").exit_code == 3


def test_without_held_out_documents_folds_are_compared_if_both_are_known(run: Run) -> None:
    mine(0)
    refused = run("model", "use", "mine")
    assert refused.exit_code == 3 and "--golden" in refused.stderr
    mine(0, folds=load_model("default").card["folds"])
    taken = run("model", "use", "mine")
    assert taken.exit_code == 0 and "folds of their trainings" in taken.stderr


def test_held_out_documents_that_show_nothing_let_no_model_through(run: Run) -> None:
    name = mine(0, folds=load_model("default").card["folds"])
    news = {"html": "<p>Revenue rose 4 %.</p>", "label": "editorial"}
    document = {"id": "x", "lang": "en", "kind": "article", "style": "s", "title": "T", "title_label": "plain"}
    for lines, told in (("", "labelled editorial, or promo or teaser"), ([news], "labelled promo or teaser")):
        Path("held.jsonl").write_text(json.dumps({**document, "blocks": lines}) if lines else "")
        refused = run("model", "use", "mine", "--golden", "held.jsonl")
        assert refused.exit_code == 3 and told in refused.stderr and load_model().name != name


NOWHERE = {"value": float("nan"), "interval": [0, 1]}


@pytest.mark.parametrize(
    "folds",
    [
        [1],
        {},
        {"blocks": {"blocks": 3, "cut_f1": 1, "editorial_cut": None}},
        {"blocks": {"blocks": 3, "cut_f1": NOWHERE, "editorial_cut": NOWHERE}},
        {"blocks": {"blocks": 3, "cut_f1": {"value": 1, "interval": [1]}, "editorial_cut": NOWHERE}},
    ],
)
def test_a_card_without_figures_to_read_is_listed_and_not_compared(run: Run, folds: Any) -> None:
    mine(0, folds=folds, versions="x")
    assert "does not say how good it is" in run("model", "list").stdout
    assert '"versions": "x"' in run("model", "info", "mine").stdout
    refused = run("model", "use", "mine")
    assert refused.exit_code == 3 and "nothing is known about one of them" in refused.stderr


def test_a_broken_model_is_listed_with_its_cause_and_refused(run: Run) -> None:
    mine(0)
    (model_home.home() / "mine" / "weights.npz").write_bytes(b"x")
    assert "cannot be used: the weights are not those" in run("model", "list").stdout
    assert run("model", "use", "mine").exit_code == 3


def test_a_model_of_another_feature_version_is_named_and_refused(run: Run) -> None:
    save_model(model_home.own("old"), random_arrays(0), {**card("old"), "feature_version": 1})
    refused = run("model", "use", "old", "--force")
    assert refused.exit_code == 3 and "feature version 1" in refused.stderr and "retrain" in refused.stderr


def test_what_two_models_decide_differently_is_listed_for_people_and_programs(run: Run, golden: Path) -> None:
    mine(0, "one", thresholds=dict.fromkeys(card()["labels"], 0.001))
    mine(1, "two", thresholds=dict.fromkeys(card()["labels"], 1.0))
    told = run("model", "diff", "one", "two", golden)
    assert told.exit_code == 0 and "recall" in told.stdout
    found = [json.loads(line) for line in run("model", "diff", "one", "two", golden, "--json").stdout.splitlines()]
    assert found and all(one["before"] != one["after"] and one["label"] for one in found)
    assert len(found) == sum(" -> " in line and "points" not in line for line in told.stdout.splitlines())
    assert not run("model", "diff", "one", "one", golden, "--json").stdout


def test_info_tells_what_a_model_is(run: Run) -> None:
    told = run("model", "info")
    assert told.exit_code == 0 and told.stdout.startswith("default-") and '"feature_version"' in told.stdout
    assert "folds by style" in told.stdout


@pytest.fixture
def small() -> Iterator[None]:
    """Trainings as small as they go."""
    from feedclean.learning import training

    whole, tiny = training.Recipe, {**vars(recipe()), "jobs": 1}

    def made(**options: Any) -> training.Recipe:
        return whole(**{**tiny, **options})

    with (
        hurried(3),
        mock.patch.object(training, "Recipe", made),
    ):
        yield


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_training_with_own_documents_gives_a_model_that_is_not_in_use_yet(run: Run, golden: Path) -> None:
    own = Path("own.jsonl")
    documents = [json.loads(line) for line in golden.read_text("utf-8").splitlines()[:8]]
    own.write_text(
        "".join(json.dumps({**one, "id": f"own-{one['id']}", "style": "my-paper"}) + "\n" for one in documents)
    )
    first = run("train", "--data", DATA, "--own", own, "--own-weight", "3", "--jobs", "1")
    assert first.exit_code == 0, first.stderr
    assert "feedclean model use mine" in first.stderr and "feedclean: heads" in first.stderr
    found = load_model("mine")
    assert found.card["data"]["own"] == {"documents": 8, "blocks": sum(len(one["blocks"]) for one in documents)}
    assert found.card["recipe"]["own_weight"] == 3 and own.name in found.card["data"]["files"]
    assert load_model().name.startswith("default-")  # not in use until somebody says so


def test_a_name_that_cannot_be_is_refused_before_any_work(run: Run) -> None:
    for name in ("default", "a/b", ""):
        refused = run("train", "--name", name, "nowhere")
        assert refused.exit_code == 3 and "nowhere" not in refused.stderr


def test_models_stand_side_by_side_in_json_and_on_a_page(run: Run, golden: Path) -> None:
    mine(0)
    first, rest = golden.read_text("utf-8").split("\n", 1)
    mislabelled = json.loads(first)
    for block in mislabelled["blocks"]:
        block["label"] = "promo" if block["label"] == "editorial" else "editorial"
    golden.write_text(f"{json.dumps(mislabelled)}\n{rest}", "utf-8")  # so that a good model is wrong, too
    told = run("evaluate", golden, "--model", "default", "--model", "mine", "--json", "--report", "out.html")
    assert told.exit_code == 0, told.stderr
    rows = json.loads(told.stdout)
    assert [row["model"] for row in rows] == [load_model("default").name, load_model("mine").name]
    assert {row["file"] for row in rows} == {str(golden)} and all(row["mistakes"] for row in rows)
    page = Path("out.html").read_text("utf-8")
    assert all(row["model"] in page for row in rows)


def test_a_page_that_cannot_be_written_and_a_curve_that_is_none_are_one_line(run: Run, golden: Path) -> None:
    assert run("evaluate", golden, "--report", "nowhere/out.html").exit_code == 4
    Path("curve.json").write_text('{"a": 1}')
    told = run("evaluate", golden, "--curve", "curve.json")
    assert told.exit_code == 1 and told.stderr.startswith("feedclean: curve.json: no curves")


def test_a_place_that_cannot_be_written_is_told_before_any_training(
    run: Run, golden: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trained(*_: Any, **__: Any) -> Any:
        raise AssertionError

    monkeypatch.setattr("feedclean.learning.training.train", trained)
    monkeypatch.setattr("feedclean.learning.curve.train_on", trained)
    Path("file").write_text("mine")
    for place in ("file", "file/deep/er"):
        told = run("train", golden, "-o", place)
        assert told.exit_code == 4 and told.stderr.startswith(
            f"feedclean: {place}: cannot write a model here: not a dir"
        )
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=3 << 20))
    told = run("train", golden, "-o", "new/model")
    assert told.exit_code == 4 and "new/model: 3 MiB are free" in told.stderr and not Path("new").exists()
    told = run("learning-curve", "any", "--data", golden, "-o", "nowhere/curve.json")
    assert told.exit_code == 4 and told.stderr.startswith("feedclean: nowhere/curve.json: its folder does not exist")
    told = run("learning-curve", "any", "--data", golden, "-o", "file")
    assert told.exit_code == 1 and "file: no curves" in told.stderr and Path("file").read_text() == "mine"


def test_curves_of_other_styles_stay_in_the_file(run: Run, golden: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def measured(_: Any, style: str, *, begun: Curve | None, keep: Callable[[Curve], None], **__: Any) -> Curve:
        assert (begun is not None) is (style == "a")
        points = (Point(0, 0.2, (0.1, 0.3), 0.0), Point(5, 0.4, (0.3, 0.5), 0.0), Point(9, 0.6, (0.5, 0.7), 0.0))
        keep(Curve(style, 12, 3, points[2:], "d"))
        if style == "killed":
            raise KeyboardInterrupt
        return Curve(style, 12, 3, points, "d")

    monkeypatch.setattr("feedclean.learning.curve.learning_curve", measured)
    Path("c.json").write_text(to_json([Curve("a", 12, 3, (), "d"), Curve("b", 9, 3, (), "e")]))
    assert run("learning-curve", "a", "killed", "--data", golden, "-o", "c.json").exit_code == 130
    found = {one.style: len(one.points) for one in from_json(Path("c.json").read_text())}
    assert found == {"a": 1, "b": 0, "killed": 1}


def test_a_style_with_too_few_documents_has_no_curve(run: Run, golden: Path) -> None:
    told = run("learning-curve", "nothing-of-the-kind", "--data", golden)
    assert told.exit_code == 1 and "needs 23" in told.stderr
