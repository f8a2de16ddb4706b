"""Target files: what is wrong in one is named with file, line, key, found and wanted."""

from __future__ import annotations

import pytest

from cinq.assurance.cases import CASES
from cinq.assurance.target import KNOBS, NEEDS, Target
from cinq.settings import SettingsError, loads

WHOLE = """\
[product]
name = "core"
vendor = "somebody"
version = "1.2"
[core]
amf_address = "192.0.2.1"
plmn = "001-01"
[algorithms]
integrity = ["NIA2", "NIA1"]
[[subscribers]]
imsi = "001010000000001"
count = 3
k = "00112233445566778899aabbccddeeff"
opc = "00112233445566778899aabbccddeeff"
[knobs]
restart = "ask"
"""


def test_a_whole_target() -> None:
    target = loads(Target, WHOLE, "t.toml")
    assert target.name == "somebody core 1.2"
    assert loads(Target, WHOLE.replace("somebody", "core"), "t.toml").name == "core 1.2"
    assert target.lacks(("restart",)) == ""
    assert target.lacks(("log", "n6", "host", "bench SEPP")).split(", ")[:3] == [
        "the knob log (knobs.log)",
        "the address of N6 (interfaces.n6)",
        "access to a host of the target (host.prefix)",
    ]
    assert target.lacks(("n4",)).startswith("a bench SMF's place on N4")
    assert "features.emergency" in target.lacks_feature("emergency")
    assert len(target.scenario().ues()) == 3


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            'restart = "ask"',
            'restrat = "ask"',
            "t.toml:16: knobs.restrat: unknown key; did you mean 'restart'?",
        ),
        ("count = 3", "count = 2", "wanted at least 3 that authenticate by 5G AKA"),
        (
            '["NIA2", "NIA1"]',
            '["NIA2", "AES"]',
            "t.toml:9: algorithms.integrity[1]: found 'AES', wanted 'NIA0'",
        ),
        ('["NIA2", "NIA1"]', "[]", "wanted the order of each"),
        ('plmn = "001-01"', 'plmn = "1"', "t.toml:7: core.plmn"),
        (
            '"192.0.2.1"',
            '"amf.example"',
            "t.toml:6: core.amf_address: found 'amf.example', wanted an IPv4 address",
        ),
        ("k = ", "k = 7 #", "t.toml:13: subscribers[0].k"),
    ],
)
def test_what_is_wrong_is_named(old: str, new: str, said: str) -> None:
    with pytest.raises(SettingsError) as error:
        loads(Target, WHOLE.replace(old, new, 1), "t.toml")
    assert said in str(error.value)


def test_every_need_of_a_case_is_known_to_targets() -> None:
    target = loads(Target, WHOLE, "t.toml")
    for need in NEEDS:
        target.lacks((need,))
    assert set(KNOBS) <= NEEDS
    for case in CASES.values():
        assert case.subs, case.id
        assert case.requirement
        assert case.threat
