"""What the proxy says, as bytes: replies, refusals, and the headers that every one of them carries.

A refusal is `application/problem+json` (RFC 9457): a type, a title and one sentence; never a stack trace, never text
that came from outside without being escaped.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from starlette.types import Receive, Scope, Send

__all__ = ["SECURITY", "STRICT", "Problem", "Reply", "policy_of"]

RawHeaders = list[tuple[bytes, bytes]]

# Nothing loads, runs, is sent or framed, and what is shown has no origin (H6).
STRICT = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
SECURITY: RawHeaders = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
]
_CSP = (b"content-security-policy", STRICT.encode())


def policy_of(style: str, *, forms: bool = False, script: str = "") -> str:
    """The content security policy of a page with one style sheet, and perhaps forms and a script of ours.

    Args:
        style: the style sheet's hash.
        forms: whether it may send its forms back to us.
        script: the hash of the one script that may run, if there is one.
    """
    loaded = f"style-src 'sha256-{style}'" + (f"; script-src 'sha256-{script}'" if script else "")
    form = "'self'" if forms else "'none'"
    sandbox = " ".join(["sandbox", *(["allow-forms"] if forms else []), *(["allow-scripts"] if script else [])])
    return f"default-src 'none'; {loaded}; base-uri 'none'; form-action {form}; frame-ancestors 'none'; {sandbox}"


@dataclass(slots=True)
class Reply:
    """An answer, ready to be sent; an ASGI application of its own.

    Every reply has `SECURITY` and a content security policy, `STRICT` unless it brings another.
    """

    status: int
    body: bytes = b""
    content_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Send it; to HEAD without the body, but with its length."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.raw()})
        body = b"" if scope["method"] == "HEAD" or self.status == HTTPStatus.NOT_MODIFIED else self.body
        await send({"type": "http.response.body", "body": body})

    def raw(self) -> RawHeaders:
        """All headers."""
        found = [(name.lower().encode("latin-1"), _printable(value)) for name, value in self.headers.items()]
        if self.content_type:
            found.append((b"content-type", self.content_type.encode("latin-1")))
        if self.status not in (HTTPStatus.NOT_MODIFIED, HTTPStatus.NO_CONTENT):
            found.append((b"content-length", str(len(self.body)).encode()))
        if "content-security-policy" not in self.headers:
            found.append(_CSP)
        return found + SECURITY


class Problem(Exception):  # noqa: N818 - a refusal is no error of ours
    """A refusal: ends a request from wherever it is raised.

    Args:
        status: 4xx or 5xx.
        kind: a name that stays, for programs: `"address-refused"`.
        told: a sentence for people.
        retry_after: seconds.
        headers: further ones.
    """

    def __init__(
        self,
        status: HTTPStatus,
        kind: str,
        told: str,
        *,
        retry_after: float | None = None,
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        super().__init__(told)
        self.status, self.kind, self.told, self.retry_after = status, kind, told, retry_after
        self.headers = dict(headers)

    def reply(self, request_id: str = "") -> Reply:
        """As it is sent."""
        value = {
            "type": f"urn:feedclean:problem:{self.kind}",
            "title": self.status.phrase,
            "status": self.status.value,
            "detail": " ".join(self.told.split())[:500],
        }
        if request_id:
            value["request"] = request_id
        headers = {"cache-control": "no-store", **self.headers}
        if self.retry_after is not None:
            headers["retry-after"] = str(max(1, round(self.retry_after)))
        body = json.dumps(value).encode() + b"\n"  # escapes all that is not ASCII, controls included
        return Reply(self.status, body, "application/problem+json", headers)


def _printable(value: str) -> bytes:
    """A header's value that cannot end it: what is not printable ASCII is a question mark."""
    if value.isascii() and value.isprintable():
        return value.encode()
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in value).encode()
