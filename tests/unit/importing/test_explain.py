"""Profiles ranked by how well they explain what was seen."""

from __future__ import annotations

import pytest

from halfopen.importing.explain import MiddleboxEvidence, rank
from halfopen.importing.facts import SourcedNumber
from halfopen.vocabulary import default_vocabulary

PROFILES = default_vocabulary().profiles


def names(seen: MiddleboxEvidence) -> list[str]:
    return [each.profile for each in rank(seen, PROFILES)]


def test_data_after_an_hour_that_got_no_answer() -> None:
    best = rank(
        MiddleboxEvidence(SourcedNumber(1900, "a:1"), SourcedNumber(3700, "a:2"), ("drop", "a:2")),
        PROFILES,
    )
    assert best[0].profile == "fortigate"
    assert best[0].override is None
    assert "forgets an idle flow after 60 min, which fits (at least 1900 s, at most 3700 s)" in (
        best[0].reasons
    )
    assert "late packets: drop (late data got no answer, a:2)" in best[0].reasons


def test_a_reset_that_answers_late_data_is_of_a_profile_that_sends_one() -> None:
    seen = MiddleboxEvidence(SourcedNumber(300, "a:1"), SourcedNumber(360, "a:2"), ("rst", "a:2"))
    best = rank(seen, PROFILES)[0]
    assert (PROFILES[best.profile].values.late_packet, best.idle) == ("rst sender", 350)  # type: ignore[attr-defined]


def test_a_reset_before_any_data_is_of_a_profile_that_sends_one_at_expiry() -> None:
    best = rank(
        MiddleboxEvidence(None, SourcedNumber(300, "a:2"), ("rst at expiry", "a:2")), PROFILES
    )
    values = PROFILES[best[0].profile].values
    assert values.on_expiry == "rst both"  # type: ignore[attr-defined]


def test_a_silence_that_was_survived_excludes_shorter_timeouts() -> None:
    seen = MiddleboxEvidence(SourcedNumber(90_000, "a:1"), None, None)
    best = rank(seen, PROFILES)[0]
    assert best.idle is None or best.idle >= 90_000


def test_a_short_silence_is_written_as_an_idle_timeout_of_its_own() -> None:
    best = rank(MiddleboxEvidence(None, SourcedNumber(6, "a:2"), ("drop", "a:2")), PROFILES)[0]
    assert best.override == 4
    assert any("but can be set to what was seen (at most 6 s)" in each for each in best.reasons)


def test_a_flow_table_is_that_of_a_linux_machine() -> None:
    best = rank(MiddleboxEvidence(tracked=SourcedNumber(431_990, "c:1")), PROFILES)[0]
    assert best.profile == "linux-conntrack"


def test_a_machine_whose_setting_is_known_has_that_timeout() -> None:
    best = rank(
        MiddleboxEvidence(timeout=SourcedNumber(3600, "s:1"), tracked=SourcedNumber(3599, "c:1")),
        PROFILES,
    )[0]
    assert best.profile == "linux-conntrack"
    assert best.override == 3600


def test_a_flow_table_that_would_still_know_the_flow_did_not_forget_it() -> None:
    seen = MiddleboxEvidence(
        killed=SourcedNumber(3700, "a:1"),
        late=("drop", "a:1"),
        tracked=SourcedNumber(431_990, "c:1"),
    )
    assert list(seen.window) == [0, 3700]
    assert names(seen)[0] == "fortigate"


@pytest.mark.parametrize("nat", ["source", "destination"])
def test_address_translation_counts(nat: str) -> None:
    seen = MiddleboxEvidence(None, SourcedNumber(400, "a"), ("drop", "a"), nat=nat)  # type: ignore[arg-type]
    best = rank(seen, PROFILES)[0]
    assert f"address translation: {PROFILES[best.profile].values.nat} (seen: {nat})" in (  # type: ignore[attr-defined]
        best.reasons
    )


def test_a_proxy_is_not_proposed() -> None:
    assert not {"haproxy", "envoy", "nginx-stream"} & set(names(MiddleboxEvidence()))
