"""Xn-C (TS 38.420, TS 38.423): associations with neighbours, and data of a gNB and of a UE as XnAP has them."""
