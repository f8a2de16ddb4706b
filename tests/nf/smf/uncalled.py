"""What an AMF serves and no SMF calls."""

from __future__ import annotations

from cinq.sbi import Created, Problem
from cinq.sbi.services.namf_communication import (
    N2InformationTransferRequest,
    N2InformationTransferRspData,
    NonUeN2InfoSubscriptionCreateData,
    NonUeN2InfoSubscriptionCreatedData,
    UeN1N2InfoSubscriptionCreateData,
    UeN1N2InfoSubscriptionCreatedData,
)


class Uncalled:
    async def n1n2_message_subscribe(
        self, ue_context_id: str, body: UeN1N2InfoSubscriptionCreateData
    ) -> Created[UeN1N2InfoSubscriptionCreatedData]:
        raise Problem(501, "NOT_IMPLEMENTED")

    async def n1n2_message_unsubscribe(self, ue_context_id: str, subscription_id: str) -> None:
        raise Problem(501, "NOT_IMPLEMENTED")

    async def non_ue_n2_message_transfer(
        self, body: N2InformationTransferRequest
    ) -> N2InformationTransferRspData:
        raise Problem(501, "NOT_IMPLEMENTED")

    async def non_ue_n2_info_subscribe(
        self, body: NonUeN2InfoSubscriptionCreateData
    ) -> Created[NonUeN2InfoSubscriptionCreatedData]:
        raise Problem(501, "NOT_IMPLEMENTED")

    async def non_ue_n2_info_unsubscribe(self, n2_notify_subscription_id: str) -> None:
        raise Problem(501, "NOT_IMPLEMENTED")
