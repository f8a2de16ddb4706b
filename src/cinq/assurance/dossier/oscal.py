"""The verdicts in the form that compliance tools read: OSCAL assessment results (NIST, model assessment-results).

A sub-case is an observation, a case that could be told a finding. OSCAL knows two states of an objective; what was
inconclusive, not applicable or not tested is neither, so it stands as an observation alone, with its verdict.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby

from cinq.assurance import catalogue
from cinq.assurance.evidence import CONCLUSIVE, Run, Told, coverage
from cinq.assurance.verdict import Verdict, of_case
from cinq.attest.canonical import Plain

OSCAL_VERSION = "1.0.6"
NAMESPACE = "urn:cinq:scas-result:v1"
MEDIA = {
    "json": "application/json",
    "jsonl": "application/jsonl",
    "pcapng": "application/x-pcapng",
    "toml": "application/toml",
    "txt": "text/plain",
}


def assessment_results(run: Run, told: Sequence[Told], files: Mapping[str, bytes]) -> Plain:
    """told: in the order in which it is shown. files: the evidence by its name in the dossier."""
    names = _Names(run)
    return {
        "assessment-results": {
            "uuid": names.of("assessment-results"),
            "metadata": {
                "title": f"Security assurance of {_line(run.target)}",
                "last-modified": _time(run.ended or run.begun),
                "version": run.id,
                "oscal-version": OSCAL_VERSION,
            },
            "import-ap": {"href": f"#{names.of('catalogue')}"},
            "results": [_result(names, run, told, files)],
            "back-matter": {"resources": _resources(names, run, files)},
        }
    }


class _Names:
    """Identities that follow from the run: the same dossier has the same ones."""

    def __init__(self, run: Run) -> None:
        self._space = uuid.uuid5(uuid.NAMESPACE_URL, f"{NAMESPACE}:{run.id}")

    def of(self, *parts: str) -> str:
        """A version 5 UUID."""
        return str(uuid.uuid5(self._space, "\0".join(parts)))


def _result(names: _Names, run: Run, told: Sequence[Told], files: Mapping[str, bytes]) -> Plain:
    result: dict[str, Plain] = {
        "uuid": names.of("result"),
        "title": f"{_line(run.target)}: test cases of the 3GPP security assurance specifications",
        "description": coverage(told).words,
        "start": _time(run.begun),
        "props": [_prop("run", run.id), _prop("seed", run.seed)],
        "local-definitions": {
            "components": [_product(names, run)],
            "assessment-assets": {
                "components": [_tool(names, run)],
                "assessment-platforms": [_platform(names)],
            },
        },
        "reviewed-controls": {
            "description": "the rows of the catalogue that this run asked",
            "control-selections": [{"include-all": {}}],
        },
    }
    if run.ended:
        result["end"] = _time(run.ended)
    if told:
        result["observations"] = [_observation(names, run, one, files) for one in told]
    if findings := _findings(names, told):
        result["findings"] = findings
    return result


def _platform(names: _Names) -> Plain:
    return {
        "uuid": names.of("platform"),
        "title": "the assurance bench of cinq",
        "uses-components": [{"component-uuid": names.of("tool")}],
    }


def _product(names: _Names, run: Run) -> Plain:
    props = [_prop("target-file-sha256", run.target_digest)]
    if run.observed.amf_name:
        props.append(_prop("observed-amf-name", run.observed.amf_name))
    return {
        "uuid": names.of("product"),
        "type": "service",
        "title": _line(run.target),
        "description": "the product under test, as it was declared",
        "props": props,
        "status": {"state": "operational"},
    }


def _tool(names: _Names, run: Run) -> Plain:
    return {
        "uuid": names.of("tool"),
        "type": "software",
        "title": f"cinq {run.tool_version}",
        "description": "the bench; sbom.cdx.json of the evidence names what it is made of",
        "props": [_prop("sha256", run.tool_digest)],
        "status": {"state": "operational"},
    }


def _observation(names: _Names, run: Run, one: Told, files: Mapping[str, bytes]) -> Plain:
    begun = min((fact.utc for fact in one.facts if fact.utc), default=run.begun)
    place = f"evidence/cases/{one.case}/{one.sub}/"
    observation: dict[str, Plain] = {
        "uuid": names.of("observation", one.case, one.sub),
        "title": _line(f"TS {one.spec} {one.clause} {one.tc} {one.sub}"),
        "description": _line(one.title),
        "props": [_prop("verdict", one.verdict.value), _prop("beyond", "yes" if one.beyond else "no")],
        "methods": ["TEST"],
        "types": ["control-objective"],
        "subjects": [{"subject-uuid": names.of("product"), "type": "component"}],
        "relevant-evidence": [
            {"href": f"#{names.of('artefact', name)}", "description": name.removeprefix(place)}
            for name in sorted(files)
            if name.startswith(place)
        ],
        "collected": _time(begun),
        "remarks": _line(one.reason),
    }
    if not observation["relevant-evidence"]:
        del observation["relevant-evidence"]
    return observation


def _findings(names: _Names, told: Sequence[Told]) -> list[Plain]:
    rows = catalogue.rows()
    findings: list[Plain] = []
    for case, group in groupby((one for one in told if not one.beyond), key=lambda one: one.case):
        ones = list(group)
        verdict = of_case([one.verdict for one in ones])
        if verdict not in CONCLUSIVE:
            continue
        row = rows[case]
        passed = verdict is Verdict.PASS
        status: dict[str, Plain] = {
            "state": "satisfied" if passed else "not-satisfied",
            "reason": "pass" if passed else "fail",
        }
        findings.append(
            {
                "uuid": names.of("finding", case),
                "title": _line(row.name),
                "description": _line("; ".join(f"{one.sub}: {one.reason}" for one in ones)),
                "target": {"type": "objective-id", "target-id": _token(case), "status": status},
                "related-observations": [
                    {"observation-uuid": names.of("observation", case, one.sub)} for one in ones
                ],
            }
        )
    return findings


def _resources(names: _Names, run: Run, files: Mapping[str, bytes]) -> list[Plain]:
    plan: Plain = {
        "uuid": names.of("catalogue"),
        "title": "The catalogue of test cases that this run chose from",
        "description": "rows of the 3GPP security assurance specifications, by TS, version and clause",
        "props": [_prop("sha256", run.catalogue_digest)],
    }
    return [plan, *(_resource(names, name, files[name]) for name in sorted(files))]


def _resource(names: _Names, name: str, octets: bytes) -> Plain:
    link: dict[str, Plain] = {
        "href": name,
        "hashes": [{"algorithm": "SHA-256", "value": hashlib.sha256(octets).hexdigest()}],
    }
    if media := MEDIA.get(name.rpartition(".")[2]):
        link["media-type"] = media
    return {"uuid": names.of("artefact", name), "title": name, "rlinks": [link]}


def _prop(name: str, value: str) -> Plain:
    return {"name": name, "ns": NAMESPACE, "value": _line(value)}


def _line(text: str) -> str:
    """Text as OSCAL's strings want it: one line, not empty, without spaces at its ends."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split()) or "-"


def _token(text: str) -> str:
    """A name as an OSCAL token: it begins with a letter or an underscore."""
    safe = "".join(c if c.isascii() and (c.isalnum() or c in "-._") else "_" for c in text)
    return safe if safe[:1].isalpha() else f"_{safe}"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).isoformat()
