"""Kinds of settings: each reads a value from TOML, the environment or a flag, shows it as TOML, and has a JSON schema.

What a kind cannot read is a `ValueError` whose text goes on after the setting's name: "must be …".
"""

from __future__ import annotations

import ipaddress
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol
from urllib.parse import urlsplit

MASK = "***"
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_SECONDS = {"s": 1, "min": 60, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_BYTES = {"B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_MEASURED = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a name of a header, RFC 9110
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Kind(Protocol):
    """How a setting is read and shown."""

    @property
    def secret(self) -> bool:
        """Whether it is masked when shown, and may be read from a file of its own."""
        ...

    def read(self, value: object) -> Any:
        """The value as the settings hold it."""
        ...

    def show(self, value: Any) -> str:
        """A value of the settings as TOML."""
        ...

    def schema(self) -> dict[str, Any]:
        """What JSON Schema says of it."""
        ...


@dataclass(frozen=True)
class Text:
    """A line of text."""

    least: int = 0
    most: int = 2000
    secret: bool = False
    pattern: str = ""
    told: str = ""

    def read(self, value: object) -> str:
        """Text without control characters, of the right length and form."""
        if not isinstance(value, str) or _CONTROL.search(value):
            raise ValueError("must be one line of text")
        if not self.least <= len(value) <= self.most:
            raise ValueError(f"must have {self.least} to {self.most} characters")
        if self.pattern and not re.fullmatch(self.pattern, value):
            raise ValueError(f"must be {self.told}")
        return value

    def show(self, value: str) -> str:
        """Quoted, or masked."""
        return quoted(MASK if self.secret else value)

    def schema(self) -> dict[str, Any]:
        """A string."""
        found: dict[str, Any] = {"type": "string", "minLength": self.least, "maxLength": self.most}
        return found | ({"pattern": f"^(?:{self.pattern})$"} if self.pattern else {})


@dataclass(frozen=True)
class Choice:
    """One of a few words."""

    words: type[StrEnum]
    secret: bool = False

    def read(self, value: object) -> StrEnum:
        """The member of that name."""
        try:
            return self.words(str(value))
        except ValueError:
            raise ValueError(f"must be one of {', '.join(self.words)}") from None

    def show(self, value: StrEnum) -> str:
        """Quoted."""
        return quoted(value.value)

    def schema(self) -> dict[str, Any]:
        """An enumeration."""
        return {"enum": [word.value for word in self.words]}


@dataclass(frozen=True)
class Number:
    """A number, whole or not, within bounds."""

    least: float
    most: float
    whole: bool = True
    units: Mapping[str, int] | None = None  # "10 MiB", "2 h"
    secret: bool = False

    def read(self, value: object) -> float:
        """A number, also written as text and with a unit."""
        if isinstance(value, str):
            value = self._of_text(value)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or math.isnan(value):
            raise ValueError(self._told())
        if not self.least <= value <= self.most or (self.whole and value != int(value)):
            raise ValueError(self._told())
        return int(value) if self.whole else float(value)

    def _of_text(self, value: str) -> float | None:
        match = _MEASURED.fullmatch(value)
        if match is None or (match[2] and match[2] not in (self.units or {})):
            return None
        number = float(match[1]) if "." in match[1] else int(match[1])
        return number * (self.units or {}).get(match[2], 1)

    def _told(self) -> str:
        what = "a whole number" if self.whole else "a number"
        unit = ""
        if self.units:
            what, unit = ("a size", " bytes") if "MiB" in self.units else ("a time", " seconds")
            unit += f' (or with a unit, "3 {"MiB" if "MiB" in self.units else "h"}")'
        return f"must be {what} from {self.least:g} to {self.most:.12g}{unit}"

    def show(self, value: float) -> str:
        """As it is."""
        return repr(value)

    def schema(self) -> dict[str, Any]:
        """A number, or text with a unit."""
        plain = {"type": "integer" if self.whole else "number", "minimum": self.least, "maximum": self.most}
        if not self.units:
            return plain
        return {"anyOf": [plain, {"type": "string", "pattern": rf"^\s*\d+(\.\d+)?\s*({'|'.join(self.units)})?\s*$"}]}


def seconds(least: float, most: float) -> Number:
    """A time."""
    return Number(least, most, whole=False, units=_SECONDS)


def size(least: int, most: int) -> Number:
    """A number of bytes."""
    return Number(least, most, units=_BYTES)


@dataclass(frozen=True)
class Address:
    """A URL of http or https, or of a database."""

    schemes: tuple[str, ...] = ("http", "https")
    bare: bool = False  # without user, query and fragment, and without a slash at its end
    hosted: bool = True  # has a host
    secret: bool = False

    def read(self, value: object) -> str:
        """A URL that has a host."""
        told = ValueError(f"must be an address that begins with {' or '.join(one + '://' for one in self.schemes)}")
        if not isinstance(value, str) or _CONTROL.search(value) or " " in value or len(value) > 8000:
            raise told
        try:
            parts = urlsplit(value)
            _ = parts.port
        except ValueError:
            raise told from None
        if parts.scheme.lower() not in self.schemes or (self.hosted and not parts.hostname):
            raise told
        if self.bare:
            if parts.username or parts.password or parts.query or parts.fragment:
                raise ValueError("must be an address without user, query and fragment")
            return value.rstrip("/")
        return value

    def show(self, value: str) -> str:
        """Quoted; a password in it is masked."""
        return quoted(re.sub(r"(?<=://)([^/?#@]*?)(:[^/?#@]*)?@", lambda user: f"{user[1]}:{MASK}@", value))

    def schema(self) -> dict[str, Any]:
        """A string of that form."""
        return {"type": "string", "format": "uri", "pattern": f"^({'|'.join(self.schemes)})://"}


@dataclass(frozen=True)
class Several:
    """A list of words."""

    words: type[StrEnum]
    refused: tuple[StrEnum, ...] = ()
    secret: bool = False

    def read(self, value: object) -> tuple[StrEnum, ...]:
        """The members of those names, in the order of their kind."""
        allowed = [word for word in self.words if word not in self.refused]
        names = as_list(value)
        if names is None or not set(names) <= {word.value for word in allowed}:
            raise ValueError(f"must be a list of {', '.join(allowed)}")
        return tuple(word for word in allowed if word.value in names)

    def show(self, value: Sequence[StrEnum]) -> str:
        """A list of strings."""
        return f"[{', '.join(quoted(word.value) for word in value)}]"

    def schema(self) -> dict[str, Any]:
        """An array."""
        allowed = [word.value for word in self.words if word not in self.refused]
        return {"type": "array", "items": {"enum": allowed}, "uniqueItems": True}


@dataclass(frozen=True)
class Networks:
    """A list of networks."""

    secret: bool = False

    def read(self, value: object) -> tuple[Network, ...]:
        """Networks, or single addresses."""
        names = as_list(value)
        if names is None:
            raise ValueError('must be a list of networks ("192.168.1.0/24")')
        try:
            return tuple(ipaddress.ip_network(name) for name in names)
        except ValueError as error:
            raise ValueError(f"must be a list of networks: {error}") from None

    def show(self, value: Sequence[Network]) -> str:
        """A list of strings."""
        return f"[{', '.join(quoted(str(network)) for network in value)}]"

    def schema(self) -> dict[str, Any]:
        """An array."""
        return {"type": "array", "items": {"type": "string"}}


@dataclass(frozen=True)
class Headers:
    """Names and values of headers; the values are secrets."""

    secret: bool = True

    def read(self, value: object) -> dict[str, str]:
        """A table, or lines of `Name: value`."""
        if isinstance(value, str):
            value = dict(line.split(":", 1) for line in value.splitlines() if ":" in line)
        if not isinstance(value, Mapping):
            raise ValueError("must be a table of names and values")  # noqa: TRY004 - as `Kind` says
        found: dict[str, str] = {}
        for name, content in value.items():
            if not _TOKEN.fullmatch(str(name)):
                raise ValueError(f"must have names of headers: {str(name)[:40]!r} is none")
            if not isinstance(content, str) or _CONTROL.search(content.strip()) or not content.isascii():
                raise ValueError(f"must have one line of ASCII for {name}")
            found[str(name)] = content.strip()
        return found

    def show(self, value: Mapping[str, str]) -> str:
        """A table with masked values."""
        inner = ", ".join(f"{quoted(name)} = {quoted(MASK)}" for name in value)
        return f"{{ {inner} }}" if inner else "{}"

    def schema(self) -> dict[str, Any]:
        """An object."""
        return {"type": "object", "additionalProperties": {"type": "string"}}


def as_list(value: object) -> list[str] | None:
    """A list of strings, also written as text with commas."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    if isinstance(value, (list, tuple)) and all(isinstance(one, str) for one in value):
        return [str(one) for one in value]
    return None


def quoted(text: str) -> str:
    """A TOML string; JSON's escapes are TOML's too, but for DEL, and halves of surrogate pairs are none."""
    safe = text.encode("utf-8", "replace").decode()
    return json.dumps(safe, ensure_ascii=False).replace("\x7f", "\\u007f")
