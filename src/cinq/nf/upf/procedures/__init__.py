"""The UPF's procedures. Each answers within one turn of the loop, so a session cannot be caught half changed."""
