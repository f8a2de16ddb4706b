"""The eBPF data plane: one C file (gtpu.c), a loader in plain Python, typed maps, and the plane itself."""
