"""Policies, inventories and bills of materials out of files: each mistake is named, whatever is in them."""

from __future__ import annotations

import contextlib
import json
import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.eligibility import documents, examples, sbom
from cinq.eligibility.engine import Document, decide
from cinq.eligibility.inventory import Inventory
from cinq.eligibility.vocabulary import Policy
from cinq.settings import examined, loads
from cinq.settings.bounds import LISTING

POLICIES = examples.POLICIES


def example(name: str) -> Document:
    return Document(loads(Policy, examples.text(name)), name, {}, {})


@pytest.mark.parametrize("name", POLICIES)
def test_an_example_holds_and_is_marked(name: str) -> None:
    text = examples.text(name)
    assert "NOT LEGAL ADVICE" in text.splitlines()[0]
    assert re.search(r"written on \d{4}-\d\d-\d\d", text.splitlines()[0])
    assert example(name).policy.id == name


@pytest.mark.parametrize(
    ("name", "day", "kept_out"),
    [
        ("ca-2022", "2024-06-27", set()),
        ("ca-2022", "2024-06-28", {"site-0412"}),
        ("ca-2022", "2027-12-31", {"site-0412", "site-0413"}),
        ("uk-2022", "2027-12-30", set()),
        ("uk-2022", "2027-12-31", {"site-0412"}),
        ("us-covered-list", "2030-01-01", set()),
        ("eu-csa2-proposed", "2030-01-01", set()),
    ],
)
def test_what_the_examples_come_to(name: str, day: str, kept_out: set[str]) -> None:
    """The island carries emergency services alone, and is never among them."""
    inventory = loads(Inventory, examples.text("inventory"))
    found = decide(example(name), inventory, (), {}, date.fromisoformat(day), "operate")
    assert {one.element for one in found if one.blocks} == kept_out


def test_what_is_proposed_is_shown() -> None:
    inventory = loads(Inventory, examples.text("inventory"))
    found = decide(example("eu-csa2-proposed"), inventory, (), {}, date(2026, 11, 30), "operate")
    (meters,) = (one for one in found if one.element == "meters")
    assert meters.verdict == "allow"
    (finding,) = meters.findings
    assert (finding.asks, finding.applies, finding.law.status) == ("deny", "allow", "proposed")


def test_equipment_with_a_covered_module_is_not_bought() -> None:
    doc, inventory = example("us-covered-list"), loads(Inventory, examples.text("inventory"))
    with_module = sbom.Sbom("x", (sbom.Supplied("modem", ("Example covered producer",)),))
    found = decide(doc, inventory, (), {"site-0001": with_module}, date(2025, 12, 26), "procure")
    assert {one.element: one.verdict for one in found}["site-0001"] == "deny"


MISTAKES = """\
id = "Of Capitals"
title = "T"
jurisdiction = "XX"
authority = "A"
version = 0
reviewed_by = "R"
reviewed_on = "2026-01-01"
colour = "red"

[[law]]
id = "act"
citation = "Act"
nature = "act of god"
status = "in-force"

[[subject]]
id = "acme"
names = []
certificate_roots = ["ABC"]
type_allocation_codes = ["1234", "35609299-35609200"]

[[rule]]
id = "one"
says = "x"
subjects = ["acme"]
stages = ["operate", "use"]
effect = "deny"
effective = 2026-01-01
until = 2025-01-01
law = "act"
"""


def test_every_mistake_is_named_with_its_line() -> None:
    value, faults = examined(Policy, MISTAKES, "p.toml")
    assert value is None
    said = [str(fault) for fault in faults]
    for place, what in (
        ("p.toml:8: colour", "unknown key"),
        ("p.toml:7: reviewed_on", "found '2026-01-01', wanted a date such as 2026-11-30, without quotes"),
        ("p.toml:13: law[0].nature", "found 'act of god', wanted 'statute'"),
        ("p.toml:18: subject[0].names", "found none"),
        ("p.toml:19: subject[0].certificate_roots[0]", "found 'ABC', wanted 64 hexadecimal digits"),
        ("p.toml:20: subject[0].type_allocation_codes[0]", "found '1234', wanted eight digits"),
        ("p.toml:20: subject[0].type_allocation_codes[1]", "with the lower first"),
        ("p.toml:26: rule[0].stages[1]", "found 'use', wanted 'procure', 'install', 'enrol' or 'operate'"),
    ):
        assert any(one.startswith(place) and what in one for one in said), (place, said)


def test_names_that_are_not_there_are_each_named() -> None:
    text = (
        examples.text("ca-2022").replace('law = "statement"', 'law = "statute"').replace('"zte"]', '"zta"]')
    )
    value, faults = examined(Policy, text, "p.toml")
    assert value is None
    said = "\n".join(map(str, faults))
    assert said.count("found 'statute', wanted one of statement, c-8") == 3
    assert said.count("found 'zta', wanted one of huawei, zte") == 4


def written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    return folder / next(iter(files)).replace("_", ".")


def test_files_of_the_operator_are_read_beside_the_policy(tmp_path: Path) -> None:
    text = examples.text("ca-2022").replace(
        'names = ["ZTE"]', 'names = ["ZTE"]\naffiliates_file = "a.csv"\ntype_allocation_code_file = "t.csv"'
    )
    path = written(
        tmp_path, p_toml=text, a_csv="name;since\nZed Holding;2020\n", t_csv="tac\n35609200-35609299\n"
    )
    found = documents.policy(path)
    assert found.affiliates == {"zte": ("Zed Holding",)}
    assert found.codes == {"zte": ("35609200-35609299",)}
    written(tmp_path, a_csv="name\nZed\n")
    assert documents.policy(path).digest != found.digest
    written(tmp_path, a_csv="company\nZed\n", t_csv="tac\n1\n")
    with pytest.raises(documents.DocumentError) as told:
        documents.policy(path)
    first, second = told.value.mistakes
    assert first.endswith("a.csv:1: found company, wanted a header with one column name")
    assert second.endswith(
        "t.csv:2: tac: found '1', wanted eight digits, or eight-eight with the lower first"
    )
    (tmp_path / "a.csv").unlink()
    with pytest.raises(documents.DocumentError, match=r"a\.csv: no such file"):
        documents.policy(path)


def test_an_inventory_names_what_is_wrong(tmp_path: Path) -> None:
    text = (
        '[[gnb]]\nname = "a"\nidentity = "999-70-1/22"\nsbom = "b.json"\n'
        '[[gnb]]\nname = "b"\nidentity = "999-70-2/22"\nsbom = "none.json"\n'
    )
    path = written(tmp_path, i_toml=text, b_json='{"bomFormat": "SPDX", "specVersion": "1.6"}')
    with pytest.raises(documents.DocumentError) as told:
        documents.stock(path)
    assert [one.partition(": ")[2] for one in told.value.mistakes] == [
        f"a: sbom: {tmp_path}/b.json: bomFormat: found 'SPDX', wanted 'CycloneDX'",
        f"b: sbom: {tmp_path}/none.json: no such file or directory",
    ]
    doubled = text.replace("999-70-2", "999-70-1").replace('"b"', '"a"')
    value, faults = examined(Inventory, doubled, "i.toml")
    assert value is None
    assert [str(fault) for fault in faults] == [
        "i.toml:6: gnb[1].name: found a twice, wanted each once",
        "i.toml:5: gnb[1]: found 999-70-1/22 twice, wanted each once",
    ]


def test_a_large_inventory_is_read() -> None:
    text = "".join(
        f'[[gnb]]\nname = "g{n}"\nidentity = "999-70-{n}/24"\nvendor = "V"\n' for n in range(4_200)
    )
    assert len(loads(Inventory, text, "i.toml", LISTING).gnb) == 4_200


def test_what_was_seen(tmp_path: Path) -> None:
    path = written(tmp_path, seen_csv=examples.text("observed"))
    first, second = documents.observations(path)
    assert (first.element, first.signal, first.value, first.source) == (
        "site-0001",
        "software",
        "4.2.0",
        "O1",
    )
    inventory = loads(Inventory, examples.text("inventory"))
    found = decide(example("ca-2022"), inventory, (first, second), {}, date(2026, 11, 30), "operate")
    assert {one.element: one.verdict for one in found}["site-0001"] == "allow"
    path.write_text("element,signal,value\nsite-0001,vendor,Huawei\n")
    found = decide(
        example("ca-2022"), inventory, documents.observations(path), {}, date(2026, 11, 30), "operate"
    )
    (radio,) = (one for one in found if one.element == "site-0001")
    assert (radio.verdict, radio.blocks) == ("conflict", True)
    for text, says in (
        ("element,value\n", r"wanted a header with one column signal"),
        (
            "element,signal,value\na,colour,red\n",
            r"seen\.csv:2: signal: found 'colour', wanted one of vendor, pen",
        ),
        ("element,signal,value\n,pen,1\n", r"seen\.csv:2: element: found ''"),
        ("element,signal,value\na,pen," + "1" * 300 + "\n", r"seen\.csv:2: value: found '1111"),
    ):
        path.write_text(text)
        with pytest.raises(documents.DocumentError, match=says):
            documents.observations(path)
    with pytest.raises(documents.DocumentError, match=r"gone\.csv: no such file"):
        documents.observations(tmp_path / "gone.csv")


# -- bills of materials


def test_a_bill_that_a_foreign_writer_made() -> None:
    """cyclonedx-python-lib, in each version that it writes as JSON."""
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component
    from cyclonedx.model.contact import OrganizationalEntity
    from cyclonedx.output import make_outputter
    from cyclonedx.schema import OutputFormat, SchemaVersion

    inner = Component(name="baseband", version="1", supplier=OrganizationalEntity(name="Acme Semiconductor"))
    module = Component(
        name="module", manufacturer=OrganizationalEntity(name="Modules Ltd"), components=[inner]
    )
    bill_ = Bom(components=[module, Component(name="os", publisher="Pub")])
    without_json = (SchemaVersion.V1_0, SchemaVersion.V1_1)
    for version in sorted(set(SchemaVersion) - set(without_json), key=lambda one: one.to_version()):
        octets = make_outputter(bill_, OutputFormat.JSON, version).output_as_string().encode()
        suppliers = {name for one in sbom.reads(octets, "b").supplied for name in one.suppliers}
        assert suppliers >= {"Acme Semiconductor", "Pub"}
    assert "Modules Ltd" in suppliers


def bom(**more: object) -> bytes:
    return json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", **more}).encode()


def test_suppliers_wherever_a_bill_names_them() -> None:
    found = sbom.reads(
        bom(
            metadata={"component": {"name": "gnb"}, "supplier": {"name": "Whole Inc"}},
            components=[
                {"name": "modem", "version": "2", "manufacturer": {"name": "Maker"}, "purl": "pkg:generic/x"},
                {"name": "os", "publisher": "Pub", "supplier": {"name": "Sup", "url": ["https://x"]}},
                {"name": "box", "components": [{"name": "inner", "supplier": {"name": "Deep"}}]},
            ],
        ),
        "b",
    )
    assert {(one.component, one.suppliers) for one in found.supplied} == {
        ("gnb", ("Whole Inc",)),
        ("modem 2", ("Maker",)),
        ("os", ("Sup", "Pub")),
        ("inner", ("Deep",)),
    }
    assert found.nameless == 2


@pytest.mark.parametrize(
    ("octets", "says"),
    [
        (b"", "found no CycloneDX in JSON"),
        (b"\xff\xfe", "found no CycloneDX in JSON"),
        (b"[]", "found no CycloneDX in JSON"),
        (b"{}", "bomFormat"),
        (bom(specVersion="2.0"), "specVersion: found '2.0'"),
        (bom(components={}), "$.components"),
        (bom(components=[{"name": 7}]), "$.components[0].name"),
        (bom(components=[{"name": "x", "supplier": "me"}]), "$.components[0].supplier"),
        (b'{"components":' * 100_000, "found"),
        (
            b'{"bomFormat":"CycloneDX","specVersion":"1.6","components":[' + b'{"components":[' * 100_000,
            "found",
        ),
    ],
)
def test_a_bill_that_is_none_says_where(octets: bytes, says: str) -> None:
    with pytest.raises(sbom.SbomError, match=re.escape(says)):
        sbom.reads(octets, "b.json")


def test_a_bill_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sbom, "COMPONENTS", 1000)
    monkeypatch.setattr(sbom, "OCTETS", 1 << 20)
    nested: dict[str, object] = {"name": "x"}
    for _ in range(sbom.DEPTH + 1):
        nested = {"name": "x", "components": [nested]}
    with pytest.raises(sbom.SbomError, match=f"more than {sbom.DEPTH} deep"):
        sbom.reads(bom(components=[nested]), "b")
    many = b'{"bomFormat":"CycloneDX","specVersion":"1.6","components":[' + b"{}," * sbom.COMPONENTS + b"{}]}"
    with pytest.raises(sbom.SbomError, match="more than 1000 components"):
        sbom.reads(many, "b")
    with pytest.raises(sbom.SbomError, match="more than 1 MiB"):
        sbom.reads(b" " * (sbom.OCTETS + 1), "b")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "supplier", "components", "metadata", "component", "publisher"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON)
@settings(max_examples=150, deadline=None)
def test_whatever_a_bill_holds_is_read_or_refused(value: object) -> None:
    octets = json.dumps(
        {"bomFormat": "CycloneDX", "specVersion": "1.5", "components": value, "metadata": value}
    ).encode()
    with contextlib.suppress(sbom.SbomError):
        found = sbom.reads(octets, "b")
        assert all(name.isprintable() for one in found.supplied for name in one.suppliers)
