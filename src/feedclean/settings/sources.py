"""From files, variables and flags to settings."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

from ..errors import SettingsError
from ..types import Action
from .kinds import Kind
from .shape import NAME, TABLES, FeedSettings, Open, Rules, Settings, kinds

_PREFIX = "FEEDCLEAN_"
_CONFIG = "FEEDCLEAN_CONFIG"
# What Kubernetes sets for a service called feedclean.
_NOT_OURS = re.compile(r"FEEDCLEAN_(SERVICE_(HOST|PORT\w*)|PORT(_\d+_(TCP|UDP)\w*)?)")
_MOST = 1 << 20  # bytes of a settings file
_FILE = "_file"


def load(path: Path | None, environ: Mapping[str, str], flags: Mapping[str, object] | None = None) -> Settings:
    """Read the settings.

    Args:
        path: a TOML file; `None` is what `FEEDCLEAN_CONFIG` names, or none.
        environ: the environment.
        flags: values by dotted name (`proxy.port`); `None` is one that was not given.

    Raises:
        SettingsError: anything is unknown, of the wrong type, out of range or contradictory.
    """
    if path is None and environ.get(_CONFIG):
        path = Path(environ[_CONFIG])
    given = _Given()
    if path is not None:
        for name, value in _of_file(path):
            given.put(name, value, f"{path}:{name}", path.parent)
    for variable, text in sorted(environ.items()):
        if variable.startswith(_PREFIX) and variable != _CONFIG and not _NOT_OURS.fullmatch(variable):
            given.put(_of_variable(variable, given.feeds()), text, variable, Path())
    for name, flag in (flags or {}).items():
        if flag is not None:
            given.put(name, flag, "--" + re.sub("[._]", "-", name.removeprefix("proxy.").removesuffix(".use")), Path())
    tables = {name: table(**given.of(name)) for name, table in TABLES.items()}
    feeds = {name: FeedSettings(**given.of(f"feeds.{name}")) for name in given.feeds()}
    settings = Settings(**tables, feeds=feeds, path=path, origins=given.origins)
    _check(settings)
    return settings


class _Given:
    """What was given so far, later sources over earlier ones."""

    def __init__(self) -> None:
        self.origins: dict[str, str] = {}
        self._values: dict[str, Any] = {}

    def feeds(self) -> list[str]:
        """Names of feeds, in the order in which they were met."""
        return list(dict.fromkeys(name.split(".")[1] for name in self._values if name.startswith("feeds.")))

    def of(self, table: str) -> dict[str, Any]:
        """The values of a table."""
        return {
            name.rpartition(".")[2]: value for name, value in self._values.items() if name.rpartition(".")[0] == table
        }

    def put(self, name: str, value: object, origin: str, folder: Path) -> None:
        """Take a value by its dotted name."""
        table, _, key = name.rpartition(".")
        known = _known(table)
        if key.endswith(_FILE) and _may_be_file(table, key.removesuffix(_FILE), known):
            key = key.removesuffix(_FILE)
            value = _of_secret(value, origin, folder)
        if key not in known:
            raise _unknown(name, origin)
        try:
            self._values[f"{table}.{key}"] = known[key].read(value)
        except ValueError as error:
            raise SettingsError(str(error), where=origin) from None
        self.origins[f"{table}.{key}"] = origin


def _known(table: str) -> dict[str, Kind]:
    if table in TABLES:
        return kinds(TABLES[table])
    first, _, name = table.partition(".")
    return kinds(FeedSettings) if first == "feeds" and NAME.fullmatch(name) else {}


def _may_be_file(table: str, key: str, known: Mapping[str, Kind]) -> bool:
    return key in known and ((known[key].secret and not table.startswith("feeds.")) or (table, key) == ("store", "url"))


def _of_secret(value: object, origin: str, folder: Path) -> str:
    """The content of the file that `value` names, without the line feed at its end."""
    if not isinstance(value, str):
        raise SettingsError("must be the path of a file", where=origin)
    try:
        with (folder / value).open("rb") as file:
            return file.read(10_000).decode().rstrip("\r\n")
    except (OSError, ValueError) as error:
        told = getattr(error, "strerror", None) or "it is not text"
        raise SettingsError(f"{value} cannot be read: {told}", where=origin) from error


def _of_file(path: Path) -> Iterator[tuple[str, object]]:
    """Dotted names and values of a TOML file."""
    try:
        with path.open("rb") as file:
            data = file.read(_MOST + 1)
        if len(data) > _MOST:
            raise SettingsError("a settings file has at most 1 MiB", where=str(path))
        tables = tomllib.loads(data.decode("utf-8-sig"))
    except OSError as error:
        raise SettingsError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"not TOML: {error}", where=str(path)) from error
    for name, table in tables.items():
        if name not in {*TABLES, "feeds"}:
            raise _unknown(name, str(path))
        if not isinstance(table, dict):
            raise SettingsError("must be a table", where=f"{path}:{name}", hint=f"write [{name}]")
        if name == "feeds":
            yield from _of_feeds(table, path)
        else:
            yield from ((f"{name}.{key}", value) for key, value in table.items())


def _of_feeds(feeds: Mapping[str, object], path: Path) -> Iterator[tuple[str, object]]:
    for name, feed in feeds.items():
        if not NAME.fullmatch(name):
            told = "a feed is named by small letters, digits, - and _"
            raise SettingsError(told, where=f"{path}:feeds.{name[:80]!r}")
        if not isinstance(feed, dict) or not feed:
            raise SettingsError("must be a table with a url", where=f"{path}:feeds.{name}")
        yield from ((f"feeds.{name}.{key}", value) for key, value in feed.items())


def _of_variable(variable: str, feeds: list[str]) -> str:
    """The dotted name of a setting that a variable of the environment names."""
    rest = variable.removeprefix(_PREFIX).lower()
    table, _, key = rest.partition("_")
    if table != "feeds":
        return f"{table}.{key}"
    for known in sorted(kinds(FeedSettings), key=len, reverse=True):
        if key.endswith(f"_{known}"):
            name = key.removesuffix(f"_{known}")
            return f"feeds.{next((one for one in feeds if _plain(one) == name), name.replace('_', '-'))}.{known}"
    raise _unknown(f"feeds.{key}", variable)


def _plain(name: str) -> str:
    return name.replace("-", "_")


def _unknown(name: str, origin: str) -> SettingsError:
    """The error for a name that nothing has, with the nearest one that something has."""
    table = name.rpartition(".")[0]
    feed = table if _known(table) and table not in TABLES else "feeds.NAME"
    names = [f"{one}.{key}" for one in TABLES for key in kinds(TABLES[one])]
    names += [f"{feed}.{key}" for key in kinds(FeedSettings)]
    if "." not in name:
        names = [*TABLES, "feeds", *names]
    key = name.rpartition(".")[2]
    inside = difflib.get_close_matches(key, list(_known(table)), 1, 0.6)
    elsewhere = [one for one in names if one.rpartition(".")[2] == key]
    near = [f"{table}.{one}" for one in inside] or elsewhere
    if not near and not _known(table):
        near = difflib.get_close_matches(name, names, 1, 0.6)
    variable = origin.startswith(_PREFIX)
    known = [_PREFIX + re.sub("[.-]", "_", one).upper() if variable else one for one in near]
    hint = f"did you mean {known[0]}?" if known else "`feedclean config --schema` shows what there is"
    where = origin.removesuffix(f":{name}")
    return SettingsError(
        "there is no such setting" if variable else f"there is no setting {name!r}", where=where, hint=hint
    )


def _check(settings: Settings) -> None:
    """What no single setting can tell."""
    proxy = settings.proxy
    for access, key in ((Open.TOKEN, "token"), (Open.SIGNED, "secret")):
        if proxy.open is access and getattr(proxy, key) is None:
            where = settings.origins["proxy.open"]
            raise SettingsError(f'open = "{access}" needs proxy.{key}', where=where, hint=f"set it or {key}_file")
    for name, feed in settings.feeds.items():
        if not feed.url:
            raise SettingsError(f"feeds.{name} has no url", where=_origin(settings, f"feeds.{name}."))
    tables: dict[str, Rules] = {"defaults": settings.defaults}
    tables |= {f"feeds.{name}": feed for name, feed in settings.feeds.items()}
    for table, rules in tables.items():
        lists = {action.value: set(getattr(rules, action.value) or ()) for action in Action}
        for (one, labels), (other, others) in combinations(lists.items(), 2):
            if twice := sorted(labels & others):
                told = f"{twice[0].value!r} is in {table}.{one} and in {table}.{other}"
                raise SettingsError(told, where=_origin(settings, f"{table}.{one}"))


def _origin(settings: Settings, begin: str) -> str:
    return next((origin for name, origin in settings.origins.items() if name.startswith(begin)), "settings")
