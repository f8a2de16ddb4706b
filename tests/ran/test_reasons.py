"""What a gNB says of a refusal: whole identities, and what mends it."""

from __future__ import annotations

import pytest

from cinq.procedure import Refused, Why, run_virtual
from cinq.ran.gnb import GnbSettings
from cinq.ran.gnb.n2 import reasons
from cinq.wire import ngap

from .core import Core, Radio
from .mobility import Pair


def test_ng_setup_refused(caplog: pytest.LogCaptureFixture) -> None:
    """Said once in the log, with the key that mends it."""

    async def main() -> None:
        core = Core()
        core.refuse_setup = 3
        await Radio(core, settings=GnbSettings(tac=77)).up()

    with caplog.at_level("WARNING", "cinq.ran.gnb"):
        run_virtual(main())
    (told,) = [record.getMessage() for record in caplog.records if "NG Setup" in record.getMessage()]
    assert "misc/unknown-PLMN-or-SNPN: the core does not serve PLMN 999-70 in tracking area 77" in told
    assert "give the gNB a plmn and tac that the core serves" in told


@pytest.mark.parametrize("xn", [True, False])
def test_handover_refused(xn: bool) -> None:
    async def main() -> None:
        pair = Pair(xn=xn)
        await pair.up()
        source, target = pair.gnbs
        target.admission.handover = lambda cell: (
            "radioNetwork",
            "no-radio-resources-available-in-target-cell",
        )
        with pytest.raises(Refused) as refused:
            await source.hand_over(pair.context, target.cells[0])
        reason = refused.value.reason
        assert isinstance(reason, Why)
        assert "cell 000000020 of gNB 999-70-2/32 has no room for the UE" in reason
        assert "gbr_capacity_mbps" in reason.mend

    run_virtual(main())


def exists(cause: tuple[str, str]) -> bool:
    try:
        ngap.encode(ngap.ErrorIndication(cause=cause))  # type: ignore[arg-type]
    except ngap.NgapError:
        return False
    return True


def test_every_text_holds() -> None:
    """Each is filled in with and without a target, and has no word left open."""
    for cause in reasons._TEXTS:
        told = reasons.why("It failed", ("radioNetwork", cause), GnbSettings())  # type: ignore[arg-type]
        assert told.startswith(f"It failed: radioNetwork/{cause}: ")
        assert "{" not in told
        assert any(exists((group, cause)) for group in ("radioNetwork", "misc", "protocol")), cause
    assert reasons.why("It failed", None, GnbSettings()) == "It failed: no cause given"
