"""What comes to the SMF, and who hears it: 5GSM messages (n1), N2 SM information (n2), PFCP (n4)."""
