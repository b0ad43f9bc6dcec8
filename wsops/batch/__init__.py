"""Batches: one notebook, many sets of parameters, one index to read."""
