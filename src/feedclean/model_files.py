"""Models on disk: `weights.npz` (plain arrays) beside `card.json`.

Loading cannot run code (no pickles), and refuses what is not exactly what the card describes. Writing is atomic: a
model is complete or not there.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import model_home
from .errors import ModelError, OutputError
from .judging import features
from .judging.model import Model
from .model_home import CARD, WEIGHTS, replace_file
from .types import Label

_TRIES = 3
_MOST = 64 << 20  # bytes of a model file; the default model has a sixth of it
_ROOM = 32 << 20  # bytes that must be free for a new one: thrice the default one
_NAME = "give the name or the folder of one"
_ELSEWHERE = "choose another place with -o"
_RETRAIN = "take another model, or retrain with `feedclean train`"


def load_model(path: str | Path | None = None) -> Model:
    """Load a model.

    Args:
        path: its folder, or its name: see `model_home.find`. `None` is the model in use: the shipped one, unless
            another was promoted.

    Raises:
        ModelError: there is none, it is incomplete, tampered with, of another feature version, or not finite.

    >>> load_model("default").name.startswith("default-")
    True
    """
    try:
        folder = _folder(path)
    except (OSError, ValueError) as error:  # a name too long, a folder that may not be read
        raise ModelError(
            f"no model can be read here ({getattr(error, 'strerror', error)})", where=str(path)[:200], hint=_NAME
        ) from error
    return _load(folder, model_home.stamp(folder))


def promote(wanted: str | Path) -> str:
    """Put a model in use: from then on it is what `load_model()` loads. Its name with its digest.

    Raises:
        ModelError: it cannot be loaded.
        OutputError: it cannot be written; what was in use still is.
    """
    model = load_model(wanted)
    folder = model_home.find(wanted)
    if folder == model_home.shipped():
        model_home.put_first(model_home.SHIPPED)
        return model.name
    card, weights = _pair(folder)
    data = _bytes(folder / CARD)
    if _identity(card) != model.name or json.loads(data) != card:
        raise ModelError("it was changed just now", where=str(folder), hint="try again")
    model_home.promote(model.name, data, weights)
    return model.name


def _identity(card: Mapping[str, Any]) -> str:
    return f"{card['name']}-{card['weights']['sha256'][:12]}"


@lru_cache(maxsize=4)
def _load(folder: Path, _: object) -> Model:
    where = str(folder)
    try:
        card, data = _pair(folder)
        if card["feature_version"] != features.VERSION:
            told = f"made for feature version {card['feature_version']}, this feedclean has {features.VERSION}"
            raise ModelError(told, hint=_RETRAIN)
        if card["labels"] != [label.value for label in Label] or not set(Label) <= set(card["thresholds"]):
            raise ModelError("the card is of a model with other labels", hint=_RETRAIN)
        model = Model(_arrays(data), card)
        if not all(0 < value <= 1 for value in (*model.thresholds.values(), model.title_threshold)):
            raise ModelError("a threshold in the card is not a probability", hint=_RETRAIN)
        if not isinstance(card["name"], str):
            raise ModelError("the card does not name the model", hint=_RETRAIN)
    except ModelError as error:
        error.hint = error.hint or _RETRAIN
        raise error.at(where) from None
    except Exception as error:  # zipfile, zlib and numpy raise a dozen kinds of errors for a file made to hurt
        told = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise ModelError(f"not a model of feedclean ({told})", where=where, hint=_RETRAIN) from error
    return model


def _pair(folder: Path) -> tuple[dict[str, Any], bytes]:
    """The card, and the weights that it describes."""
    for _ in range(_TRIES):  # another process may be saving a model: then the card is another one by now
        card = json.loads(_bytes(folder / CARD))
        wanted = card["weights"]["sha256"]
        for path in (folder / _waiting(wanted), folder / WEIGHTS):
            if path.is_file():
                with suppress(FileNotFoundError):
                    data = _bytes(path)
                    if hashlib.sha256(data).hexdigest() == wanted:
                        return card, data
    if not (folder / WEIGHTS).is_file():
        raise ModelError(f"{WEIGHTS} is missing or not a file", hint=_RETRAIN)
    raise ModelError("the weights are not those the card describes (digest)", hint=_RETRAIN)


def _waiting(sha256: str) -> str:
    """Name of weights whose card may not be there yet."""
    return f"weights-{re.sub('[^0-9a-f]', '', sha256)[:12]}.npz"


def save_model(folder: Path, arrays: Mapping[str, NDArray[Any]], card: Mapping[str, Any]) -> None:
    """Write a model; the card gets the digest of the weights.

    The weights wait under the name of their digest until the card is there, which is the moment when the new model
    takes the old one's place; then they take the old weights' name. Wherever this is broken off, the folder holds the
    old model or the new one.

    Raises:
        OutputError: the folder cannot be written.
    """
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **{name: arrays[name] for name in sorted(arrays)})
    weights = buffer.getvalue()
    sha256 = hashlib.sha256(weights).hexdigest()
    full = {**card, "weights": {"sha256": sha256, "bytes": len(weights)}}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(folder / _waiting(sha256), weights)
        replace_file(folder / CARD, (json.dumps(full, indent=2, ensure_ascii=False) + "\n").encode())
        (folder / _waiting(sha256)).replace(folder / WEIGHTS)
        for left in folder.glob("weights-*.npz"):  # by what was broken off before
            left.unlink()
    except OSError as error:
        raise OutputError(f"cannot write the model: {error.strerror}", where=str(folder)) from error
    finally:
        _load.cache_clear()


def check_room(folder: Path) -> None:
    """Make sure, as far as that can be told before, that a model can be written to a folder; nothing is left there.

    Raises:
        OutputError: it cannot, or there is too little space.
    """
    place = folder
    while not os.path.lexists(place):
        place = place.parent
    try:
        with tempfile.TemporaryFile(dir=place):  # permissions alone do not tell: a disk may be read-only
            free = shutil.disk_usage(place).free
    except OSError as error:
        raise OutputError(
            f"cannot write a model here: {(error.strerror or str(error)).lower()}", where=str(folder), hint=_ELSEWHERE
        ) from error
    if free < _ROOM:
        told = f"{free >> 20} MiB are free, and a model needs {_ROOM >> 20}"
        raise OutputError(told, where=str(folder), hint=f"free some space, or {_ELSEWHERE}")


def _folder(path: str | Path | None) -> Path:
    folder = model_home.find(path)
    if not (folder / CARD).is_file():
        hint = _NAME if path is not None else model_home.BACK
        raise ModelError(f"no model here ({CARD} is missing)", where=str(folder), hint=hint)
    if folder.parent != (model_home.shipped() or folder).parent:  # that may be what an installer makes of it
        model_home.trusted(folder)
    return folder.resolve()


def _bytes(path: Path) -> bytes:
    if path.stat().st_size > _MOST:
        raise ModelError(f"{path.name} has more than {_MOST >> 20} MiB", hint=_RETRAIN)
    return path.read_bytes()


def _arrays(data: bytes) -> dict[str, NDArray[Any]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > 4 * _MOST:
            raise ModelError("the weights would fill more memory than a model may", hint=_RETRAIN)
    with np.load(io.BytesIO(data), allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}
