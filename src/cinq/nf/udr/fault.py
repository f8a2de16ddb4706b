"""What is wrong with a subscriber that cannot be provisioned."""

from __future__ import annotations


class ProvisioningError(ValueError):
    """A subscriber that cannot be provisioned. `key` names what is wrong."""

    def __init__(self, key: str, what: str) -> None:
        self.key, self.what = key, what
        super().__init__(f"{key}: {what}")
