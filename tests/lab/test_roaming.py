"""`cinq demo roaming` with real planes: a phone of one network registers and downloads in another, by both SEPPs.

The ladder up to its session is docs/reference/call-flows/roaming.txt; CINQ_UPDATE_GOLDENS=1 writes it anew.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from cinq.lab.roaming import Roaming
from cinq.trace import Step, ladder_text
from tests.conftest import ROOT
from tests.userplane.conftest import missing

GOLDEN = ROOT / "docs" / "reference" / "call-flows" / "roaming.txt"
TIME = re.compile(r" +-?\d+\.\d+ m?s$", re.MULTILINE)
WIDTH = 171  # 160 when the times are cut off


def until_the_session(steps: list[Step]) -> list[Step]:
    """Of the phone: what crosses up to the accept, but for what two of them do at the same time."""
    own = [step for step in steps if step.ue.startswith("imsi-")]
    last = next(n for n, step in enumerate(own) if step.name == "PDUSessionEstablishmentAccept")
    return own[: last + 1]


@pytest.mark.skipif(bool(missing("pair")), reason=missing("pair") or "-")
def test_a_phone_of_one_network_downloads_in_another(tmp_path: Path) -> None:
    demo = Roaming.into(tmp_path, lambda step, result: None)
    result = demo.run()
    assert result.good
    assert result.session_ip.startswith("10.46.")  # of the visited network: local breakout
    steps = until_the_session(demo.steps())
    assert {step.sender for step in steps} >= {"UE", "AMF", "SMF", "SEPP", "SEPP abroad"}
    told = [step.name for step in steps if step.sender == "SEPP abroad"]
    for name in ("Nausf_UEAuthentication_Authenticate", "Nudm_UECM_Registration", "Nudm_SDM_Get"):
        assert name in told
    drawn = TIME.sub("", ladder_text(steps, WIDTH)) + "\n"
    drawn = re.sub(r"imsi-\S+", "imsi-99970…001", drawn)
    if os.environ.get("CINQ_UPDATE_GOLDENS"):
        GOLDEN.write_text(drawn)
    assert drawn == GOLDEN.read_text()
