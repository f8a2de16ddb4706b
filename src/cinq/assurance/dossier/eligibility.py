"""What policies say of who made the product: another question than what it did under test, told apart from it.

The findings of `cinq policy dry-run --json`, put beside a run by whoever makes the dossier. They are shown as they are,
and no verdict of a test goes into them or comes out of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape

import msgspec
from msgspec import Struct

RULINGS = 10_000


class Finding(Struct, frozen=True):
    """One rule of a policy. status: of the law; a proposed one is never enforced."""

    rule: str
    says: str = ""
    applies: str = ""
    citation: str = ""
    status: str = ""


class Ruling(Struct, frozen=True):
    """What a policy says of one element on a day. verdict: allow, deny, review or conflict. evidence: SHA-256."""

    element: str
    policy: str
    date: str
    verdict: str
    why: str = ""
    stage: str = ""
    rule: str | None = None
    evidence: str = ""
    findings: list[Finding] = []


def rulings(octets: bytes) -> list[Ruling]:
    """ValueError: no output of `cinq policy dry-run --json`."""
    found = msgspec.json.decode(octets, type=list[Ruling])
    if not found or len(found) > RULINGS:
        raise ValueError(f"found {len(found)} elements, wanted 1 to {RULINGS}")
    return found


def box(found: Sequence[Ruling]) -> Iterator[str]:
    """Of the report's three: without a finding it says that nobody looked."""
    yield '<section class="box"><h2>Eligibility</h2>'
    if not found:
        yield '<p class="big">not examined</p>'
        yield "<p>What a law or a policy says of the vendor is another question; no test answers it.</p></section>"
        return
    counts = Counter(one.verdict for one in found)
    said = ", ".join(f"{number} {escape(verdict)}" for verdict, number in counts.most_common())
    days, policies = (sorted({getattr(one, name) for one in found}) for name in ("date", "policy"))
    yield f'<p class="big">{said}</p>'
    yield f"<p>{len(found)} elements, by {escape(', '.join(policies))}, as of {escape(', '.join(days))}.</p>"
    yield "<p>What files say of who made it, and no legal advice: people decide.</p></section>"


def section(found: Sequence[Ruling]) -> Iterator[str]:
    """Each element with the rule and its source."""
    if not found:
        return
    yield "<h2>Eligibility: what policies say of who made it</h2>"
    yield '<div class="scroll"><table><tr><th>element</th><th>says</th><th>why</th><th>by</th></tr>'
    for one in found:
        by = "<br>".join(
            escape(f"{one.policy}/{each.rule} ({each.status}): {each.citation}") for each in one.findings
        )
        yield f"<tr><td>{escape(one.element)}</td><td>{escape(one.verdict)}</td><td>{escape(one.why)}</td>"
        yield f"<td>{by or escape(one.policy)}</td></tr>"
    yield "</table></div>"
