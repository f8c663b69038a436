"""Models on disk: `weights.npz` (plain arrays) beside `card.json`.

Loading cannot run code (no pickles), and refuses what is not exactly what the card describes. Writing is atomic: a
model is complete or not there.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
import zipfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import ModelError, OutputError
from .judging import features
from .judging.model import Model

_CARD, _WEIGHTS = "card.json", "weights.npz"
_MOST = 64 << 20  # bytes of a model file; the default model has a twentieth of it
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
    return _load(_folder(path))


@lru_cache(maxsize=4)
def _load(folder: Path) -> Model:
    where = str(folder)
    try:
        card = json.loads(_bytes(folder / _CARD))
        data = _bytes(folder / _WEIGHTS)
        if hashlib.sha256(data).hexdigest() != card["weights"]["sha256"]:
            raise ModelError("the weights are not those the card describes (digest)", where=where, hint=_RETRAIN)
        if card["feature_version"] != features.VERSION:
            told = f"made for feature version {card['feature_version']}, this feedclean has {features.VERSION}"
            raise ModelError(told, where=where, hint=_RETRAIN)
        model = Model(_arrays(data), card)
        if not all(0 < value <= 1 for value in (*model.thresholds.values(), model.title_threshold)):
            raise ModelError("a threshold in the card is not a probability", where=where)
        return model
    except ModelError as error:
        raise error.at(where) from None
    except (ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile, EOFError, OSError) as error:
        raise ModelError(f"not a model of feedclean: {error!r}", where=where, hint=_RETRAIN) from error


def save_model(folder: Path, arrays: Mapping[str, NDArray[Any]], card: Mapping[str, Any]) -> None:
    """Write a model; the card gets the digest of the weights.

    Raises:
        OutputError: the folder cannot be written.
    """
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **{name: arrays[name] for name in sorted(arrays)})
    weights = buffer.getvalue()
    full = {**card, "weights": {"sha256": hashlib.sha256(weights).hexdigest(), "bytes": len(weights)}}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # The card last: until it is there, it describes the old weights and the pair is refused.
        _replace(folder / _WEIGHTS, weights)
        _replace(folder / _CARD, (json.dumps(full, indent=2, ensure_ascii=False) + "\n").encode())
    except OSError as error:
        raise OutputError(f"cannot write the model: {error.strerror}", where=str(folder)) from error
    _load.cache_clear()


def _replace(path: Path, data: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _folder(path: str | Path | None) -> Path:
    if path is not None and (os.sep in str(path) or Path(path).is_dir()):
        folder = Path(path)
    else:
        own = Path(__file__).parent
        name = str(path or "default")
        # In a wheel the models lie inside the package, in a checkout beside `src`.
        folder = next((base / name for base in (own / "models", own.parents[1] / "models") if (base / name).is_dir()), Path(name))
    if not (folder / _CARD).is_file():
        raise ModelError("no model here (card.json is missing)", where=str(folder), hint="give its name or folder")
    return folder.resolve()


def _bytes(path: Path) -> bytes:
    if not path.is_file():
        raise ModelError(f"{path.name} is missing or not a file", hint=_RETRAIN)
    if path.stat().st_size > _MOST:
        raise ModelError(f"{path.name} has more than {_MOST >> 20} MiB", hint=_RETRAIN)
    return path.read_bytes()


def _arrays(data: bytes) -> dict[str, NDArray[Any]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > 4 * _MOST:
            raise ModelError("the weights would fill more memory than a model may", hint=_RETRAIN)
    with np.load(io.BytesIO(data), allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}
