"""What the import contracts in `pyproject.toml` cannot see: calls, what is really loaded, and the size of modules."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "feedclean"
SOURCES = sorted(PACKAGE.rglob("*.py"))
JUDGING = sorted((PACKAGE / "judging").glob("*.py"))
LONGEST = 400  # lines of a module; at that length ask why


def named(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def calls(path: Path) -> set[str]:
    """Names and dotted names that are called in a module."""
    return {
        ast.unparse(node.func) for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)
    }


def loaded_by(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after `code`."""
    told = f"{code}\nimport json, sys\nprint(json.dumps(sorted({{name.partition('.')[0] for name in sys.modules}})))"
    found = subprocess.run([sys.executable, "-c", told], capture_output=True, check=True, text=True)
    return set(json.loads(found.stdout.splitlines()[-1]))


@pytest.mark.parametrize("path", JUDGING, ids=named)
def test_judging_opens_nothing_and_asks_nobody(path: Path) -> None:
    """Pure means that a verdict depends on its arguments alone."""
    impure = {"open", "input", "print", "exec", "eval", "__import__", "breakpoint", "globals"}
    assert not calls(path) & impure
    assert not any(
        call.startswith(("np.random", "numpy.random", "np.load", "np.save", "np.fromfile")) for call in calls(path)
    )


@pytest.mark.parametrize("path", [path for path in SOURCES if "learning" not in path.parts], ids=named)
def test_nothing_that_serves_can_run_what_a_file_holds(path: Path) -> None:
    """No pickle by any name: a model file is arrays and a card."""
    source = path.read_text("utf-8")
    tree = ast.parse(source)
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not imported & {"pickle", "marshal", "shelve", "cloudpickle", "dill", "skops"}
    assert "allow_pickle=True" not in source
    assert not calls(path) & {"eval", "exec", "joblib.load", "joblib.dump", "yaml.load"}


@pytest.mark.slow
def test_cleaning_loads_no_scikit_learn() -> None:
    """Importing it costs more than cleaning a hundred feeds."""
    code = "import feedclean.cleaning, feedclean.bulk, feedclean.cli\nfrom feedclean import clean\n"
    loaded = loaded_by(code)
    assert "feedclean" in loaded
    assert not loaded & {"sklearn", "scipy", "pandas", "pickletools"}


@pytest.mark.slow
def test_help_loads_nothing_that_costs_time() -> None:
    """`feedclean --help` parses arguments and prints: no arrays, no parsers, no colours."""
    code = "import sys\nfrom feedclean.cli.app import app\ntry:\n    app(['--help'])\nexcept SystemExit:\n    pass"
    assert not loaded_by(code) & {"numpy", "lxml", "feedparser", "nh3", "joblib", "sklearn", "markdownify"}


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_a_module_can_be_read_in_one_sitting(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= LONGEST


@pytest.mark.parametrize("path", [path for path in SOURCES if path.name != "__init__.py"], ids=named)
def test_a_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text("utf-8")))
