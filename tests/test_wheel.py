"""What is installed is complete: a fresh environment, one `pip install`, and the command works anywhere."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ARTICLE = ROOT / "examples" / "article.html"


def run(command: Sequence[str | Path], cwd: Path) -> str:
    done = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow
def test_pip_install_gives_a_command_with_its_model(tmp_path: Path) -> None:
    """No dependency is missing, the model lies inside the package, and it cleans as it does in the checkout."""
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    options = ["--quiet", "--disable-pip-version-check", "--constraint", str(ROOT / "constraints.txt")]
    run([python, "-m", "pip", "install", *options, ROOT], tmp_path)

    code = "import feedclean, json, pathlib; print(json.dumps([feedclean.__file__, feedclean.load_model().name]))"
    where, model = json.loads(run([python, "-c", code], tmp_path))
    package = Path(where).parent
    assert ROOT not in package.parents
    assert (package / "py.typed").is_file()
    assert sorted(path.name for path in (package / "models" / "default").iterdir()) == ["card.json", "weights.npz"]
    assert model.startswith("default-")

    for page in (ARTICLE, ARTICLE.with_name("page.html")):  # the second one takes trafilatura and all that it needs
        here = run([sys.executable, "-m", "feedclean", "clean", page], tmp_path)
        there = run([tmp_path / "venv" / "bin" / "feedclean", "clean", page], tmp_path)
        assert there == here
        assert "<article>" in there
