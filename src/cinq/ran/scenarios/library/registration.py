"""Registration, TS 24.501 §5.5.1."""

from __future__ import annotations

from cinq.ran.scenarios import check
from cinq.ran.scenarios.bench import Bench
from cinq.ran.scenarios.scenario import scenario
from cinq.wire import nas


@scenario("registration")
async def registration_with_suci(bench: Bench) -> None:
    """A UE without an identity of this network registers with its SUCI and gets a 5G-GUTI (TS 24.501 §5.5.1.2.4)."""
    ue = await bench.registered()
    accept = await bench.hears(nas.RegistrationAccept, ue)
    guti = check.present(accept.guti, "the 5G-GUTI")
    check.equal(guti.plmn, bench.target.core.plmn, "the PLMN of the 5G-GUTI")
    allowed = check.present(accept.allowed_nssai, "the allowed NSSAI")
    check.that(len(allowed) > 0, "the allowed NSSAI names a slice")
    check.present(accept.tai_list, "the registration area")
