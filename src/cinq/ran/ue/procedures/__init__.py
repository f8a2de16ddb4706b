"""The UE's part of the procedures of TS 24.501 clauses 5 and 6. inbound/ declares them all."""
