"""The bench's network functions on the service-based interface: what they ask, what they answer, how they attack it."""
