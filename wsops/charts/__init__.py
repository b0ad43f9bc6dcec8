"""Charts: still pictures of an audit, of jobs and of lengths of time, each with its words.

They are SVG without a script, the same bytes for the same data, and read in grey as in colour.
"""

from wsops.charts.bars import durations, image_generations, mismatches_by_pool
from wsops.charts.chart import Chart
from wsops.charts.gantt import timeline

__all__ = ["Chart", "durations", "image_generations", "mismatches_by_pool", "timeline"]
