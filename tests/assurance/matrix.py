"""make mutants: every sub-case against every mutant. K: killed (FAIL); ?: INCONCLUSIVE; a dot: not told apart.

Exit 1 where a sub-case kills none, or FAILs on the sound core.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable

import pytest
from rich.console import Console
from rich.table import Table

from cinq.assurance.run import Outcome
from cinq.assurance.verdict import Judged, Verdict

from . import (
    hosts,
    mutants,
    robustness_mutants,
    sbi_site,
    site,
    test_campaigns,
    test_http2_attacks,
    test_robustness_user_plane,
    test_sbi_cases,
    test_ts33512,
    test_ts33513,
    upf_mutants,
    upf_site,
)
from .mutants import Weaken

MARKS = {Verdict.FAIL: "K", Verdict.INCONCLUSIVE: "?", Verdict.PASS: "·"}
Asked = Callable[[str, str], Outcome | Judged]


def of(played: list[tuple[str, str]]) -> dict[str, Weaken]:
    """The mutants that these sub-cases are for."""
    names = dict.fromkeys(name for each in played for name in test_sbi_cases.KILLS[each])
    return {name: test_sbi_cases.WEAKENED[name] for name in names}


PARTS: tuple[tuple[str, list[tuple[str, str]], dict[str, Weaken], Asked], ...] = (
    ("TS 33.512", test_ts33512.PLAYED, mutants.MUTANTS, site.asked),
    ("TS 33.513", test_ts33513.PLAYED, upf_mutants.MUTANTS, upf_site.asked),
    *(
        (heading, played, of(played), sbi_site.asked)
        for heading, cases in test_sbi_cases.GROUPS.items()
        for played in [[each for each in test_sbi_cases.PLAYED if each[0] in cases]]
    ),
    (
        "HTTP/2 frame by frame",
        [(test_sbi_cases.ROBUSTNESS, sub) for sub in test_http2_attacks.KILLS],
        {weaken.__name__: weaken for weaken in test_http2_attacks.KILLS.values()},
        lambda case, sub: test_http2_attacks.asked(sub),
    ),
    (
        "TS 33.117 by actor",
        [(test_campaigns.CASE, sub) for sub in test_campaigns.CAMPAIGNS],
        robustness_mutants.MUTANTS,
        lambda case, sub: test_campaigns.asked(sub, 600),
    ),
    (
        "TS 33.117 on N3 and N4",
        [(test_robustness_user_plane.CASE, sub) for sub in test_robustness_user_plane.KILLS],
        {weaken.__name__: weaken for weaken in test_robustness_user_plane.KILLS.values()},
        upf_site.asked,
    ),
    *(
        (
            f"TS 33.117 §{clause} on a host",
            [which for which in hosts.SUBS if which[0].startswith(f"33117-{clause}")],
            hosts.of(clause),
            hosts.asked,
        )
        for clause in ("4.2.3", "4.2.4", "4.3.2", "4.3.3", "4.3.4")
    ),
)


def main() -> int:
    logging.lastResort = None  # what a weakened network complains of
    wrong = [title for part in PARTS for title in show(*part)]
    return 1 if wrong else 0


def show(heading: str, played: list[tuple[str, str]], weakened: dict[str, Weaken], asked: Asked) -> list[str]:
    """One matrix. Returns the sub-cases that prove nothing."""
    wrong = []
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(heading)
    table.add_column("sound")
    for number in range(len(weakened)):
        table.add_column(f"{number + 1}", justify="right")
    for case, sub in played:
        sound = asked(case, sub).verdict
        marks = [against(weaken, asked, case, sub) for weaken in weakened.values()]
        title = f"{case} {sub} {site.found(case, sub)[0].row.tc}"
        table.add_row(title, sound.value, *marks)
        if sound is not Verdict.PASS or "K" not in marks:
            wrong.append(title)
    out = Console(highlight=False, width=200)
    out.print(table)
    for number, name in enumerate(weakened, 1):
        out.print(f"{number:>3}  {name.replace('_', ' ')}")
    killed = f"{len(played) - len(wrong)} of {len(played)} sub-cases pass on the sound core and kill a mutant"
    out.print(killed + (f"; not so: {', '.join(wrong)}" if wrong else "") + "\n")
    return wrong


def against(weaken: Weaken, asked: Asked, case: str, sub: str) -> str:
    with pytest.MonkeyPatch.context() as patch:
        weaken(patch)
        return MARKS[asked(case, sub).verdict]


if __name__ == "__main__":
    sys.exit(main())
