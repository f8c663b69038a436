"""What only a real process has: signals, pipes, descriptors, a cold start."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import COMMAND, EXAMPLES, Start, page
from tests.cli.test_outputs import tree

pytestmark = pytest.mark.slow

FEED = EXAMPLES / "feed.xml"


def test_ctrl_c_is_code_130_one_line_and_no_file(start: Start, tmp_path: Path) -> None:
    process = start("clean", "-", "-o", "out.html", "--removed", "cuts.jsonl")
    assert process.stdin is not None
    process.stdin.write(page("News.").encode())
    process.stdin.flush()
    _wait_for(lambda: tree(tmp_path) != [])  # the ledger has been begun: it waits for the rest of the document
    process.send_signal(signal.SIGINT)
    _, told = process.communicate()
    assert (process.returncode, told) == (130, b"feedclean: interrupted\n")
    assert tree(tmp_path) == []


def test_being_terminated_leaves_no_file(start: Start, tmp_path: Path) -> None:
    process = start("clean", "-", "-o", "out.html", "--removed", "cuts.jsonl")
    _wait_for(lambda: tree(tmp_path) != [])
    process.terminate()
    process.communicate()
    assert process.returncode == 128 + signal.SIGTERM
    assert tree(tmp_path) == []


def test_ctrl_c_among_processes_ends_them_all_without_a_traceback(start: Start, tmp_path: Path) -> None:
    for number in range(4000):
        (tmp_path / f"{number:04}.html").write_text(page("News. " * 50))
    process = start("clean", ".", "-o", "out", "--jobs", "2", "--removed", "cuts.jsonl", start_new_session=True)
    _wait_for((tmp_path / "out" / "0040.html").exists)
    os.killpg(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert re.fullmatch(rb"feedclean: \d+ documents done; .* --resume .*\nfeedclean: interrupted\n", told), told
    written = [name for name in tree(tmp_path / "out") if not name.startswith(".feedclean-journal")]
    assert all(name.endswith(".html") for name in written)
    # What was cut from the documents that are there is on record.
    lines = [json.loads(line) for line in (tmp_path / "cuts.jsonl").read_text().splitlines()]
    assert set(written) <= {line["source"] for line in lines}


@pytest.mark.parametrize("seconds", [0.0, 0.1, 0.2, 0.4, 0.6, 0.9])
def test_ctrl_c_at_any_moment_ends_in_a_line_or_two(start: Start, tmp_path: Path, seconds: float) -> None:
    """While joblib is imported, while the processes are, while they get their first documents."""
    for number in range(4000):  # more than any machine cleans meanwhile
        (tmp_path / f"{number:04}.html").write_text(page("News. " * 50))
    process = start("clean", ".", "-o", "out", "--jobs", "2", start_new_session=True)
    _wait_for((tmp_path / "out").exists)
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 130, told
    assert re.fullmatch(rb"(feedclean: .* --resume .*\n)?feedclean: interrupted\n", told), told


def test_a_killed_run_leaves_no_process_behind(start: Start, tmp_path: Path) -> None:
    for number in range(2000):
        (tmp_path / f"{number:04}.html").write_text(page("News. " * 50))
    process = start("clean", ".", "-o", "out", "--jobs", "2")
    _wait_for((tmp_path / "out" / "0040.html").exists)
    process.kill()
    process.communicate(timeout=30)  # the others hold standard error open for as long as they live


def test_a_reader_that_stops_reading_is_no_fault(start: Start, tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text("The shares rose by 3 percent on Tuesday. " * 20_000)
    process = start("clean", "long.txt")
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 141
    process.stderr.close()
    assert process.stdin is not None
    process.stdin.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full device")
@pytest.mark.parametrize("arguments", [("clean", str(FEED)), ("--version",)])
def test_a_full_standard_output_is_code_4(start: Start, arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("wb") as full:
        process = start(*arguments, stdout=full)
        _, told = process.communicate()
    assert process.returncode == 4
    assert told.startswith(b"feedclean: standard output: ") and told.count(b"\n") == 1


def test_standard_output_can_be_named_as_a_file(start: Start) -> None:
    process = start("clean", FEED, "-o", "/dev/stdout")
    written, told = process.communicate()
    assert (process.returncode, told) == (0, b"")
    assert written.startswith(b"<?xml")


def test_a_named_pipe_is_a_source(start: Start, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    process = start("clean", "pipe")
    (tmp_path / "pipe").write_bytes(page("Through a pipe.").encode())
    written, _ = process.communicate()
    assert process.returncode == 0 and b"Through a pipe." in written


def test_closed_descriptors_are_one_line() -> None:
    shell = 'exec "$0" "$@" <&- >&-'
    command = [sys.executable, str(COMMAND), "clean", "-"]
    ended = subprocess.run(["/bin/sh", "-c", shell, *command], capture_output=True, check=False, env=_environment())
    assert ended.returncode == 1
    assert ended.stderr == b"feedclean: -: standard input is closed\n"


def test_endless_standard_input_is_refused_at_the_limit(start: Start) -> None:
    with Path("/dev/zero").open("rb") as endless:
        process = start("clean", "-", stdin=endless)
        _, told = process.communicate(timeout=30)
    assert process.returncode == 1
    assert told.startswith(b"feedclean: -: too large: more than 16,777,216 bytes")


def test_a_batch_has_a_progress_bar_in_a_terminal(start: Start, tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"{number}.html").write_text(page("News."))
    (tmp_path / "bad.html").write_text("")
    leader, follower = pty.openpty()
    process = start("clean", ".", "-o", "out", stderr=follower)
    os.close(follower)
    seen = b""
    try:
        while part := os.read(leader, 4096):
            seen += part
    except OSError:  # how a terminal says that nobody writes to it any more
        pass
    os.close(leader)
    process.communicate()
    assert b"21 documents" in seen and b"/s" in seen and b"bad.html: empty" in seen and b"20 documents cleaned" in seen


def test_help_imports_nothing_slow(start: Start) -> None:
    code = "import sys, feedclean.cli.app; print(sorted({'numpy', 'lxml', 'feedparser', 'rich', 'joblib', 'sklearn'} & set(sys.modules)))"
    lazy = "import sys, types; package = types.ModuleType('feedclean'); package.__path__ = [%r]; sys.modules['feedclean'] = package; "
    folder = str(Path(sys.modules["feedclean"].__file__ or "").parent)
    ended = subprocess.run(
        [sys.executable, "-c", lazy % folder + code], capture_output=True, check=True, env=_environment()
    )
    assert ended.stdout == b"[]\n"


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("feedclean cle", {"clean"}),
        ("feedclean corpus ", {"add", "annotate", "check", "export-labels", "fetch", "merge", "stats"}),
        ("feedclean clean --cut t", {"teaser"}),
    ],
)
def test_a_shell_completes_commands_and_labels(words: str, offered: set[str]) -> None:
    asked = {"_FEEDCLEAN_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    ended = subprocess.run(
        [sys.executable, str(COMMAND)], capture_output=True, check=False, env={**_environment(), **asked}
    )
    assert set(ended.stdout.decode().split()) == offered


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def _wait_for(condition: object) -> None:
    assert callable(condition)
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_semaphore_that_is_gone_already_is_told_to_nobody() -> None:
    """Loky's tracker tells of them when a run is broken off, behind its last line."""
    code = (
        "from feedclean.bulk.many import _hush_the_tracker; _hush_the_tracker()\n"
        "from joblib.externals.loky.backend.resource_tracker import register; register('/loky-0-gone', 'semlock')"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60)
    assert run.stderr == b""
