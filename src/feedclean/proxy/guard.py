"""Which addresses the proxy may connect to.

    URL ── canonical_url (`spelling.py`) ──> the one spelling that is checked and dialled
               │ check_url        scheme, literal addresses, the proxy itself
               v
    name ── resolver ──> address
                            │ check_address    once more, in the socket factory of `upstream.py`
                            v
                          socket

A name proves nothing: only `check_address`, asked about the address that is about to be dialled, keeps a request out
of the local network. `check_url` comes first so that what is plainly wrong costs no look-up.

The tables are ours because `ipaddress.is_global` lets through 18 of the 52 dangerous addresses it was tried on.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from feedclean.errors import ForbiddenError, SettingsError
from feedclean.proxy.spelling import PORTS, canonical_url

__all__ = ["Guard"]


_V4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this host
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared by the customers of a provider
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # a cloud's host agent, though the range is public
        "169.254.0.0/16",  # link-local, metadata of clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
_V4_PUBLIC_ANYCAST = (IPv4Address("192.0.0.9"), IPv4Address("192.0.0.10"))  # inside 192.0.0.0/24, and public
_V6_PUBLIC = IPv6Network("2000::/3")  # all that is routed; what is outside is loopback, local, multicast or unassigned
_V6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments: Teredo, benchmarks, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "3ffe::/16",  # the dissolved 6bone
        "3fff::/20",  # documentation
    )
)
_LOOPBACK = IPv6Address("::1")
_NAT64 = IPv6Network("64:ff9b::/96")
_EMBEDDING = (
    IPv6Network("::/96"),  # IPv4-compatible
    IPv6Network("::ffff:0:0/96"),  # IPv4-mapped
    IPv6Network("::ffff:0:0:0/96"),  # IPv4-translated
    _NAT64,
    IPv6Network("64:ff9b:1::/48"),  # NAT64 of a site
    IPv6Network("2001::/32"),  # Teredo
    IPv6Network("2002::/16"),  # 6to4
)
_ISATAP = (0x00005EFE, 0x02005EFE)  # upper half of an interface identifier whose lower half is an IPv4 address
# No feed lives there, and what does gives away keys or reaches everybody: no setting opens them.
_NEVER = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",
        "100.100.100.200/32",
        "168.63.129.16/32",
        "169.254.169.254/32",
        "169.254.170.2/32",
        "192.0.0.192/32",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/128",
        "fd00:ec2::254/128",
        "fd20:ce::254/128",
        "ff00::/8",
    )
)
_LOCAL_NAME = re.compile(r"(?:.*\.)?localhost|ip6-localhost|ip6-loopback")


class Guard:
    """Says which addresses may be connected to.

    Args:
        allow_networks: networks of one's own that may be reached although they are not public; from the settings
            file only, never from a request.
        own: (host or address, port) pairs at which this proxy itself answers.

    Raises:
        SettingsError: an entry that would open IPv4 addresses by way of IPv6, where they are not looked for.
    """

    def __init__(
        self, allow_networks: Sequence[IPv4Network | IPv6Network] = (), own: Sequence[tuple[str, int]] = ()
    ) -> None:
        for network in allow_networks:
            clash = [wide for wide in _EMBEDDING if isinstance(network, IPv6Network) and network.overlaps(wide)]
            if clash and network != IPv6Network(_LOOPBACK):
                raise SettingsError(
                    f"allow_networks: {network} overlaps {clash[0]}, where IPv4 addresses hide",
                    hint="name the IPv4 one",
                )
        self._allowed = tuple(allow_networks)
        self._own_names = {(host.lower().rstrip("."), port) for host, port in own if _literal(host) is None}
        self._own_addresses = {(_unmapped(ip), port) for host, port in own if (ip := _literal(host)) is not None}
        self._own_everywhere = {port for ip, port in self._own_addresses if ip.is_unspecified}

    def check_url(self, url: str) -> None:
        """Refuse what need not be looked up to be refused.

        Raises:
            ForbiddenError: another scheme than http and https, user names, a malformed host, the proxy itself, or a
                literal address (in any spelling) that `check_address` refuses.
        """
        parts = urlsplit(canonical_url(url))
        host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
        ip = _literal(host)
        if ip is not None:
            self.check_address(ip, port)
        elif (host, port) in self._own_names:
            raise ForbiddenError(f"{host}:{port} is this proxy itself")
        elif _LOCAL_NAME.fullmatch(host) and not any(network.is_loopback for network in self._allowed):
            raise ForbiddenError(f"{host} is not a public address")

    def check_address(self, ip: str | IPv4Address | IPv6Address, port: int) -> None:
        """Refuse an address that is about to be dialled.

        Raises:
            ForbiddenError: it is not public and not allowed, or the proxy itself answers there.
        """
        try:
            address = _unmapped(ip_address(ip))
        except ValueError:
            raise ForbiddenError(f"{ip!r} is no address") from None
        if isinstance(address, IPv6Address) and address.scope_id is not None:
            raise ForbiddenError(f"{ip} is an address of one link only")
        if (address, port) in self._own_addresses or (port in self._own_everywhere and _is_ours(address)):
            raise ForbiddenError(f"{ip} port {port} is this proxy itself")
        if any(address in network for network in _NEVER):
            raise ForbiddenError(f"{ip} is never a public address")
        hidden = _hidden_ipv4(address)
        if hidden is not None:
            if address not in _NAT64 or not _is_public(hidden):
                raise ForbiddenError(f"{ip} hides an IPv4 address")
            return
        if not _is_public(address) and not any(address in network for network in self._allowed):
            raise ForbiddenError(f"{ip} is not a public address")


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a host is, or `None` for a name."""
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        return None


def _unmapped(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that is really dialled for an IPv4-mapped one."""
    return ip.ipv4_mapped or ip if isinstance(ip, IPv6Address) else ip


def _hidden_ipv4(ip: IPv4Address | IPv6Address) -> IPv4Address | None:
    """An IPv4 address that a translator or tunnel may take out of an IPv6 address (Teredo and 6to4: any will do)."""
    if isinstance(ip, IPv4Address) or ip == _LOOPBACK:
        return None
    if any(ip in network for network in _EMBEDDING) or (int(ip) >> 32) & 0xFFFFFFFF in _ISATAP:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return None


def _is_public(ip: IPv4Address | IPv6Address) -> bool:
    if isinstance(ip, IPv4Address):
        return ip in _V4_PUBLIC_ANYCAST or not any(ip in network for network in _V4)
    return ip in _V6_PUBLIC and not any(ip in network for network in _V6)


def _is_ours(ip: IPv4Address | IPv6Address) -> bool:
    """Whether this machine has the address: only then can a socket be bound to it. Nothing is sent."""
    family = socket.AF_INET if isinstance(ip, IPv4Address) else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(ip), 0))
    except OSError:
        return False
    return True
