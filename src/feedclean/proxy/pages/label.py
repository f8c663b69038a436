"""The page that asks what a block is: in its item, with the model's guess, a button and a key for each label.

The one script here presses a button when its key is pressed. It is a constant, and the page says so by its hash, so
that no other can run; without it the buttons work just as well.
"""

from __future__ import annotations

from ...formats.sanitize import LOADED, safe_url
from ...types import Label, Progress, Question
from ..reply import Reply
from .layout import escaped, page

__all__ = ["SKIP", "UNDO", "done_page", "question_page"]

SKIP, UNDO = "skip", "undo"
_MOST = 3000  # characters of a block
_SCRIPT = """
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
  const button = document.querySelector(`button[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
  if (button) { event.preventDefault(); button.click(); }
});
""".strip()
_TOLD = {
    Label.EDITORIAL: "the news",
    Label.PROMO: "a pitch",
    Label.TEASER: "bait for other content",
    Label.BOILERPLATE: "bylines, credits, share lines",
    Label.DISCLOSURE: "risk warnings, conflicts",
}


def question_page(question: Question, number: int, progress: Progress, token: str, fault: str = "") -> Reply:
    """One question.

    Args:
        question: the block.
        number: of the question; the answer names it.
        progress: how far it has come.
        token: what shows that the answer comes from this page.
        fault: why the last answer was not kept, if it was not.
    """
    sure = f"{question.guess.value} {round(question.probability * 100)} %{', not sure' if question.unsure else ''}"
    parts = [
        _progress(progress),
        f'<p role="alert"><strong>{escaped(fault)}</strong></p>' if fault else "",
        f"<h1>{escaped(question.title) or '(no title)'}</h1>",
        f'<p class="note">{_where(question)}</p>',
        *(f'<div class="block around"><p>{_text(text)}</p></div>' for text in question.before),
        f'<div class="block asked" id="asked"><p>{_text(question.text) or "<em>no words</em>"}</p></div>',
        f'<p class="note">The model: {sure}</p>',
        _form(number, token),
        *(f'<div class="block around"><p>{_text(text)}</p></div>' for text in question.after),
        f"<details><summary>Source</summary><pre>{escaped(question.source[:_MOST])}</pre></details>",
    ]
    return page("Label", "\n".join(part for part in parts if part), forms=True, script=_SCRIPT)


def done_page(progress: Progress, token: str) -> Reply:
    """Nothing is left."""
    body = (
        f"{_progress(progress)}<h1>Nothing left to ask</h1><p>All answers are kept. You can close this page, and end "
        "<code>feedclean label</code> with Ctrl-C.</p>"
        f'<form method="post" action="/answer">{_hidden(-1, token)}{_button(UNDO, "u", "Undo")}</form>'
    )
    return page("Label", body, forms=True, script=_SCRIPT)


def _form(number: int, token: str) -> str:
    labels = "".join(
        _button(label.value, str(key), f"{label.value}", _TOLD[label]) for key, label in enumerate(Label, 1)
    )
    others = _button(SKIP, "s", "Skip") + _button(UNDO, "u", "Undo")
    return f'<form method="post" action="/answer">{_hidden(number, token)}{labels}{others}</form>'


def _hidden(number: int, token: str) -> str:
    return (
        f'<input type="hidden" name="token" value="{escaped(token)}">'
        f'<input type="hidden" name="number" value="{number}">'
    )


def _button(value: str, key: str, caption: str, told: str = "") -> str:
    title = f' title="{escaped(told)}"' if told else ""
    return f'<button name="answer" value="{value}" data-key="{key}"{title}><kbd>{key}</kbd> {caption}</button>'


def _progress(progress: Progress) -> str:
    total = max(1, progress.answered + progress.left)
    skipped = f", {progress.skipped} skipped" if progress.skipped else ""
    return (
        f'<p><progress max="{total}" value="{progress.answered}"></progress>'
        f"<small>{progress.answered} answered{skipped}, at most {progress.left} left</small></p>"
    )


def _where(question: Question) -> str:
    link = safe_url(question.url or "", schemes=LOADED)
    told = escaped(question.origin)
    return f'<a href="{escaped(link)}" rel="noreferrer">{told or "the item"}</a>' if link else told


def _text(text: str) -> str:
    return escaped(text if len(text) <= _MOST else f"{text[:_MOST]}…")
