"""What all tests share: Hypothesis profiles, and a data folder of their own.

`ci` (the default) draws the same examples on every run, so that a change is red because of what it changes; `explore`
draws new ones and many more: `HYPOTHESIS_PROFILE=explore python -m pytest tests/judging`.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

from hypothesis import HealthCheck, settings

settings.register_profile("ci", derandomize=True, database=None, deadline=None, max_examples=150)
settings.register_profile(
    "explore", deadline=None, max_examples=1000, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

# Models that whoever runs the tests has promoted are no concern of theirs, nor are the tests of theirs.
_data = tempfile.mkdtemp(prefix="feedclean-tests-")
atexit.register(shutil.rmtree, _data, ignore_errors=True)
os.environ["XDG_DATA_HOME"] = _data
