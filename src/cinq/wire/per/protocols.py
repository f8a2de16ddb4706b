"""What is compiled of each protocol."""

from __future__ import annotations

from cinq.wire.per.tree import Source

SOURCES = {
    # UERadioCapabilityForPaging: TS 38.413 §9.3.1.68, an AMF gives it back as it came. The last two XnAP carries so.
    # SecurityKey: K_gNB and NH, §9.3.1.87 and §9.3.1.88.
    "ngap": Source(
        "NGAP",
        alone=r".*Transfer|.*TransparentContainer.*|UERadioCapabilityForPaging|MobilityRestrictionList"
        r"|LastVisitedNGRANCellInformation",
        secrets=("SecurityKey",),
    ),
    # Of TS 38.423 clause 8: what a gNB without dual connectivity needs of its neighbours.
    # K_NG-RAN*: a BIT STRING without a type of its own, §9.2.3.50.
    "xnap": Source(
        "XnAP",
        procedures=(
            "handoverPreparation",
            "sNStatusTransfer",
            "handoverCancel",
            "retrieveUEContext",
            "rANPaging",
            "uEContextRelease",
            "xnRemoval",
            "xnSetup",
            "nGRANnodeConfigurationUpdate",
            "reset",
            "errorIndication",
        ),
        secrets=("ASSecurityInformationKeyNGRANStar",),
    ),
}
