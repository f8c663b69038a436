"""Whole pages: what cleaning does to the articles that trafilatura finds, beside trafilatura itself.

    python benchmarks/articles.py --aeb FOLDER

FOLDER holds https://github.com/scrapinghub/article-extraction-benchmark (MIT): `ground-truth.json` and
`html/ID.html.gz`. The score is theirs (`evaluate.py` there): texts are multisets of four-word shingles, precision and
recall are averaged over the pages, F1 is taken from the two averages.

    f1         of the text that trafilatura finds, and of what cleaning leaves of it
    lost       editorial paragraphs that are cut, of those that trafilatura kept. Editorial is a paragraph of four words
               or more of whose shingles the true text has four fifths
    time       `clean` against trafilatura's own way to the same output (HTML with links and metadata), in turns,
               in one process; medians over the runs of the sums over the pages
    memory     by how much the peak of a process that cleans all pages is above that of one that only extracts them
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from common import ROOT, arguments

_WORD = re.compile(r"\w+")
_SHINGLE = 4
_ALIKE = 0.8


def shingles(text: str) -> Counter[tuple[str, ...]]:
    """The four-word shingles of a text; all its words, if there are fewer."""
    words = _WORD.findall(text)
    return Counter(tuple(words[n : n + _SHINGLE]) for n in range(max(1, len(words) - _SHINGLE + 1)) if words)


def f1(pairs: Sequence[tuple[str, str]]) -> tuple[float, float, float]:
    """Precision, recall and F1 of pairs of true and found texts."""
    precisions, recalls = [], []
    for true, found in pairs:
        wanted, given = shingles(true), shingles(found)
        common = (wanted & given).total()
        if given:
            precisions.append(common / given.total())
        if wanted:
            recalls.append(common / wanted.total())
    precision, recall = statistics.mean(precisions), statistics.mean(recalls)
    return precision, recall, 2 * precision * recall / (precision + recall)


def pages(folder: Path) -> Iterator[tuple[str, bytes, str, str]]:
    """Id, bytes, true text and address of every page."""
    for key, truth in sorted(json.loads((folder / "ground-truth.json").read_text(encoding="utf-8")).items()):
        data = gzip.decompress((folder / "html" / f"{key}.html.gz").read_bytes())
        yield key, data, truth.get("articleBody", ""), truth["url"]


def trained_on() -> set[str]:
    """The pages that annotations of the training data are about."""
    found: set[str] = set()
    for path in (ROOT / "training_data").rglob("*.jsonl"):
        found.update(re.findall(r"\b[0-9a-f]{64}\b", path.read_text(encoding="utf-8")))
    return found


def extracted(data: bytes, url: str) -> str | None:
    """What somebody who uses trafilatura alone would call for the same output."""
    import trafilatura

    found: str | None = trafilatura.extract(
        data, url=url, output_format="html", include_comments=False, include_links=True, with_metadata=True
    )
    return found


def quality(folder: Path, model: Any) -> dict[str, Any]:
    """Scores over all pages, and over those that no training saw."""
    import trafilatura

    from feedclean import Action, clean
    from feedclean.errors import FormatError
    from feedclean.types import Kind

    seen = trained_on()
    found: list[dict[str, Any]] = []
    for key, data, true, url in pages(folder):
        plain = trafilatura.extract(data, url=url, include_comments=False) or ""
        one: dict[str, Any] = {"seen": key in seen, "true": true, "plain": plain, "found": "", "left": ""}
        one |= {"editorial": 0, "lost": [], "other": 0, "gone": 0}
        try:
            blocks = clean(data, model=model, url=url).items[0].bodies[0]
        except FormatError:
            blocks = ()
        wanted = shingles(true)
        shown = [block for block in blocks if block.block.kind is not Kind.GLUE]
        left = [block for block in shown if block.decision.action is not Action.CUT]
        one["found"] = "\n".join(block.block.text for block in shown)
        one["left"] = "\n".join(block.block.text for block in left)
        for block in shown:
            text, cut = block.block.text, block.decision.action is Action.CUT
            own = shingles(text)
            if len(_WORD.findall(text)) >= _SHINGLE and (own & wanted).total() >= _ALIKE * own.total():
                one["editorial"] += 1
                one["lost"] += [f"{key[:8]} {block.decision.label} {block.decision.probability:.2f} {text}"] * cut
            else:
                one["other"] += 1
                one["gone"] += cut
        found.append(one)
    unseen = [one for one in found if not one["seen"]]
    return {"all": _scores(found), "unseen": _scores(unseen), "lost": [line for one in found for line in one["lost"]]}


def _scores(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    editorial, lost = sum(one["editorial"] for one in found), sum(len(one["lost"]) for one in found)
    return {
        "pages": len(found),
        "f1": {name: f1([(one["true"], one[name]) for one in found]) for name in ("plain", "found", "left")},
        "editorial": editorial,
        "lost": lost,
        "lost_share": lost / editorial if editorial else 0.0,
        "other": sum(one["other"] for one in found),
        "gone": sum(one["gone"] for one in found),
    }


def speed(folder: Path, model: Any, runs: int) -> dict[str, float]:
    """Seconds for all pages: medians over the runs, the two in turns for each page."""
    from feedclean import clean
    from feedclean.errors import FormatError

    held = list(pages(folder))
    taken: dict[str, list[float]] = {"trafilatura": [], "feedclean": []}
    for run in range(runs + 1):  # the first one warms up
        sums = dict.fromkeys(taken, 0.0)
        for number, (_, data, _, url) in enumerate(held):
            order = list(taken) if (number + run) % 2 else list(reversed(taken))
            for name in order:
                start = time.perf_counter()
                if name == "trafilatura":
                    extracted(data, url)
                else:
                    with suppress(FormatError):
                        clean(data, model=model, url=url)
                sums[name] += time.perf_counter() - start
        for name, seconds in sums.items():
            taken[name] += [seconds] * bool(run)
    medians = {name: statistics.median(seconds) for name, seconds in taken.items()}
    return {**medians, "ratio": medians["feedclean"] / medians["trafilatura"]}


def memory(folder: Path, model: str | None) -> dict[str, float]:
    """The peaks of two processes, in MB."""
    peaks = {}
    for what in ("trafilatura", "feedclean"):
        command = [sys.executable, __file__, "--aeb", str(folder), "--peak", what]
        command += ["--model", model] if model else []
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
        peaks[what] = float(done.stdout)
    return {**peaks, "more": peaks["feedclean"] - peaks["trafilatura"]}


def _peak(folder: Path, what: str, model: Any) -> None:
    from feedclean import clean
    from feedclean.errors import FormatError

    for _, data, _, url in pages(folder):
        if what == "trafilatura":
            extracted(data, url)
        else:
            with suppress(FormatError):
                clean(data, model=model, url=url)
    # Not getrusage: that also counts what the process was before it became this program.
    print(int(re.findall(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text(encoding="utf-8"))[0]) / 1024)


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__ or "", runs=5)
    parser.add_argument("--aeb", type=Path, required=True, help="folder of article-extraction-benchmark")
    parser.add_argument("--lost", action="store_true", help="print every editorial paragraph that was lost")
    parser.add_argument("--peak", choices=("trafilatura", "feedclean"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak == "trafilatura":
        return _peak(options.aeb, options.peak, None)
    from feedclean import load_model

    model = load_model(options.model)
    if options.peak:
        return _peak(options.aeb, options.peak, model)
    result = {
        "model": model.name,
        "quality": quality(options.aeb, model),
        "seconds": speed(options.aeb, model, options.runs) if options.runs else {},
        "megabytes": memory(options.aeb, options.model) if options.runs else {},
    }
    if options.json:
        print(json.dumps(result))
        return None
    _show(result, options.lost)
    return None


def _show(result: dict[str, Any], lost: bool) -> None:
    print(f"model: {result['model']}")
    for name in ("all", "unseen"):
        scores = result["quality"][name]
        print(f"{scores['pages']} pages ({name})")
        for what, said in (("plain", "trafilatura, text"), ("found", "trafilatura, with links"), ("left", "cleaned")):
            print("  {:24} precision {:.4f}  recall {:.4f}  F1 {:.4f}".format(said, *scores["f1"][what]))
        print(f"  editorial paragraphs lost {scores['lost']} of {scores['editorial']} ({scores['lost_share']:.2%})")
        print(f"  other paragraphs cut {scores['gone']} of {scores['other']}")
    seconds, megabytes = result["seconds"], result["megabytes"]
    if seconds:
        print("seconds: trafilatura {trafilatura:.2f}, feedclean {feedclean:.2f}, ratio {ratio:.2f}".format(**seconds))
        print("MB: trafilatura {trafilatura:.0f}, feedclean {feedclean:.0f}, {more:.0f} more".format(**megabytes))
    if lost:
        print(*result["quality"]["lost"], sep="\n")


if __name__ == "__main__":
    main()
