"""From a notebook and rows of parameters to the spec of a batch, before any kernel starts.

`plan_spec` gives the spec of what was `Asked`; `with_total` puts a total in that was typed later.
"""

from wsops.batch.spec.approval import with_total
from wsops.batch.spec.asked import Asked
from wsops.batch.spec.planning import plan_spec

__all__ = ["Asked", "plan_spec", "with_total"]
