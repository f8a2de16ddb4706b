"""What a gNB begins of itself: each opens the procedure of its name on the association or on a UE's connection."""

from __future__ import annotations

from dataclasses import dataclass

from cinq.procedure import Signal
from cinq.ran.gnb.context import CellId
from cinq.wire import ngap

RADIO_REASON: ngap.Cause = ("radioNetwork", "handover-desirable-for-radio-reason")


@dataclass(frozen=True, slots=True)
class SetUp(Signal[None]):
    """NG Setup, TS 38.413 §8.7.1."""


@dataclass(frozen=True, slots=True)
class UpdateConfiguration(Signal[None]):
    """RAN Configuration Update, §8.7.2. None: the message says what the settings say now."""

    message: ngap.RANConfigurationUpdate | None = None


@dataclass(frozen=True, slots=True)
class Associate(Signal[None]):
    """The AMF names further TNL associations, §8.7.3: they are opened, then the update is acknowledged."""

    items: tuple[ngap.AMFTNLAssociationToAddItem, ...]


@dataclass(frozen=True, slots=True)
class MapRadioCapability(Signal[bytes]):
    """UE Radio Capability ID Mapping, §8.14.3: the capability of this ID, for a UE where one is named."""

    ue_radio_capability_id: bytes
    ran_ue_ngap_id: int | None = None


@dataclass(frozen=True, slots=True)
class Reset(Signal[None]):
    """NG Reset, §8.7.4.2.2, of the connections with these RAN-UE-NGAP-IDs; None: of the whole interface."""

    ran_ue_ngap_ids: tuple[int, ...] | None = None
    cause: ngap.Cause = ("misc", "om-intervention")


@dataclass(frozen=True, slots=True)
class PrepareHandover(Signal[ngap.HandoverCommand]):
    """Handover Preparation, §8.4.1, by N2 alone: the UE stays where it is.

    direct: a forwarding path between the two gNBs is said to be there.
    """

    target: CellId
    cause: ngap.Cause = RADIO_REASON
    direct: bool = False


@dataclass(frozen=True, slots=True)
class CancelHandover(Signal[None]):
    """Handover Cancellation, §8.4.5."""

    cause: ngap.Cause = ("radioNetwork", "handover-cancelled")


@dataclass(frozen=True, slots=True)
class HandOverByN2(Signal[None]):
    """An N2 handover from the source, TS 23.502 §4.9.1.3."""

    target: CellId
    cause: ngap.Cause = RADIO_REASON
    direct: bool = False


@dataclass(frozen=True, slots=True)
class HandOverByXn(Signal[None]):
    """An Xn handover from the source, TS 23.502 §4.9.1.2, TS 38.423 §8.2.1."""

    target: CellId
    cause: ngap.Cause = RADIO_REASON


@dataclass(frozen=True, slots=True)
class SetUpXn(Signal[None]):
    """Xn Setup, TS 38.423 §8.4.1."""


@dataclass(frozen=True, slots=True)
class UpdateNeighbour(Signal[None]):
    """NG-RAN node Configuration Update, TS 38.423 §8.4.2: a cell is not as it was."""

    before: CellId
    now: CellId


@dataclass(frozen=True, slots=True)
class ResetXn(Signal[None]):
    """Reset, TS 38.423 §8.4.4: of the whole interface."""


@dataclass(frozen=True, slots=True)
class RemoveXn(Signal[None]):
    """Xn Removal, TS 38.423 §8.4.7."""


@dataclass(frozen=True, slots=True)
class SwitchPath(Signal[None]):
    """Path Switch Request at the target, §8.4.4.

    failed: sessions that are not admitted here, and why. resume: RRC Resume Cause, for a UE that comes back so.
    """

    source_amf_ue_ngap_id: int
    failed: tuple[tuple[int, ngap.Cause], ...] = ()
    resume: ngap.RRCEstablishmentCause | None = None


@dataclass(frozen=True, slots=True)
class IndicateModification(Signal[ngap.PDUSessionResourceModifyConfirm]):
    """PDU Session Resource Modify Indication, §8.2.5: these sessions get a new downlink tunnel."""

    pdu_session_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Suspend(Signal[None]):
    """UE Context Suspend, §8.3.11."""


@dataclass(frozen=True, slots=True)
class Resume(Signal[None]):
    """UE Context Resume, §8.3.12."""

    cause: ngap.RRCEstablishmentCause = "mo-Data"


@dataclass(frozen=True, slots=True)
class HandleMtCommunication(Signal[None]):
    """MT Communication Handling, §8.3.13."""

    action: ngap.FiveGCAction
