"""How much of what costs one client may ask for: so many requests for any address a minute, and as many at once.

The generic cell rate algorithm (ITU-T I.371): of each client one moment is remembered, that at which it will have used
up nothing.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Sequence

from ..settings.kinds import Network
from .access import Caller

__all__ = ["Allowance", "client_of"]

_WINDOW = 60.0  # seconds
_CLIENTS = 10_000  # remembered


def client_of(caller: Caller, trusted: Sequence[Network]) -> str:
    """Who asks: the other end of the socket; behind a web server that is trusted, whom that names.

    Of IPv6 the network counts, since a household has 2^64 addresses.

    Args:
        caller: who asks.
        trusted: networks of web servers whose `X-Forwarded-For` is believed. Each adds whom it was asked by at the end,
            and everything before that may be invented, so the last one who is not trusted counts.
    """
    known = caller.address or ""
    for told in [known, *reversed(caller.headers.get("x-forwarded-for", "").split(","))]:
        try:
            address = ipaddress.ip_address(told.strip().strip("[]"))
        except ValueError:
            break
        if isinstance(address, ipaddress.IPv6Address):
            address = address.ipv4_mapped or address
        known = str(address) if address.version == 4 else str(ipaddress.ip_network((address, 64), strict=False))
        if not any(address in network for network in trusted):
            break
    return known


class Allowance:
    """What clients have asked for lately."""

    def __init__(self) -> None:
        self._free: OrderedDict[str, float] = OrderedDict()  # by client: when nothing of its allowance is used up

    def take(self, client: str, per_minute: int, now: float) -> float:
        """Use up one request of a client's; seconds to wait for it if there is none left, else 0.

        Args:
            client: who asks.
            per_minute: requests; 0 for as many as they like.
            now: seconds since some moment.
        """
        if not per_minute:
            return 0.0
        # A moment too far ahead is that of a larger allowance or another clock.
        free = max(now, min(self._free.pop(client, now), now + _WINDOW)) + _WINDOW / per_minute
        over = free - now - _WINDOW
        # So that rounding refuses nobody who is within a thousandth of a request.
        refused = over > 0.001 * _WINDOW / per_minute
        self._free[client] = free - _WINDOW / per_minute if refused else free
        while len(self._free) > _CLIENTS:
            self._free.popitem(last=False)
        return over if refused else 0.0
