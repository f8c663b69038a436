"""No spelling, mapping or setting makes an address of the local network look public."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedclean.errors import ForbiddenError, SettingsError
from feedclean.proxy.guard import Guard
from feedclean.proxy.spelling import canonical_url

LOCAL = """0.0.0.0 0.9.9.9 10.200.3.4 100.64.0.1 100.127.255.254 127.0.0.1 127.255.255.254 168.63.129.16 169.254.0.1
169.254.169.254 172.16.0.0 172.31.0.9 192.0.0.8 192.0.0.170 192.0.2.77 192.88.99.1 192.168.0.0 192.168.255.255 198.18.0.1
198.19.255.255 198.51.100.7 203.0.113.200 224.0.0.251 239.1.1.1 240.1.1.1 255.255.255.255
:: ::1 ::2 ::10.0.0.1 ::ffff:10.9.8.7 ::ffff:192.168.1.1 ::ffff:0:10.0.0.1 64:ff9b::10.0.0.1 64:ff9b::192.168.0.1
64:ff9b:1::8.8.8.8 100::9 100:0:0:1::1 2001::1 2001:0:8.8:808:: 2001:2::9 2001:10::9 2001:20::9 2001:1ff::1 2001:db8:1::1
2002:a00:1::1 2002:808:808::1 3ffe::1 3fff:fff::1 4000::1 5f00::9 fc00::9 fd12:3456::1 fe80::9 fe80::9%eth0 febf::1
fec0::9 ff02::fb ff0e::1 fd00:ec2::254 2a00:1450:4001::5efe:127.0.0.1 2a00:1450:4001:0:200:5efe:10.0.0.1""".split()
PUBLIC = """1.0.0.1 9.9.9.9 11.0.0.1 100.63.0.1 100.128.1.1 126.255.255.255 128.0.0.1 169.253.255.255 169.255.0.1
172.15.1.1 172.32.1.1 192.0.0.9 192.0.0.10 192.0.1.1 192.88.98.1 192.167.1.1 192.169.1.1 198.17.1.1 198.20.1.1 203.0.114.1
223.255.255.255 ::ffff:9.9.9.9 64:ff9b::9.9.9.9 2001:200::1 2001:4860:4860::8844 2003::1 2620:fe::fe 2a00:1450:4001:80e::200e
3ffd::1""".split()
LOCALHOST = """127.0.0.1 127.0.0.1. 127.1 127.0.1 0x7f.1 0x7F000001 0x7f.0x0.0x0.0x1 2130706433 017700000001 0177.1 0177.0.0.01
127.000.000.001 ①②⑦.⓪.⓪.① １２７.０.０.１ 127。0。0。1 127．0．0．1 127｡0｡0｡1 %31%32%37.0.0.1 127%2e0.0.1 %6c%6f%63alhost localhost
LOCALHOST localhost. a.localhost ⓛⓞⓒⓐⓛⓗⓞⓢⓣ ip6-localhost 0 0x0 00 [::1] [::] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1]
[::ffff:7f00:1] [::7f00:1] [64:ff9b::7f00:1] [::1%25lo] [fe80::1%25eth0]""".split()
MALFORMED = [
    "",
    "example.com/feed",
    "//example.com/",
    "file:///etc/passwd",
    "FILE://example.com/",
    "ftp://example.com/",
    "gopher://example.com/",
    "data:text/xml,<rss/>",
    "feed:http://example.com/",
    "http:example.com",
    "http:/example.com",
    "http:///example.com",
    "http://",
    "http://:80/",
    "http:\\\\example.com\\",
    " http://example.com/",
    "http://example.com/ ",
    "http://exa\nmple.com/",
    "http://example.com/a b",
    "http://example.com\x00/",
    "http://user@example.com/",
    "http://user:word@example.com/",
    "http://1.1.1.1:80@example.com/",
    "http://127.0.0.1\\@example.com/",
    "http://example.com\\.evil.example/",
    "http://example.com%00.evil.example/",
    "http://example.com%2f@evil.example/",
    "http://example.com%ff/",
    "http://example%0a.com/",
    "http://exa℀mple.com/",
    "http://a..example.com/",
    "http://.example.com/",
    "http://example.com../",
    "http://" + "a" * 64 + ".com/",
    "http://" + "a." * 127 + "com/",
    "http://example.com:0/",
    "http://example.com:65536/",
    "http://example.com:8x/",
    "http://example.com:٨٠/",
    "http://example.com:80:80/",
    "http://1.2.3.4.5/",
    "http://256.1.1.1/",
    "http://1.2.3.09/",
    "http://4294967296/",
    "http://99999999999999999999999999/",
    "http://example.0x1/",
    "http://example.1/",
    "http://[::1/",
    "http://[v1.x]/",
    "http://[1.2.3.4]/",
    "http://::1/",
    "http://[::1]x/",
    "http://\ud800.com/",
    "http://example.com/" + "a" * 9000,
]


def literal(ip: str) -> str:
    return f"http://[{ip.replace('%', '%25')}]/" if ":" in ip else f"http://{ip}/"


def refused(guard: Guard, url: str) -> bool:
    try:
        guard.check_url(url)
    except ForbiddenError:
        return True
    return False


@pytest.mark.parametrize("ip", LOCAL)
def test_local_address_is_refused_when_dialled_and_when_asked_for(ip: str) -> None:
    with pytest.raises(ForbiddenError):
        Guard().check_address(ip, 80)
    assert refused(Guard(), literal(ip))


@pytest.mark.parametrize("ip", PUBLIC)
def test_public_address_is_open(ip: str) -> None:
    Guard().check_address(ip, 80)
    assert not refused(Guard(), literal(ip))


@pytest.mark.parametrize("host", LOCALHOST)
def test_no_spelling_of_this_machine_is_taken_for_another(host: str) -> None:
    assert refused(Guard(), f"http://{host}/feed")
    assert refused(Guard(), f"https://{host}:8443/feed")


@pytest.mark.parametrize("url", MALFORMED)
def test_what_two_readers_could_read_differently_is_refused(url: str) -> None:
    with pytest.raises(ForbiddenError):
        canonical_url(url)


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("HTTP://Example.COM", "http://example.com/"),
        ("https://example.com:443/?", "https://example.com/"),
        ("https://example.com.:8443/a/../b;c?d=%7e&e=[1]|{2}#f", "https://example.com:8443/a/../b;c?d=%7e&e=[1]|{2}"),
        ("http://example.com:/a", "http://example.com/a"),
        ("http://bücher.example/ü?ä=ö", "http://xn--bcher-kva.example/%C3%BC?%C3%A4=%C3%B6"),
        ("http://a_b.faß.example/", "http://a_b.xn--fa-hia.example/"),
        ("http://example.com/\udcfc", "http://example.com/%FC"),
        ("http://example.com/\\x?\\y", "http://example.com/%5Cx?%5Cy"),
        ("http://0x9090909/", "http://9.9.9.9/"),
        ("http://[2620:FE:0:0::fe]:80/", "http://[2620:fe::fe]/"),
        ("http://host/?u=http://x@y", "http://host/?u=http://x@y"),
    ],
)
def test_url_has_one_spelling_and_keeps_its_path(url: str, canonical: str) -> None:
    assert canonical_url(url) == canonical
    assert canonical_url(canonical) == canonical


@given(st.text() | st.from_regex(r"https?://[^/]{0,20}(/.{0,10})?", fullmatch=True))
def test_any_text_is_a_url_or_forbidden(text: str) -> None:
    try:
        canonical = canonical_url(text)
    except ForbiddenError:
        return
    assert canonical.isascii() and canonical_url(canonical) == canonical


@given(st.sampled_from([ip for ip in LOCAL if ":" not in ip]), st.integers(1, 4), st.data())
def test_every_number_for_a_local_address_is_refused(ip: str, count: int, data: st.DataObject) -> None:
    value = int(IPv4Address(ip))
    octets = [(value >> shift) & 255 for shift in (24, 16, 8, 0)]
    numbers = [*octets[: count - 1], value & (256 ** (5 - count) - 1)]
    written = [data.draw(st.sampled_from(["{:d}", "0{:o}", "0x{:x}", "0X{:X}", "000{:o}"])).format(n) for n in numbers]
    assert refused(Guard(), f"http://{'.'.join(written)}/")


@given(st.sampled_from([ip for ip in LOCAL if ":" not in ip]), st.integers(0, 2**64 - 1))
def test_no_ipv4_address_hides_in_an_ipv6_address(ip: str, noise: int) -> None:
    hidden = int(IPv4Address(ip))
    for address in (
        hidden,
        0xFFFF << 32 | hidden,
        0xFFFF << 48 | hidden,
        int(IPv6Address("64:ff9b::")) | hidden,
        int(IPv6Address("64:ff9b:1::")) | (noise & 0xFFFF) << 64 | hidden,
        0x2002 << 112 | hidden << 80 | noise,
        0x20010000 << 96 | hidden << 64 | noise,
        0x20010000 << 96 | noise << 32 | hidden ^ 0xFFFFFFFF,
        0x2A001450 << 96 | 0x00005EFE << 32 | hidden,
    ):
        with pytest.raises(ForbiddenError):
            Guard().check_address(IPv6Address(address), 80)


def test_own_network_opens_only_itself() -> None:
    guard = Guard([ip_network("10.1.0.0/16"), ip_network("fd12::/16"), ip_network("fe80::/10")])
    for ip in ("10.1.2.3", "::ffff:10.1.2.3", "fd12::5", "fe80::5"):
        guard.check_address(ip, 80)
    for ip in ("10.2.0.1", "64:ff9b::10.1.2.3", "::10.1.2.3", "2002:a01:203::", "fd13::5", "127.0.0.1", "fe80::5%eth0"):
        with pytest.raises(ForbiddenError):
            guard.check_address(ip, 80)


def test_loopback_names_open_with_loopback_alone() -> None:
    assert not refused(Guard([ip_network("127.0.0.0/8")]), "http://localhost/")
    assert not refused(Guard([ip_network("::1/128")]), "http://[::1]/")
    assert refused(Guard([ip_network("10.0.0.0/8")]), "http://localhost/")


@pytest.mark.parametrize(
    "network",
    ["64:ff9b::/96", "64:ff9b::a00:0/104", "2002:a00::/24", "2002::/16", "2001::/32", "::ffff:10.0.0.0/104",
     "::ffff:0:0/96", "::7f00:1/128", "64:ff9b:1::/48", "::/0", "2000::/3"],
)  # fmt: skip
def test_setting_cannot_open_ipv4_by_way_of_ipv6(network: str) -> None:
    with pytest.raises(SettingsError, match="hide"):
        Guard([ip_network(network)])


@pytest.mark.parametrize("ip", ["169.254.169.254", "100.100.100.200", "0.9.9.9", "255.255.255.255", "224.0.0.1"])
def test_keys_of_a_cloud_stay_closed_whatever_is_open(ip: str) -> None:
    with pytest.raises(ForbiddenError):
        Guard([ip_network("0.0.0.0/0")]).check_address(ip, 80)


def test_proxy_does_not_ask_itself() -> None:
    everything = [ip_network("0.0.0.0/0"), ip_network("::1/128")]
    guard = Guard(everything, own=[("Feeds.Example.org", 443), ("127.0.0.1", 8420), ("[::1]", 8420), ("9.9.9.9", 80)])
    own = """https://feeds.example.org/ https://FEEDS.example.org.:443/x http://127.0.0.1:8420/feed http://[::1]:8420/
    http://0x7f.1:8420/ http://[::ffff:127.0.0.1]:8420/ http://9.9.9.9/""".split()
    assert all(refused(guard, url) for url in own)
    others = "http://feeds.example.org/ http://127.0.0.1:8421/ http://9.9.9.9:8080/ http://other.example.org/".split()
    assert not any(refused(guard, url) for url in others)
    with pytest.raises(ForbiddenError):
        guard.check_address("::ffff:9.9.9.9", 80)


def test_proxy_that_listens_everywhere_asks_no_address_of_its_machine() -> None:
    guard = Guard([ip_network("127.0.0.0/8")], own=[("::", 8420)])
    with pytest.raises(ForbiddenError, match="itself"):
        guard.check_address("127.0.0.1", 8420)
    guard.check_address("127.0.0.1", 8421)
    guard.check_address("9.9.9.9", 8420)
