"""A scripted core with two gNBs: it plays AMF and SMF in N2 handovers and path switches, TS 23.502 §4.9.1."""

from __future__ import annotations

from collections.abc import Callable

from cinq.crypto import kdf
from cinq.procedure import Runtime
from cinq.ran.gnb import Gnb, GnbSettings
from cinq.ran.gnb.n2 import UeContext
from cinq.ran.gnb.ng_ran import NgRan
from cinq.ran.ue import Ue, UeSettings
from cinq.wire import ngap

from .core import UPF, Core, CoreUe, Entropy, settle, transfer

CAPABILITIES = ngap.UESecurityCapabilities(
    nr_encryption_algorithms=(0xE000, 16),
    nr_integrity_protection_algorithms=(0xE000, 16),
    eutra_encryption_algorithms=(0, 16),
    eutra_integrity_protection_algorithms=(0, 16),
)
GUAMI = ngap.GUAMI(plmn_identity=bytes.fromhex("99f907"), amf_region_id=1, amf_set_id=1, amf_pointer=0)


class Half(Core):
    """The core's end of one of the two associations."""

    def __init__(self, pair: Pair) -> None:
        super().__init__()
        self.pair = pair
        self.areas = (1, 2)

    def _receive(self, octets: bytes) -> None:
        super()._receive(octets)
        message = self.heard[-1]
        if type(message) not in self.silent:
            self.pair.heard(self, message)


class Pair:
    """Two gNBs on one core. apart: as of two processes. nh, ncc: the AMF's end of the key chain. by_target:
    AMF-UE-NGAP-ID of the target's end.

    on_handover_request, on_acknowledge: what a test changes of the messages that the core sends.
    """

    def __init__(self, xn: bool = False, apart: bool = False, **changes: object) -> None:
        self.source, self.target = Half(self), Half(self)
        self.target._next = 100
        self.runtime = Runtime("RAN")
        self.ng_ran = NgRan(xn=xn)
        entropy = Entropy()
        one = GnbSettings(gnb_id=1, name="one", tac=1, **changes)  # type: ignore[arg-type]
        two = GnbSettings(gnb_id=2, name="two", tac=2, **changes)  # type: ignore[arg-type]
        self.gnbs = (
            Gnb(one, self.source.connect, self.runtime, entropy, self.ng_ran),
            Gnb(two, self.target.connect, self.runtime, entropy, NgRan() if apart else self.ng_ran),
        )
        self.nh, self.ncc = b"", 0
        self.ue: CoreUe
        self.required: ngap.HandoverRequired
        self.change_request: Callable[[ngap.HandoverRequest], None] = lambda message: None
        self.path_switch_fails = False
        self.new_chain: bytes | None = None  # the K_gNB that the next path switch brings

    async def up(self) -> Ue:
        """Both gNBs set up, a UE with a session at the first."""
        for gnb in self.gnbs:
            gnb.start()
            await gnb.up()
        ue = Ue(UeSettings(), self.gnbs[0], self.runtime, Entropy())
        await ue.power_on()
        await settle()
        self.ue = self.source.last()
        self.nh = kdf.nh(self.ue.kamf, self.context.kgnb)
        self.ncc = 1
        return ue

    @property
    def context(self) -> UeContext:
        (found,) = [ue for gnb in self.gnbs for ue in gnb.n2.ues.values()]
        return found

    def context_at(self, place: int) -> UeContext:
        (found,) = self.gnbs[place].n2.ues.values()
        return found

    # the AMF

    def heard(self, half: Half, message: ngap.Pdu) -> None:
        match message:
            case ngap.HandoverRequired():
                self.required = message
                self.target.tell(self.handover_request())
            case ngap.HandoverRequestAcknowledge():
                self.source.tell(self.command(message))
            case ngap.HandoverFailure():
                self.source.tell(
                    ngap.HandoverPreparationFailure(
                        amf_ue_ngap_id=self.ue.amf_id, ran_ue_ngap_id=self.ue.ran_id, cause=message.cause
                    )
                )
            case ngap.HandoverCancel():
                self.source.tell(
                    ngap.HandoverCancelAcknowledge(
                        amf_ue_ngap_id=self.ue.amf_id, ran_ue_ngap_id=self.ue.ran_id
                    )
                )
            case ngap.UplinkRANStatusTransfer():
                self.target.tell(
                    ngap.DownlinkRANStatusTransfer(
                        amf_ue_ngap_id=101,
                        ran_ue_ngap_id=next(iter(self.gnbs[1].n2.ues)),
                        ran_status_transfer_transparent_container=message.ran_status_transfer_transparent_container,
                    )
                )
            case ngap.HandoverNotify():
                self.source.release(self.ue)
            case ngap.PathSwitchRequest():
                half.tell(self.switched(message))

    def next_hop(self) -> ngap.SecurityContext:
        """The pair in use now; the chain goes on."""
        context = ngap.SecurityContext(
            next_hop_chaining_count=self.ncc, next_hop_nh=int.from_bytes(self.nh, "big")
        )
        self.nh, self.ncc = kdf.nh(self.ue.kamf, self.nh), (self.ncc + 1) % 8
        return context

    def handover_request(self) -> ngap.HandoverRequest:
        message = ngap.HandoverRequest(
            amf_ue_ngap_id=101,
            handover_type="intra5gs",
            cause=self.required.cause,
            ue_aggregate_maximum_bit_rate=ngap.UEAggregateMaximumBitRate(
                ue_aggregate_maximum_bit_rate_dl=10**9, ue_aggregate_maximum_bit_rate_ul=10**9
            ),
            ue_security_capabilities=CAPABILITIES,
            security_context=self.next_hop(),
            pdu_session_resource_setup_list_ho_req=[
                ngap.PDUSessionResourceSetupItemHOReq(
                    pdu_session_id=item.pdu_session_id,
                    s_nssai=ngap.SNSSAI(sst=b"\1"),
                    handover_request_transfer=transfer(item.pdu_session_id),
                )
                for item in self.required.pdu_session_resource_list_ho_rqd
            ],
            allowed_nssai=[ngap.AllowedNSSAIItem(s_nssai=ngap.SNSSAI(sst=b"\1"))],
            source_to_target_transparent_container=self.required.source_to_target_transparent_container,
            guami=GUAMI,
        )
        self.change_request(message)
        return message

    def command(self, message: ngap.HandoverRequestAcknowledge) -> ngap.HandoverCommand:
        handed = [
            ngap.PDUSessionResourceHandoverItem(
                pdu_session_id=item.pdu_session_id,
                handover_command_transfer=ngap.encode_value(ngap.HandoverCommandTransfer()),
            )
            for item in message.pdu_session_resource_admitted_list
        ]
        failed = [
            ngap.PDUSessionResourceToReleaseItemHOCmd(
                pdu_session_id=item.pdu_session_id,
                handover_preparation_unsuccessful_transfer=ngap.encode_value(
                    ngap.HandoverPreparationUnsuccessfulTransfer(
                        cause=("radioNetwork", "no-radio-resources-available-in-target-cell")
                    )
                ),
            )
            for item in message.pdu_session_resource_failed_to_setup_list_ho_ack or ()
        ]
        return ngap.HandoverCommand(
            amf_ue_ngap_id=self.ue.amf_id,
            ran_ue_ngap_id=self.ue.ran_id,
            handover_type="intra5gs",
            pdu_session_resource_handover_list=handed or None,
            pdu_session_resource_to_release_list_ho_cmd=failed or None,
            target_to_source_transparent_container=message.target_to_source_transparent_container,
        )

    def switched(self, message: ngap.PathSwitchRequest) -> ngap.Pdu:
        asked = message.pdu_session_resource_to_be_switched_dl_list
        if self.path_switch_fails:
            cause: ngap.Cause = ("radioNetwork", "unspecified")
            octets = ngap.encode_value(ngap.PathSwitchRequestUnsuccessfulTransfer(cause=cause))
            return ngap.PathSwitchRequestFailure(
                amf_ue_ngap_id=message.source_amf_ue_ngap_id,
                ran_ue_ngap_id=message.ran_ue_ngap_id,
                pdu_session_resource_released_list_ps_fail=[
                    ngap.PDUSessionResourceReleasedItemPSFail(
                        pdu_session_id=item.pdu_session_id, path_switch_request_unsuccessful_transfer=octets
                    )
                    for item in asked
                ],
            )
        tunnel = ngap.GTPTunnel(transport_layer_address=(int(UPF), 32), gtp_teid=(0x2000).to_bytes(4, "big"))
        answer = ngap.encode_value(
            ngap.PathSwitchRequestAcknowledgeTransfer(ul_ngu_up_tnl_information=("gTPTunnel", tunnel))
        )
        if self.new_chain is not None:
            self.nh, self.ncc = self.new_chain, 0
        return ngap.PathSwitchRequestAcknowledge(
            amf_ue_ngap_id=message.source_amf_ue_ngap_id,
            ran_ue_ngap_id=message.ran_ue_ngap_id,
            security_context=self.next_hop(),
            new_security_context_ind=None if self.new_chain is None else "true",
            pdu_session_resource_switched_list=[
                ngap.PDUSessionResourceSwitchedItem(
                    pdu_session_id=item.pdu_session_id, path_switch_request_acknowledge_transfer=answer
                )
                for item in asked
            ],
            allowed_nssai=[ngap.AllowedNSSAIItem(s_nssai=ngap.SNSSAI(sst=b"\1"))],
        )
