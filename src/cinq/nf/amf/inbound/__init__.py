"""What arrives at the AMF, and who hears it."""
