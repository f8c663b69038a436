"""What killed runs leave is removed by a later one, and nothing else is."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from feedclean.cli.atomic import Replacement
from tests.cli.conftest import Run, page

DAY = 86_400.0
LEFT = ".feedclean-0123456789abcdef.part"


def put(path: Path, age: float = 2 * DAY) -> Path:
    path.write_text("half a result")
    os.utime(path, (time.time() - age,) * 2)
    return path


def test_what_a_killed_run_left_is_gone_after_a_later_run_that_writes_there(run: Run, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    left, elsewhere = put(tmp_path / "out" / LEFT), put(tmp_path / LEFT)
    (tmp_path / "a.html").write_text(page("News."))
    assert run("clean", "a.html", "-o", "out/a.html").exit_code == 0
    assert not left.exists() and elsewhere.exists() and (tmp_path / "out" / "a.html").exists()


def test_what_may_still_be_written_or_is_not_ours_stays(tmp_path: Path) -> None:
    young = put(tmp_path / LEFT, age=DAY / 2)
    ahead = put(tmp_path / LEFT.replace("0", "1"), age=-DAY)  # the clock was set back since
    names = ("feedclean-0123456789abcdef.part", ".feedclean-0123.part", ".x.feedclean-part", f"{LEFT}.html", "a.part")
    others = [put(tmp_path / name) for name in names]
    target = put(tmp_path / "target")
    link = tmp_path / LEFT.replace("0", "2")
    link.symlink_to(target)
    folder = tmp_path / LEFT.replace("0", "3")
    folder.mkdir()
    os.utime(folder, (time.time() - 2 * DAY,) * 2)
    with Replacement(tmp_path / "result") as file:
        file.write(b"new")
    assert all(path.exists() for path in (young, ahead, *others, target, link, folder))


def test_what_another_run_is_writing_stays_however_long_it_has_been_at_it_until_it_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from feedclean.cli.atomic import Replacement\n"
        "file = Replacement(Path(sys.argv[1])); file.write(b'half'); file.flush(); print('begun', flush=True)\n"
        "sys.stdin.read(1)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "theirs")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as other:
        assert other.stdout is not None and other.stdout.readline() == b"begun\n"
        (part,) = tmp_path.glob(".feedclean-*.part")
        os.utime(part, (time.time() - 2 * DAY,) * 2)
        _write(tmp_path / "first")
        assert part.exists()
        other.kill()
        other.wait()
    assert part.exists()
    _write(tmp_path / "second")
    assert not part.exists()


def _write(path: Path) -> None:
    """Write a file as the first in its folder that a process writes."""
    script = "import sys; from pathlib import Path; from feedclean.cli.atomic import Replacement\nwith Replacement(Path(sys.argv[1])): pass"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", script, str(path)], check=True, env=environment)
