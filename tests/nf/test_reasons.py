"""Every place where the core refuses, ignores or drops something says why, and what mends it where somebody can."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

CORE = ROOT / "src" / "cinq" / "nf"

# Which argument of a call is the reason.
REASONS = {"Refused": 1, "IGNORE": 0, "ENDED": 0, "Discarded": 0, "Problem": 2, "abort": 0}
KEYWORDS = {"Problem": "detail"}

# Causes that an operator can do something about: their reasons name the command or the setting.
MENDABLE = {
    *("PLMN_NOT_ALLOWED", "TRACKING_AREA_NOT_ALLOWED", "NO_NETWORK_SLICES_AVAILABLE", "ILLEGAL_UE"),
    *("UE_SECURITY_CAPABILITIES_MISMATCH", "DNN_NOT_SUPPORTED_OR_NOT_SUBSCRIBED_IN_THE_SLICE"),
    *("MISSING_OR_UNKNOWN_DNN", "MISSING_OR_UNKNOWN_DNN_IN_A_SLICE", "INSUFFICIENT_RESOURCES"),
    *("unknown-PLMN-or-SNPN", "slice-not-supported"),
}

# file and text of the reason: why nobody can mend it, so that it needs none.
NO_MEND = {
    "UE security capability was changed": "somebody between phone and core changed it: no setting does that",
}


def calls() -> Iterator[tuple[Path, ast.Call, str]]:
    for path in sorted(CORE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                if name in REASONS:
                    yield path, node, name


def reason_of(call: ast.Call, name: str) -> ast.expr | None:
    if len(call.args) > REASONS[name]:
        return call.args[REASONS[name]]
    wanted = KEYWORDS.get(name, "reason")
    return next((keyword.value for keyword in call.keywords if keyword.arg == wanted), None)


def literal(reason: ast.expr) -> str:
    """What of a reason is written in the code."""
    found = [node.value for node in ast.walk(reason) if isinstance(node, ast.Constant)]
    return "".join(text for text in found if isinstance(text, str))


def has_mend(reason: ast.expr) -> bool:
    """A Why with two arguments, or a value that comes from elsewhere and may have one."""
    if isinstance(reason, ast.Call) and isinstance(reason.func, ast.Name) and reason.func.id == "Why":
        return len(reason.args) + len(reason.keywords) > 1
    return not isinstance(reason, ast.Constant | ast.JoinedStr)


def where(path: Path, call: ast.Call) -> str:
    return f"{path.relative_to(ROOT)}:{call.lineno}: {ast.unparse(call)[:140]}"


def test_there_are_such_places() -> None:
    found = [name for _, _, name in calls()]
    assert {name: found.count(name) > 0 for name in REASONS} == dict.fromkeys(REASONS, True)
    assert len(found) > 80


def test_each_has_a_reason() -> None:
    silent = []
    for path, call, name in calls():
        reason = reason_of(call, name)
        empty = reason is None or (isinstance(reason, ast.Constant) and not reason.value)
        if empty or (isinstance(reason, ast.JoinedStr) and not literal(reason).strip()):
            silent.append(where(path, call))
    assert not silent, "no reason is given:\n" + "\n".join(silent)


def test_what_can_be_mended_says_how() -> None:
    unmended = []
    for path, call, name in calls():
        reason = reason_of(call, name)
        if name != "Refused" or reason is None or literal(reason) in NO_MEND:
            continue
        said = {node.attr for node in ast.walk(call.args[0]) if isinstance(node, ast.Attribute)}
        said |= {node.value for node in ast.walk(call.args[0]) if isinstance(node, ast.Constant)}
        if said & MENDABLE and not has_mend(reason):
            unmended.append(where(path, call))
    assert not unmended, "say what mends it, Why(text, mend):\n" + "\n".join(unmended)


def test_the_exceptions_are_still_there() -> None:
    written = {literal(reason) for _, call, name in calls() if (reason := reason_of(call, name)) is not None}
    assert set(NO_MEND) <= written


@pytest.mark.parametrize("text", ["<GmmCause", "<GsmCause", "!r}"])
def test_reasons_are_for_people(text: str) -> None:
    """No repr of a Python object stands in a reason."""
    found = []
    for path, call, name in calls():
        reason = reason_of(call, name)
        if reason is not None and text in ast.unparse(reason):
            found.append(where(path, call))
    assert not found, "\n".join(found)
