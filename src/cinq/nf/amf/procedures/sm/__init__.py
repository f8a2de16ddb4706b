"""The AMF's part of 5GSM: NAS transport, and the resources of PDU sessions at the gNB."""
