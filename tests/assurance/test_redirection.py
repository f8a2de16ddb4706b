"""Redirection to EPC, which our core does not have: around its real functions here, after its security mode procedure
as it should be, and before it or in clear as it should not."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from cinq.assurance.target import Features, Knobs
from cinq.assurance.verdict import Verdict
from cinq.nf.amf.n1.exchange import Exchange
from cinq.nf.amf.procedures.gmm import registration
from cinq.procedure import Refused
from cinq.wire import nas

from .site import TURNS, asked, target

REDIRECTION = ("33512-4.2.2.1.3", "A")
Redirects = Callable[[pytest.MonkeyPatch], None]
STATE: dict[str, str] = {}


def refuse(*_: object) -> None:
    if STATE.get("state") == "on":
        raise Refused(nas.RegistrationReject(cause=nas.GmmCause.REDIRECTION_TO_EPC_REQUIRED), "redirected")


def sound(patch: pytest.MonkeyPatch) -> None:
    """Once the UE is known."""
    before = registration.register

    async def register(*given: object) -> None:
        refuse()
        await before(*given)  # type: ignore[arg-type]

    patch.setattr(registration, "register", register)


def before_security(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(registration, "check_what_is_asked", refuse)


def in_clear(patch: pytest.MonkeyPatch) -> None:
    """After the security mode procedure, and not protected by it."""
    sound(patch)
    protect = Exchange.protect

    def protected(
        self: Exchange, message: nas.GmmMessage, octets: bytes, commit: Callable[[], None]
    ) -> bytes:
        made = protect(self, message, octets, commit)
        return octets if isinstance(message, nas.RegistrationReject) else made

    patch.setattr(Exchange, "protect", protected)


@pytest.mark.parametrize(
    ("redirects", "verdict", "said"),
    [
        (sound, Verdict.PASS, ""),
        (before_security, Verdict.FAIL, "SECURITY MODE COMPLETEs: wanted 1, found 0"),
        (in_clear, Verdict.FAIL, "it came without protection"),
    ],
)
def test_redirection(
    redirects: Redirects, verdict: Verdict, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TURNS, "redirect_to_eps", STATE.update)
    redirects(monkeypatch)
    outcome = asked(
        *REDIRECTION,
        target(
            features=Features(ciot=True),
            knobs=dataclasses.replace(Knobs(), redirect_to_eps="in this process"),
        ),
    )
    assert outcome.verdict is verdict, outcome.judged.reason
    assert said in outcome.judged.reason


def test_a_product_without_it_is_not_asked() -> None:
    outcome = asked(*REDIRECTION)
    assert outcome.verdict is Verdict.NOT_APPLICABLE
    assert "features.ciot = false" in outcome.judged.reason
