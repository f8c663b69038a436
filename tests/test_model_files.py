"""A model file cannot run code, is exactly what its card says, and is never half there."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from feedclean import model_files
from feedclean.errors import ModelError, OutputError
from feedclean.judging import features
from feedclean.judging.model import Model
from feedclean.model_files import load_model, save_model
from tests.judging.test_features import NEWS, article
from tests.learning.models import UNITS, card, random_arrays


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved")
    save_model(path, random_arrays(), card())
    return path


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    """A folder with a whole model in it."""
    return Path(shutil.copytree(saved, tmp_path / "model"))


def refusal(folder: Path | str) -> str:
    """The one line with which a model is refused."""
    with pytest.raises(ModelError) as caught:
        load_model(folder)
    told = str(caught.value)
    assert "\n" not in told and len(told) < 600 and caught.value.hint
    assert str(folder)[:100] in told
    return told


def write(folder: Path, data: bytes, **changes: object) -> None:
    """Weights and a card that vouches for them."""
    full = {**card(), "weights": {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}, **changes}
    folder.mkdir(exist_ok=True)
    (folder / "weights.npz").write_bytes(data)
    (folder / "card.json").write_text(json.dumps(full), encoding="utf-8")


def npz(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=True, **arrays)
    return buffer.getvalue()


# ── Round trip ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_saved_model_judges_as_before(folder: Path) -> None:
    model = load_model(folder)
    feed = [article(*NEWS, title="Acme")]
    np.testing.assert_array_equal(
        model.probabilities(feed),
        Model(random_arrays(), model.card).probabilities(feed),
    )
    digest = hashlib.sha256((folder / "weights.npz").read_bytes()).hexdigest()
    assert model.name == f"random-{digest[:12]}"
    assert sorted(path.name for path in folder.iterdir()) == ["card.json", "weights.npz"]


def test_saving_the_same_twice_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    save_model(tmp_path / "again", dict(reversed(random_arrays().items())), card())
    for name in ("card.json", "weights.npz"):
        assert (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_a_model_saved_anew_is_the_one_loaded(folder: Path) -> None:
    before = load_model(folder)
    save_model(folder, random_arrays(1), card("new"))
    assert load_model(folder).name.startswith("new-") and before.name.startswith("random-")


def test_a_model_is_found_by_its_path_from_anywhere(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    assert load_model("model").name == load_model(folder).name == load_model("./model/").name


# ── Saving is broken off ─────────────────────────────────────────────────────────────────────────────────────────


class PowerCut(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("step", range(1, 4))
@pytest.mark.parametrize("late", [False, True])
def test_saving_that_is_broken_off_leaves_the_old_model_or_the_new(
    folder: Path, monkeypatch: pytest.MonkeyPatch, step: int, late: bool
) -> None:
    done = 0
    replace = Path.replace

    def failing(self: Path, target: Path) -> Path:
        nonlocal done
        done += 1
        if done == step and not late:
            raise PowerCut
        result = replace(self, target)
        if done == step:
            raise PowerCut
        return result

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", failing)
        patched.setattr(Path, "unlink", lambda self: None)  # nobody tidies up
        with pytest.raises(PowerCut):
            save_model(folder, random_arrays(1), card("new"))
    expected = "new" if (step, late) >= (2, True) else "random"
    assert load_model(folder).name.startswith(f"{expected}-")
    save_model(folder, random_arrays(2), card("third"))
    assert load_model(folder).name.startswith("third-")
    assert not list(folder.glob("weights-*"))


def test_a_reader_between_card_and_weights_looks_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = model_files._bytes
    saved = False

    def overtaken(path: Path) -> bytes:
        nonlocal saved
        data = read(path)
        if path.name == "card.json" and not saved:
            saved = True
            save_model(folder, random_arrays(1), card("new"))
        return data

    monkeypatch.setattr(model_files, "_bytes", overtaken)
    assert load_model(folder).name.startswith("new-")


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write the model") as caught:
        save_model(tmp_path / "file" / "model", random_arrays(), card())
    assert str(tmp_path) in str(caught.value)


# ── Nothing runs ─────────────────────────────────────────────────────────────────────────────────────────────────


class Canary:
    """Unpickling it leaves a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, int]]:
        return os.open, (self.path, os.O_CREAT)


def test_no_file_runs_code(folder: Path, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    pickled = pickle.dumps(Canary(canary))
    objects = np.empty(1, object)
    objects[0] = Canary(canary)
    npy = io.BytesIO()
    np.save(npy, objects, allow_pickle=True)
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("text_weights.npy", pickled)
        archive.writestr("data.pkl", pickled)
    for data in (
        pickled,
        npy.getvalue(),
        npz(**{**random_arrays(), "text_bias": objects}),
        npz(**random_arrays(), extra=objects),
        zipped.getvalue(),
    ):
        write(folder, data)
        refusal(folder)
        (folder / "card.json").write_bytes(data)
        refusal(folder)
    assert not canary.exists()
    pickle.loads(pickled)  # noqa: S301  # our own: the canary does sing
    assert canary.exists()


# ── Weights that are not a model's ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "weights", [b"", b"PK", b"PK\x05\x06" + b"\0" * 18, b"\x93NUMPY", b"{}", b"\0" * 999, b"PK\x03\x04" * 99]
)
def test_weights_that_are_no_archive_are_refused(folder: Path, weights: bytes) -> None:
    write(folder, weights)
    refusal(folder)


@pytest.mark.parametrize(
    "header", ["(10**14,)", "(99999999999999,)", "(-1,)", "(2, 5" + ", 1" * 40 + ")", "x", "()" * 5000]
)
def test_headers_that_lie_are_refused(folder: Path, header: str) -> None:
    told = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {header}, }}\n".encode()
    data = b"\x93NUMPY\x01\x00" + len(told).to_bytes(2, "little") + told + b"\0" * 20
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("text_weights.npy", data)
    write(folder, zipped.getvalue())
    refusal(folder)


def test_an_archive_that_is_torn_inside_is_refused(folder: Path) -> None:
    whole = (folder / "weights.npz").read_bytes()
    for place in (100, len(whole) // 2, len(whole) - 200):
        write(folder, whole[:place] + bytes(byte ^ 0xFF for byte in whole[place : place + 20]) + whole[place + 20 :])
        refusal(folder)
        write(folder, whole[:place])
        refusal(folder)


@pytest.mark.parametrize("flags", [0x1, 0x20, 0x40])
def test_an_archive_that_needs_a_password_is_refused(folder: Path, flags: int) -> None:
    whole = bytearray((folder / "weights.npz").read_bytes())
    place = whole.find(b"PK\x01\x02")
    while place >= 0:
        whole[place + 8] |= flags
        place = whole.find(b"PK\x01\x02", place + 1)
    write(folder, bytes(whole))
    refusal(folder)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_files, "_MOST", 1 << 20)
    monkeypatch.setattr(np, "load", lambda *a, **k: pytest.fail("it was unpacked"))
    bomb = io.BytesIO()
    np.savez_compressed(bomb, text_weights=np.zeros(5 << 18, np.float32))
    write(folder, bomb.getvalue())
    assert "memory" in refusal(folder)


def test_a_huge_file_is_refused_before_it_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("weights.npz", "card.json"):
        with (folder / name).open("r+b") as file:
            file.truncate(65 << 20)
        assert f"{name} has more than 64 MiB" in refusal(folder)


@pytest.mark.parametrize(
    ("name", "array", "cause"),
    [
        ("text_bias", np.full(UNITS, np.nan, np.float32), "finite"),
        ("text_bias", np.zeros(UNITS + 1, np.float32), "shape"),
        ("text_weights", np.zeros((9, UNITS), np.int8), "shape"),
        ("block_mean", np.array(["a"]), "finite"),
    ],
)
def test_arrays_that_do_not_fit_are_refused_by_name(folder: Path, name: str, array: Any, cause: str) -> None:
    write(folder, npz(**{**random_arrays(), name: array}))
    told = refusal(folder)
    assert name in told and cause in told


def test_missing_arrays_are_refused_by_name(folder: Path) -> None:
    arrays = random_arrays()
    del arrays["title_out"]
    write(folder, npz(**arrays))
    assert "title_out" in refusal(folder)


# ── Cards that do not describe the weights ───────────────────────────────────────────────────────────────────────


def test_other_weights_than_those_of_the_card_are_refused(folder: Path) -> None:
    whole = (folder / "weights.npz").read_bytes()
    (folder / "weights.npz").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert "digest" in refusal(folder)


def test_another_feature_version_is_refused_with_both_named(folder: Path) -> None:
    write(folder, (folder / "weights.npz").read_bytes(), feature_version=features.VERSION + 1)
    told = refusal(folder)
    assert str(features.VERSION + 1) in told and f"has {features.VERSION}" in told and "retrain" in told


@pytest.mark.parametrize(
    "changes",
    [
        {"thresholds": {}},
        {"thresholds": {"promo": 0.5}},
        {"thresholds": None},
        {"thresholds": {**card()["thresholds"], "promo": 0}},
        {"thresholds": {**card()["thresholds"], "promo": 1.5}},
        {"thresholds": {**card()["thresholds"], "promo": "high"}},
        {"thresholds": {**card()["thresholds"], "promo": float("nan")}},
        {"title_threshold": None},
        {"title_threshold": -1},
        {"labels": ["promo", "editorial"]},
        {"name": None},
        {"weights": {}},
        {"weights": {"sha256": 5}},
        {"weights": {"sha256": "../../../../etc/passwd"}},
        {"feature_version": None},
    ],
)
def test_cards_that_do_not_say_what_a_card_must_are_refused(folder: Path, changes: dict[str, object]) -> None:
    write(folder, (folder / "weights.npz").read_bytes(), **changes)
    refusal(folder)


@pytest.mark.parametrize("text", ["", "{", '{"name": "a', "[]", "5", "null", "{}", "[" * 200_000, "\udcff", "\0"])
def test_a_card_that_is_half_written_is_refused(folder: Path, text: str) -> None:
    (folder / "card.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    refusal(folder)


# ── Places where no model is ─────────────────────────────────────────────────────────────────────────────────────


def test_places_without_a_model_are_named(folder: Path, tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    empty = tmp_path / "empty"
    empty.mkdir()
    for place in (loop, loop / "model", empty, tmp_path / "nowhere", folder / "card.json", "no-such-model", "", "a\0b"):
        refusal(place)
    refusal("x" * 5000)


@pytest.mark.parametrize("name", ["weights.npz", "card.json"])
def test_a_link_that_leads_to_itself_is_no_file(folder: Path, name: str) -> None:
    (folder / name).unlink()
    (folder / name).symlink_to(folder / name)
    assert name in refusal(folder)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("name", ["weights.npz", "card.json"])
def test_a_pipe_is_not_waited_for(folder: Path, name: str) -> None:
    (folder / name).unlink()
    os.mkfifo(folder / name)
    assert name in refusal(folder)


def test_missing_weights_are_named(folder: Path) -> None:
    (folder / "weights.npz").unlink()
    assert "weights.npz is missing" in refusal(folder)


# ── Serving ──────────────────────────────────────────────────────────────────────────────────────────────────────

_CLEAN = """
import sys
from feedclean import clean, load_model
model = load_model(sys.argv[1])
clean("<p>Acme's revenue rose.</p><p>Buy our report now!</p>", model=model, explain=True)
print(*sorted({name.partition(".")[0] for name in sys.modules} & {"sklearn", "scipy", "joblib", "pandas", "feedparser"}))
"""


@pytest.mark.slow
def test_cleaning_imports_neither_scikit_learn_nor_what_comes_with_it(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _CLEAN, str(folder)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
