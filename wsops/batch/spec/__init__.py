"""From a notebook and rows of parameters to the spec of a batch, before any kernel starts.

`plan_spec` gives the spec of what was `Asked`; `with_total` puts a total in that was typed later;
`MISMATCHES` is the fact of a row that an audit has counted.
"""

from wsops.batch.spec.approval import MISMATCHES, with_total
from wsops.batch.spec.asked import Asked
from wsops.batch.spec.planning import plan_spec

__all__ = ["MISMATCHES", "Asked", "plan_spec", "with_total"]
