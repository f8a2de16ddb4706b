"""The GTP-U data plane of both ends of N3: eBPF on tcx, a TUN fallback, and the model that judges them."""
