from hypothesis import given
from hypothesis import strategies as st

from mien.expression import ALL_NAMES, SHAPES, parse
from mien.surfaces.ui.controls import CONTROLS, GROUPS, link, spelled

KEYS = [c.key for c in CONTROLS]
values = st.dictionaries(st.sampled_from(KEYS), st.floats(-3, 3))


def test_every_name_and_every_shape_has_one_slider():
    assert sorted(KEYS) == sorted([*ALL_NAMES, *SHAPES])
    assert {c.group for c in CONTROLS} == {"Names", *GROUPS}


def test_labels_within_a_group_differ():
    for linked in (True, False):
        shown = [c for c in CONTROLS if not linked or c.side != "_R"]
        labels = [(c.group, c.label(linked)) for c in shown]
        assert len(set(labels)) == len(labels)


def test_all_at_zero_is_the_photo_as_it_is():
    assert spelled({}, True) is None
    assert spelled(dict.fromkeys(KEYS, 0.0), False) is None
    assert spelled({"browDown_R": 0.5}, True) is None  # its slider is hidden


def test_linked_sliders_move_both_sides():
    expression = spelled({"happy": 0.5, "browDown_L": 0.3, "jawOpen": -0.2}, True)
    assert str(expression) == "happy:0.5,browDown=0.3,jawOpen=-0.2"
    assert str(spelled({"browDown_L": 0.3}, False)) == "browDown_L=0.3"


@given(values, st.booleans())
def test_what_is_spelled_can_be_parsed_and_means_the_sliders(given, linked):
    expression = spelled(given, linked)
    if expression is None:
        return
    read = parse(str(expression))
    assert (read.weights == expression.weights).all()
    shapes = {k: min(max(v, -1.0), 2.0) for k, v in given.items() if k in SHAPES}
    if not any(given.get(name, 0) > 0 for name in ALL_NAMES):
        for key, weight in zip(SHAPES, read.weights, strict=True):
            source = key[:-2] + "_L" if linked and key.endswith("_R") else key
            assert abs(weight - shapes.get(source, 0.0)) < 1e-3


def test_letting_go_changes_nothing_and_linking_takes_the_mean():
    before = {"browDown_L": 0.4, "browDown_R": 0.0, "jawOpen": 0.2}
    free = link(before, linked=False)
    assert spelled(free, False).weights.tolist() == spelled(before, True).weights.tolist()
    free["browDown_R"] = 0.8
    assert link(free, linked=True)["browDown_L"] == link(free, linked=True)["browDown_R"] == 0.6
    assert link(free, linked=True)["jawOpen"] == 0.2
