"""Every sub-case that can be asked stands in a test where it passes on what is sound and fails on what is weakened."""

from __future__ import annotations

from cinq.assurance.cases import CASES

from . import (
    hosts,
    test_campaigns,
    test_http2_attacks,
    test_robustness,
    test_robustness_user_plane,
    test_sbi_cases,
    test_ts33512,
    test_ts33513,
    test_web_cases,
)

SHOWN: dict[str, dict[str, tuple[str, ...]]] = {
    "test_ts33117.py": {"33117-4.4.2": ("TCP", "UDP")},
    "test_ip_cases.py": {
        "33117-4.4.2": ("SCTP",),
        "33117-4.2.4.1.1.2": ("4-response", "4-redirect"),
        "33117-4.2.4.1.1.3": ("4", "routing"),
        "33117-4.2.6.2.1": ("A",),
        "33117-4.2.6.2.3": ("sender",),
        "33117-4.2.6.2.4": ("sender", "message"),
        "33117-4.3.2.1": ("old", "restarted"),
        "33117-4.3.2.2": ("A",),
        "33117-4.3.3.1.2": ("A",),
        "33117-4.3.5.1": ("A",),
    },
    "test_tls_cases.py": {
        "33117-4.2.2.2.2": ("mandated", "versions", "suites", "compression", "http2", "mutual"),
        "33117-4.2.5.1": ("mandated", "versions", "suites", "compression"),
        "33117-4.2.3.2.4": ("tls-versions", "tls-suites"),
    },
    "test_floods.py": {"33117-4.3.3.1.4": ("A",), "33117-4.2.3.3.3": ("measured",)},
    "test_host_cases.py": {
        "33117-4.3.2.7": ("private", "configuration"),
        "33117-4.2.3.6.3": ("A",),
        "33117-4.2.3.2.2": ("log", "files", "processes", "dumps"),
        "33117-4.2.4.2.2": ("A",),
        "33117-4.2.3.4.2.1": ("host",),
        "33117-4.2.4.1.2.1": ("users", "lent", "not-root"),
        "33117-4.3.3.1.5": ("kernel",),
        "33117-4.3.2.1": ("host",),
        "33117-4.2.3.2.5": ("A",),
        "33117-4.2.3.6.1": ("interface", "authentication", "configuration", "restart"),
    },
    "test_link_cases.py": {
        "33117-4.2.4.1.1.2": ("6-response", "6-router"),
        "33117-4.3.3.1.1": ("martian",),
    },
    "test_sctp_cases.py": {"33117-4.4.4": ("dev-058-init-flood", "dev-056-one-stream")},
    "test_web_cases.py": dict.fromkeys(test_web_cases.KILLS, ("A",)),
    "test_redirection.py": {"33512-4.2.2.1.3": ("A",)},
    "test_ipsec_cases.py": {f"33513-4.2.2.{row}": ("clear",) for row in (1, 2, 5)},
}
WITHOUT = {("33512-4.2.2.3.2", "A")}
"""Of features that our core does not have, and no test builds: emergency services."""


def test_no_sub_case_is_shipped_without_something_weakened_that_it_finds_out() -> None:
    shown = {(case, sub) for cases in SHOWN.values() for case, subs in cases.items() for sub in subs}
    played = (*test_ts33512.PLAYED, *test_ts33513.PLAYED, *test_sbi_cases.PLAYED)
    shown |= {*hosts.SUBS, *played, *WITHOUT}
    robustness = (
        *test_http2_attacks.KILLS,
        *test_campaigns.CAMPAIGNS,
        *test_robustness.NAMES,
        *test_robustness_user_plane.NAMES,
    )
    shown |= {(test_campaigns.CASE, name) for name in robustness}
    played = {
        (case.id.removeprefix("SCAS-"), sub.name)
        for case in CASES.values()
        for sub in case.subs.values()
        if sub.play is not None
    }
    assert played - shown == set()
    assert shown - played == set()
