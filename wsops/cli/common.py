"""What the commands share: options, the way errors are shown, and where output goes."""

from __future__ import annotations

import functools
import json
import logging
import os
import re
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

import click
from rich.console import Console

from wsops.aliases import aliases, own_key
from wsops.cli import INTERRUPTED
from wsops.client import Workspace, connect
from wsops.errors import WsopsError
from wsops.files import write_private
from wsops.journal import Journal
from wsops.models import Desktop, Pool
from wsops.readings import images_by_id, region_of
from wsops.redact import RedactingFilter, scrub
from wsops.snapshot import as_fleet
from wsops.text import is_plain, visible

TERMINATED = 143

_LONGEST = 2000  # characters of an error
_ODD = re.compile(r"[^\n -~]")
_WIDE = 140  # where nobody has said how wide a line may be: a pipe, a file, a log


class _Aside(Console):
    """Says what goes on; where nobody can hear it any more, that ends nothing that goes on."""

    def print(self, *objects: Any, **how: Any) -> None:  # noqa: ANN401  (rich's)
        """Print, unless what it is printed to is closed or full."""
        with suppress(OSError):
            super().print(*objects, **how)

    def on_broken_pipe(self) -> None:
        """Be quiet from now on; rich would end the process."""
        self.quiet = True


# No markup: a name such as "[/]" is a name, wherever it is printed.
_plain: dict[str, Any] = {"highlight": False, "markup": False, "emoji": False}
out = Console(width=None if sys.stdout.isatty() else _WIDE, **_plain)
err = _Aside(stderr=True, width=None if sys.stderr.isatty() else _WIDE, **_plain)


class Terminated(SystemExit):
    """SIGTERM came; whatever is under way detaches as it does on Ctrl-C."""


def command(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--profile` and `--json`, and show errors as one sentence with a remedy."""

    @click.option("--profile", metavar="NAME", help="Profile of wsops.toml.")
    @click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
    @functools.wraps(function)
    def wrapper(*args: Any, as_json: bool, **kwargs: Any) -> None:  # noqa: ANN401
        _prepare_process()
        try:
            code = function(*args, as_json=as_json, **kwargs)
        except WsopsError as error:
            _fail(error, as_json=as_json)
        except click.UsageError as error:
            if as_json:
                print_json({"error": _as_error(error)})
            raise
        except (KeyboardInterrupt, click.Abort):
            err.print("interrupted; nothing that runs in the cloud was touched by this")
            _leave(INTERRUPTED)
        except Terminated:
            _leave(TERMINATED)
        except BrokenPipeError:
            sys.stderr.close()
            sys.exit(1)
        sys.exit(code or 0)

    return wrapper


@contextmanager
def connected(profile: str | None) -> Iterator[Workspace]:
    """Give a connection for the block."""
    with connect(profile) as ws:
        yield ws


def journal_of(ws: Workspace) -> Journal:
    """Open the journal, made where it is not there yet."""
    return Journal.open(ws.settings.journal_place)


def say(line: str, *, style: str = "", to: Console = out) -> None:
    """Print a line as it is, however long: what can be copied is not broken."""
    to.print(line, style=style, soft_wrap=True)


def print_json(document: Mapping[str, Any]) -> None:
    """Print the one document of `--json`; what could steer a terminal is escaped."""
    text = json.dumps(document, ensure_ascii=False, indent=2, default=str)
    click.echo(_ODD.sub(_harmless, scrub(text)))


def _harmless(found: re.Match[str]) -> str:
    character = found[0]
    return character if is_plain(character) else json.dumps(character)[1:-1]


def save_fleet(
    ws: Workspace,
    pools: Sequence[tuple[Pool, Iterable[Desktop]]],
    path: Path,
    *,
    keep_names: bool = False,
) -> None:
    """Write a fleet file of pools and all their desktops, for the simulator to load."""
    knows = region_of(ws, [pool for pool, _ in pools]).knows_handle_type
    alias = None if keep_names else aliases(own_key())
    images = images_by_id(ws).values()
    generation = "new" if knows else "old"
    write_private(path, as_fleet(ws.settings.region, generation, pools, images, alias))


def pairs(values: tuple[str, ...], what: str) -> dict[str, str]:
    """Read KEY=VALUE options.

    Raises:
        click.UsageError: one has no "=".
    """
    found = {}
    for value in values:
        key, equals, rest = value.partition("=")
        if not equals or not key or not rest:
            msg = f"{what} wants KEY=VALUE, not {value!r}"
            raise click.UsageError(msg)
        found[key] = rest
    return found


def _fail(error: WsopsError, *, as_json: bool) -> NoReturn:
    if as_json:
        details = {k: scrub(v) if isinstance(v, str) else v for k, v in error.as_dict().items()}
        print_json({"error": details})
    else:
        first, *more = (visible(scrub(line), _LONGEST) for line in str(error).splitlines() or [""])
        say(f"error: {first}", style="bold red", to=err)
        for line in more:
            say(line, style="red", to=err)
        say(f"  to do: {visible(scrub(error.remedy), _LONGEST)}", to=err)
    sys.exit(error.exit_code)


def _leave(code: int) -> NoReturn:
    """End the process without waiting for reads that are still out."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(code)


def _as_error(error: click.UsageError) -> dict[str, object]:
    """Give a usage error as the `error` object of `--json`."""
    told = WsopsError(error.format_message(), remedy="correct the command; --help explains it")
    return told.as_dict() | {"type": "UsageError"}


def _prepare_process() -> None:
    """Turn SIGTERM into an exception, and pass every log line through the redactor."""

    def terminate(*_: object) -> NoReturn:
        raise Terminated(TERMINATED)

    signal.signal(signal.SIGTERM, terminate)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    handler.addFilter(RedactingFilter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("wsops").setLevel(logging.INFO)
