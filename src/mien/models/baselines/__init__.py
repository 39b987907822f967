"""The rivals that the paper of this project compares itself with, one file each; `docs/baselines.md` lists them."""
