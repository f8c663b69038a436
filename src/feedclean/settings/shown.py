"""Settings as people see them: the effective ones as TOML, and all there are as a JSON schema."""

from __future__ import annotations

from dataclasses import MISSING, Field, fields
from typing import Any

from ..types import Action
from .kinds import quoted
from .shape import NAME, TABLES, FeedSettings, Settings


def render(settings: Settings) -> str:
    """The effective settings as TOML, each with where it comes from; secrets are masked."""
    source = f" with {_comment(str(settings.path))}" if settings.path else ""
    lines = [f"# Effective settings{source}; secrets are masked."]
    for name in TABLES:
        lines += ["", f"[{name}]", *_lines(settings, name, getattr(settings, name))]
    for name, feed in settings.feeds.items():
        lines += ["", f"[feeds.{name}]", *_lines(settings, f"feeds.{name}", feed)]
    return "\n".join(lines) + "\n"


def _lines(settings: Settings, table: str, values: Any) -> list[str]:
    lines: list[str] = []
    for one in fields(values):
        value, origin = getattr(values, one.name), settings.origins.get(f"{table}.{one.name}")
        if origin or (value is not None and table in TABLES):
            told = _comment(origin) if origin else "default"
            lines.append(f"{one.name} = {one.metadata['kind'].show(value)}  # {told}")
        elif table == "defaults" and (effective := _effective(settings, one)) is not None:
            lines.append(f"# {one.name} = {one.metadata['kind'].show(effective)}  # default")
        elif table in TABLES:
            lines.append(f"# {one.name} is not set: {one.metadata['told']}")
    return lines


def _effective(settings: Settings, one: Field[Any]) -> Any:
    """What holds where the defaults say nothing; lists of labels, without those that another list has taken."""
    left = one.metadata["left"]
    if one.name not in set(Action):
        return left
    actions = settings.policy().actions
    return tuple(label for label in left if actions[label].value == one.name)


def _comment(text: str) -> str:
    """Text that a comment can hold: a path may hold anything."""
    return quoted(text)[1:-1]


def schema() -> dict[str, Any]:
    """What a settings file may hold, as JSON Schema."""
    feed = _table(FeedSettings, "feeds") | {"required": ["url"]}
    names = {"type": "object", "propertyNames": {"pattern": f"^{NAME.pattern}$"}, "additionalProperties": feed}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "feedclean.toml",
        "type": "object",
        "properties": {**{name: _table(table, name) for name, table in TABLES.items()}, "feeds": names},
        "additionalProperties": False,
    }


def _table(table: type, name: str) -> dict[str, Any]:
    keys: dict[str, Any] = {}
    for one in fields(table):
        kind, told = one.metadata["kind"], one.metadata["told"]
        keys[one.name] = {"description": told, **kind.schema()}
        default = one.metadata["left"] if one.default in (None, MISSING) else one.default
        if name != "feeds" and default is not None:  # a feed's are those of the defaults, whatever they say
            keys[one.name]["default"] = list(default) if isinstance(default, tuple) else default
        if name != "feeds" and (kind.secret or (name, one.name) == ("store", "url")):
            keys[f"{one.name}_file"] = {"description": f"a file that holds it: {told}", "type": "string"}
    return {"type": "object", "properties": keys, "additionalProperties": False}
