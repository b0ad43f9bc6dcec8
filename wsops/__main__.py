"""`python -m wsops` is `wsops`."""

from wsops.cli import main

main(prog_name="wsops")
