"""Where models are kept, which one is in use, and how another takes its place.

    DATA/models/NAME/           what `feedclean train --name NAME` wrote; trained again, it changes
    DATA/models/promoted/ID/    what was promoted; it never changes
    DATA/models/in-use.json     the promoted one in use, and those before it

DATA is the platform's folder for a user's data. A model is promoted by a copy under its name and digest, and then by
one renaming of `in-use.json`: whatever is broken off where, the old model is in use or the new one. The last few stay,
so that there is a way back.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from .errors import ModelError, OutputError

CARD, WEIGHTS = "card.json", "weights.npz"
SHIPPED = "default"
KEPT = 3  # promoted models, the one in use among them
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_PROMOTED, _IN_USE = "promoted", "in-use.json"
_RESERVED = {_PROMOTED, SHIPPED}
BACK = "`feedclean model rollback` takes the one before it, `feedclean model use default` the one that is shipped"


def home() -> Path:
    """The folder of the user's own models, which may not be there."""
    from .places import data_folder

    return (data_folder() or Path("/nonexistent")) / "models"


def shipped(name: str = SHIPPED) -> Path | None:
    """The folder of a model that comes with feedclean."""
    package = Path(__file__).parent
    # In a wheel the models lie inside the package, in a checkout beside `src`.
    places = (package / "models" / name, package.parents[1] / "models" / name)
    return next((place for place in places if place.is_dir()), None)


def own(name: str) -> Path:
    """Where a model of one's own of that name is, or would be.

    Raises:
        ModelError: it cannot be the name of one.
    """
    if not NAME.fullmatch(name) or name in _RESERVED:
        taken = f"{name!r} is taken" if name in _RESERVED else f"{name[:80]!r} is no name for a model"
        raise ModelError(taken, hint="letters, digits, dot, dash and underline make a name, such as `mine`")
    return home() / name


def find(wanted: str | Path | None) -> Path:
    """The folder of a model, there or not.

    Args:
        wanted: `None` is the one in use, and the shipped one if none was promoted. What has a separator in it, or is
            a folder here, is a path. Else it is a name: the shipped model's, a model of one's own, or a promoted one's.

    Raises:
        ModelError: what is in use cannot be told.
    """
    if wanted is None:
        used = (in_use() or [SHIPPED])[0]
        return (shipped() or Path(SHIPPED)) if used == SHIPPED else home() / _PROMOTED / used
    name = str(wanted)
    if os.sep in name or Path(wanted).is_dir():
        return Path(wanted)
    if not NAME.fullmatch(name):
        return Path(wanted)
    places = [shipped(name), home() / name, home() / _PROMOTED / name]
    return next((place for place in places if place is not None and place.is_dir()), Path(wanted))


def models() -> list[tuple[str, Path]]:
    """All models that can be called by a name: the shipped ones, one's own, and those promoted before."""
    found: dict[str, Path] = {}
    base = shipped()
    for folder in (base.parent if base else None, home(), home() / _PROMOTED):
        with suppress(OSError):
            for place in sorted(folder.iterdir()) if folder else ():
                if place.name not in found and NAME.fullmatch(place.name) and (place / CARD).is_file():
                    found[place.name] = place
    return list(found.items())


def in_use() -> list[str]:
    """Ids of the promoted models, the one in use first; none if none ever was. `default` is the shipped one.

    Raises:
        ModelError: the file that says so is broken.
    """
    path = home() / _IN_USE
    try:
        ids = json.loads(path.read_bytes())["models"]
        if not isinstance(ids, list) or not ids or not all(isinstance(one, str) and NAME.fullmatch(one) for one in ids):
            raise ValueError("it names no models")
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        told = getattr(error, "strerror", None) or str(error)
        raise ModelError(f"cannot tell which model is in use ({told})", where=str(path), hint=BACK) from error
    return list(ids)


def promote(name: str, card: bytes, weights: bytes) -> None:
    """Put a model in use, whose name with its digest is `name`.

    Raises:
        OutputError: it cannot be written; what was in use still is.
    """
    keep(name, card, weights)
    put_first(name)


def put_first(name: str) -> None:
    """Put a model in use that is kept already, or the shipped one.

    Raises:
        OutputError: it cannot be written.
    """
    before = promoted() or [SHIPPED]
    _commit([name, *(one for one in before if one != name)][:KEPT])


def promoted() -> list[str]:
    """As `in_use`, but none where that cannot be told."""
    with suppress(ModelError):
        return in_use()
    return []


def keep(name: str, card: bytes, weights: bytes) -> None:
    """Have a model among the promoted ones, as a whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    target = home() / _PROMOTED / name
    files = {CARD: card, WEIGHTS: weights}
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if all((target / part).is_file() and (target / part).read_bytes() == data for part, data in files.items()):
            return
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".new-") as place:
            made = Path(place) / name
            made.mkdir()
            for part, data in files.items():
                _write(made / part, data)
            _settle(made)
            if target.exists():  # it is not what it was
                target.rename(Path(place) / "old")
            made.rename(target)
        _settle(target.parent)
    except OSError as error:
        raise OutputError(f"cannot copy the model: {error.strerror}", where=str(target)) from error


def rollback() -> str:
    """Put the model in use that was before the present one; its id. Doing it twice goes back two models.

    Raises:
        ModelError: there is none.
        OutputError: it cannot be written.
    """
    used = in_use()
    if len(used) < 2:
        raise ModelError("there is no model before the one in use", hint="`feedclean model list` shows what there is")
    _commit(used[1:])
    return used[1]


def trusted(folder: Path) -> None:
    """Refuse a folder that others could change between two looks.

    Raises:
        ModelError: a file of it is a link; or that, the folder, or what it is in among our models, may be written by
            everybody.
    """
    if not hasattr(os, "getuid"):  # Windows has no such bits
        return
    place = folder.resolve()
    ours = [path for path in place.parents if path.is_relative_to(home().resolve())]  # where it could be replaced
    for path in (place / CARD, place / WEIGHTS, place, *ours):
        try:
            found = path.lstat()
        except OSError:
            continue  # told by whoever reads it
        if stat.S_ISLNK(found.st_mode):
            raise ModelError(f"{path.name} is a link", where=str(folder), hint="copy the file itself there")
        if found.st_mode & 0o002:
            what = path.name if path.parent == place else "the folder" if path == place else "a folder above it"
            raise ModelError(f"{what} may be written by everybody", where=str(folder), hint=f"chmod o-w {path}")


def stamp(wanted: str | Path | None) -> tuple[object, ...]:
    """What tells whether `find` and what it finds have changed."""
    try:
        folder = find(wanted)
    except ModelError as fault:
        return (str(fault),)
    return (str(folder), _look(folder / CARD), _look(folder / WEIGHTS))


def _look(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _commit(ids: Sequence[str]) -> None:
    """Say which models are in use and were before; the moment at which another one is."""
    path = home() / _IN_USE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, (json.dumps({"models": list(ids)}, indent=2) + "\n").encode())
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror}", where=str(path)) from error
    with suppress(OSError):  # what is left over does no harm
        for place in path.with_name(_PROMOTED).iterdir():
            if place.name not in ids:
                shutil.rmtree(place, ignore_errors=True)


def replace_file(path: Path, data: bytes) -> None:
    """Put new content in a file's place, as a whole and on the disk."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    temporary = Path(name)
    try:
        _write(temporary, data)
        temporary.replace(path)
    except BaseException:
        temporary.unlink()
        raise
    _settle(path.parent)


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    path.chmod(0o644)


def _settle(folder: Path) -> None:
    """Have a folder's entries on the disk; Windows has no such call."""
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(folder, os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
