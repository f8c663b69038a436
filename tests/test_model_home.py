"""A promoted model is in use as a whole or not at all, stays what it was, and there is a way back."""

from __future__ import annotations

import io
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedclean import model_files, model_home
from feedclean.errors import FeedcleanError, ModelError, OutputError
from feedclean.model_files import load_model, promote, save_model
from tests.learning.models import card, random_arrays


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder without models, and a folder without models to stand in."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return model_home.home()


def train(name: str, seed: int) -> str:
    """A model of one's own; its id."""
    save_model(model_home.own(name), random_arrays(seed), card(name))
    return load_model(name).name


# ── Names ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_without_any_promotion_the_shipped_model_is_in_use(home: Path) -> None:
    assert load_model().name == load_model("default").name and model_home.in_use() == []
    assert not home.exists()  # looking writes nothing


def test_a_model_of_ones_own_is_found_by_its_name_and_is_not_in_use(home: Path) -> None:
    name = train("mine", 0)
    assert load_model("mine").name == name != load_model().name
    assert (home / "mine" / "card.json").is_file()
    assert [found for found, _ in model_home.models()] == ["default", "mine"]


@pytest.mark.parametrize("name", ["default", "promoted", "", ".", "..", "a/b", "-x", ".hidden", "x" * 99, "a b", "ü"])
def test_what_cannot_be_the_name_of_a_model_is_refused(name: str) -> None:
    with pytest.raises(ModelError) as caught:
        model_home.own(name)
    assert caught.value.hint and "\n" not in str(caught.value)


@given(st.text(max_size=20))
def test_no_name_leads_out_of_the_folder_of_models(name: str) -> None:
    try:
        folder = model_home.own(name)
    except ModelError:
        return
    assert folder.parent == model_home.home()


# ── Promotion ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_promoted_model_is_in_use_and_stays_what_it_was_when_it_is_trained_again() -> None:
    first = train("mine", 0)
    assert promote("mine") == first == load_model().name
    again = train("mine", 1)
    assert load_model().name == first and load_model("mine").name == again
    assert promote("mine") == again == load_model().name


def test_the_last_three_are_kept_and_there_is_a_way_back_through_them(home: Path) -> None:
    ids = []
    for seed in range(4):
        ids.append(train(f"m{seed}", seed))
        promote(f"m{seed}")
    assert model_home.in_use() == ids[:0:-1]
    assert sorted(place.name for place in (home / "promoted").iterdir()) == sorted(ids[1:])
    assert model_home.rollback() == ids[2] == load_model().name
    assert model_home.rollback() == ids[1] == load_model().name
    with pytest.raises(ModelError, match="no model before"):
        model_home.rollback()
    assert load_model().name == ids[1]


def test_the_way_back_leads_to_the_shipped_model() -> None:
    train("mine", 0)
    promote("mine")
    assert model_home.rollback() == "default" and load_model().name == load_model("default").name
    promote("mine")
    assert promote("default") == load_model("default").name == load_model().name


def test_a_model_that_cannot_be_loaded_is_not_promoted(home: Path) -> None:
    kept = train("mine", 0)
    promote("mine")
    train("broken", 1)
    (home / "broken" / "weights.npz").write_bytes(b"x")
    with pytest.raises(ModelError, match="digest"):
        promote("broken")
    assert load_model().name == kept


def test_a_promoted_model_that_was_tampered_with_is_refused_with_a_way_out(home: Path) -> None:
    name = train("mine", 0)
    promote("mine")
    (home / "promoted" / name / "weights.npz").write_bytes(b"x")
    with pytest.raises(ModelError, match="digest"):
        load_model()
    shutil.rmtree(home / "promoted" / name)
    with pytest.raises(ModelError, match="rollback"):
        load_model()
    assert promote("mine") == name == load_model().name


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"models": []}', '{"models": ["../x"]}', '{"models": [1]}', '{"models": 1}', "[" * 9999]
)
def test_a_broken_note_of_what_is_in_use_is_named_and_can_be_mended(home: Path, text: str) -> None:
    name = train("mine", 0)
    (home / "in-use.json").write_text(text, "utf-8")
    with pytest.raises(ModelError, match=r"in-use\.json") as caught:
        load_model()
    assert "feedclean model" in str(caught.value)
    assert promote("mine") == name == load_model().name


# ── Who may have written it ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("part", ["", "card.json", "weights.npz"])
def test_what_everybody_may_write_is_refused(home: Path, part: str) -> None:
    train("mine", 0)
    path = home / "mine" / part
    path.chmod(path.stat().st_mode | 0o002)
    with pytest.raises(ModelError, match="written by everybody"):
        load_model("mine")


def test_what_a_link_leads_to_and_what_models_are_in_is_looked_at_too(home: Path) -> None:
    train("mine", 0)
    promote("mine")
    (home / "mine").chmod(0o777)
    (home / "link").symlink_to(home / "mine")
    with pytest.raises(ModelError, match="the folder may be written"):
        load_model("link")
    home.chmod(0o777)
    with pytest.raises(ModelError, match="a folder above it may be written"):
        load_model()


@pytest.mark.parametrize("part", ["card.json", "weights.npz"])
def test_a_file_that_is_a_link_is_refused(home: Path, part: str) -> None:
    train("mine", 0)
    path = home / "mine" / part
    path.rename(home / part)
    path.symlink_to(home / part)
    with pytest.raises(ModelError, match="a link"):
        load_model("mine")


# ── Broken off ───────────────────────────────────────────────────────────────────────────────────────────────────


class PowerCut(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("step", range(12))
def test_promotion_that_is_broken_off_leaves_the_old_model_or_the_new(
    monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """At every point at which something reaches the disk."""
    old, new = train("old", 0), train("new", 1)
    promote("old")
    done = 0

    fsync = os.fsync

    def cut(handle: int) -> None:
        nonlocal done
        done += 1
        if done > step:
            raise PowerCut
        fsync(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", cut)
        try:
            promote("new")
        except PowerCut:
            assert load_model().name in {old, new}
        else:
            assert step >= 5 and load_model().name == new
    assert promote("new") == new == load_model().name


def test_a_full_disk_leaves_the_old_model_and_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    old, _ = train("old", 0), train("new", 1)
    promote("old")

    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(model_home, "_write", full)
        with pytest.raises(OutputError, match="No space left") as caught:
            promote("new")
    assert "\n" not in str(caught.value) and load_model().name == old


def _retrain_and_promote() -> None:
    save_model(model_home.own("mine"), random_arrays(1), card("mine"))
    promote("mine")


def _at_line(number: int, do: Callable[[], None]) -> Callable[..., Any]:
    """For `sys.settrace`: does something before the so-manieth line of what writes models, and goes on."""
    watched = {model_files.__file__, model_home.__file__, tempfile.__file__}
    left = itertools.count(number, -1)

    def line(frame: FrameType, event: str, _: object) -> Callable[..., Any] | None:
        if frame.f_code.co_filename not in watched:
            return None
        if event == "line" and next(left) == 0:
            do()
        return line

    return line


def _lines() -> int:
    """How many lines a retraining's writing and promotion run through."""
    passed = itertools.count()
    traced, before = _at_line(0, lambda: None), sys.gettrace()

    def counting(frame: FrameType, event: str, argument: object) -> Callable[..., Any] | None:
        inner = traced(frame, event, argument)
        if inner is not None and event == "line":
            next(passed)
        return counting if inner is not None else None

    sys.settrace(counting)
    try:
        _retrain_and_promote()
    finally:
        sys.settrace(before)
    return next(passed)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no way to be killed here and live")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_killed_at_any_of_200_points_of_saving_and_promoting_there_is_the_old_model_or_the_new(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child of this process is killed before a line, and cleans nothing up (M6)."""
    new, old = train("mine", 1), train("mine", 0)
    promote("mine")
    shutil.copytree(home, tmp_path / "before")
    packed = io.BytesIO()
    np.savez_compressed(packed, allow_pickle=False, **dict(sorted(random_arrays(1).items())))
    monkeypatch.setattr(np, "savez_compressed", lambda file, **_: file.write(packed.getvalue()))  # most of the time
    points = _lines()
    assert load_model().name == new != old
    seen = set()
    for point in random.Random(0).sample(range(points), 200):  # noqa: S311  moments to be killed at
        shutil.rmtree(home)
        shutil.copytree(tmp_path / "before", home)
        model_files._load.cache_clear()
        child = os.fork()
        if not child:
            sys.settrace(_at_line(point, lambda: os.kill(os.getpid(), signal.SIGKILL)))
            with suppress(BaseException):
                _retrain_and_promote()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        found = load_model("mine").name, load_model().name
        assert found in {(old, old), (new, old), (new, new)}
        seen.add(found)
        assert promote("mine") == found[0]
    assert len(seen) == 3


@pytest.mark.slow
def test_killed_at_random_points_there_is_always_a_whole_model_in_use_and_readers_never_fail(tmp_path: Path) -> None:
    """`kill -9` of a process that promotes two models in turn, while this one loads what is in use."""
    ids = {train("one", 0), train("two", 1)}
    promote("one")
    code = "import itertools; from feedclean.model_files import promote\nfor name in itertools.cycle(('two', 'one')): promote(name)"
    chance = random.Random(0)  # noqa: S311  moments to kill at
    faults: list[FeedcleanError] = []
    seen: set[str] = set()
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            try:
                seen.add(load_model().name)
            except FeedcleanError as fault:
                faults.append(fault)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for _ in range(8):
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
            process = subprocess.Popen([sys.executable, "-c", code], env=environment)
            time.sleep(0.6 + chance.random() * 0.6)
            process.send_signal(signal.SIGKILL)
            process.wait(10)
            model_files._load.cache_clear()
            assert load_model().name in ids
            assert json.loads((model_home.home() / "in-use.json").read_text())["models"][0] in ids
    finally:
        ended.set()
        reader.join()
    assert not faults and seen <= ids
    assert promote("two") in ids
