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
import tempfile
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import ModelError, OutputError
from .judging import features
from .judging.model import Model
from .types import Label

_CARD, _WEIGHTS = "card.json", "weights.npz"
_TRIES = 3
_MOST = 64 << 20  # bytes of a model file; the default model has a twentieth of it
_NAME = "give the name or the folder of one"
_RETRAIN = "take another model, or retrain with `feedclean train`"


def load_model(path: str | Path | None = None) -> Model:
    """Load a model.

    Args:
        path: its folder, or the name of one that comes with feedclean; `None` is the default one.

    Raises:
        ModelError: there is none, it is incomplete, tampered with, of another feature version, or not finite.

    >>> load_model().name.startswith("default-")
    True
    """
    try:
        folder = _folder(path)
    except (OSError, ValueError) as error:  # a name too long, a folder that may not be read
        raise ModelError(
            f"no model can be read here ({getattr(error, 'strerror', error)})", where=str(path)[:200], hint=_NAME
        ) from error
    return _load(folder)


@lru_cache(maxsize=4)
def _load(folder: Path) -> Model:
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
        card = json.loads(_bytes(folder / _CARD))
        wanted = card["weights"]["sha256"]
        for path in (folder / _waiting(wanted), folder / _WEIGHTS):
            if path.is_file():
                with suppress(FileNotFoundError):
                    data = _bytes(path)
                    if hashlib.sha256(data).hexdigest() == wanted:
                        return card, data
    if not (folder / _WEIGHTS).is_file():
        raise ModelError(f"{_WEIGHTS} is missing or not a file", hint=_RETRAIN)
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
        _replace(folder / _waiting(sha256), weights)
        _replace(folder / _CARD, (json.dumps(full, indent=2, ensure_ascii=False) + "\n").encode())
        (folder / _waiting(sha256)).replace(folder / _WEIGHTS)
        for left in folder.glob("weights-*.npz"):  # by what was broken off before
            left.unlink()
    except OSError as error:
        raise OutputError(f"cannot write the model: {error.strerror}", where=str(folder)) from error
    finally:
        _load.cache_clear()


def _replace(path: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink()
        raise
    if hasattr(os, "O_DIRECTORY"):  # renaming is on the disk once the folder is; Windows has no such call
        folder = os.open(path.parent, os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _folder(path: str | Path | None) -> Path:
    if path is not None and (os.sep in str(path) or Path(path).is_dir()):
        folder = Path(path)
    else:
        own = Path(__file__).parent
        name = str(path or "default")
        # In a wheel the models lie inside the package, in a checkout beside `src`.
        folder = next(
            (base / name for base in (own / "models", own.parents[1] / "models") if (base / name).is_dir()), Path(name)
        )
    if not (folder / _CARD).is_file():
        raise ModelError("no model here (card.json is missing)", where=str(folder), hint=_NAME)
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
