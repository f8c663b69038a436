"""A bar on standard error where somebody sees it: how far, how many, how fast, how long still."""

from __future__ import annotations

import sys
from collections.abc import Callable
from threading import Thread
from types import TracebackType
from typing import TYPE_CHECKING, Self

from .faults import say, sayable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

__all__ = ["Progress"]


class Progress:
    """Progress of many documents, measured in bytes of their files: how many documents those hold is not known before.

    Args:
        weigh: adds those bytes up, which may take a while; `None` shows no bar.
        mixed: whether results go to standard output, maybe in the same terminal.
    """

    def __init__(self, weigh: Callable[[], int] | None, *, mixed: bool) -> None:
        watched = sys.stderr is not None and sys.stderr.isatty()
        same = mixed and sys.stdout is not None and sys.stdout.isatty()
        self._weigh = weigh if watched and not same else None
        self._bar: Bar | None = None
        self._task: TaskID
        self._console: Console
        self._documents = 0

    def __enter__(self) -> Self:
        if self._weigh is None:
            return self
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        self._console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("cleaning"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[documents]:,} documents"),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=self._console,
            transient=True,
        )
        self._task = self._bar.add_task("cleaning", total=None, documents=0, rate="")
        self._bar.start()
        # Looking at a million files takes a while, and nobody has to wait for it.
        Thread(target=self._find_total, args=(self._bar, self._weigh), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def tell(self, line: str) -> None:
        """Say something beside the bar."""
        if self._bar is None:
            say(line)
            return
        from rich.text import Text

        self._console.print(Text(sayable(line)), soft_wrap=True, highlight=False)

    def advance(self, size: int) -> None:
        """One more document, which stands for `size` bytes."""
        if self._bar is None:
            return
        self._documents += 1
        elapsed = self._bar.tasks[0].elapsed or 0
        rate = f"{self._documents / elapsed:,.0f}/s" if elapsed else ""
        self._bar.update(self._task, advance=size, documents=self._documents, rate=rate)

    def _find_total(self, bar: Bar, weigh: Callable[[], int]) -> None:
        bar.update(self._task, total=max(1, weigh()))
