"""What the proxy asks publishers, and what it makes of their answers; with real sockets on 127.0.0.1."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import random
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from typing import Any

import brotli
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given, settings
from hypothesis import strategies as st

from feedclean.proxy.dial import address
from feedclean.proxy.guard import Guard
from feedclean.proxy.nouns import Answer, Outcome, Validators
from feedclean.proxy.unpack import BadPackingError, TooLargeError, Unpacker
from feedclean.proxy.upstream import MIB, Upstream, user_agent
from tests.proxy.origin import FEED, Origin, Reply, Request, origins, reply

HOME = Guard([ip_network("127.0.0.0/8")])
if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

NONE = Validators()
SOME = Validators('W/"ü-1"', "Tue, 03 Mar 2026 08:00:00 GMT")
SECRETS = {"Authorization": "Basic c2VjcmV0", "Cookie": "a=b", "X-Key": "k"}


class Names(AbstractResolver):
    """Look-ups that answer from a list of lists, the last one for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [address(host, ip, port, socket.AF_INET6 if ":" in ip else socket.AF_INET) for ip in answer]

    async def close(self) -> None:
        pass


def upstream(guard: Guard = HOME, resolver: AbstractResolver | None = None, **limits: Any) -> Upstream:
    agent = user_agent("https://reader.example/")
    return Upstream(guard, user_agent=agent, resolver=resolver or Names(["127.0.0.1"]), **limits)


def ask(
    script: Callable[[Request], Reply],
    path: str = "/feed",
    validators: Validators = NONE,
    headers: dict[str, str] | None = None,
    **limits: Any,
) -> tuple[Answer, list[Request]]:
    async def run() -> tuple[Answer, list[Request]]:
        async with Origin(script) as origin, upstream(**limits) as client:
            return await client.fetch(origin.url(path), validators, headers), origin.requests

    return asyncio.run(run())


# ── Asking ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_request_says_who_asks_and_what_for() -> None:
    answer, [request] = ask(lambda _: reply(), "/a/../b%7e;c?d=%2F&e=[1]")
    assert (answer.outcome, answer.status, answer.body, answer.reason) == (Outcome.FRESH, 200, FEED, "")
    assert request.url == "/a/../b%7e;c?d=%2F&e=[1]"
    assert request.headers["user-agent"].startswith("feedclean/")
    assert request.headers["user-agent"].endswith(" (+https://reader.example/)")
    assert "application/atom+xml" in request.headers["accept"] and "application/feed+json" in request.headers["accept"]
    assert request.headers["accept-encoding"] == "gzip, deflate, br, zstd"
    assert not request.conditional and "cookie" not in request.headers


def test_validators_are_sent_byte_for_byte() -> None:
    answer, [request] = ask(lambda _: reply(304, b"", etag='"2"'), validators=SOME)
    assert (request.headers["if-none-match"], request.headers["if-modified-since"]) == (SOME.etag, SOME.last_modified)
    assert (answer.outcome, answer.body, answer.headers["etag"]) == (Outcome.UNCHANGED, None, '"2"')


def test_validator_that_cannot_be_sent_back_is_not_kept() -> None:
    answer, _ = ask(lambda _: reply(etag='"\xff"', last_modified="now"))
    assert "etag" not in answer.headers and answer.headers["last-modified"] == "now"
    _, [request] = ask(lambda _: reply(), validators=Validators('"\udcff"', "a\r\nb"))
    assert not request.conditional


def test_headers_of_ones_own_are_sent_but_not_those_of_the_connection() -> None:
    own = {"user-agent": "mine", "Authorization": "x", "HOST": "evil", "If-None-Match": "x", "Content-Length": "9"}
    _, [request] = ask(lambda _: reply(), headers=own)
    assert (request.headers["user-agent"], request.headers["authorization"]) == ("mine", "x")
    assert request.headers["host"].startswith("127.0.0.1:") and not request.conditional
    assert "content-length" not in request.headers


def test_cookies_are_never_kept() -> None:
    async def run() -> None:
        async with Origin(lambda _: reply(set_cookie="a=b; Path=/")) as origin, upstream() as client:
            for _ in range(2):
                await client.fetch(origin.url(host="name.example"), NONE)
            assert all("cookie" not in request.headers for request in origin.requests)

    asyncio.run(run())


def test_own_request_is_recognised_when_it_comes_in() -> None:
    _, [request] = ask(lambda _: reply())
    client = upstream()
    assert not client.is_own_request(request.headers)  # of another proxy
    assert client.is_own_request({"cdn-loop": f"other, {client._loop_mark}"})
    assert not client.is_own_request({})


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.FRESH),
        (203, Outcome.FRESH),
        (204, Outcome.BROKEN),
        (206, Outcome.BROKEN),
        (300, Outcome.BROKEN),
        (301, Outcome.BROKEN),  # without a place to go
        (304, Outcome.BROKEN),  # to a request without conditions
        (400, Outcome.REFUSED),
        (401, Outcome.REFUSED),
        (404, Outcome.REFUSED),
        (410, Outcome.GONE),
        (429, Outcome.BUSY),
        (500, Outcome.BROKEN),
        (503, Outcome.BUSY),
        (599, Outcome.BROKEN),
    ],
)
def test_status_becomes_an_outcome(status: int, outcome: Outcome) -> None:
    answer, _ = ask(lambda _: reply(status, b"" if status in (204, 304) else b"text", retry_after="7"))
    assert (answer.outcome, answer.status, answer.headers["retry-after"]) == (outcome, status, "7")
    assert (answer.body is None) == (outcome is not Outcome.FRESH)
    assert bool(answer.reason) == (outcome is not Outcome.FRESH)


def test_empty_answer_is_no_feed() -> None:
    for body in (b"", b" \r\n"):
        assert ask(lambda _, body=body: reply(200, body))[0].outcome is Outcome.BROKEN  # type: ignore[misc]


def test_repeated_headers_add_up_only_where_they_are_lists() -> None:
    head = b"HTTP/1.1 200 OK\r\nCache-Control: public\r\nETag: 1\r\nETag: 2\r\ncache-control: max-age=9\r\nContent-Length: 1\r\n\r\nx"
    answer, _ = ask(lambda _: head)
    assert (answer.headers["cache-control"], answer.headers["etag"]) == ("public, max-age=9", "1")


# ── Redirects ──────────────────────────────────────────────────────────────────────────────────────────────────────


def hop(places: dict[str, tuple[int, str]]) -> Callable[[Request], Reply]:
    def script(request: Request) -> Reply:
        if request.url in places:
            status, target = places[request.url]
            return reply(status, b"elsewhere", location=target)
        return reply()

    return script


@pytest.mark.parametrize(
    ("places", "moved"),
    [
        ({"/feed": (301, "/b")}, "/b"),
        ({"/feed": (308, "/b#part")}, "/b"),
        ({"/feed": (301, "b?x=1 2"), "/b?x=1%202": (308, "/c/ü")}, "/c/%FC"),
        ({"/feed": (302, "/b")}, None),
        ({"/feed": (303, "/b")}, None),
        ({"/feed": (307, "/b")}, None),
        ({"/feed": (301, "/b"), "/b": (302, "/c")}, None),
        ({"/feed": (302, "/b"), "/b": (301, "/c")}, None),
        ({"/feed": (301, "/1"), "/1": (301, "/2"), "/2": (301, "/3"), "/3": (301, "/4"), "/4": (301, "/5")}, "/5"),
    ],
)
def test_only_a_chain_of_permanent_redirects_is_a_move(places: dict[str, tuple[int, str]], moved: str | None) -> None:
    answer, requests = ask(hop(places), validators=SOME)
    assert answer.outcome is Outcome.FRESH and len(requests) == len(places) + 1
    assert answer.url.endswith(requests[-1].url)
    assert (answer.moved_to is None) == (moved is None)
    if moved is not None:
        assert answer.moved_to == answer.url and answer.url.endswith(moved)
    assert all(request.conditional for request in requests)


def test_endless_redirects_end_after_five() -> None:
    answer, requests = ask(lambda request: reply(301, b"", location=request.url + "x"))
    assert (answer.outcome, answer.moved_to, len(requests)) == (Outcome.BROKEN, None, 6)


def test_what_is_gone_behind_a_temporary_redirect_is_not_gone_for_good() -> None:
    def gone(status: int) -> Callable[[Request], Reply]:
        return lambda request: reply(410) if request.url == "/b" else reply(status, location="/b")

    assert ask(gone(302))[0].outcome is Outcome.REFUSED
    answer, _ = ask(gone(301))
    assert (answer.outcome, answer.moved_to) == (Outcome.GONE, None)


def test_secrets_stay_at_their_origin() -> None:
    async def run() -> None:
        async with origins(lambda _: reply(), lambda _: reply()) as [first, other], upstream() as client:
            first.script = hop({"/feed": (302, "/same"), "/same": (302, other.url("/b"))})
            other.script = hop({"/b": (302, first.url("/back"))})
            answer = await client.fetch(first.url(), SOME, SECRETS)
            assert answer.outcome is Outcome.FRESH
            sent = [request for request in first.requests + other.requests if request.headers.keys() & {"x-key"}]
            assert [request.url for request in sent] == ["/feed", "/same"]
            for request in (*other.requests, first.requests[-1]):
                assert not request.headers.keys() & {"authorization", "cookie", "x-key"}
                assert request.headers["user-agent"].startswith("feedclean/")

    asyncio.run(run())


def test_https_that_falls_back_to_http_is_noted_and_never_a_move() -> None:
    from feedclean.proxy.hops import Hops

    hops = Hops("https://a.example/feed")
    assert not hops.go("http://a.example/feed", permanent=True)
    told = hops.told(Answer(Outcome.FRESH, 200, FEED))
    assert (told.moved_to, told.reason) == (None, "redirected from https to http")
    hops = Hops("http://a.example/feed")
    assert hops.go("https://a.example/feed", permanent=True)  # secured: secrets may come along
    assert hops.told(Answer(Outcome.FRESH, 200, FEED)).moved_to == "https://a.example/feed"
    assert not Hops("http://a.example:8080/").go("https://a.example/", permanent=True)
    assert not Hops("http://a.example/").go("http://b.a.example/", permanent=True)


# ── Guarded ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(name="dialled")
def _dialled(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Every address that anything in this process connects to."""
    seen: list[tuple[str, int]] = []

    async def spy(self: Any, sock: socket.socket, ip: Any) -> None:
        seen.append(ip[:2])
        raise ConnectionRefusedError(111, "refused")

    monkeypatch.setattr("asyncio.selector_events.BaseSelectorEventLoop.sock_connect", spy)
    return seen


LOCAL = """http://127.0.0.1:{port}/ http://127.1:{port}/ http://0x7f000001:{port}/ http://2130706433:{port}/
http://localhost:{port}/ http://[::1]:{port}/ http://[::ffff:127.0.0.1]:{port}/ http://①②⑦.0.0.1:{port}/
http://private.example:{port}/ file:///etc/passwd ftp://9.9.9.9/ http://u@9.9.9.9/ http:///127.0.0.1:{port}/ gopher://127.0.0.1:{port}/
""".split()


@pytest.mark.parametrize("url", LOCAL)
@pytest.mark.parametrize("redirected", [False, True])
def test_nothing_local_is_connected_to(url: str, redirected: bool) -> None:
    """The oracle is a listener that counts; the way to it is a redirect from a host that may be asked, or direct."""

    async def run() -> None:
        async with Origin(lambda _: reply()) as secret, Origin(lambda _: reply(), "127.0.0.77") as public:
            target = url.format(port=secret.port)
            public.script = lambda _: reply(301, location=target.encode().decode("latin-1"))
            # All is closed but for the one address that plays the public host.
            async with upstream(Guard([ip_network("127.0.0.77/32")]), Names(["127.0.0.1"])) as client:
                answer = await client.fetch(public.url() if redirected else target, NONE, SECRETS)
            assert secret.accepts == 0
            # A redirect to "http:///127.0.0.1" is read as a path of the same host, and goes round in circles.
            assert answer.outcome is (
                Outcome.BROKEN if redirected and url.startswith("http:///") else Outcome.FORBIDDEN
            )
            assert (answer.body, answer.moved_to) == (None, None)

    asyncio.run(run())


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:9", "", "nonsense", "socks5://127.0.0.1:9"])
def test_proxies_of_the_environment_change_nothing(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy)
    assert ask(lambda _: reply())[0].outcome is Outcome.FRESH
    assert ask(lambda _: reply(), guard=Guard())[0].outcome is Outcome.FORBIDDEN


def test_rebinding_name_never_reaches_a_local_address(dialled: list[tuple[str, int]]) -> None:
    """Five hundred look-ups that alternate; only what is public is ever dialled, and it is what was checked."""
    chance = random.Random(3)  # noqa: S311
    pool = ["9.9.9.9", "2620:fe::fe", "127.0.0.1", "::1", "10.0.0.1", "::ffff:10.0.0.1", "169.254.169.254", "fe80::1"]

    async def run() -> None:
        for round_ in range(500):
            names = Names(chance.sample(pool, chance.randint(1, 4)) if round_ % 2 else ["127.0.0.1"])
            wanted = {ip for ip in names.answers[0] if ip in pool[:2]}
            before = len(dialled)
            async with upstream(Guard(), names) as client:
                answer = await client.fetch("http://rebind.example/", NONE)
            assert {ip for ip, _ in dialled[before:]} == wanted
            assert answer.outcome is Outcome.FORBIDDEN or wanted

    asyncio.run(run())
    assert {ip for ip, _ in dialled} == {"9.9.9.9", "2620:fe::fe"}


def test_refusals_are_told_apart_by_nothing(dialled: list[tuple[str, int]]) -> None:
    async def run() -> set[tuple[object, ...]]:
        async with upstream(Guard(), Names(["10.0.0.1"])) as client:
            answers = [await client.fetch(f"http://inside.example:{port}/", NONE) for port in range(1, 200)]
        return {(answer.outcome, answer.status, answer.reason) for answer in answers}

    assert asyncio.run(run()) == {(Outcome.FORBIDDEN, None, "an address that is not public")}
    assert dialled == []


def test_name_that_nobody_knows_is_unreachable() -> None:
    class Unknown(Names):
        async def resolve(self, *args: Any, **more: Any) -> list[ResolveResult]:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async def run() -> Answer:
        async with upstream(Guard(), Unknown()) as client:
            return await client.fetch("http://nowhere.example/", NONE)

    answer = asyncio.run(run())
    assert answer.outcome is Outcome.UNREACHABLE and "not known" in answer.reason


def test_system_looks_names_up() -> None:
    async def run() -> None:
        async with Origin(lambda _: reply()) as origin, Upstream(HOME, user_agent="x") as client:
            answer = await client.fetch(origin.url(host="localhost"), NONE)
            assert answer.outcome in (Outcome.FRESH, Outcome.FORBIDDEN)  # where ::1 alone is localhost
            answer = await client.fetch("http://" + "a" * 63 + ".invalid/", NONE)
            assert answer.outcome is Outcome.UNREACHABLE

    asyncio.run(run())


# ── Bodies ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def raw_deflate(data: bytes) -> bytes:
    machine = zlib.compressobj(wbits=-15)
    return machine.compress(data) + machine.flush()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "X-GZip": gzip.compress,
    "deflate": zlib.compress,
    "Deflate ": raw_deflate,
    "br": brotli.compress,
    "zstd": zstd.compress,
    "gzip, br": lambda data: brotli.compress(gzip.compress(data)),
    "gzip,gzip": lambda data: gzip.compress(gzip.compress(data)),
    "identity": bytes,
    "": bytes,
}


@pytest.mark.parametrize("encoding", PACKERS)
def test_packed_body_is_unpacked(encoding: str) -> None:
    body = FEED * 3000
    packed = PACKERS[encoding](body)
    assert ask(lambda _: reply(200, packed, content_encoding=encoding))[0].body == body
    slow = [packed[i : i + 7000] for i in range(0, len(packed), 7000)]
    assert ask(lambda _: [reply(200, b"", length=len(packed), content_encoding=encoding), *slow])[0].body == body


@pytest.mark.parametrize("encoding", [name for name in PACKERS if name not in ("", "identity")])
def test_packing_that_ends_too_soon_is_a_failure(encoding: str) -> None:
    packed = PACKERS[encoding](FEED * 3000 + random.Random(1).randbytes(5000))  # noqa: S311
    for end in (3, len(packed) // 2, len(packed) - 1):
        answer, _ = ask(lambda _, end=end: reply(200, packed[:end], content_encoding=encoding))  # type: ignore[misc]
        assert (answer.outcome, answer.body) == (Outcome.UNREACHABLE, None), end


@pytest.mark.parametrize("encoding", ["compress", "gzip, gzip, gzip", ",".join(["gzip"] * 20), "gzip;q=1", "\x7f"])
def test_packing_that_nobody_asked_for_is_refused(encoding: str) -> None:
    answer, _ = ask(lambda _: reply(200, gzip.compress(FEED), content_encoding=encoding))
    assert answer.outcome is Outcome.BROKEN and answer.body is None


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_packing_that_is_none_is_a_failure(encoding: str) -> None:
    assert ask(lambda _: reply(200, FEED, content_encoding=encoding))[0].outcome in (
        Outcome.BROKEN,
        Outcome.UNREACHABLE,
    )


def test_members_follow_each_other_and_padding_is_ignored() -> None:
    def unpacked(encoding: str, data: bytes, size: int = 1) -> bytes:
        machine = Unpacker(encoding, MIB)
        found = b"".join(piece for i in range(0, len(data), size) for piece in machine.feed(data[i : i + size]))
        machine.finish()
        return found

    for size in (1, 2, 3, 1000):
        assert unpacked("gzip", gzip.compress(b"a") + gzip.compress(b"b"), size) == b"ab"
        assert unpacked("gzip", gzip.compress(b"a") + b"\0" * 100, size) == b"a"
        assert unpacked("zstd", zstd.compress(b"a") + zstd.compress(b"b"), size) == b"ab"
        assert unpacked("deflate", zlib.compress(b"a") + b"\r\n", size) == b"a"
        assert unpacked("none, utf-8", b"ab", size) == b"ab"
    with pytest.raises(BadPackingError, match="members"):
        unpacked("gzip", gzip.compress(b"") * 2000, 5000)


@settings(max_examples=200)
@given(
    st.sampled_from(["gzip", "deflate", "br", "zstd", "br, gzip"]),
    st.binary(max_size=300),
    st.integers(0, 40),
    st.integers(1, 9),
)
def test_any_bytes_unpack_within_the_limit_or_are_refused(encoding: str, data: bytes, cut: int, size: int) -> None:
    packed = PACKERS.get(encoding, gzip.compress)(data)
    for bytes_ in (data, packed[:cut] + data, packed + data):
        machine, total = Unpacker(encoding, 1000), 0
        try:
            for start in range(0, len(bytes_), size):
                total += sum(len(piece) for piece in machine.feed(bytes_[start : start + size]))
            machine.finish()
        except (BadPackingError, TooLargeError):
            pass
        assert total <= 1000


ZEROS = b"\0" * (64 * MIB)
BOMBS: dict[str, Callable[[], bytes]] = {
    "gzip": lambda: gzip.compress(ZEROS, 1),
    "deflate": lambda: zlib.compress(ZEROS, 1),
    "br": lambda: brotli.compress(ZEROS, quality=1),
    "zstd": lambda: zstd.compress(ZEROS, 1),
    "gzip, gzip": lambda: gzip.compress(gzip.compress(ZEROS, 1)),
    "zstd, br": lambda: brotli.compress(zstd.compress(ZEROS, 1), quality=1),
}
MEASURE = """
import asyncio, re, sys, time
from ipaddress import ip_network
from feedclean.proxy.guard import Guard
from feedclean.proxy.nouns import Validators
from feedclean.proxy.upstream import Upstream

def peak():  # of this process alone; `ru_maxrss` would begin with that of the parent
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])

async def run(warm, url):
    async with Upstream(Guard([ip_network("127.0.0.0/8")]), user_agent="x") as client:
        await client.fetch(warm, Validators())
        before, start = peak(), time.process_time()
        answer = await client.fetch(url, Validators())
        print(answer.outcome, (peak() - before) // 1024, time.process_time() - start)

asyncio.run(run(*sys.argv[1:]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("encoding", BOMBS)
def test_bomb_costs_little_memory_and_time(encoding: str) -> None:
    bomb = BOMBS[encoding]()

    async def run() -> str:
        async with Origin(
            lambda r: reply() if r.url == "/warm" else reply(200, bomb, content_encoding=encoding)
        ) as origin:
            child = await asyncio.create_subprocess_exec(
                sys.executable, "-c", MEASURE, origin.url("/warm"), origin.url(), stdout=subprocess.PIPE
            )
            return (await child.communicate())[0].decode()

    outcome, grown, seconds = asyncio.run(run()).split()
    assert outcome == Outcome.TOO_MUCH
    assert int(grown) < 64 and float(seconds) < 1


def test_body_beyond_the_limit_is_an_error_not_a_shorter_body() -> None:
    scripts: list[Callable[[Request], Reply]] = [
        lambda _: reply(200, b"x" * 1001),
        lambda _: [reply(200, b"x", length=10**12)],
        lambda _: reply(200, gzip.compress(b"x" * 1001), content_encoding="gzip"),
        lambda _: [reply(200, b"", transfer_encoding="chunked"), *[b"64\r\n" + b"x" * 100 + b"\r\n"] * 100, 9.0],
        lambda _: [b"HTTP/1.0 200 OK\r\n\r\n", *[b"x" * 100] * 100, 9.0],
    ]
    for script in scripts:
        start = time.monotonic()
        answer, _ = ask(script, max_body=1000, deadline=5)
        assert (answer.outcome, answer.body) == (Outcome.TOO_MUCH, None)
        assert time.monotonic() - start < 2
    assert ask(lambda _: reply(200, b"x" * 1000), max_body=1000)[0].outcome is Outcome.FRESH


@pytest.mark.parametrize(
    "answer",
    [
        [reply(200, b"<rss>", length=100)],
        [reply(200, b"", transfer_encoding="chunked"), b"5\r\n<rss>\r\n"],
        [reply(200, b"", transfer_encoding="chunked"), b"5\r\n<rs"],
        [b"HTTP/1.1 200 OK\r\nContent-Le"],
        [b""],
    ],
)
def test_cut_short_answer_is_unreachable(answer: list[bytes | float]) -> None:
    got, _ = ask(lambda _: answer)
    assert (got.outcome, got.body) == (Outcome.UNREACHABLE, None)


def test_bytes_after_the_announced_length_are_never_part_of_it() -> None:
    answer, _ = ask(lambda _: reply(200, FEED + b"<script>", length=len(FEED)))
    assert answer.body in (FEED, None)


@pytest.mark.parametrize(
    "noise", [b"SSH-2.0-OpenSSH_9.9\r\n", b"\0" * 100, b"HTTP/1.1 2x0 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nA\0: b\r\n\r\n",
              b"HTTP/1.1 200 OK\r\nA: " + b"x" * 100_000 + b"\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 10_000 + b"\r\n",
              reply(200, b"zz\r\n", transfer_encoding="chunked")],
)  # fmt: skip
def test_what_is_no_http_is_an_answer_too(noise: bytes) -> None:
    answer, _ = ask(lambda _: noise)
    assert answer.outcome in (Outcome.BROKEN, Outcome.UNREACHABLE) and answer.reason


# ── Time ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def drip(head: bytes) -> Iterator[bytes | float]:
    yield head
    while True:
        yield b"x"
        yield 0.05


class Asleep(Names):
    async def resolve(self, *args: Any, **more: Any) -> list[ResolveResult]:
        await asyncio.sleep(60)
        return []


@pytest.mark.parametrize(
    "script",
    [
        lambda _: [9.0],
        lambda _: drip(b"HTTP/1.1 200 OK\r\nA: "),
        lambda _: drip(reply(200, b"", length=10**6)),
        lambda _: [reply(200, b"", transfer_encoding="chunked"), 9.0],
        lambda request: [0.2, reply(302, b"", location=request.url + "x")],
        lambda _: [reply(301, b"", location="http://slow.example/")],
    ],
    ids=["silent", "drips its head", "drips its body", "stalls", "redirects slowly", "look-up hangs"],
)
def test_deadline_is_for_the_whole(script: Callable[[Request], Reply]) -> None:
    start = time.monotonic()
    answer, _ = ask(script, deadline=0.5, resolver=Asleep())
    assert answer.outcome is Outcome.UNREACHABLE and "0.5 s" in answer.reason
    assert time.monotonic() - start < 1.5


def test_hanging_publishers_hold_up_nobody() -> None:
    async def run() -> None:
        async with origins(lambda _: [9.0], lambda _: reply()) as [bad, good], upstream(deadline=3) as client:
            hanging = [asyncio.create_task(client.fetch(bad.url(f"/{i}"), NONE)) for i in range(50)]
            await asyncio.sleep(0.2)
            start = time.monotonic()
            assert (await client.fetch(good.url(), NONE)).outcome is Outcome.FRESH
            assert time.monotonic() - start < 0.5
            for task in hanging:
                task.cancel()
            await asyncio.gather(*hanging, return_exceptions=True)

    asyncio.run(run())


def test_refused_connection_is_unreachable() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

        async def run() -> Answer:
            async with upstream() as client:
                return await client.fetch(f"http://127.0.0.1:{port}/", NONE)

        answer = asyncio.run(run())
    assert answer.outcome is Outcome.UNREACHABLE and answer.reason.startswith("no connection")


def test_fault_names_neither_address_nor_query() -> None:
    for script, text in (
        (lambda _: [b"HTTP/1.1 2x0 secret\r\n\r\n"], "secret"),
        (lambda _: [b"HTTP/1.1 200 OK\r\nX: " + b"secret" * 10_000 + b"\r\n\r\n"], "secret"),
        (lambda _: [b"HTTP/1.1 200 OK\r\nsecret\0: secret\r\n\r\n"], "secret"),
        (lambda _: reply(302, location="http://inside.example:1/"), "127.0.0.1"),
    ):
        answer, _ = ask(script, "/feed?token=hush")
        assert answer.reason and "hush" not in answer.reason and text not in answer.reason


@pytest.mark.parametrize("greeting", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_tls_that_stalls_or_is_none_is_unreachable(greeting: bytes) -> None:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        with contextlib.suppress(ConnectionError):
            await reader.read()  # until the other side has had enough
        writer.transport.abort()

    async def run() -> Answer:
        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        async with server, upstream(deadline=0.5) as client:
            answer = await client.fetch(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/", NONE)
            await asyncio.sleep(0.05)
        return answer

    start = time.monotonic()
    answer = asyncio.run(run())
    assert answer.outcome is Outcome.UNREACHABLE and ("SSL" in answer.reason if greeting else "0.5 s" in answer.reason)
    assert time.monotonic() - start < 2
