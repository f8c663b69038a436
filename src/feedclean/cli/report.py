"""What a batch came to: a line for people, and `--report FILE` as JSON for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from time import monotonic

from ..bulk import Journal
from ..types import Action
from .atomic import Replacement
from .faults import say
from .ledger import summary

__all__ = ["Tally", "summarise", "write_report"]

_CAUSES = 3  # named in the line for people


@dataclass(slots=True)
class Tally:
    """What a batch came to."""

    began: float  # of the monotonic clock
    model: str = ""
    cleaned: int = 0
    before: int = 0  # by an earlier run
    failed: int = 0
    unwritten: int = 0
    acted: Counter[tuple[Action, str]] = field(default_factory=Counter)
    complete: bool = False
    broken_off: bool = False  # because nothing more could be written
    rest: Iterable[str] = ()  # what was not reached for that reason


def summarise(tally: Tally, causes: dict[str, int], skipped: int) -> None:
    """Tell it in a line or two on standard error."""
    parts = [f"{tally.cleaned:,} document{'' if tally.cleaned == 1 else 's'} cleaned", summary(tally.acted)]
    if tally.before:
        parts.insert(1, f"{tally.before:,} done before")
    if tally.failed:
        parts.append(f"{tally.failed:,} failed")
    if tally.unwritten:
        parts.append(f"{tally.unwritten:,} not written")
    if skipped:
        parts.append(f"{skipped:,} skipped")
    say("; ".join(parts))
    if len(causes) > 1 or max(causes.values(), default=0) > 1:
        told = [f"{count:,} × {what}" for what, count in islice(causes.items(), _CAUSES)]
        others = sum(causes.values()) - sum(islice(causes.values(), _CAUSES))
        say("failed: " + ", ".join([*told, *([f"{others:,} × something else"] if others else [])]))


def write_report(path: Path, tally: Tally, journal: Journal, skipped: int) -> None:
    """Write it as JSON.

    `documents` (numbers of those cleaned, done before, failed, not written, skipped), `blocks` (by action and label),
    `causes` (how many failed of what), `failures` (each with source and fault), `unfinished` (sources that were not
    reached), `complete` (whether all were), `model`, `seconds`.

    Raises:
        OutputError: it cannot be written.
    """
    blocks: dict[str, dict[str, int]] = {}
    for (action, label), count in sorted(tally.acted.items()):
        blocks.setdefault(action.value, {})[label] = count
    told = {
        "documents": {
            "cleaned": tally.cleaned,
            "done_before": tally.before,
            "failed": tally.failed,
            "not_written": tally.unwritten,
            "skipped": skipped,
        },
        "blocks": blocks,
        "causes": journal.causes(),
        "complete": tally.complete,
        "model": tally.model,
        "seconds": round(monotonic() - tally.began, 3),
    }
    failures = ({"source": name, "fault": fault} for name, fault in journal.failures())
    with Replacement(path) as file:
        file.write(json.dumps(told, indent=2, ensure_ascii=False)[:-2].encode())
        for name, values in (("failures", failures), ("unfinished", tally.rest)):
            _write_list(file, name, values)
        file.write(b"\n}\n")


def _write_list(file: Replacement, name: str, values: Iterable[object]) -> None:
    """A list that may be longer than the memory."""
    file.write(f',\n  "{name}": ['.encode())
    waiting = iter(values)
    first = list(islice(waiting, 1))
    for number, value in enumerate(chain(first, waiting)):
        line = json.dumps(value, ensure_ascii=False)
        file.write(f"{',' if number else ''}\n    {line}".encode("utf-8", "backslashreplace"))
    file.write(b"\n  ]" if first else b"]")
