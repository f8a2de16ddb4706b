"""Dossiers of several products over the same catalogue, side by side: where they differ first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Literal, get_args

import msgspec
from msgspec import Struct

from cinq.assurance.dossier.archive import DossierError
from cinq.assurance.dossier.report import head, table, verdict_word
from cinq.assurance.dossier.verify import Verified

ABSENT = "not asked"
Part = Literal["Where they differ", "Not asked of each", "Where they do not differ"]
PARTS: tuple[Part, ...] = get_args(Part)


class Said(Struct, frozen=True, rename={"sub_case": "subCase"}):
    """A verdict as a statement has it."""

    ts: str
    clause: str
    case: str
    sub_case: str
    verdict: str
    reason: str
    beyond: bool = False


class Line(Struct, frozen=True):
    """A sub-case. verdicts, reasons: of each dossier, in order; ABSENT where it was not asked."""

    clause: str
    case: str
    sub: str
    verdicts: tuple[str, ...]
    reasons: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Those that were asked do."""
        return len({verdict for verdict in self.verdicts if verdict != ABSENT}) > 1

    @property
    def part(self) -> Part:
        if self.differs:
            return "Where they differ"
        return "Not asked of each" if ABSENT in self.verdicts else "Where they do not differ"


def said_of(one: Verified) -> dict[tuple[str, str, str, str], str]:
    """The verdicts of a dossier, by TS, clause, name and sub-case."""
    return {(o.ts, o.clause, o.case, o.sub_case): o.verdict for o in _said(one)}


def names(dossiers: Sequence[Verified]) -> list[str]:
    """The products as declared; two of one name, such as two builds, by their runs."""
    declared = [
        str(_table(one, "target").get("declared", "")) or f"product {n}" for n, one in enumerate(dossiers, 1)
    ]
    runs = [str(one.statement.predicate.get("run", ""))[:8] for one in dossiers]
    return [
        f"{name}, run {run}" if declared.count(name) > 1 else name
        for name, run in zip(declared, runs, strict=True)
    ]


def lines(dossiers: Sequence[Verified]) -> list[Line]:
    """Differences first, each part by clause. DossierError: they are about different catalogues."""
    catalogues = {str(_table(one, "catalogue").get("sha256")) for one in dossiers}
    if len(catalogues) > 1:
        raise DossierError("", f"of {len(catalogues)} versions of the catalogue: nothing can be compared")
    of_each = [{(o.ts, o.clause, o.case, o.sub_case): o for o in _said(one)} for one in dossiers]
    keys = sorted(
        {key for one in of_each for key in one}, key=lambda key: (key[0], _numbers(key[1]), key[2:])
    )
    found = []
    for key in keys:
        said = [one.get(key) for one in of_each]
        verdicts = tuple(ABSENT if o is None else o.verdict for o in said)
        sub = key[3] + ("+" if any(o is not None and o.beyond for o in said) else "")
        reasons = tuple("" if o is None else o.reason for o in said)
        found.append(Line(f"TS {key[0]} {key[1]}", key[2], sub, verdicts, reasons))
    return sorted(found, key=lambda line: PARTS.index(line.part))


def page(dossiers: Sequence[Verified]) -> str:
    """One page (HTML) that needs no network."""
    return "".join(_page(dossiers))


def _page(dossiers: Sequence[Verified]) -> Iterator[str]:
    found, products = lines(dossiers), names(dossiers)
    yield head("Products compared")
    yield "<h1>Products compared</h1>"
    yield '<p class="soft">The same test cases of 3GPP, asked of each. A verdict is no judgement of a vendor.</p>'
    yield '<div class="boxes">'
    for product, one in zip(products, dossiers, strict=True):
        said = {key: escape(str(one.statement.predicate.get(key))) for key in ("coverage", "run")}
        yield f'<section class="box"><h2>{escape(product)}</h2><p>{said["coverage"]}</p>'
        yield f'<p class="soft">run {said["run"]}</p></section>'
    yield "</div>"
    for heading in PARTS:
        part = [line for line in found if line.part == heading]
        yield f"<h2>{heading}</h2>" + table("clause", "sub-case", *map(escape, products))
        for line in part:
            yield f"<tr><td>{escape(line.clause)}</td><td>{escape(line.case)} {escape(line.sub)}</td>"
            for product, verdict, reason in zip(products, line.verdicts, line.reasons, strict=True):
                why = f"<br>{escape(reason)}" if line.differs and reason else ""
                yield f'<td data-of="{escape(product)}">{verdict_word(verdict)}{why}</td>'
            yield "</tr>"
        if not part:
            yield '<tr><td class="soft">nowhere</td></tr>'
        yield "</table></div>"
    yield "</body></html>\n"


def _said(one: Verified) -> list[Said]:
    try:
        return msgspec.convert(one.statement.predicate.get("verdicts"), list[Said])
    except msgspec.ValidationError as error:
        raise DossierError("statement.json", f"verdicts: {error}") from None


def _table(one: Verified, key: str) -> dict[str, object]:
    found = one.statement.predicate.get(key)
    return found if isinstance(found, dict) else {}


def _numbers(clause: str) -> list[int]:
    return [int(part) if part.isdecimal() else 0 for part in clause.split(".")]
