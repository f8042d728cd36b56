"""Linux's TCP timers at a time scale."""

from __future__ import annotations

import pytest

from halfopen.kernel.retransmission import model_timeout
from halfopen.kernel.scaled import RETRIES2_KEY, RTO_MAX_MS, all_known, retries_for, scaled_tcp

FIN = "net.ipv4.tcp_fin_timeout"


def old(key: str) -> bool:
    """A kernel before Linux 6.15 and 6.5."""
    return key not in (RTO_MAX_MS, "net.ipv4.tcp_syn_linear_timeouts")


def test_real_time_changes_nothing() -> None:
    assert scaled_tcp(1, {}, all_known).settings == {}


@pytest.mark.parametrize(
    ("scale", "milliseconds", "fin"), [(10, "12000", "6"), (60, "2000", "1"), (600, "1000", "1")]
)
def test_durations_are_divided_as_far_as_the_kernel_takes_it(
    scale: float, milliseconds: str, fin: str
) -> None:
    settings = scaled_tcp(scale, {}, all_known).settings
    assert (settings[RTO_MAX_MS], settings[FIN]) == (milliseconds, fin)


@pytest.mark.parametrize("scale", [2, 5, 10, 20, 60, 100, 300, 600, 1200])
def test_data_is_given_up_after_about_the_same_time_of_production(scale: float) -> None:
    tcp = scaled_tcp(scale, {}, all_known)
    lasts = scale * model_timeout(tcp.retries2, tcp.rto_max)
    assert lasts == pytest.approx(model_timeout(15), rel=0.25)


def test_what_the_scenario_writes_is_a_production_value() -> None:
    tcp = scaled_tcp(5, {RETRIES2_KEY: "8", FIN: 20.0}, all_known)
    assert model_timeout(8) == pytest.approx(5 * model_timeout(tcp.retries2), rel=0.25)
    assert FIN not in tcp.settings  # the scale has divided it already


def test_a_kernel_gets_only_what_it_knows() -> None:
    tcp = scaled_tcp(60, {}, old)
    assert not {RTO_MAX_MS, "net.ipv4.tcp_syn_linear_timeouts"} & set(tcp.settings)
    assert tcp.rto_max == 120
    assert 60 * model_timeout(tcp.retries2) == pytest.approx(model_timeout(15), rel=0.7)


@pytest.mark.parametrize("retries", range(1, 16))
def test_the_number_that_lasts_nearest(retries: int) -> None:
    assert retries_for(model_timeout(retries), 120.0) == retries
    assert retries_for(model_timeout(retries) + 0.09, 120.0) == retries
