"""The training of the rivals (`mien.models.baselines`) on the faces of the paper's system, and their use."""
