"""The nouns of bulk work: where a document comes from, what is done with it, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path, PurePath

from ..cleaning import Judge
from ..errors import FeedcleanError
from ..judging.policy import Policy
from ..types import Cleaned, Correction

__all__ = ["Options", "Outcome", "Source", "Target"]

_STDIN_PLACE = PurePath("stdin")


class Target(StrEnum):
    """What a result can be written as."""

    RSS = "rss"
    ATOM = "atom"
    JSONFEED = "jsonfeed"
    JSONL = "jsonl"
    JSON = "json"
    HTML = "html"
    MARKDOWN = "markdown"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Source:
    """Where one document comes from: a file, an address, a container that has been opened, standard input."""

    name: str  # what messages call it: printable
    path: Path | None  # the file to read; `None` is standard input, or `data`
    place: PurePath = _STDIN_PLACE  # where its result stands inside an output folder
    fault: FeedcleanError | None = None  # why there is nothing to read, if that is known already
    data: bytes | None = None  # the document, if it has been read already
    url: str | None = None  # where it was published, if its container knows
    charset: str | None = None  # the character set that it was sent with, if its container knows
    address: str | None = None  # for fsspec, in place of a path
    size: int = 0  # bytes on the disk that it stands for: what progress is measured by
    key: str = ""  # what a journal knows it by: no other source of a run has it, and it has it in every run
    stamp: str = ""  # what a journal tells a change by


@dataclass(frozen=True, slots=True)
class Options:
    """What is done with every document."""

    model: Judge | Path | str | None = None  # a loaded model, or what `load_model` takes
    policy: Policy = field(default_factory=Policy)
    to: Target | None = None  # `None`: the format it came in
    url: str | None = None  # where the documents were published, if their sources do not know better
    explain: bool = False  # clues for every block
    corrections: tuple[Correction, ...] = ()  # what people said, over the model; in the order it was said
    in_place: bool = False  # cut inside whole pages and mails, instead of making a page to read of their article
    blocks: bool = True  # hand back all blocks (`Cleaned.items`); between processes they are what costs most


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one source: either `cleaned` or `fault`."""

    source: Source
    cleaned: Cleaned | None = None
    content: bytes = b""  # as asked for; `cleaned.content` is in the format of the source
    target: Target | None = None  # the format of `content`, if it is another one than the source's
    fault: FeedcleanError | None = None
    traceback: str = ""  # of a fault that is ours
