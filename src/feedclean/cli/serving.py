"""`feedclean serve`, `opml`, `resume` and `config`: around `proxy` and `settings`, imported when used."""

from __future__ import annotations

import os
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import ForbiddenError, FormatError, SettingsError, SourceError
from .faults import say
from .threads import one_thread

if TYPE_CHECKING:
    from ..settings import Settings

__all__ = ["config", "opml", "resume", "serve"]

_Config = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Settings (TOML); what FEEDCLEAN_CONFIG names if not given.", show_default=False),
]


def serve(
    config: _Config = None,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; 127.0.0.1 unless the settings say so.", show_default=False)
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port to listen on; 8420 unless the settings say so.", show_default=False),
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="NAME|PATH", help="The model to judge with, instead of the one in use.")
    ] = None,
    samples: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Serve the feeds in this folder, too, for a try; remembers nothing."),
    ] = None,
) -> None:
    """Serve cleaned feeds to feed readers.

    The start page makes the address to subscribe to. SIGHUP, and a change of the settings file or of the model in use,
    has it read again; SIGTERM ends it once answers under way are given.
    """
    one_thread()
    from ..model_files import load_model
    from ..proxy.samples import Samples
    from ..proxy.server import run

    with ExitStack() as stack:
        flags: dict[str, object] = {"proxy.host": host, "proxy.port": port, "model.use": model}
        folder = Samples(samples) if samples else None
        if folder is not None:
            import tempfile

            place = stack.enter_context(tempfile.TemporaryDirectory(prefix="feedclean-"))
            flags["store.url"] = f"sqlite:///{place}/store.db"
        run(lambda: _settings(config, flags), load_model, folder)


def opml(
    source: Annotated[
        str,
        typer.Argument(metavar="SUBSCRIPTIONS", help="A list of feeds (OPML), or - for standard input."),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write there.", show_default=False)
    ] = None,
    public_url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="How readers reach the proxy, if not as in the settings.", show_default=False),
    ] = None,
    config: _Config = None,
) -> None:
    """Put every feed of a list of subscriptions behind the proxy.

    Folders and everything else stay as they are; what is behind the proxy already stays, too, and so does what is no
    address of a feed. Addresses are signed, or hold the token, if the settings want that.
    """
    from ..formats.opml import rewrite_opml
    from ..proxy.addresses import Addresses, proxied
    from .atomic import Replacement

    settings = _settings(config, {"proxy.public_url": public_url})
    base = Addresses(settings).base
    if base is None:
        told = "the proxy listens everywhere, so its own address is not known"
        raise SettingsError(told, where="--public-url", hint="give the address by which readers reach it")
    data = _read(source)
    try:
        made = rewrite_opml(data, proxied(settings, base))
    except FormatError as fault:
        raise fault.at(source) from None
    if output is None:
        sys.stdout.buffer.write(made.content)
    else:
        with Replacement(output) as file:
            file.write(made.content)
    say(f"{made.done} feed{'' if made.done == 1 else 's'} put behind {base}")
    if made.left:
        why = "; ".join(f"{count} × {why}" for why, count in made.left.most_common())
        say(f"{made.left.total()} left as {'it was' if made.left.total() == 1 else 'they were'}: {why}")


def resume(
    feed: Annotated[
        str | None,
        typer.Argument(metavar="[URL|NAME]", help="The feed: its address, or its name in the settings."),
    ] = None,
    config: _Config = None,
) -> None:
    """Have a feed asked for again that is gone or backing off.

    A feed whose publisher says that it is gone (410) is not asked for any more until you say so. A proxy that runs need
    not be restarted: it asks when a reader next does. Without a feed, those that are gone are listed.
    """
    from ..proxy.resuming import resume_stored
    from .own_store import open_store

    url = None if feed is None else _feed_url(feed, _settings(config, {}))
    with open_store(config) as store:
        if url is None:
            for state in store.feeds():
                if state.stopped:
                    typer.echo(state.url)
            return
        before = resume_stored(store, url, time.time())
    if before is None:
        raise SourceError("the store knows no such feed", where=url, hint="feedclean resume lists those that are gone")
    if before.stopped or before.failures:
        say(f"{url}: asked for again when a reader next wants it; it was {before.last_outcome}: {before.last_reason}")
    else:
        say(f"{url}: nothing is wrong with it; it is asked for as planned")


def config(
    config: _Config = None,
    schema: Annotated[bool, typer.Option("--schema", help="Show what can be set, as JSON Schema.")] = False,
) -> None:
    """Show the effective settings and where each comes from; secrets are masked."""
    from .. import settings

    if schema:
        import json

        typer.echo(json.dumps(settings.schema(), indent=2))
    else:
        typer.echo(settings.render(_settings(config, {})), nl=False)


def _settings(path: Path | None, flags: dict[str, object]) -> Settings:
    from ..settings import load

    return load(path, os.environ, flags)


def _feed_url(feed: str, settings: Settings) -> str:
    """The address of a feed, in its one spelling, by name or address.

    Raises:
        SettingsError: it is neither.
    """
    from ..proxy.spelling import canonical_url

    url = settings.feeds[feed].url if feed in settings.feeds else feed
    if "://" not in url:
        raise SettingsError("the settings name no such feed", where=feed, hint="feedclean config lists them")
    try:
        return canonical_url(url)
    except ForbiddenError as fault:
        raise SettingsError(fault.what, where=feed, hint=fault.hint) from None


def _read(source: str) -> bytes:
    if source == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(source).read_bytes()
    except (OSError, ValueError) as fault:
        told = getattr(fault, "strerror", None) or str(fault)
        raise SourceError(f"cannot be read: {told.lower()}", where=source) from fault
