"""What those who run the proxy are told is so: example settings, files for deployment, documentation."""

from __future__ import annotations

import asyncio
import configparser
import re
from contextlib import closing, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner

from feedclean import model_home
from feedclean.cli.app import app
from feedclean.errors import SettingsError
from feedclean.proxy import server
from feedclean.proxy.answer import reason_of
from feedclean.proxy.samples import Samples
from feedclean.proxy.store import Store
from feedclean.settings import Settings, load
from feedclean.settings.shape import Open

ROOT = Path(__file__).parents[2]
OPERATING = (ROOT / "docs" / "operating.md").read_text("utf-8")


def test_the_example_settings_can_be_used_with_every_line(tmp_path: Path) -> None:
    """Also with what is commented out."""
    text = (ROOT / "examples" / "feedclean.toml").read_text("utf-8")
    full = re.sub(r"^# (?=[a-z_]+ = )", "", text, flags=re.MULTILINE).replace("…", "x")
    assert full.count("\n#") < text.count("\n#") - 5
    (tmp_path / "feedclean.toml").write_text(full, "utf-8")
    for name in ("token", "signing-key"):
        (tmp_path / name).write_text("0123456789abcdef\n")
    told = CliRunner().invoke(app, ["config", "--config", str(tmp_path / "feedclean.toml")], prog_name="feedclean")
    assert told.exit_code == 0, told.output
    assert 'open = "signed"' in told.output and "0123456789abcdef" not in told.output
    assert set(load(ROOT / "examples" / "feedclean.toml", {}).feeds) == {"stocks", "research"}


def test_the_documentation_names_every_way_to_be_open_and_every_reason() -> None:
    for access in Open:
        assert f"`{access}`" in OPERATING
    reasons = {reason_of(kind) for kind in (SettingsError("x"), TimeoutError())} | {"format", "limit", "store", "model"}
    assert all(f"`{reason}`" in OPERATING for reason in reasons)


def test_the_container_is_nobody_and_tells_its_health() -> None:
    text = (ROOT / "deploy" / "Dockerfile").read_text("utf-8")
    assert re.search(r"^USER 10001$", text, re.MULTILINE) and "HEALTHCHECK" in text
    assert text.index("USER") < text.index("ENTRYPOINT")
    for name in re.findall(r"FEEDCLEAN_\w+(?==)", text):
        assert name in {"FEEDCLEAN_PROXY_HOST", "FEEDCLEAN_PROXY_PORT", "FEEDCLEAN_STORE_URL"}
    environ = dict(re.findall(r"(FEEDCLEAN_\w+)=(\S+)", text))
    assert load(None, environ).proxy.access is Open.OFF


def test_the_unit_is_hardened() -> None:
    unit = configparser.RawConfigParser(strict=False, comment_prefixes=("#",))
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(ROOT / "deploy" / "feedclean.service", "utf-8")
    service = unit["Service"]
    wanted = ("DynamicUser", "NoNewPrivileges", "PrivateTmp", "ProtectHome", "RestrictNamespaces", "LockPersonality")
    assert all(service[name] == "yes" for name in wanted)
    assert service["SystemCallErrorNumber"] == "EPERM", "numpy would end the process with its first call of mbind"
    assert service["ProtectSystem"] == "strict" and service["CapabilityBoundingSet"] == ""


def test_samples_are_feeds_under_names_that_nobody_resolves() -> None:
    settings = Samples(ROOT / "examples").over(Settings())
    assert {"feed", "feed-de"} <= set(settings.feeds)
    assert all(feed.url.startswith("https://samples.invalid/") for feed in settings.feeds.values())
    with pytest.raises(SettingsError):
        Samples(ROOT / "docs")


def test_a_user_without_a_home_names_a_store_or_is_told_to(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As in a container that runs as a number nobody knows."""

    def nowhere(*_: object, **__: object) -> str:
        raise RuntimeError("could not determine the home directory")

    monkeypatch.setattr("platformdirs.user_data_dir", nowhere)
    with pytest.raises(SettingsError, match=r"no home folder to keep one in; set store\.url"):
        Store(load(None, {}).store.url, clock=lambda: 0.0)
    url = f"sqlite:///{tmp_path}/store.db"
    with closing(Store(load(None, {"FEEDCLEAN_STORE_URL": url}).store.url, clock=lambda: 0.0)) as store:
        store.check()
    assert not model_home.home().exists()


def test_settings_are_read_again_when_their_file_is_written_and_not_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """An editor empties a file and then fills it: for a moment there would be no feeds at all."""
    looks = iter("aabcbbbcdd")  # of the file, one after another
    read: list[str] = []
    seen: list[str] = []

    async def watch() -> None:
        house: Any = SimpleNamespace(settings=SimpleNamespace(path=None))
        process = server._Process(Settings, lambda _: pytest.fail("no model has changed"), None, structlog.get_logger())
        monkeypatch.setattr(process, "_take_settings", take)
        with suppress(EndError):
            await process._watch(house, asyncio.Event())

    async def take(_: object) -> None:
        read.append("".join(seen))

    class EndError(Exception):
        pass

    def look(_: object) -> str:
        seen.append(next(looks, ""))
        if not seen[-1]:
            raise EndError
        return seen[-1]

    monkeypatch.setattr(server, "_LOOK", 0.001)
    monkeypatch.setattr(server, "_looks", look)
    monkeypatch.setattr(server, "_models", lambda _: ())
    asyncio.run(watch())
    assert read == ["aabcbb", "aabcbbbcdd"]
