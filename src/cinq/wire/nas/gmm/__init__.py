"""5GMM messages, TS 24.501 §8.2."""
