"""What the documentation says is so: links lead somewhere, commands are understood, examples run."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from feedclean.cli.app import app
from feedclean.cli.faults import MEANINGS

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("training_data/*.md")])
README = (ROOT / "README.md").read_text("utf-8")
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def commands() -> Iterator[str]:
    """Every `feedclean` command in an indented block of the README, as its words up to the comment."""
    for line in README.splitlines():
        found = re.match(r"    (?:[^#]*\| )?(feedclean [^#>]*)", line)
        if found:
            yield found[1].strip()


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_inside_the_project_lead_somewhere(page: Path) -> None:
    targets = [target for target in _LINK.findall(page.read_text("utf-8")) if "://" not in target]
    assert not [target for target in targets if not (page.parent / target).exists()]


@pytest.mark.parametrize("command", list(commands()))
def test_a_command_in_the_readme_names_commands_and_options_that_exist(command: str) -> None:
    words = shlex.split(command)[1:]
    names = [word for word in words if not word.startswith("-")]
    depth = 2 if names[:1] == ["corpus"] else 1
    told = CliRunner().invoke(app, [*names[:depth], "--help"] if names else ["--help"])
    assert told.exit_code == 0
    for option in (word for word in words if word.startswith("-") and word != "-"):
        assert re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", told.output), f"{option} in {command}"


def test_the_readme_tells_all_exit_codes() -> None:
    told = {int(code) for row in re.findall(r"^\| ([\d, ]+) \|", README, re.MULTILINE) for code in row.split(",")}
    assert told == {int(code) for code in MEANINGS}


def test_the_python_example_of_the_readme_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    data = (ROOT / "examples" / "article.html").read_bytes()
    exec(compile(ast.parse(example), "README.md", "exec"), {"data": data})  # noqa: S102  our own README
    assert "promo" in capsys.readouterr().out


def test_targets_of_the_makefile_are_a_line_or_two_each() -> None:
    """Whatever is longer is a program."""
    rules = re.findall(r"^([a-z]+):.*?## .*\n((?:\t.*\n)*)", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert {"help", "run", "test", "check", "train", "evaluate", "quality", "bench"} <= {name for name, _ in rules}
    assert all(1 <= recipe.count("\n") <= 2 for _, recipe in rules)


def test_no_page_tells_where_it_was_written() -> None:
    """Neither paths of a machine nor files outside the project."""
    for page in PAGES:
        assert not re.search(r"\.\./shared|/(?:work|tmp|home|root)/", page.read_text("utf-8")), named(page)
