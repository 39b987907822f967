"""The training of the paper's own system (Wang et al. 2018, 2019); `trainer.py` is its loop, `step.py` its losses."""
