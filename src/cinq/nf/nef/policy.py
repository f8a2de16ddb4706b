"""The NEF at the PCF: what was asked for becomes an application session, and what becomes of it is told."""

from __future__ import annotations

from cinq.nf.nef.context import Demands
from cinq.nf.nef.settings import Settings
from cinq.procedure import Why
from cinq.sbi import Bus, Problem
from cinq.sbi.models import Snssai
from cinq.sbi.services.nbsf_management import BindingQuery, NbsfManagement
from cinq.sbi.services.nef_northbound import FlowInfo
from cinq.sbi.services.npcf_policyauthorization import (
    AfEventSubscription,
    AfRoutingRequirement,
    AppSessionContext,
    AppSessionContextReqData,
    AppSessionContextUpdateData,
    AppSessionContextUpdateDataPatch,
    EventsSubscReqData,
    MediaComponent,
    MediaSubComponent,
    NpcfPolicyAuthorization,
)
from cinq.sbi.services.npcf_smpolicycontrol import RouteToLocation

CALLBACK = "/nnef-callback/v1/app-sessions"
MOST_OF_ONE = 1000  # demands of one application
MOST = 20_000
MOST_FLOWS = 8
EVENTS = EventsSubscReqData(
    events=[
        AfEventSubscription(event="SUCCESSFUL_RESOURCES_ALLOCATION"),
        AfEventSubscription(event="FAILED_RESOURCES_ALLOCATION"),
    ]
)


class Policy:
    """Npcf_PolicyAuthorization as the APIs of the NEF use it."""

    def __init__(self, settings: Settings, sbi: Bus, demands: Demands) -> None:
        self._settings = settings
        self._sbi = sbi
        self._demands = demands
        self._pcf = sbi.client(NpcfPolicyAuthorization, "NEF")
        self._bsf = sbi.client(NbsfManagement, "NEF")

    def refuse_where_too_many(self, application: str) -> None:
        """Problem 429."""
        if len(self._demands) >= MOST or len(self._demands.of(application)) >= MOST_OF_ONE:
            raise Problem(429, "TOO_MANY_REQUESTS", Why("too much is asked for already"))

    async def ask(
        self,
        reference: str,
        address: str,
        flows: list[FlowInfo],
        *,
        qos: str | None = None,
        routes: list[RouteToLocation] | None = None,
        dnn: str | None = None,
        snssai: Snssai | None = None,
    ) -> str:
        """The application session. Problem as the PCF refuses."""
        request = AppSessionContextReqData(
            notif_uri=self._sbi.uri(f"{CALLBACK}/{reference}"),
            supp_feat="0",
            ue_ipv4=address if ":" not in address else None,
            ue_ipv6=address if ":" in address else None,
            dnn=dnn,
            slice_info=snssai,
            med_components=self._components(flows, qos, routes),
            ev_subsc=EVENTS,
        )
        pcf = await self._serving(address, dnn, snssai)
        return (await pcf.create(AppSessionContext(asc_req_data=request))).id

    async def _serving(self, address: str, dnn: str | None, snssai: Snssai | None) -> NpcfPolicyAuthorization:
        """The PCF that serves the session, as the BSF says (TS 29.521 §4.2.4.2); where it says none, any.

        Problem 400: sessions of several data networks have the address.
        """
        six = ":" in address
        asked = BindingQuery(
            ipv4_addr=None if six else address,
            ipv6_prefix=f"{address}/128" if six else None,
            dnn=dnn,
            snssai=snssai,
        )
        try:
            found = await self._bsf.discover(asked)
        except Problem as problem:
            if problem.status < 500:
                raise
            return self._pcf  # there is no BSF, or it is not there now
        if found is None or found.pcf_id is None:
            return self._pcf
        return self._sbi.client(NpcfPolicyAuthorization, "NEF", found.pcf_id)

    async def change(self, app_session: str, flows: list[FlowInfo], qos: str | None) -> None:
        components: dict[str, MediaComponent | None] = {**self._components(flows, qos, None)}
        change = AppSessionContextUpdateData(med_components=components)
        await self._pcf.update(app_session, AppSessionContextUpdateDataPatch(asc_req_data=change))

    async def end(self, app_session: str) -> None:
        """What is not there any more has ended. Problem 5xx: the PCF cannot be reached."""
        if not app_session:
            return
        try:
            await self._pcf.delete(app_session, None)
        except Problem as problem:
            if problem.status != 404:
                raise

    def _components(
        self, flows: list[FlowInfo], qos: str | None, routes: list[RouteToLocation] | None
    ) -> dict[str, MediaComponent]:
        """Problem 400: no flows, too many, or two with one number."""
        numbers = [flow.flow_id for flow in flows]
        if not 1 <= len(flows) <= MOST_FLOWS or len(set(numbers)) < len(numbers):
            raise Problem(400, "MANDATORY_IE_INCORRECT", Why(f"flows: wanted 1 to {MOST_FLOWS}, each once"))
        subs = {
            str(flow.flow_id): MediaSubComponent(f_num=flow.flow_id, f_descs=flow.flow_descriptions)
            for flow in flows
        }
        routing = AfRoutingRequirement(route_to_locs=routes) if routes else None
        component = MediaComponent(
            med_comp_n=1, med_sub_comps=subs, med_type="DATA", qos_reference=qos, af_rout_req=routing
        )
        return {"1": component}
