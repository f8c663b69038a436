"""The frame of every page. All work without scripts, and nothing they show can bring one."""

from __future__ import annotations

import base64
import hashlib
import html
from http import HTTPStatus

from ..reply import Reply, policy_of

__all__ = ["STYLE", "escaped", "page"]

STYLE = """
:root { color-scheme: light dark; --line: #8886; --soft: #8882; --accent: #0a6ebd; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
a { color: var(--accent); }
form { display: flex; flex-wrap: wrap; gap: .5rem; align-items: end; }
label { display: grid; gap: .2rem; flex: 1 1 20rem; } label.small { flex: 0 0 auto; }
input, select, button, output { font: inherit; padding: .4rem .6rem; border: 1px solid var(--line); }
output { display: block; background: var(--soft); overflow-wrap: anywhere; user-select: all; }
article { border-top: 1px solid var(--line); padding: .8rem 0; overflow-wrap: anywhere; }
.what { font-weight: 600; } .why, .note, small { opacity: .8; font-size: .9rem; }
blockquote { margin: .4rem 0; padding: .2rem .8rem; border-left: 3px solid var(--line); white-space: pre-line; }
pre { background: var(--soft); padding: .6rem; overflow: auto; white-space: pre-wrap; font-size: .85rem; }
.block { padding: .2rem .8rem; border-left: 3px solid var(--line); margin: .6rem 0; white-space: pre-line; }
.block p { margin: 0; } .gone { border-color: #c33; } .gone p { text-decoration: line-through; opacity: .7; }
.said { display: flex; flex-wrap: wrap; gap: .6rem; align-items: center; margin: .2rem 0; font-size: .9rem; }
.said form, article form { align-items: center; } .said button { padding: .1rem .5rem; }
.around { opacity: .6; } .asked { border-left-color: var(--accent); background: var(--soft); padding: .6rem .8rem; }
progress { width: 100%; }
kbd { border: 1px solid var(--line); border-radius: .2rem; padding: 0 .3rem; font-size: .8rem; }
table { border-collapse: collapse; } td { padding: .2rem 1rem .2rem 0; vertical-align: top; }
""".strip()


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


_HASH = _hash(STYLE)


def page(
    title: str,
    body: str,
    *,
    forms: bool = False,
    links: str = "",
    script: str = "",
    status: HTTPStatus = HTTPStatus.OK,
) -> Reply:
    """A page.

    Args:
        title: plain text.
        body: HTML.
        forms: whether it may send its form back to us.
        links: HTML for its head.
        script: the one that may run; a constant of ours, never made of what others wrote.
        status: of the answer.
    """
    text = (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escaped(title)}</title>\n'
        '<meta name="viewport" content="width=device-width">\n<meta name="robots" content="noindex">\n'
        f"{links}<style>{STYLE}</style>\n</head>\n<body>\n{body}\n"
        f"{f'<script>{script}</script>' if script else ''}</body>\n</html>\n"
    )
    policy = policy_of(_HASH, forms=forms, script=_hash(script) if script else "")
    headers = {"content-security-policy": policy, "cache-control": "no-store"}
    return Reply(status, text.encode("utf-8", "replace"), "text/html; charset=utf-8", headers)


def escaped(text: str) -> str:
    """Text, for an element or for an attribute in double quotes."""
    return html.escape(text.replace("\0", "\ufffd"))
