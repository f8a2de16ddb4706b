"""Rules of the PCF: what a person may write, and what is said of what may not be."""

from __future__ import annotations

import pytest

from cinq.numbering import SNssai
from cinq.settings import SettingsError, loads
from cinq.settings.network import NetworkSettings
from cinq.settings.policy import Rule

FILTER = "permit out 17 from 198.51.100.0/24 5004 to assigned"


def test_a_rule_of_a_file() -> None:
    found = loads(
        NetworkSettings,
        f"""
        [pcf]
        ue_five_qis = [1, 9]
        ue_max_gbr = "128 Kbps"

        [[policy]]
        name = "voice"
        filters = ["{FILTER}", "permit in 6 from assigned to any 80,443,8000-8080"]
        five_qi = 1
        dnn = "internet"
        slices = ["1"]
        gbr_uplink = "64 Kbps"
        gbr_downlink = "64 Kbps"
        """,
    )
    (rule,) = found.policy
    assert (rule.name, rule.five_qi, rule.gbr_uplink, rule.slices) == ("voice", 1, 64000, (SNssai(1),))
    assert (found.pcf.ue_five_qis, found.pcf.ue_max_gbr) == ((1, 9), 128000)


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"name": "two words"}, "name: found 'two words', wanted 1 to 40 letters"),
        ({"filters": ()}, "filters: found none, wanted at least one"),
        ({"filters": (FILTER,) * 16}, "filters: found 16, wanted at most 15"),
        ({"filters": ("allow all",)}, "filters: found 'allow all', wanted for example 'permit out"),
        ({"filters": ("permit out 17 from 198.51.100.1/24 to assigned",)}, "a network such as"),
        (
            {"filters": ("permit out 300 from any to assigned",)},
            "found protocol 300, wanted 'ip' or 0 to 255",
        ),
        (
            {"filters": ("permit out ip from any 80 to assigned",)},
            "ports 80 of protocol ip, wanted them with 6",
        ),
        ({"filters": ("permit out 6 from any 80-70 to assigned",)}, "found ports '80-70'"),
        ({"filters": ("permit out 6 from any 70000 to assigned",)}, "found ports '70000'"),
        ({"filters": ("permit out 6 from any 1-2-3 to assigned",)}, "found ports '1-2-3'"),
        ({"five_qi": 0}, "five_qi: found 0, wanted 1 to 254"),
        ({"five_qi": 1}, "gbr_downlink: found none, wanted a guaranteed bit rate for 5QI 1"),
        ({"gbr_uplink": 5}, "five_qi: found 9, which guarantees no bit rate"),
        ({"five_qi": 1, "gbr_uplink": 5, "mbr_uplink": 4}, "mbr_uplink: found less than gbr_uplink"),
        ({"five_qi": 1, "gbr_uplink": 5, "reflective": True}, "reflective: found it for a GBR flow"),
        ({"precedence": 255}, "precedence: found 255, wanted 1 to 254"),
        ({"arp": 16}, "arp: found 16, wanted 1 to 15"),
        ({"dnn": "a b"}, "dnn: "),
        ({"slices": (SNssai(1), SNssai(1))}, "slices: found 1 twice"),
    ],
)
def test_what_a_rule_may_not_be(changed: dict[str, object], what: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        Rule(**{"name": "rule", "filters": (FILTER,), **changed})  # type: ignore[arg-type]
    assert what in str(caught.value)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (
            f'[[policy]]\nname = "a"\nfilters = ["{FILTER}"]\ndnn = "ims"',
            "a is for DNN ims, wanted one of internet",
        ),
        (f'[[policy]]\nname = "a"\nfilters = ["{FILTER}"]\n' * 2, "found a twice"),
        ("[pcf]\nue_five_qis = [0]", "ue_five_qis: found 0, wanted 1 to 254"),
    ],
)
def test_files_that_do_not_hold_together(text: str, what: str) -> None:
    with pytest.raises(SettingsError, match=what):
        loads(NetworkSettings, text)


def test_an_operators_own_five_qi_may_guarantee() -> None:
    assert Rule("own", (FILTER,), 130, gbr_uplink=1000).gbr_uplink == 1000  # type: ignore[arg-type]
