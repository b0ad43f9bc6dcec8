from __future__ import annotations

import pytest

from wsops.simulator import Options, OptionsError
from wsops.simulator.faults import FaultError, Faults


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mismatch", 1.5),
        ("mismatch", -0.1),
        ("pools", -1),
        ("desktops", 10_001),
        ("speed", 0.0),
        ("latency", -1.0),
        ("region", "newest"),
        ("filter_mode", "maybe"),
        ("unsaid_handle_type", "FOR_ALL"),
        ("lag_seconds", -1.0),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(name, value) -> None:
    """The sentence names the option that is wrong."""
    with pytest.raises(OptionsError, match=name):
        Options(**{name: value})


@pytest.mark.parametrize("rate", [-0.1, 1.1])
def test_a_rate_is_a_probability(rate) -> None:
    """A rate outside 0 to 1 is refused."""
    with pytest.raises(FaultError, match="between 0 and 1"):
        Faults({"cut": rate}, 1)


def test_an_unknown_fault_is_refused_with_those_known() -> None:
    """Whoever mistypes a kind is told the known ones."""
    with pytest.raises(FaultError, match="throttle"):
        Faults({"thottle": 0.1}, 1)
