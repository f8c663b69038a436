"""Progress of long work: bars on standard error if that is a terminal, else a line for each stage."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .faults import sayable

__all__ = ["stages"]

Say = Callable[[str], None]
Stage = Callable[[str, int], Callable[[], None]]


@contextmanager
def stages(say: Say) -> Iterator[tuple[Say, Stage]]:
    """What to tell lines, and what to tell of a stage: its name and its steps; it returns what to call at each step."""
    if sys.stderr is None or not sys.stderr.isatty():

        def named(name: str, _: int) -> Callable[[], None]:
            say(name)
            return lambda: None

        yield say, named
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description:<24}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True, highlight=False)
    with Progress(*columns, console=console) as bars:

        def told(line: str) -> None:
            console.print(sayable(line), markup=False, soft_wrap=True)

        def stage(name: str, steps: int) -> Callable[[], None]:
            task = bars.add_task(name, total=steps)
            return lambda: bars.advance(task)

        yield told, stage
