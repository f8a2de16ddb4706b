"""The form that CI systems read: an error is a sub-case that tells nothing of the target."""

from __future__ import annotations

import json
from collections.abc import Sequence
from xml.etree import ElementTree

from cinq.assurance.evidence import Told
from cinq.assurance.verdict import Verdict

KINDS = {
    Verdict.FAIL: "failure",
    Verdict.INCONCLUSIVE: "error",
    Verdict.NOT_APPLICABLE: "skipped",
    Verdict.NOT_TESTED: "skipped",
}


def junit(told: Sequence[Told]) -> bytes:
    """One test suite, a test case for each sub-case."""

    def number(*verdicts: Verdict) -> str:
        return str(sum(one.verdict in verdicts for one in told))

    suite = ElementTree.Element(
        "testsuite",
        name="cinq assess",
        tests=str(len(told)),
        failures=number(Verdict.FAIL),
        errors=number(Verdict.INCONCLUSIVE),
        skipped=number(Verdict.NOT_APPLICABLE, Verdict.NOT_TESTED),
        time=f"{sum(one.seconds for one in told):.3f}",
    )
    for one in told:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=f"TS {one.spec} {one.clause} {one.tc}",
            name=f"{one.sub}: {one.title}",
            time=f"{one.seconds:.3f}",
        )
        if one.verdict in KINDS:
            said = ElementTree.SubElement(case, KINDS[one.verdict], message=_printable(one.reason))
            said.text = one.verdict.value
    return bytes(ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True))


def _printable(text: str) -> str:
    """What XML may hold: a target may have put anything into a name."""
    return json.dumps(text, ensure_ascii=True)[1:-1].replace('\\"', '"')
