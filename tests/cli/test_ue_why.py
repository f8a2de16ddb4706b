"""`cinq ue` tells a person why something was refused, with what mends it, from what a UE can know."""

from __future__ import annotations

import asyncio

import pytest

from cinq.cli import ue as verb
from cinq.cli.output import Failure
from cinq.procedure import Runtime, Why, run_virtual
from cinq.ran.ue import Ue
from cinq.wire import nas
from tests.ran.core import Core, CoreUe, Radio, in_transport, settle


class Refusing(Core):
    """Refuses what a test says."""

    gmm = gsm = given_back = 0
    authentication = silent_to_sessions = False

    def on_registration(self, ue: CoreUe, request: nas.RegistrationRequest) -> None:
        if self.gmm:
            self.down(ue, nas.RegistrationReject(cause=self.gmm))
            self.release(ue)
        elif self.authentication:
            self.down(ue, nas.AuthenticationReject())
            self.release(ue)
        else:
            super().on_registration(ue, request)

    def on_establishment(self, ue: CoreUe, request: nas.PDUSessionEstablishmentRequest) -> None:
        if self.gsm:
            number, pti = request.pdu_session_id, request.pti
            self.down(
                ue,
                in_transport(
                    nas.PDUSessionEstablishmentReject(pdu_session_id=number, pti=pti, cause=self.gsm)
                ),
            )
        elif self.given_back:
            self.down(ue, in_transport(request).replace(cause=self.given_back))
        elif not self.silent_to_sessions:
            super().on_establishment(ue, request)


def answer(**refusal: object) -> Why:
    async def main() -> Why:
        core = Refusing()
        for name, value in refusal.items():
            setattr(core, name, value)
        radio = Radio(core)
        await radio.up()
        return await verb._power_on(radio.ue())

    return run_virtual(main())


@pytest.mark.parametrize(
    ("refusal", "why", "mend"),
    [
        (
            {"gmm": 3},
            "5GMM cause #3 Illegal UE: the network does not know imsi-999700000000001",
            "cinq subscriber add",
        ),
        ({"gmm": 11}, "#11 PLMN not allowed: imsi-999700000000001 may not register in PLMN 999-70", "`plmn`"),
        (
            {"gmm": 62},
            "#62 No network slices available: no slice that imsi-999700000000001 asked for",
            "`slices`",
        ),
        ({"gmm": 73}, "#73 Serving network not authorized", "`plmn`"),
        (
            {"authentication": True},
            "authentication rejected: the network knows no subscriber",
            "cinq subscriber add",
        ),
        (
            {"gsm": 27},
            "5GSM cause #27 Missing or unknown DNN: the network knows no DNN 'internet'",
            "[[dnn]]",
        ),
        ({"gsm": 26}, "5GSM cause #26 Insufficient resources", "`pool`"),
        ({"given_back": 91}, "not forwarded: 5GMM cause #91", "cinq subscriber add"),
        ({"given_back": 90}, "not forwarded: 5GMM cause #90", "[[dnn]]"),
        (
            {"silent_to_sessions": True},
            "no answer to the PDU session establishment: T3580 expired",
            "look at the core",
        ),
    ],
)
def test_each_refusal_says_why_and_what_mends_it(refusal: dict[str, object], why: str, mend: str) -> None:
    found = answer(**refusal)
    assert why in found
    assert mend in found.mend


def test_nothing_to_mend() -> None:
    found = answer()
    assert (found, found.mend) == ("", "")


def test_no_ue_comes_up_is_a_failure_with_what_mends_it() -> None:
    async def main() -> None:
        core = Refusing()
        core.gmm = 3
        radio = Radio(core)
        await radio.up()
        await verb._live([radio.ue()], Runtime("UE"), [], json=False)

    with pytest.raises(Failure) as failure:
        run_virtual(main())
    assert "#3 Illegal UE" in failure.value.what
    assert "cinq subscriber add imsi-999700000000001" in failure.value.mend


def test_what_the_network_does_later_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    async def main() -> None:
        core = Core()
        radio = Radio(core)
        await radio.up()
        ues: list[Ue] = [radio.ue()]
        life = asyncio.ensure_future(verb._live(ues, Runtime("UE"), [], json=True))
        await settle(200)
        assert ues[0].context.registered
        for _ in range(2):
            at_core = core.last()
            request = nas.DeregistrationRequestUETerminated(
                deregistration_type=nas.DeregistrationType(), cause=nas.GmmCause.SERVICES_5GS_NOT_ALLOWED
            )
            core.down(at_core, request)
            await settle()
        life.cancel()

    run_virtual(main())
    said = capsys.readouterr().err
    assert said.count("deregistered by the network: 5GMM cause #7") == 1
    assert "cinq subscriber show imsi-999700000000001" in said
