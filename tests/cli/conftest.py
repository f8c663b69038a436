"""The command with the fake judge, in this process and as a program of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import feedclean.bulk.one
from feedclean.cli.app import app
from tests.cli.fake_judge import FakeJudge

EXAMPLES = Path(__file__).parents[2] / "examples"
COMMAND = Path(__file__).with_name("fake_command.py")

Run = Callable[..., Result]
Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """`feedclean` with some arguments, in an empty folder."""
    monkeypatch.setattr(feedclean.bulk.one, "load_model", lambda path=None: FakeJudge())
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))  # what whoever runs the tests has labelled is theirs

    def invoke(*arguments: str | Path, input: bytes = b"") -> Result:  # noqa: A002  as the runner calls it
        return CliRunner().invoke(app, [str(argument) for argument in arguments], input=input, prog_name="feedclean")

    return invoke


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """The same as a process, for what only a real one has: signals, pipes, descriptors."""

    def begin(*arguments: str | Path, before: Sequence[str] = (), **options: object) -> subprocess.Popen[bytes]:
        given = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "cwd": tmp_path}
        environment = {**os.environ, "XDG_DATA_HOME": str(tmp_path / "data"), "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [*before, sys.executable, str(COMMAND), *map(str, arguments)]
        return subprocess.Popen(command, **{**given, "env": environment, **options})  # type: ignore[call-overload,no-any-return]

    return begin


def page(words: str) -> str:
    """A page with some news, an ad and `words`."""
    return (
        "<html><body><p>Acme earned 4 million euros in the third quarter, a tenth more than a year before.</p>"
        f"<p>{words}</p><p>Acme shares: buy or sell? See the free study.</p></body></html>"
    )
