from __future__ import annotations

import pytest

from cinq.wire.per.names import attribute_name, class_name


@pytest.mark.parametrize(
    ("identifier", "name"),
    [
        ("AMF-UE-NGAP-ID", "amf_ue_ngap_id"),
        ("pLMNIdentity", "plmn_identity"),
        ("GlobalRANNodeID", "global_ran_node_id"),
        ("nRencryptionAlgorithms", "nr_encryption_algorithms"),
        ("eUTRAintegrityProtectionAlgorithms", "eutra_integrity_protection_algorithms"),
        ("PDUSessionResourceSetupListSUReq", "pdu_session_resource_setup_list_su_req"),
        ("dRBsSubjectToStatusTransferList", "drbs_subject_to_status_transfer_list"),
        ("uE-NGAP-IDs", "ue_ngap_ids"),
        ("globaleNBID", "global_enb_id"),
        ("FiveG-S-TMSI", "five_g_s_tmsi"),
        ("NB-IoT-DefaultPagingDRX", "nb_iot_default_paging_drx"),
        ("fiveQI", "five_qi"),
        ("global", "global_"),
    ],
)
def test_attribute_names(identifier: str, name: str) -> None:
    assert attribute_name(identifier) == name


@pytest.mark.parametrize(
    ("identifier", "name"),
    [("GlobalGNB-ID", "GlobalGNBID"), ("S-NSSAI", "SNSSAI"), ("iE-Extensions", "IEExtensions")],
)
def test_class_names(identifier: str, name: str) -> None:
    assert class_name(identifier) == name
