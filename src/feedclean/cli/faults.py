"""How a command ends: exit codes, and every fault as one line on standard error."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Sequence
from enum import IntEnum
from typing import Any

import typer
from typer.core import TyperGroup

from ..errors import FeedcleanError, ModelError, OutputError, SettingsError

__all__ = ["Ending", "ExitCode", "Group", "ReaderGone", "give_up_stdout", "say", "sayable"]


class ExitCode(IntEnum):
    """What a command tells its caller."""

    OK = 0
    FAILED = 1
    USAGE = 2
    MODEL = 3
    OUTPUT = 4
    INTERRUPTED = 130
    READER_GONE = 141


MEANINGS = {
    ExitCode.OK: "everything was done",
    ExitCode.FAILED: "some documents failed; the others were still cleaned",
    ExitCode.USAGE: "wrong usage; nothing was done",
    ExitCode.MODEL: "the model cannot be used; nothing was done",
    ExitCode.OUTPUT: "a result could not be written",
    ExitCode.INTERRUPTED: "interrupted",
    ExitCode.READER_GONE: "nobody reads standard output any more",
}
_BY_ERROR: dict[type[FeedcleanError], ExitCode] = {
    SettingsError: ExitCode.USAGE,
    ModelError: ExitCode.MODEL,
    OutputError: ExitCode.OUTPUT,
}
_TRACEBACK = "--traceback"


class ReaderGone(Exception):  # noqa: N818  nothing is wrong: whoever reads standard output has had enough
    """Standard output leads nowhere any more."""


class Ending(Exception):  # noqa: N818  an exit code is no error by itself
    """Ends a command with an exit code; what there is to say has been said."""

    def __init__(self, code: ExitCode) -> None:
        super().__init__(code)
        self.code = code


def sayable(fault: FeedcleanError | str) -> str:
    """A message as one line that no document or file name can make do anything to a terminal."""
    told = "".join(c if c.isprintable() else " " if c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in str(fault))
    return f"feedclean: {told}"


def say(fault: FeedcleanError | str) -> None:
    """Tell a fault, or anything else, on standard error."""
    if sys.stderr is not None:
        # Who reads standard error may be gone as well, and that is no reason to stop.
        with contextlib.suppress(OSError):
            sys.stderr.write(sayable(fault) + "\n")
            sys.stderr.flush()


class Group(TyperGroup):
    """The commands, with one way to end: a line and an exit code, never a traceback (unless `--traceback` asks)."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command that `args` name and exit with its code (or return it, if not `standalone_mode`)."""
        given = list(sys.argv[1:] if args is None else args)
        given, traced = _without_traceback(given)
        code: int
        try:
            extra.setdefault("obj", {"traceback": traced})
            result = super().main(given, prog_name or "feedclean", complete_var, False, windows_expand_args, **extra)
            code = result if isinstance(result, int) else ExitCode.OK
            if sys.stdout is not None:
                sys.stdout.flush()
        except BaseException as fault:  # noqa: BLE001  this is where every fault ends
            code = _told(fault, traced=traced)
        if code == ExitCode.INTERRUPTED:
            say("interrupted")
        if standalone_mode:
            sys.exit(int(code))
        return int(code)


def _told(fault: BaseException, *, traced: bool) -> int:
    """Say what a fault is, if anything is to be said, and give the exit code for it."""
    if isinstance(fault, Ending):
        return fault.code
    if isinstance(fault, SystemExit):
        return fault.code if isinstance(fault.code, int) else ExitCode.FAILED
    if isinstance(fault, KeyboardInterrupt):
        return ExitCode.INTERRUPTED
    if isinstance(fault, OSError | ReaderGone):
        give_up_stdout()
    if isinstance(fault, BrokenPipeError | ReaderGone):
        return ExitCode.READER_GONE
    if traced:
        traceback.print_exception(fault, file=sys.stderr)
    return _told_fault(fault)


def _told_fault(fault: BaseException) -> int:
    if isinstance(fault, FeedcleanError):
        say(fault)
        return next((code for kind, code in _BY_ERROR.items() if isinstance(fault, kind)), ExitCode.FAILED)
    if isinstance(fault, typer.TyperException | typer.Abort):
        return _told_usage(fault)
    if isinstance(fault, OSError):  # everything else that can be written or read has its own border
        say(f"standard output: cannot be written: {(fault.strerror or str(fault)).lower()}")
        return ExitCode.OUTPUT
    say(f"unexpected {type(fault).__name__}: {fault}; please report it; {_TRACEBACK} shows where it happened")
    return ExitCode.FAILED


def _told_usage(fault: typer.TyperException | typer.Abort) -> int:
    """A fault that typer found in the arguments. Called without any, a command has shown its help instead."""
    context = getattr(fault, "ctx", None)
    command = context.command_path if context is not None else "feedclean"
    message = fault.format_message() if isinstance(fault, typer.TyperException) else "aborted"
    if type(fault).__name__ != "NoArgsIsHelpError":
        where = command.removeprefix("feedclean").strip()
        said = message.rstrip(".")
        said = said[:1].lower() + said[1:]
        say(f"{where + ': ' if where else ''}{said}; see {command} --help")
    elif message:
        typer.echo(message)
    return ExitCode.USAGE


def _without_traceback(arguments: list[str]) -> tuple[list[str], bool]:
    """`--traceback` may stand anywhere before `--`: it is asked for when a command line is repeated."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    kept = [argument for argument in arguments[:end] if argument != _TRACEBACK]
    traced = len(kept) < end
    return kept + arguments[end:], traced


def give_up_stdout() -> None:
    """Let what is still in the buffer of standard output go nowhere: Python would try to write it when it ends."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
