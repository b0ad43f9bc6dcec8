"""`wsops report`: an executed notebook as a page to mail."""

from __future__ import annotations

from pathlib import Path

import click

from wsops.cli.common import command, print_json, say
from wsops.credentials import know_secrets
from wsops.errors import SettingsError
from wsops.files import write_private
from wsops.settings import load

_SAME_NAME = "two notebooks of the same name would be written to {}"


class _FallsBack(click.Group):
    """A group that takes what is none of its commands for arguments of its first one."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, *ctx.help_option_names}:
            args = [next(iter(self.commands)), *args]
        return super().parse_args(ctx, args)


@click.group(cls=_FallsBack, subcommand_metavar="NOTEBOOK... | share NOTEBOOK")
def report() -> None:
    """Make a page of an executed notebook, with its names or without.

    The word `page` may be left out: `wsops report out.ipynb` is `wsops report page out.ipynb`.
    """


@report.command("page")
@click.argument(
    "notebooks", nargs=-1, required=True, metavar="NOTEBOOK...", type=click.Path(path_type=Path)
)
@click.option(
    "--out",
    "folder",
    metavar="DIR",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="Write into this folder instead of beside the notebook.",
)
@click.option("--pdf", is_flag=True, help="Print a PDF as well, where a Chromium is there.")
@command
def page(
    notebooks: tuple[Path, ...],
    *,
    folder: Path | None,
    pdf: bool,
    profile: str | None,
    as_json: bool,
) -> int:
    """Make one page of each executed notebook, NOTEBOOK.html.

    The page needs nothing else to be read; the file is for you alone (mode 0600).
    """
    # Imported when it is needed: what makes the pages takes a second or two.
    from wsops.report import Renderer, ending_of, read_notebook, write_pdf  # noqa: PLC0415

    targets = _targets(notebooks, folder)
    know_secrets(load(profile))
    renderer = Renderer()
    written = []
    for source, target in targets.items():
        notebook = read_notebook(source)
        made = renderer.render(notebook, source.name)
        write_private(target, made)
        facts = {"notebook": str(source), "verdict": ending_of(notebook).verdict}
        facts["html"] = str(target)
        if pdf:
            facts["pdf"] = str(target.with_suffix(".pdf"))
            write_pdf(made, target.with_suffix(".pdf"))
        written.append(facts)
        if not as_json:
            _tell(facts)
    if as_json:
        print_json({"reports": written})
    return 0


@report.command()
@click.argument("notebook", metavar="NOTEBOOK", type=click.Path(path_type=Path))
@click.option(
    "--out",
    "target",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write here instead of NOTEBOOK.shared.html.",
)
@command
def share(notebook: Path, *, target: Path | None, profile: str | None, as_json: bool) -> int:
    """Make a page without names, NOTEBOOK.shared.html.

    People, desktops and addresses become aliases, and pictures made of dots are left out.
    The same one has the same alias in all your reports, and only your key knows whose it is.
    Refuses to write a page that holds a secret of the profile.
    """
    from wsops import report as pages  # noqa: PLC0415  (as above)
    from wsops.aliases import aliases, own_key  # noqa: PLC0415
    from wsops.report.share import share as without_names  # noqa: PLC0415

    know_secrets(load(profile))
    executed = pages.read_notebook(notebook)
    made = without_names(executed, notebook.name, aliases(own_key()), pages.Renderer())
    place = target or notebook.with_suffix(".shared.html")
    write_private(place, made)
    verdict = pages.ending_of(executed).verdict
    facts = {"notebook": str(notebook), "verdict": verdict, "html": str(place)}
    if as_json:
        print_json({"reports": [facts]})
    else:
        _tell(facts)
    return 0


def _targets(notebooks: tuple[Path, ...], folder: Path | None) -> dict[Path, Path]:
    """Give the file of each notebook's page.

    Raises:
        SettingsError: two pages would be one file.
    """
    found: dict[Path, Path] = {}
    for source in dict.fromkeys(notebooks):
        target = (folder or source.parent) / f"{source.stem}.html"
        if target in found.values():
            remedy = "give them other names, or leave --out away"
            raise SettingsError(_SAME_NAME.format(target), remedy=remedy)
        found[source] = target
    return found


def _tell(facts: dict[str, str]) -> None:
    say(f"{facts['verdict']}: wrote {facts['html']}")
    if "pdf" in facts:
        say(f"{' ' * len(facts['verdict'])}  wrote {facts['pdf']}")
