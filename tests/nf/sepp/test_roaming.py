"""A subscriber of A in B: what B's functions ask of A's, through both SEPPs."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from msgspec import structs

from cinq.crypto import kdf
from cinq.nf.sepp import Partner
from cinq.numbering import AmfId, Suci
from cinq.sbi import Problem
from cinq.sbi.message import Request, Response
from cinq.sbi.models import Guami
from cinq.sbi.services.nausf_ueauthentication import (
    AuthenticationInfo,
    Av5gAka,
    ConfirmationData,
    NausfUEAuthentication,
)
from cinq.sbi.services.nudm_sdm import NudmSubscriberDataManagement, SdmSubscription
from cinq.sbi.services.nudm_uecm import (
    Amf3GppAccessRegistration,
    DeregistrationData,
    NamfUecmCallback,
    NudmUEContextManagement,
)
from cinq.transport.http2 import Secured
from tests.nf.sepp.countries import SUPI, A, B, Country, run, usim_answer

NETWORK = kdf.snn(B.mcc, B.mnc)


def test_a_subscriber_is_authenticated_and_registered_abroad(tmp_path: Path) -> None:
    async def body(home: Country, visited: Country) -> None:
        bus = visited.network.bus
        ausf = bus.client(NausfUEAuthentication, "AMF", None, A)
        info = AuthenticationInfo(supi_or_suci=str(Suci.null_scheme(SUPI, A)), serving_network_name=NETWORK)
        created = await ausf.authenticate(info)
        data = created.body.auth_data_5g
        assert isinstance(data, Av5gAka)
        res_star = usim_answer(data.rand, data.autn, NETWORK)
        answer = await ausf.confirm_5g_aka(created.id, ConfirmationData(res_star=res_star.hex()))
        assert (answer.auth_result, answer.supi) == ("AUTHENTICATION_SUCCESS", str(SUPI))
        uecm = bus.client(NudmUEContextManagement, "AMF", None, A)
        registration = Amf3GppAccessRegistration(
            amf_instance_id=visited.amf,
            dereg_callback_uri=bus.uri(f"/namf-callback/v1/dereg/{SUPI}"),
            guami=Guami.of(B, AmfId(1, 1, 0)),
            rat_type="NR",
        )
        await uecm.registration(str(SUPI), registration)
        sdm = bus.client(NudmSubscriberDataManagement, "AMF", None, A)
        wanted = SdmSubscription(
            nf_instance_id=visited.amf,
            callback_reference=bus.uri(f"/namf-callback/v1/sdm/{SUPI}"),
            monitored_resource_uris=[f"/nudm-sdm/v2/{SUPI}/am-data"],
            immediate_report=True,
        )
        made = await sdm.subscribe(str(SUPI), wanted)
        assert made.body.report is not None
        await sdm.unsubscribe(str(SUPI), made.id)

    run(tmp_path, body)


def test_where_subscribers_may_not_roam_nobody_authenticates_them(tmp_path: Path) -> None:
    async def body(home: Country, visited: Country) -> None:
        ausf = visited.network.bus.client(NausfUEAuthentication, "AMF", None, A)
        info = AuthenticationInfo(supi_or_suci=str(Suci.null_scheme(SUPI, A)), serving_network_name=NETWORK)
        with pytest.raises(Problem) as refused:
            await ausf.authenticate(info)
        assert (refused.value.status, refused.value.cause) == (403, "SERVING_NETWORK_NOT_AUTHORIZED")

    run(tmp_path, body, of_a="outbound = false")


def test_a_token_of_one_network_authenticates_for_no_other(tmp_path: Path) -> None:
    """The SEPP of A looks at it, and so does the AUSF: a partner with two PLMNs has a token for one of them."""

    async def body(home: Country, visited: Country) -> None:
        ausf = visited.network.bus.client(NausfUEAuthentication, "AMF", None, A)
        info = AuthenticationInfo(
            supi_or_suci=str(Suci.null_scheme(SUPI, A)), serving_network_name=kdf.snn("001", "02")
        )
        with pytest.raises(Problem) as refused:
            await ausf.authenticate(info)
        assert (refused.value.status, refused.value.cause) == (403, "SERVING_NETWORK_NOT_AUTHORIZED")
        assert not any("Nudm_UEAuthentication_Get" in event.message for event in home.events)

    run(tmp_path, body, of_a='plmns = ["001-01", "001-02"]')


def test_a_sepp_that_begins_anew_is_met_again(tmp_path: Path) -> None:
    """What the partner has forgotten is agreed on again, and the request is served."""

    async def body(home: Country, visited: Country) -> None:
        sdm = visited.network.bus.client(NudmSubscriberDataManagement, "AMF", None, A)
        assert (await sdm.get_am_data(str(SUPI))).subscribed_ue_ambr is not None
        edge = home.network.edge
        assert edge is not None
        edge.sepp.handshake.forget(edge.sepp.settings.partners[0])
        assert (await sdm.get_am_data(str(SUPI))).subscribed_ue_ambr is not None

    run(tmp_path, body)


def test_without_the_other_sepp_the_answer_says_so(tmp_path: Path) -> None:
    async def body(home: Country, visited: Country) -> None:
        await home.network.stop()
        sdm = visited.network.bus.client(NudmSubscriberDataManagement, "AMF", None, A)
        with pytest.raises(Problem) as refused:
            await sdm.get_am_data(str(SUPI))
        assert refused.value.status >= 500
        assert "beta" not in str(refused.value)

    run(tmp_path, body)


def test_home_tells_the_visited_network_that_a_subscriber_is_elsewhere(tmp_path: Path) -> None:
    """Nudm_UECM_DeregistrationNotification from A to the AMF in B, by the name that B's SEPP gave."""

    async def body(home: Country, visited: Country) -> None:
        heard: list[str] = []

        class Callbacks:
            async def deregistration_notify(self, supi: str, body: DeregistrationData) -> None:
                heard.append(supi)

        visited.network.bus.serve(NamfUecmCallback, Callbacks(), visited.amf)
        bus = visited.network.bus
        away = Amf3GppAccessRegistration(
            amf_instance_id=visited.amf,
            dereg_callback_uri=bus.uri(f"/namf-callback/v1/dereg/{SUPI}"),
            guami=Guami.of(B, AmfId(1, 1, 0)),
            rat_type="NR",
        )
        await bus.client(NudmUEContextManagement, "AMF", None, A).registration(str(SUPI), away)
        back = structs.replace(
            away,
            amf_instance_id=home.amf,
            dereg_callback_uri=home.network.bus.uri("/x"),
            guami=Guami.of(A, AmfId(1, 1, 0)),
        )
        await home.network.bus.client(NudmUEContextManagement, "AMF").registration(str(SUPI), back)
        assert heard == [str(SUPI)]

    run(tmp_path, body)


def test_with_prins_each_message_is_protected_by_itself(tmp_path: Path) -> None:
    """Authentication, subscription and a notification home; nothing of the subscriber is in the clear on N32-f."""

    async def body(home: Country, visited: Country) -> None:
        assert home.network.edge is not None
        crossed: list[bytes] = []
        served = home.network.edge.sepp.from_n32

        async def heard(request: Request, peer: Secured, partner: Partner) -> Response:
            answer = await served(request, peer, partner)
            if "n32f" in request.target.partition("/v1")[0]:
                crossed.extend((request.body, answer.body))
            return answer

        home.network.edge.sepp.from_n32 = heard  # type: ignore[method-assign]
        ausf = visited.network.bus.client(NausfUEAuthentication, "AMF", None, A)
        info = AuthenticationInfo(supi_or_suci=str(Suci.null_scheme(SUPI, A)), serving_network_name=NETWORK)
        created = await ausf.authenticate(info)
        data = created.body.auth_data_5g
        assert isinstance(data, Av5gAka)
        res_star = usim_answer(data.rand, data.autn, NETWORK)
        answer = await ausf.confirm_5g_aka(created.id, ConfirmationData(res_star=res_star.hex()))
        assert (answer.auth_result, answer.supi) == ("AUTHENTICATION_SUCCESS", str(SUPI))
        sdm = visited.network.bus.client(NudmSubscriberDataManagement, "AMF", None, A)
        assert (await sdm.get_am_data(str(SUPI))).subscribed_ue_ambr is not None
        assert len(crossed) >= 8
        for octets in crossed:
            clear = base64.urlsafe_b64decode(json.loads(octets)["reformattedData"]["aad"] + "===")
            for secret in (SUPI.imsi, SUPI.imsi[5:], answer.kseaf or "?", res_star.hex(), data.rand, "eyJ"):
                assert secret.encode() not in clear

    run(tmp_path, body, of_a='security = "prins"', of_b='security = "prins"')


def test_with_prins_a_sepp_that_begins_anew_is_met_again(tmp_path: Path) -> None:
    async def body(home: Country, visited: Country) -> None:
        sdm = visited.network.bus.client(NudmSubscriberDataManagement, "AMF", None, A)
        assert (await sdm.get_am_data(str(SUPI))).subscribed_ue_ambr is not None
        assert home.network.edge is not None
        home.network.edge.sepp.handshake._parameters._contexts.clear()
        assert (await sdm.get_am_data(str(SUPI))).subscribed_ue_ambr is not None

    run(tmp_path, body, of_a='security = "prins"', of_b='security = "prins"')


def test_ends_that_agree_on_different_protection_do_not_meet(tmp_path: Path) -> None:
    async def body(home: Country, visited: Country) -> None:
        sdm = visited.network.bus.client(NudmSubscriberDataManagement, "AMF", None, A)
        with pytest.raises(Problem) as refused:
            await sdm.get_am_data(str(SUPI))
        assert refused.value.status >= 500

    run(tmp_path, body, of_a='security = "prins"')
