"""N1 of the AMF: the NAS envelope, and the secure exchange with one UE."""
