"""What became of items, so that one that was cleaned before costs no more than to be known again.

    item ── known? ──> what became of it then
         ── else, beside a dozen of the known ones ──> the sentence ──> remembered

A feed that is fetched again brings one item or two and all the others as they were. Verdicts are pinned (`pins.py`), so
what became of an item says what would become of it now, whatever stands around it: as long as the item is the same to
the character, and people, the policy and the model say what they said. The digest is of all of that but the model; a
judge has a memory of its own.
"""

from __future__ import annotations

import hashlib
import sys
import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Mapping, Sequence

from ..judging.policy import Policy
from ..types import Cut, Item, Outcome
from .settling import COMPANY

__all__ = ["Outcomes", "digests", "with_readers"]

_BYTES = 48 << 20  # more than a thousand feeds of fifty items
# What an outcome, its title's decision and its digest take, and a line of the ledger, beside their texts.
_EACH, _EACH_CUT = 400, 500


class Outcomes:
    """The outcomes that were asked for last, by digest; may be used from any thread.

    Args:
        most: bytes that they may take, about.
    """

    def __init__(self, most: int = _BYTES) -> None:
        self._most = most
        self._size = 0
        self._known: OrderedDict[bytes, Outcome] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, keys: Sequence[bytes]) -> list[Outcome | None]:
        """What became of each; `None` where that is not known."""
        with self._lock:
            return [self._get(key) for key in keys]

    def put(self, found: Mapping[bytes, Outcome]) -> None:
        """Remember outcomes, and forget those that nobody has asked for longest. What is known already stays."""
        with self._lock:
            for key, outcome in found.items():
                if key not in self._known:
                    self._known[key] = outcome
                    self._size += _size(outcome)
            while self._size > self._most:
                self._size -= _size(self._known.popitem(last=False)[1])

    def _get(self, key: bytes) -> Outcome | None:
        found = self._known.get(key)
        if found is not None:
            self._known.move_to_end(key)
        return found


def digests(items: Iterable[Item], policy: Policy, mark: Hashable) -> list[bytes]:
    """What outcomes are remembered by: the items, the policy, and a mark of what people have said."""
    acts = [(label.value, policy.actions[label].value) for label in sorted(policy.actions)]
    how = (acts, policy.threshold, policy.title_action.value, policy.max_share, mark)
    begun = hashlib.blake2b(repr(how).encode(), digest_size=16)
    found: list[bytes] = []
    for item in items:
        hasher = begun.copy()
        hasher.update(_told(item).encode("utf-8", "surrogatepass"))
        found.append(hasher.digest())
    return found


def with_readers(known: Sequence[Outcome | None]) -> list[int]:
    """The places of all items that nothing is known of, and of as many others as `settling.with_company` will ask for.

    An item of which nothing is left to be read is no company, so with it goes the next one.
    """
    chosen: list[int] = []
    company = 0
    for place, outcome in enumerate(known):
        if outcome is not None:
            if company >= COMPANY:
                continue
            company += outcome.read
        chosen.append(place)
    return chosen


def _told(item: Item) -> str:
    """All of an item that its outcome depends on. The lengths say where each text ends."""
    title = item.title.text if item.title else None
    texts = [body.text for body in item.bodies]
    kinds = [(body.name, body.markup.value, len(body.text)) for body in item.bodies]
    return "".join([repr((item.key, title, item.url, kinds)), *texts])


def _size(outcome: Outcome) -> int:
    texts = sum(sys.getsizeof(text) for _, text in outcome.texts)
    return _EACH + texts + sum(map(_size_of_cut, outcome.cuts))


def _size_of_cut(cut: Cut) -> int:
    clues = sum(sys.getsizeof(clue.text) + 64 for clue in cut.clues)
    return _EACH_CUT + sys.getsizeof(cut.text) + sys.getsizeof(cut.source) + clues
