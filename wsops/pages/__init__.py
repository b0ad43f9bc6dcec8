"""Pages: one file each, with no address in it, that says the same where no script runs.

What every page is made of is here: the frame, the style, the script for tables, the policy that
lets nothing else run. Whose page it is adds a template, and a style sheet of its own.
"""

from wsops.pages.press import Press
from wsops.pages.words import took, when

__all__ = ["Press", "took", "when"]
