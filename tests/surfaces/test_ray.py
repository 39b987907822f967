"""The same batch on a Ray cluster of two machines, one of which is lost half-way. Needs the extra `ray`."""

from pathlib import Path

import pytest

from mien.surfaces.folders.batch import Options, batch
from surfaces.photos import contents, write_folder

ray = pytest.importorskip("ray", reason="pip install 'mien[ray]' tests the Ray engine")


def test_a_machine_is_lost_half_way(stand_in, tmp_path, monkeypatch):
    from ray.cluster_utils import Cluster

    here = Path(__file__).parents[2]
    monkeypatch.setenv("PYTHONPATH", f"{here / 'src'}:{here / 'tests'}")
    source = write_folder(tmp_path / "in")
    for number in range(12):
        (source / f"more{number}.png").write_bytes((source / "a.png").read_bytes())
    options = Options(("happy", "sad"), (0.5, 1.0))
    batch(source, tmp_path / "local", options, stand_in, workers=1)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    machines = [cluster.add_node(num_cpus=1), cluster.add_node(num_cpus=1)]
    lost = []

    def tell(done: int, count: int) -> None:
        if done == count // 3:
            cluster.remove_node(machines[0], allow_graceful=False)
            lost.append(done)

    try:
        ray.init(address=cluster.address, logging_level="ERROR", log_to_driver=False)
        done = batch(source, tmp_path / "ray", options, stand_in, engine="ray", workers=2, tell=tell)
    finally:
        ray.shutdown()
        cluster.shutdown()
    assert lost == [6] and done.written == 64 and len(done.failures) == 2
    assert contents(tmp_path / "ray") == contents(tmp_path / "local")
    assert not list((tmp_path / "ray").rglob(".*.part"))
