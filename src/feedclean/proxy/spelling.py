"""One spelling for every address, so that what is checked is what is dialled.

    http://０x7f.1:080/a?b#c  ──>  http://127.0.0.1/a?b

The host is read as browsers read it (percent-encoding, full-width and ideographic characters, numbers in decimal,
octal and hexadecimal, short forms), and what two readers could take for two hosts is refused.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import SplitResult, quote, unquote_to_bytes, urlsplit

import idna

from feedclean.errors import ForbiddenError

__all__ = ["PORTS", "canonical_url"]

PORTS = {"http": 80, "https": 443}
MAX_URL = 8192  # characters; longer ones are an attack or a mistake
_HOST = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_BLANK = re.compile(r"[\x00-\x20\x7f\x85\xa0\u2028\u2029]")
_UNSAFE = re.compile(r"[^\x21\x23-\x3b\x3d\x3f-\x5b\x5d-\x7e]+")  # all but printable ASCII; also `"`, `<`, `>`, `\`
_NUMBER = re.compile(r"(?P<hex>0[xX][0-9a-fA-F]*)|(?P<octal>0[0-7]*)|(?P<decimal>[1-9][0-9]*)", re.ASCII)


def canonical_url(url: str) -> str:
    """The one spelling of an http(s) URL: lower-case ASCII host, IPv4 in four decimals, no default port, no fragment.

    Everything else stays as it is, since a signature may cover it; only characters that a request line cannot hold
    are percent-encoded.

    Raises:
        ForbiddenError: it is no such URL, or one that different readers understand differently.
    """
    if len(url) > MAX_URL or _BLANK.search(url):
        raise ForbiddenError("an address that is too long" if len(url) > MAX_URL else "an address with blanks in it")
    try:
        parts = urlsplit(url)
        scheme = parts.scheme
        if scheme not in PORTS:
            raise ForbiddenError(f"{scheme or 'no'} scheme, where only http and https are fetched")
        if "@" in parts.netloc or "\\" in parts.netloc:
            raise ForbiddenError("a user name in the address", hint="set an Authorization header for the feed")
        host = _canonical_host(parts)
        port = _port(parts.netloc)
        path = _UNSAFE.sub(_percent, parts.path) or "/"
        query = f"?{_UNSAFE.sub(_percent, parts.query)}" if parts.query else ""
    except ValueError as error:  # urlsplit, idna and the codecs say it this way
        raise ForbiddenError(f"no valid address ({error})") from None
    return f"{scheme}://{host}{'' if port in (None, PORTS[scheme]) else f':{port}'}{path}{query}"


def _canonical_host(parts: SplitResult) -> str:
    """The host of a URL as it will be dialled; brackets round an IPv6 address."""
    if "[" in parts.netloc or "]" in parts.netloc:
        match = re.fullmatch(r"\[([^\[\]]*)\](?::[^:\[\]]*)?", parts.netloc)
        return f"[{IPv6Address(match[1] if match else '').compressed}]"
    written = re.sub(r":[^:]*\Z", "", parts.netloc)
    decoded = unquote_to_bytes(written).decode()
    host = idna.uts46_remap(decoded, std3_rules=False, transitional=False).removesuffix(".")
    labels = [label if label.isascii() else f"xn--{label.encode('punycode').decode()}" for label in host.split(".")]
    host = ".".join(labels)
    if not _HOST.fullmatch(host) or len(host) > 253:
        raise ForbiddenError(f"no valid host name ({written[:80]!r})")
    # As browsers have it: a last label that looks like a number makes the whole an IPv4 address, or nothing at all.
    if labels[-1].isdigit() or re.fullmatch(r"0x[0-9a-f]*", labels[-1]):
        return str(_ipv4(labels))
    return host


def _ipv4(labels: list[str]) -> IPv4Address:
    """The address that one to four numbers (decimal, octal or hexadecimal) make."""
    values = []
    for label in labels:
        match = _NUMBER.fullmatch(label)
        if match is None or len(label) > 20:
            raise ForbiddenError(f"no valid IPv4 address ({'.'.join(labels)!r})")
        digits = match["hex"][2:] if match["hex"] else label
        values.append(int(digits or "0", 16 if match["hex"] else 8 if match["octal"] else 10))
    *upper, last = values
    if len(values) > 4 or any(value > 255 for value in upper) or last >= 256 ** (5 - len(values)):
        raise ForbiddenError(f"no valid IPv4 address ({'.'.join(labels)!r})")
    return IPv4Address(last + sum(value << 8 * (3 - place) for place, value in enumerate(upper)))


def _port(netloc: str) -> int | None:
    """The port written in a URL."""
    match = re.search(r":([^:\]]*)\Z", netloc)
    if match is None or not match[1]:
        return None
    if not re.fullmatch(r"[0-9]{1,5}", match[1], re.ASCII) or not 0 < int(match[1]) < 65536:
        raise ForbiddenError(f"no valid port ({match[1][:20]!r})")
    return int(match[1])


def _percent(match: re.Match[str]) -> str:
    return quote(match[0].encode("utf-8", "surrogateescape"), safe="")
