"""make mutants: every sub-case against every mutant. K: killed (FAIL); ?: INCONCLUSIVE; a dot: not told apart.

Exit 1 where a sub-case kills none, or FAILs on the sound core.
"""

from __future__ import annotations

import logging
import sys

import pytest
from rich.console import Console
from rich.table import Table

from cinq.assurance.verdict import Verdict

from .mutants import MUTANTS
from .site import asked, found
from .test_ts33512 import PLAYED

MARKS = {Verdict.FAIL: "K", Verdict.INCONCLUSIVE: "?", Verdict.PASS: "·"}


def main() -> int:
    logging.lastResort = None  # what a weakened network complains of
    names, wrong = list(MUTANTS), []
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("case")
    table.add_column("sound")
    for number in range(len(names)):
        table.add_column(f"{number + 1}", justify="right")
    for case, sub in PLAYED:
        sound = asked(case, sub).verdict
        marks = [against(name, case, sub) for name in names]
        title = f"{case} {sub} {found(case, sub)[0].row.tc}"
        table.add_row(title, sound.value, *marks)
        if sound is not Verdict.PASS or "K" not in marks:
            wrong.append(title)
    out = Console(highlight=False, width=200)
    out.print(table)
    for number, name in enumerate(names, 1):
        out.print(f"{number:>3}  {name.replace('_', ' ')}")
    killed = f"{len(PLAYED) - len(wrong)} of {len(PLAYED)} sub-cases pass on the sound core and kill a mutant"
    out.print(killed + (f"; not so: {', '.join(wrong)}" if wrong else ""))
    return 1 if wrong else 0


def against(name: str, case: str, sub: str) -> str:
    with pytest.MonkeyPatch.context() as patch:
        MUTANTS[name](patch)
        return MARKS[asked(case, sub).verdict]


if __name__ == "__main__":
    sys.exit(main())
