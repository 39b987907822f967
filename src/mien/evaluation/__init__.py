"""Any method through the same protocol: metrics and judges. Nothing here imports torch."""
