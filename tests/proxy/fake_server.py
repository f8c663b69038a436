"""`feedclean` with the fake judge and without long pauses, as a program: `python tests/proxy/fake_server.py serve …`."""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from feedclean import model_files
from feedclean.cli import main
from feedclean.proxy import house, server
from feedclean.proxy.schedule import Rules
from tests.cli.fake_judge import FakeJudge

if __name__ == "__main__":
    if "TEST_REAL_MODELS" not in os.environ:
        vars(model_files)["load_model"] = lambda path=None: FakeJudge()
    pause = float(os.environ.get("TEST_RETRY", "0.2"))
    vars(house)["Rules"] = functools.partial(Rules, retry=pause, retry_refused=pause, longest_retry=pause)
    if patience := os.environ.get("TEST_PATIENCE"):  # milliseconds with slow clients
        vars(server).update(_HEADERS=int(patience), _STUCK=int(patience))
    main()
