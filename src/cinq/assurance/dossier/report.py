"""The report of a dossier: one page that a person reads, on a screen or on paper, without a network.

Everything that came from the target is text in it: nothing of that is ever markup.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from importlib import resources
from itertools import groupby

from cinq.assurance import catalogue
from cinq.assurance.dossier import eligibility
from cinq.assurance.dossier.eligibility import Ruling
from cinq.assurance.evidence import Coverage, Run, Told, coverage, of_rows, why_not
from cinq.assurance.verdict import Fact, Verdict, of_case

FEW = 3
"""Sub-cases of a case that are named among the open points."""
LADDER_LINES = 150
"""Of a long ladder so many at each end: a campaign's has tens of thousands."""


def report(run: Run, told: Sequence[Told], files: Mapping[str, bytes], ruled: Sequence[Ruling] = ()) -> str:
    """told: in the order in which it is shown. files: the evidence, for the ladders. ruled: what policies say."""
    return "".join(_page(run, told, files, ruled))


def style() -> str:
    return resources.files("cinq.assurance.dossier").joinpath("report.css").read_text()


def _page(
    run: Run, told: Sequence[Told], files: Mapping[str, bytes], ruled: Sequence[Ruling]
) -> Iterator[str]:
    found = coverage(told)
    yield head(f"{run.target}: security assurance, run {run.id}")
    yield f"<h1>{_t(run.target)}</h1>"
    yield (
        f'<p class="soft">Security assurance test cases of 3GPP, executed {_when(run.begun)} by cinq '
        f"{_t(run.tool_version)}. Run {_t(run.id)}.</p>"
    )
    yield from _boxes(told, found, ruled)
    yield from _untested(told)
    yield from _summary(told)
    yield from eligibility.section(ruled)
    yield from _identity(run)
    yield "<h2>Each case</h2>"
    for _, group in groupby(told, key=lambda one: one.case):
        yield from _case(list(group), files)
    yield from _rest(told)
    yield "</body></html>\n"


def _boxes(told: Sequence[Told], found: Coverage, ruled: Sequence[Ruling]) -> Iterator[str]:
    counts = " · ".join(
        f'<span class="v {verdict.value}">{number} {verdict.value}</span>'
        for verdict, number in found.verdicts.items()
        if number
    )
    open_ = [one for one in told if one.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE)]
    open_.sort(key=lambda one: one.verdict is not Verdict.FAIL)  # and else as they were
    yield '<div class="boxes"><section class="box"><h2>Assurance</h2>'
    yield f'<p class="big">{found.executed} of {found.black_box}</p>'
    yield "<p>rows that a network can be asked were executed</p>"
    if found.host_executed:
        yield f"<p>{found.host_executed} of {found.host} rows that take a host</p>"
    yield f"<p>Sub-cases of the specifications: {counts or 'none'}. {found.beyond} asked beyond them.</p></section>"
    yield from eligibility.box(ruled)
    yield f'<section class="box"><h2>Open points</h2><p class="big">{len(open_)}</p><ul>'
    for (case, verdict), group in groupby(open_, key=lambda one: (one.case, one.verdict)):
        yield _open_points(case, verdict, list(group))
    if not open_:
        yield "<li>no sub-case failed or was inconclusive; what was not tested stands below</li>"
    yield "</ul></section></div>"


def _open_points(case: str, verdict: Verdict, ones: list[Told]) -> str:
    """One line for each case and verdict, its first sub-cases by name: the table below has them all."""
    names = ", ".join(one.sub for one in ones[:FEW]) + (f" and {len(ones) - FEW} more" if ones[FEW:] else "")
    title = f"{ones[0].clause} {ones[0].tc}"
    return f'<li>{badge(verdict)} <a href="#{_t(case)}">{_t(title)}</a> {_t(names)}</li>'


def _untested(told: Sequence[Told]) -> Iterator[str]:
    left = [one for one in told if one.verdict in (Verdict.NOT_TESTED, Verdict.NOT_APPLICABLE)]
    asked = {one.case for one in told}
    rows = [row for row in catalogue.rows().values() if row.id not in asked]
    yield "<h2>What was not tested</h2>"
    yield f"<p>{len(rows)} rows of the catalogue were not asked in this run; they stand at the end.</p>"
    if left:
        yield table("clause", "sub-case", "verdict", "why")
        for one in left:
            yield f"<tr><td>TS {_t(one.spec)} {_t(one.clause)}</td><td>{_t(one.tc)} {_t(one.sub)}: {_t(one.title)}</td>"
            yield f'<td class="v {one.verdict.value}">{one.verdict.value}</td>'
            yield f'<td class="why">{_t(one.reason)}</td></tr>'
        yield "</table></div>"


def _summary(told: Sequence[Told]) -> Iterator[str]:
    yield "<h2>Verdicts</h2>" + table("case", "verdict", "sub-cases")
    for case, group in groupby(told, key=lambda one: one.case):
        ones = list(group)
        whole = of_case([one.verdict for one in ones if not one.beyond])
        yield f'<tr><td><a href="#{_t(case)}">TS {_t(ones[0].spec)} {_t(ones[0].clause)} {_t(ones[0].tc)}</a></td>'
        yield f'<td class="v {whole.value}">{whole.value}</td><td>'
        yield ", ".join(
            f'{_t(one.sub)}{"+" if one.beyond else ""} <span class="{one.verdict.value}">{one.verdict.value}</span>'
            for one in ones
        )
        yield "</td></tr>"
    yield '</table></div><p class="soft">+ is asked beyond the specification, and counts for no case.</p>'


def _identity(run: Run) -> Iterator[str]:
    seen = run.observed
    pairs = (
        ("declared", run.target),
        ("AMF name", seen.amf_name),
        ("GUAMIs", "; ".join(seen.guamis)),
        ("slices", "; ".join(seen.slices)),
        ("relative capacity", str(seen.relative_capacity)),
        ("IEs of NG Setup Response, in order", " ".join(map(str, seen.ies))),
        ("SCTP INIT ACK", "; ".join(seen.sctp)),
        ("TLS", "; ".join(seen.tls)),
        ("seed", run.seed),
        ("bench, SHA-256", run.tool_digest),
        ("catalogue, SHA-256", run.catalogue_digest),
        ("target file, SHA-256", run.target_digest),
        ("begun, ended", f"{_when(run.begun)}, {_when(run.ended)}"),
    )
    yield "<h2>What was tested, by what</h2><table>"
    for name, value in pairs:
        yield f"<tr><th>{name}</th><td><code>{_t(value) or '-'}</code></td></tr>"
    yield "</table>"


def _case(ones: list[Told], files: Mapping[str, bytes]) -> Iterator[str]:
    first = ones[0]
    yield f'<h3 id="{_t(first.case)}">TS {_t(first.spec)} {_t(first.clause)} {_t(first.tc)}</h3>'
    yield f'<p class="soft">version {_t(first.version)}</p>'
    for one in ones:
        yield f"<p>{badge(one.verdict)} <b>{_t(one.sub)}</b> {_t(one.title)}"
        yield f"{' (beyond the specification)' if one.beyond else ''}<br>{_t(one.reason)}</p>"
        if one.limit:
            yield f'<p class="soft">Limit: {_t(one.limit)}</p>'
        if one.facts:
            yield f"<details><summary>{len(one.facts)} facts, {one.seconds:.1f} s</summary>"
            yield from _facts(one.facts)
            yield "</details>"
        name = f"evidence/cases/{one.case}/{one.sub}/ladder.txt"
        ladder = files.get(name)
        if ladder is not None:
            yield f"<details><summary>call flow</summary><pre>{_t(_shown(ladder, name))}</pre></details>"


def _shown(ladder: bytes, name: str) -> str:
    """A ladder as a page can hold it: of a long one its beginning and its end."""
    lines = ladder.decode(errors="replace").splitlines()
    left = len(lines) - 2 * LADDER_LINES
    if left <= 0:
        return "\n".join(lines)
    return "\n".join((*lines[:LADDER_LINES], "", f"… {left} lines more: {name}", "", *lines[-LADDER_LINES:]))


def _facts(facts: Sequence[Fact]) -> Iterator[str]:
    yield table("s", "kind", "statement", "", "observed")
    for fact in facts:
        mark = (
            ""
            if fact.kind == "step"
            else '<span class="v PASS">✓</span>'
            if fact.holds
            else '<span class="v FAIL">✗</span>'
        )
        yield f'<tr><td class="num">{fact.elapsed:.3f}</td><td>{fact.kind}</td><td>{_t(fact.statement)}</td>'
        yield f"<td>{mark}</td><td>{_t(fact.observed)}</td></tr>"
    yield "</table></div>"


def _rest(told: Sequence[Told]) -> Iterator[str]:
    asked = {one.case for one in told}
    verdicts = of_rows(told)
    yield "<h2>Rows that were not asked</h2>" + table("clause", "test case", "verdict", "why")
    for row in catalogue.rows().values():
        if row.id in asked:
            continue
        yield f"<tr><td>TS {_t(row.spec)} {_t(row.clause)}</td><td>{_t(row.tc or row.title)}</td>"
        yield f'<td class="v NOT-TESTED">{verdicts[row.id].value}</td><td class="why">{_t(why_not(row))}</td></tr>'
    yield "</table></div>"


def table(*heads: str) -> str:
    """Its beginning; `</table></div>` ends it."""
    return '<div class="scroll"><table><tr>' + "".join(f"<th>{head}</th>" for head in heads) + "</tr>"


def badge(verdict: Verdict) -> str:
    return verdict_word(verdict.value)


def verdict_word(word: str) -> str:
    """word: a verdict, or what stands in place of one."""
    known = word if word in set(Verdict) else "NOT-TESTED"
    return f'<span class="v {known}">{_t(word)}</span>'


def head(title: str) -> str:
    """Up to the body. title: text."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{_t(title)}</title><style>{style()}</style></head><body>"
    )


def _when(seconds: float) -> str:
    return (
        datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        if seconds
        else "not ended"
    )


def _t(text: str) -> str:
    return escape(text, quote=True)
