"""Where in the source of a JSON document its values stand.

`json` gives the values; this gives their places, so that one can be changed without writing the others anew: numbers,
escapes, indentation and the order of keys stay as they were.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from feedclean.errors import LimitError

__all__ = ["Node", "check_depth", "locate", "without"]

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*+"?|[{}\[\]]', re.DOTALL)


@dataclass(slots=True)
class Node:
    """A value: its span in the source, and for containers what they hold."""

    start: int
    end: int = 0
    members: dict[str, Node] | None = None  # of an object; of equal keys the last, as in `json`
    elements: list[Node] | None = None  # of an array
    key: str | None = field(default=None, repr=False)

    @property
    def empty(self) -> bool:
        """Whether it is a container that holds nothing."""
        return not self.members and not self.elements


def check_depth(text: str, depth: int) -> None:
    """Refuse containers nested deeper than `depth`, before a recursive parser sees them.

    Raises:
        LimitError: they are.
    """
    level = 0
    for token in _BRACKET.finditer(text):
        character = token[0]
        if character in "{[":
            level += 1
            if level > depth:
                raise LimitError(f"JSON nested more than {depth} deep")
        elif character in "}]":
            level -= 1


def locate(text: str) -> Node:
    """The places of all values in a JSON document that `json` has accepted. Linear, and not recursive."""
    stack: list[Node] = []
    root = Node(0)
    pending: str | None = None  # a key that waits for its value
    for token in _TOKEN.finditer(text):
        start, end = token.span()
        character = text[start]
        if character in ",:":
            continue
        if character in "}]":
            done = stack.pop()
            done.end = end
            continue
        parent = stack[-1] if stack else None
        if parent is not None and parent.members is not None and pending is None:
            pending = text[start:end]
            continue
        node = Node(start, end)
        if character == "{":
            node.members = {}
        elif character == "[":
            node.elements = []
        if parent is None:
            root = node
        elif parent.members is not None and pending is not None:
            parent.members[_key(pending)] = node
            pending = None
        elif parent.elements is not None:
            parent.elements.append(node)
        if character in "{[":
            stack.append(node)
    return root


def without(listed: list[Node], gone: set[int]) -> list[tuple[int, int, str]]:
    """What to write where, so that an array is without some of its elements: each goes with one comma beside it."""
    patches: list[tuple[int, int, str]] = []
    kept = [number for number in range(len(listed)) if number not in gone]
    for number in sorted(gone):
        if kept and number > kept[0]:
            patches.append((listed[number - 1].end, listed[number].end, ""))
        elif number + 1 < len(listed):
            patches.append((listed[number].start, listed[number + 1].start, ""))
        else:
            patches.append((listed[number].start, listed[number].end, ""))
    return patches


def _key(quoted: str) -> str:
    if "\\" not in quoted:
        return quoted[1:-1]
    import json

    return str(json.loads(quoted))
