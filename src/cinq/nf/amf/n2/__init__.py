"""N2 of the AMF: associations and connections, and the messages that go out on them. What comes in: inbound."""
