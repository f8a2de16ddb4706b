"""DEV-056 and DEV-058: SCTP below N2, by an AMF that bears it and by one that does not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from cinq.assurance import packets
from cinq.assurance.cases.ts33117 import robustness_sctp
from cinq.assurance.verdict import Verdict
from cinq.nf.amf import AMF
from cinq.nf.amf.inbound.n2 import Inbound
from cinq.ran.scenarios.check import Unreachable
from cinq.transport.raw import INIT_ACK, SCTP, Raw, open_sctp

from . import site
from .plain import BENCH, N2, answering_init, described, played

ROBUSTNESS = "33117-4.4.4"


def test_one_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    assert site.asked(ROBUSTNESS, "dev-056-one-stream").verdict is Verdict.PASS
    connected = AMF.n2_connected

    def dies(self: AMF, association: site.End) -> Inbound:
        if association.outbound_streams < 2:
            for ran in list(self.access.rans):
                ran.association.abort("crash")
            raise AssertionError("no stream for UEs")
        return connected(self, association)

    monkeypatch.setattr(AMF, "n2_connected", dies)
    found = site.asked(ROBUSTNESS, "dev-056-one-stream")
    assert found.verdict is not Verdict.PASS, found.judged.reason


class Setup:
    """gNBs that set up when an INIT of theirs is answered."""

    async def gnb(self) -> None:
        if not await open_sctp(str(BENCH), str(N2), (38412,)):
            raise Unreachable("no INIT ACK")


@asynccontextmanager
async def full() -> AsyncIterator[None]:
    """Keeps a place for whoever sent an INIT, and has 300."""
    raw, places = Raw(str(N2), SCTP), 300
    async with answering_init(raw=raw):
        sound, taken = raw.send, 0

        def send(payload: bytes, to: str, options: bytes = b"") -> None:
            nonlocal taken
            taken += payload[12] == INIT_ACK
            if taken <= places:
                sound(payload, to, options)

        raw.send = send  # type: ignore[method-assign]
        yield


@pytest.mark.root
@pytest.mark.kernel
@pytest.mark.parametrize(("around", "verdict"), [(answering_init, Verdict.PASS), (full, Verdict.FAIL)])
def test_a_flood_of_inits(
    around: type[AbstractAsyncContextManager[object]],
    verdict: Verdict,
    namespace: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(robustness_sctp, "STEPS", ((500, 2.5),))
    monkeypatch.setattr(packets, "WAIT_S", 0.3)
    judged, trial = played(ROBUSTNESS, "dev-058-init-flood", described(n3=None), around, bench=Setup())
    assert judged.verdict is verdict, judged.reason
    assert "availability.json" in trial.artefacts
