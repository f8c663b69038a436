"""Settings: every way in, every refusal in one line that names where, and what is shown can be read again."""

from __future__ import annotations

import json
import tomllib
from contextlib import suppress
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedclean.errors import SettingsError
from feedclean.judging.policy import Policy
from feedclean.proxy import schedule
from feedclean.settings import FeedSettings, Open, Settings, TitleRule, load, render, schema
from feedclean.types import Action, Label, TitleAction

FEED = '[feeds.acme]\nurl = "https://acme.example/feed"\n'


EFFECTIVE = {
    "cut": ["promo", "teaser"], "collapse": [], "mark": [], "keep": ["editorial", "boilerplate", "disclosure"],
    "threshold": None, "title_action": "mark", "refresh_floor": schedule.Rules().floor,
}  # fmt: skip


def of(tmp_path: Path, text: str, environ: dict[str, str] | None = None, **flags: object) -> Settings:
    path = tmp_path / "feedclean.toml"
    path.write_text(text, "utf-8")
    return load(path, environ or {}, {name.replace("__", "."): value for name, value in flags.items()})


def refusal(tmp_path: Path, text: str, environ: dict[str, str] | None = None, **flags: object) -> str:
    with pytest.raises(SettingsError) as caught:
        of(tmp_path, text, environ, **flags)
    told = str(caught.value)
    assert "\n" not in told
    return told.replace(f"{tmp_path}/", "")


def test_nothing_given_is_all_defaults() -> None:
    settings = load(None, {"HOME": "/somewhere", "PATH": "/bin"})
    assert settings.proxy.port == 8420
    assert settings.proxy.host == "127.0.0.1"
    assert settings.proxy.access is Open.LOOPBACK
    assert settings.store.url.startswith("sqlite:///")
    assert settings.policy() == Policy()
    assert settings.feeds == {} == settings.origins


def test_the_later_source_wins(tmp_path: Path) -> None:
    """Defaults, file, environment, flags, in rising order; each value knows where it comes from."""
    text = "[proxy]\nport = 1\nhost = 'localhost'\ndeadline = '1 min'\n"
    settings = of(tmp_path, text, {"FEEDCLEAN_PROXY_PORT": "2", "FEEDCLEAN_PROXY_DEADLINE": "30"}, proxy__port=3)
    assert (settings.proxy.port, settings.proxy.host, settings.proxy.deadline) == (3, "localhost", 30.0)
    assert settings.origins == {
        "proxy.port": "--port",
        "proxy.host": f"{tmp_path}/feedclean.toml:proxy.host",
        "proxy.deadline": "FEEDCLEAN_PROXY_DEADLINE",
    }


def test_the_file_may_be_named_by_the_environment(tmp_path: Path) -> None:
    (tmp_path / "f.toml").write_text("[proxy]\nport = 7\n")
    assert load(None, {"FEEDCLEAN_CONFIG": str(tmp_path / "f.toml")}).proxy.port == 7


def test_units_lists_and_networks(tmp_path: Path) -> None:
    text = '[proxy]\nmax_body = "2 MiB"\nstale_limit = "7 d"\nallow_networks = ["10.0.0.0/8", "::1"]\n'
    settings = of(tmp_path, text, {"FEEDCLEAN_STORE_MAX_BODY_BYTES": "1.5 GB"})
    assert settings.proxy.max_body == 2 << 20
    assert settings.proxy.stale_limit == 7 * 86400
    assert settings.proxy.allow_networks == (ip_network("10.0.0.0/8"), ip_network("::1/128"))
    assert settings.store.max_body_bytes == 1_500_000_000


def test_a_feed_from_the_environment_alone_or_over_the_file(tmp_path: Path) -> None:
    environ = {"FEEDCLEAN_FEEDS_NEW_ONE_URL": "https://new.example/", "FEEDCLEAN_FEEDS_BIG_NEWS_TITLE_ACTION": "keep"}
    settings = of(tmp_path, '[feeds.big_news]\nurl = "https://x.example/"\ntitle_action = "prefix"\n', environ)
    assert list(settings.feeds) == ["big_news", "new-one"]
    assert settings.feeds["big_news"].title_action is TitleRule.KEEP


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[proxy]\nprot = 1", "feedclean.toml: there is no setting 'proxy.prot'; did you mean proxy.port?"),
        ("[porxy]\nport = 1", "feedclean.toml: there is no setting 'porxy'; did you mean proxy?"),
        ("[store]\nport = 1", "feedclean.toml: there is no setting 'store.port'; did you mean proxy.port?"),
        (FEED + "titel = 'x'", "feedclean.toml: there is no setting 'feeds.acme.titel'; did you mean feeds.acme.title?"),
        ("[proxy]\nzzz = 1", "feedclean.toml: there is no setting 'proxy.zzz'; `feedclean config --schema` shows"),
        ("proxy = 1", "feedclean.toml:proxy: must be a table; write [proxy]"),
        ("[proxy]\nport = 65536", "feedclean.toml:proxy.port: must be a whole number from 0 to 65535"),
        ("[proxy]\nport = true", "feedclean.toml:proxy.port: must be a whole number"),
        ("[proxy]\nport = [1]", "feedclean.toml:proxy.port: must be a whole number"),
        ("[proxy]\nport = 80.5", "feedclean.toml:proxy.port: must be a whole number"),
        ("[proxy]\ndeadline = nan", "feedclean.toml:proxy.deadline: must be a time from 0.1 to 600 seconds"),
        ("[proxy]\ndeadline = '3 parsec'", "feedclean.toml:proxy.deadline: must be a time"),
        ("[proxy]\nmax_body = '1 h'", "feedclean.toml:proxy.max_body: must be a size"),
        ("[proxy]\nopen = 'yes'", "feedclean.toml:proxy.open: must be one of loopback, token, signed, off"),
        ("[proxy]\nopen = 'token'", 'feedclean.toml:proxy.open: open = "token" needs proxy.token'),
        ("[proxy]\nopen = 'signed'", 'feedclean.toml:proxy.open: open = "signed" needs proxy.secret'),
        ("[proxy]\ntoken = 'short'", "feedclean.toml:proxy.token: must have 16 to 500 characters"),
        ('[proxy]\nhost = "a\\nb"', "feedclean.toml:proxy.host: must be one line of text"),
        ("[proxy]\nallow_networks = ['10.0.0.1/8']", "feedclean.toml:proxy.allow_networks: must be a list of networks"),
        ("[proxy]\npublic_url = 'ftp://x'", "feedclean.toml:proxy.public_url: must be an address that begins with http"),
        ("[proxy]\npublic_url = 'http://u:p@x'", "feedclean.toml:proxy.public_url: must be an address without user"),
        ("[proxy]\npublic_url = 'http://x:99999/'", "feedclean.toml:proxy.public_url: must be an address"),
        ("[store]\nurl = 'mysql://x/y'", "feedclean.toml:store.url: must be an address that begins with sqlite://"),
        ("[feeds]\nacme = 1", "feedclean.toml:feeds.acme: must be a table with a url"),
        ("[feeds.Acme]\nurl = 'https://x'", "feedclean.toml:feeds.'Acme': a feed is named by small letters"),
        ("[feeds.acme]\ntitle = 'x'", "feedclean.toml:feeds.acme.title: feeds.acme has no url"),
        (FEED + "cut = ['promo', 'advert']", "feedclean.toml:feeds.acme.cut: must be a list of promo, teaser"),
        (FEED + "cut = ['editorial']", "feedclean.toml:feeds.acme.cut: must be a list of promo, teaser"),
        (FEED + "cut = ['promo']\nkeep = ['promo']", "feedclean.toml:feeds.acme.keep: 'promo' is in feeds.acme.keep and in"),
        (FEED + "threshold = 2", "feedclean.toml:feeds.acme.threshold: must be a number from 0.01 to 1"),
        (FEED + "headers = {'X Y' = 'z'}", "feedclean.toml:feeds.acme.headers: must have names of headers"),
        (FEED + 'headers = {X = "a\\r\\nHost: b"}', "feedclean.toml:feeds.acme.headers: must have one line of ASCII"),
        ("[proxy\n", "feedclean.toml: not TOML: "),
        ("[proxy]\ntoken_file = 'nowhere'", "feedclean.toml:proxy.token_file: nowhere cannot be read: No such file"),
        ("[proxy]\ntoken_file = 3", "feedclean.toml:proxy.token_file: must be the path of a file"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_its_place(tmp_path: Path, text: str, told: str) -> None:
    assert refusal(tmp_path, text).startswith(told)


def test_an_unknown_variable_is_refused_with_the_nearest_one(tmp_path: Path) -> None:
    told = refusal(tmp_path, "", {"FEEDCLEAN_PROXY_PROT": "1"})
    assert told == "FEEDCLEAN_PROXY_PROT: there is no such setting; did you mean FEEDCLEAN_PROXY_PORT?"
    assert refusal(tmp_path, "", {"FEEDCLEAN_PROXY_PORT": "x"}).startswith("FEEDCLEAN_PROXY_PORT: must be a whole")
    assert refusal(tmp_path, "", proxy__port=-1).startswith("--port: must be a whole number")
    assert refusal(tmp_path, "", store__url="x").startswith("--store-url: must be an address")


def test_variables_that_a_cluster_sets_for_a_service_of_our_name_are_not_ours() -> None:
    names = ["FEEDCLEAN_SERVICE_HOST", "FEEDCLEAN_SERVICE_PORT", "FEEDCLEAN_PORT", "FEEDCLEAN_PORT_8420_TCP_ADDR"]
    assert load(None, dict.fromkeys(names, "tcp://10.0.0.1:8420")).origins == {}


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path, told in (
        (tmp_path, "Is a directory"),
        (tmp_path / "none", "No such file"),
    ):
        with pytest.raises(SettingsError, match=told):
            load(path, {})
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="not TOML"):
        load(tmp_path / "bytes", {})
    (tmp_path / "deep").write_text("x = " + "[" * 50_000)
    with pytest.raises(SettingsError, match="not TOML"):
        load(tmp_path / "deep", {})


def test_a_secret_from_a_file_beside_the_settings_and_nowhere_to_be_seen(tmp_path: Path) -> None:
    hidden = "correct-horse-battery-staple"
    (tmp_path / "token").write_text(f"{hidden}\n")
    (tmp_path / "url").write_text(f"postgresql://user:{hidden}@db.example/feeds\n")
    text = (
        '[proxy]\nopen = "token"\ntoken_file = "token"\n[store]\nurl_file = "url"\n'
        f'{FEED}headers = {{ Authorization = "Bearer {hidden}" }}\n'
        f'[feeds.private]\nurl = "https://user:{hidden}@x.example/"\n'
    )
    settings = of(tmp_path, text, {"FEEDCLEAN_PROXY_SECRET": hidden})
    assert settings.proxy.token == hidden
    assert settings.proxy.secret == hidden
    assert settings.feeds["acme"].headers == {"Authorization": f"Bearer {hidden}"}
    shown = render(settings)
    assert hidden not in shown
    assert '"Authorization" = "***"' in shown
    assert 'url = "postgresql://user:***@db.example/feeds"' in shown
    assert tomllib.loads(shown)["proxy"]["token"] == "*" * 3
    assert hidden not in repr(settings.proxy)
    assert "Bearer" not in repr(settings.feeds["acme"])


@pytest.mark.parametrize(
    ("host", "access"),
    [("127.0.0.1", "loopback"), ("::1", "loopback"), ("localhost", "loopback"), ("192.0.2.1", "off"), ("::", "off")],
)
def test_a_proxy_that_others_can_reach_is_not_open_by_default(host: str, access: str) -> None:
    assert load(None, {}, {"proxy.host": host}).proxy.access == access


def test_policy_of_a_feed_is_its_own_rules_over_the_defaults(tmp_path: Path) -> None:
    text = (
        '[defaults]\ncut = ["boilerplate"]\nmark = ["teaser"]\nthreshold = 0.9\ntitle_action = "drop-item"\n'
        f'{FEED}keep = ["boilerplate"]\ncollapse = ["promo"]\nthreshold = 0.5\ntitle_action = "prefix"\n'
    )
    settings = of(tmp_path, text)
    general, own = settings.policy(), settings.policy("acme")
    assert general.actions[Label.BOILERPLATE] is Action.CUT
    assert general.actions[Label.TEASER] is Action.MARK
    assert general.actions[Label.PROMO] is Action.CUT
    assert (general.threshold, general.title_action) == (0.9, TitleAction.MARK)
    assert settings.rules().title_action is TitleRule.DROP_ITEM
    assert own.actions[Label.BOILERPLATE] is Action.KEEP
    assert own.actions[Label.TEASER] is Action.MARK
    assert own.actions[Label.PROMO] is Action.COLLAPSE
    assert own.actions[Label.EDITORIAL] is Action.KEEP
    assert (own.threshold, own.title_action) == (0.5, TitleAction.PREFIX)


lists = st.dictionaries(
    st.sampled_from([label for label in Label if label is not Label.EDITORIAL]), st.sampled_from(Action)
)
lines = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=30)


@given(
    st.integers(0, 65535), lines, st.floats(0.1, 600), st.sampled_from([Open.LOOPBACK, Open.OFF]), lists,
    st.floats(0.01, 1), st.sampled_from(TitleRule), lines,
)  # fmt: skip
def test_what_is_shown_reads_as_the_same_settings(
    port: int, host: str, deadline: float, who: Open, actions: dict[Label, Action], threshold: float, rule: TitleRule,
    title: str,
) -> None:  # fmt: skip
    labels = {
        action.value: tuple(label for label in Label if actions.get(label) is action) or None for action in Action
    }
    flags: dict[str, object] = {"proxy.port": port, "proxy.host": host, "proxy.deadline": deadline, "proxy.open": who}
    flags |= {"feeds.a.url": "https://x.example/?a=b#c", "feeds.a.title": title, "feeds.a.threshold": threshold}
    flags |= {"feeds.a.title_action": rule} | {f"feeds.a.{name}": found for name, found in labels.items()}
    settings = load(None, {}, flags)
    values = tomllib.loads(render(settings))
    again = load(
        None, {}, {
            f"{table}.{key}": value for table, keys in values.items() if table != "feeds" for key, value in keys.items()
        } | {f"feeds.a.{key}": value for key, value in values["feeds"]["a"].items()},
    )  # fmt: skip
    assert replace(again, origins={}) == replace(settings, origins={})


@given(st.text(), st.text())
def test_anything_in_a_variable_is_a_setting_or_a_settings_error(name: str, value: str) -> None:
    for variable in (f"FEEDCLEAN_{name}", "FEEDCLEAN_PROXY_PORT", "FEEDCLEAN_FEEDS_X_HEADERS", "FEEDCLEAN_STORE_URL"):
        with suppress(SettingsError):
            load(None, {variable: value})


def test_what_is_not_set_is_shown_with_what_holds_instead(tmp_path: Path) -> None:
    shown = render(of(tmp_path, "")).splitlines()
    for line in (
        '# cut = ["promo", "teaser"]  # default', "# mark = []  # default", '# title_action = "mark"  # default',
        "# refresh_floor = 3600.0  # default",
        "# threshold is not set: probability from which to act; the model's own if not set",
    ):  # fmt: skip
        assert line in shown
    assert '# cut = ["teaser"]  # default' in render(of(tmp_path, "[defaults]\nkeep = ['promo']\n"))


def test_the_schema_names_every_setting_and_is_json() -> None:
    found = json.loads(json.dumps(schema()))
    assert set(found["properties"]) == {"proxy", "store", "model", "defaults", "feeds"}
    proxy = found["properties"]["proxy"]
    assert proxy["additionalProperties"] is False
    assert proxy["properties"]["port"] == {
        "description": "port to listen on; 0 takes any", "type": "integer", "minimum": 0, "maximum": 65535,
        "default": 8420,
    }  # fmt: skip
    assert "token_file" in proxy["properties"]
    defaults = {name: one.get("default") for name, one in found["properties"]["defaults"]["properties"].items()}
    assert defaults == EFFECTIVE
    feed = found["properties"]["feeds"]["additionalProperties"]
    assert not any("default" in one for one in feed["properties"].values())
    assert set(FeedSettings.__dataclass_fields__) <= set(feed["properties"])
    assert feed["required"] == ["url"]
