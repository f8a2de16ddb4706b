"""Each refusal of these functions says why to a person: the third argument of Problem is a Why, or leads to one."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import cinq.nf

ROOT = Path(cinq.nf.__path__[0])
PAGES = sorted(
    p for nf in ("ausf", "udm", "udr", "pcf", "nssf", "nrf", "eir", "bsf") for p in (ROOT / nf).rglob("*.py")
)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_problem_has_a_reason(page: Path) -> None:
    for node in ast.walk(ast.parse(page.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Problem":
            assert len(node.args) >= 3, f"{page.name}:{node.lineno}: no reason"
            reason = node.args[2]
            assert not isinstance(reason, ast.Constant | ast.JoinedStr), (
                f"{page.name}:{node.lineno}: a plain text"
            )
            if isinstance(reason, ast.Call):
                assert isinstance(reason.func, ast.Name)
                assert reason.func.id in ("Why", "nobody", "_not_deconcealed"), f"{page.name}:{node.lineno}"


def test_the_pages_are_there() -> None:
    assert len(PAGES) > 20
