"""What all documents that are one item have in common: the item as read, and what was put in the place of its texts."""

from __future__ import annotations

from collections.abc import Sequence

from feedclean.types import Format, Item, TitleLabel

__all__ = ["OneItem"]


class OneItem:
    """A `Document` of one item, but for `to_bytes`, which writes `_texts`, `_new_title` and, unless `None`, `_mark`.

    Args:
        kind: what `to_bytes` writes.
        item: the one item, as read.
    """

    rescued = ""
    extracted = False

    def __init__(self, kind: Format, item: Item) -> None:
        self._format = kind
        self._item = item
        self._title = self._new_title = item.title.text if item.title else ""
        self._texts = [body.text for body in item.bodies]
        self._mark: str | None = None  # "clickbait 0.93"; "" where an earlier one is to go

    @property
    def format(self) -> Format:
        """What `to_bytes` writes."""
        return self._format

    @property
    def items(self) -> Sequence[Item]:
        """The one item, as read."""
        return (self._item,)

    def replace(self, item: int, body: int | None, text: str) -> None:
        """Give a body, or the title (`None`), new text.

        Raises:
            IndexError: there is no such item or body.
        """
        self.items[item]
        if body is None:
            self._new_title = text
        else:
            self._texts[body] = text

    def mark_title(self, item: int, label: TitleLabel, probability: float) -> None:
        """Note beside the title what it was taken for, where the format has a place for that.

        Raises:
            IndexError: there is no such item.
        """
        self.items[item]
        self._mark = "" if label is TitleLabel.PLAIN else f"{label} {probability:.2f}"
