"""Every loader on a small but complete tree with the real names: who, what, and where it was taken."""

from __future__ import annotations

import shutil
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import trees
from mien.data.databases import DATABASES, database
from mien.data.databases.fer2013 import pixels
from mien.data.databases.sequences import apex, onset_to_peak
from mien.data.record import expression_of
from mien.data.tree import Tree
from mien.errors import MienError
from mien.expression import ALL_NAMES, NAMES


@pytest.fixture(autouse=True)
def names_alone(monkeypatch):
    """Loaders open no picture."""

    def touch(path, **how):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    monkeypatch.setattr(trees, "picture", touch)


def read(name, root, peak=None):
    one = DATABASES[name]
    return one.read(Tree(root), one.peak if peak is None else peak)


def counts(reading, what="expression"):
    return Counter(getattr(record, what) for record in reading.records)


@pytest.mark.parametrize("name", trees.TREES)
@pytest.mark.parametrize("change", ["lower", "upper"])
def test_the_same_in_any_case_and_with_what_systems_leave(name, change, tmp_path):
    root = trees.TREES[name](tmp_path / "plain")
    plain = read(name, root)
    for path in sorted(root.rglob("*"), key=lambda p: -len(p.parts)):
        path.rename(path.with_name(getattr(path.name, change)()))
    root = trees.litter(root.rename(tmp_path / "with a space and an ümlaut"))
    other = read(name, root)

    def told(reading):
        return [
            (r.expression, r.identity.lower(), r.pose, r.gaze, r.light, r.camera, r.strength) for r in reading.records
        ]

    assert sorted(map(str, told(other))) == sorted(map(str, told(plain))) and plain.records
    assert len(other.skipped) == len(plain.skipped)


def test_words_for_expressions():
    said = {
        "Happiness": "happy",
        "3_SAD": "sad",
        " fearful ": "fear",
        "contemptuous": "contempt",
        "01-Neutral": "neutral",
    }
    assert {text: expression_of(text) for text in said} == said
    assert expression_of("bored") is None and expression_of("") is None
    for one in DATABASES.values():
        assert (one.fit_for == "synthesis") == one.repeats and one.holds and one.licence and one.source
        assert database(one.name.upper()) is one and database(one.title) is one
        assert all(database(word) is one for word in one.aliases)
    with pytest.raises(MienError, match=r"unknown database 'kdeff'; did you mean kdef\? Known: rafd, kdef"):
        database("kdeff")


def test_rafd(tmp_path):
    reading = read("rafd", trees.rafd(tmp_path, (1, 73)))
    assert counts(reading) == dict.fromkeys(ALL_NAMES, 30) and counts(reading, "identity") == {"01": 120, "73": 120}
    assert counts(reading, "pose") == {"frontal-090": 48, **dict.fromkeys(
        ("half-045", "half-135", "profile-000", "profile-180"), 48)}  # fmt: skip
    assert counts(reading, "gaze") == dict.fromkeys(("left", "frontal", "right"), 80)
    one = next(r for r in reading.records if r.path == "Rafd135_01_Caucasian_female_contemptuous_left.jpg")
    assert (one.expression, one.label, one.pose, one.gaze) == ("contempt", "contemptuous", "half-135", "left")
    assert len(reading.missing) == 65 and "model 02: none of 120 pictures" in reading.missing
    assert not any("model 06" in line for line in reading.missing)  # nobody has that number
    (tmp_path / "Rafd045_01_Caucasian_female_sad_right.jpg").unlink()
    assert "Rafd045_01_..._sad_right.jpg" in read("rafd", tmp_path).missing


def test_rafd_in_part_and_in_folders(tmp_path):
    """536 frontal ones are a usual download; some sort them by person."""
    trees.rafd(tmp_path, (1, 2), angles=("090",))
    for path in list(tmp_path.glob("*.jpg")):
        (tmp_path / path.name[8:10]).mkdir(exist_ok=True)
        path.rename(tmp_path / path.name[8:10] / path.name)
    reading = read("rafd", tmp_path)
    assert counts(reading, "identity") == {"01": 24, "02": 24} and not reading.skipped
    assert "angle 000: none of 1608 pictures" in reading.missing and len(reading.missing) == 65 + 4


def test_kdef_series_are_one_person_and_two_files_are_put_right(tmp_path):
    trees.kdef(tmp_path, ("F31", "M31", "F01"))
    for wrong, right in (("AF31V", "AF31SAHL"), ("AM31H", "AM31SUHR")):
        (tmp_path / "KDEF" / wrong[:4] / f"{right}.JPG").rename(tmp_path / "KDEF" / wrong[:4] / f"{wrong}.JPG")
    reading = read("kdef", tmp_path)
    assert counts(reading, "identity") == {"F31": 70, "M31": 70, "F01": 70}
    assert counts(reading, "session") == {"A": 105, "B": 105} and counts(reading) == dict.fromkeys(NAMES, 30)
    assert counts(reading, "pose")["frontal-S"] == 42
    assert [tuple(note) for note in reading.repaired] == [
        ("KDEF/AF31/AF31V.JPG", "misnamed: it is AF31SAHL"), ("KDEF/AM31/AM31H.JPG", "misnamed: it is AM31SUHR"),
    ]  # fmt: skip
    found = {r.path: r for r in reading.records}
    wrong, other = found["KDEF/AF31/AF31V.JPG"], found["KDEF/AM31/AM31H.JPG"]
    assert (wrong.expression, wrong.pose, wrong.identity) == ("sad", "half-left-HL", "F31")
    assert (other.expression, other.pose, other.identity) == ("surprise", "half-right-HR", "M31")
    assert len(reading.missing) == 140 - 6 and "folder BM35: none of 35 pictures" in reading.missing


def test_kdef_other_traps(tmp_path):
    root = trees.akdef(trees.kdef(tmp_path))
    trees.picture(root / "KDEF" / "AF01" / "AF01ANS (1).JPG")
    trees.picture(root / "KDEF" / "AF01" / "AF01.JPG")
    (root / "KDEF" / "BM02" / "BM02NES.JPG").rename(root / "KDEF" / "AF01" / "BM02NES.JPG")
    (root / "KDEF" / "BF01" / "BF01HAFR.JPG").unlink()
    reading = read("kdef", root)
    assert counts(reading, "identity") == {"F01": 69, "M02": 70}  # AKDEF lies beside it and is no part of it
    reasons = {note.path: note.reason for note in reading.skipped}
    assert reasons == {
        "KDEF/AF01/AF01ANS (1).JPG": "duplicate: a second file for KDEF/AF01/AF01ANS.JPG",
        "KDEF/AF01/AF01.JPG": "misnamed: not a name such as KDEF/AF01/AF01ANS.JPG",
    }
    assert [note.path for note in reading.repaired] == ["KDEF/AF01/BM02NES.JPG"]
    assert "BF01HAFR.JPG" in reading.missing
    trees.picture(root / "KDEF" / "AM31" / "AM31H.JPG")
    trees.picture(root / "KDEF" / "AM31" / "AM31SUHR.JPG")
    again = read("kdef", root)
    assert any(note.path.endswith("AM31H.JPG") and "duplicate" in note.reason for note in again.skipped)


def test_akdef(tmp_path):
    reading = read("akdef", trees.kdef(trees.akdef(tmp_path)))
    assert counts(reading, "identity") == {"average-F": 35, "average-M": 35} and not reading.missing
    assert counts(reading) == dict.fromkeys(NAMES, 10) and not reading.skipped


def test_oulu_first_frames_are_neutral_and_last_ones_the_peak(tmp_path):
    reading = read("oulu", trees.oulu(tmp_path, (1, 80), frames=21))
    sequences = 2 * 6 * 6
    assert counts(reading) == {"neutral": sequences, **dict.fromkeys(NAMES[1:], 3 * sequences // 6)}
    assert counts(reading, "identity") == {"P001": 6 * 6 * 4, "P080": 6 * 6 * 4}
    assert counts(reading, "camera") == dict.fromkeys(("infrared-NI", "visible-VL"), sequences * 2)
    assert counts(reading, "light") == dict.fromkeys(("strong", "weak", "dark"), sequences * 4 / 3)
    fear = [r for r in reading.records if r.path.startswith("OriginalImg/VL/Weak/P080/Fear/")]
    assert [(r.path[-8:-5], r.expression, r.strength) for r in fear] == [
        ("000", "neutral", 0.0), ("018", "fear", 0.9), ("019", "fear", 0.95), ("020", "fear", 1.0),
    ]  # fmt: skip
    assert reading.left_out == sequences * 17 and len(reading.missing) == 78
    everything = read("oulu", tmp_path, 10**6)
    assert len(everything.records) == sequences * 21 and everything.left_out == 0
    shutil.rmtree(tmp_path / "OriginalImg" / "VL" / "Strong" / "P001" / "Sadness")
    assert "VL/Strong/P001/Sadness" in read("oulu", tmp_path).missing


@pytest.mark.parametrize(
    ("home", "cameras"),
    [
        ("B_OriginalImg", ("NI", "VL")), ("PreProcess_Img", ("NI_Acropped", "VL_Acropped")),
        ("PreProcessImg", ("VL_Acropped",)), ("PreProcess", ("VL_Acropped",)), (".", ("VL",)),
    ],
)  # fmt: skip
def test_oulu_by_its_other_names(home, cameras, tmp_path):
    reading = read("oulu", trees.oulu(tmp_path, home=home, cameras=cameras, lights=("Strong",)))
    assert counts(reading, "light") == {"strong": len(reading.records)}
    assert counts(reading)["neutral"] == 12 * len(cameras) and len(counts(reading, "camera")) == len(cameras)
    if cameras == ("VL",):
        assert "camera NI: none of 1440 sequences" in reading.missing


def test_oulu_from_deep_inside_cut_short_or_twice(tmp_path):
    root = trees.oulu(tmp_path, cameras=("VL",), lights=("Strong",))
    inner = read("oulu", root / "OriginalImg" / "VL" / "Strong")
    assert counts(inner, "camera") == {"visible-VL": len(inner.records)} and len(inner.records) == 48
    fear, anger = (root / "OriginalImg" / "VL" / "Strong" / "P001" / name for name in ("Fear", "Anger"))
    for number in range(5):
        (fear / f"{number:03d}.jpeg").unlink()  # only the end is left: none of it is neutral
    for number in range(1, 9):
        (anger / f"{number:03d}.jpeg").unlink()
    reading = read("oulu", root)
    mine = [r for r in reading.records if "P001/Fear" in r.path]
    assert [(r.expression, r.strength) for r in mine] == [("fear", 0.75), ("fear", 0.875), ("fear", 1.0)]
    assert [note.reason for note in reading.skipped] == ["unlabelled: the only frame of a sequence may be neutral"]
    trees.oulu(root, home="PreProcess_Img", cameras=("VL_Acropped",), lights=("Strong",), frames=4)
    again = read("oulu", root)
    assert [r.path for r in again.records] == [r.path for r in reading.records]
    twice = [note for note in again.skipped if "the same sequence as OriginalImg/" in note.reason]
    assert len(twice) == 12 and again.left_out == reading.left_out + 12 * 4  # a line a sequence, not one a frame
    assert twice[0].path == "PreProcess_Img/VL_Acropped/Strong/P001/Anger"


def test_ckplus(tmp_path):
    reading = read("ck+", trees.ckplus(tmp_path))
    assert counts(reading) == {
        "neutral": 9, "disgust": 2, "anger": 1, "fear": 1, "happy": 2, "sad": 1, "surprise": 1, "contempt": 1,
    }  # fmt: skip
    peak = [r for r in reading.records if r.path.endswith("S005_001_00000011.png")]
    assert [(r.expression, r.identity, r.session, r.label, r.strength) for r in peak] == [
        ("disgust", "S005", "001", "3", 1.0)
    ]
    assert len(reading.skipped) == 11 and all(
        n.path.startswith("cohn-kanade-images/S005/002/") for n in reading.skipped
    )
    assert all(n.reason.startswith("unlabelled") for n in reading.skipped)
    assert reading.missing == ["583 of 593 sequences", "120 of 123 people", "318 of 327 labelled sequences"]
    three = read("ck+", tmp_path, 3)
    assert [r.strength for r in three.records if r.session == "001" and r.identity == "S011"] == [0.0, 0.8, 0.9, 1.0]


@pytest.mark.parametrize(
    ("text", "says"), [("", "holds no number"), ("happy", "holds no number"), ("9.0", "label 9"), ("nan", "no number")]
)
def test_ckplus_with_damaged_labels(text, says, tmp_path):
    root = trees.ckplus(tmp_path)
    file = root / "Emotion" / "S011" / "002" / "S011_002_00000011_emotion.txt"
    file.write_text(text)
    reading = read("ck+", root)
    assert says in {n.path: n.reason for n in reading.skipped}["Emotion/S011/002/S011_002_00000011_emotion.txt"]
    assert sum(n.path.startswith("cohn-kanade-images/S011/002") for n in reading.skipped) == 11
    shutil.rmtree(root / "cohn-kanade-images" / "S010" / "003")
    assert "S010/003: labelled, but without pictures" in read("ck+", root).missing


def test_ckplus_in_folders_of_expressions(tmp_path):
    for take, label in enumerate(("anger", "contempt", "happy", "odd")):
        for who in (10, 11):
            trees.picture(tmp_path / label / f"S{who:03d}_{take:03d}_00000017.png")
    reading = read("ck+", tmp_path)
    assert counts(reading) == {"anger": 2, "contempt": 2, "happy": 2} and len(reading.skipped) == 2
    assert counts(reading, "identity") == {"S010": 3, "S011": 3} and not reading.hints


def test_mug_peaks_in_the_middle(tmp_path):
    reading = read("mug", trees.mug(tmp_path))
    assert counts(reading) == {"neutral": 2 * 2 * (3 + 6), **dict.fromkeys(NAMES[1:], 2 * 2 * 3)}
    one = [r for r in reading.records if r.path.startswith("subject3/002/fear/take001/")]
    assert [(r.path[-8:-4], r.expression) for r in one] == [
        ("0004", "fear"), ("0005", "fear"), ("0006", "fear"), ("0000", "neutral"),
    ]  # fmt: skip
    trees.picture(tmp_path / "subject3" / "001" / "mixed" / "take000" / "img_0000.jpg")
    shutil.rmtree(tmp_path / "subject3" / "002" / "sadness")
    again = read("mug", tmp_path)
    assert [n.reason.partition(" is none")[0] for n in again.skipped] == ["unlabelled: mixed"]
    assert again.missing == ["002/sadness", "50 of 52 people"]
    assert counts(read("mug", tmp_path / "subject3" / "001"), "identity") == {"001": counts(again, "identity")["001"]}


def test_jaffe(tmp_path):
    reading = read("jaffe", trees.jaffe(tmp_path))
    assert counts(reading) == dict.fromkeys(NAMES, 6) and counts(reading, "identity") == {"KA": 21, "KL": 21}
    assert "person YM: none of 7 expressions of each person" in reading.missing
    assert reading.missing[-1] == "171 of 213 pictures in all"


def test_cfee_keeps_its_compounds(tmp_path):
    reading = read("cfee", trees.cfee(tmp_path))
    assert len(reading.records) == 52 and counts(reading, "identity") == {"126": 26, "128": 26}
    assert len(counts(reading)) == 22 and counts(reading)["neutral"] == 2 and counts(reading)["awed"] == 2
    trees.picture(tmp_path / "CFEE_Database_230" / "21-26" / "Images6" / "04_221.jpg")  # one of them has no number
    trees.picture(tmp_path / "CFEE_Database_230" / "21-26" / "Images6" / "31_221_1.jpg")
    again = read("cfee", tmp_path)
    assert counts(again, "identity")["221"] == 1 and "the code 31" in again.skipped[0].reason
    assert "01_221_*.jpg" in again.missing


def test_rafdb(tmp_path):
    reading = read("raf-db", trees.rafdb(tmp_path))
    assert counts(reading) == dict.fromkeys(NAMES, 3) and counts(reading, "split") == {"train": 14, "test": 7}
    assert counts(reading, "identity") == {"": 21}
    first = next(r for r in reading.records if r.path.endswith("train_00001_aligned.jpg"))
    assert (first.expression, first.label) == ("surprise", "1")
    trees.picture(tmp_path / "Image" / "original" / "train_00001.jpg")  # the same face
    trees.picture(tmp_path / "Image" / "aligned" / "train_00099_aligned.jpg")
    (tmp_path / "Image" / "aligned" / "test_00001_aligned.jpg").unlink()
    listing = tmp_path / "EmoLabel" / "list_patition_label.txt"
    listing.write_bytes(b"\xef\xbb\xbf" + listing.read_bytes() + b"train_00100.jpg 8\r\n\r\n")
    again = read("raf-db", tmp_path)
    assert len(again.records) == 20 and again.left_out == 1
    assert {n.path for n in again.skipped} == {
        "Image/aligned/train_00099_aligned.jpg", "EmoLabel/list_patition_label.txt:22",
    }  # fmt: skip
    assert again.missing[0] == "test_00001.jpg: in the list, but not here"


def test_rafdb_with_labels_as_folders(tmp_path):
    for label in range(1, 8):
        trees.picture(tmp_path / "train" / str(label) / f"train_{label:05d}_aligned.jpg")
    assert counts(read("raf-db", tmp_path)) == dict.fromkeys(NAMES, 1)


@pytest.mark.parametrize("head", ["emotion,pixels,Usage", "emotion, Usage, pixels", "emotion,pixels"])
def test_fer2013(head, tmp_path):
    root = trees.fer2013(tmp_path, head=head)
    file = root / "fer2013.csv"
    file.write_bytes(file.read_bytes() + b"7,1 2 3,Training\r\n\r\n3,1 2 3,1 2 3\r\n")
    reading = read("fer2013", root)
    assert counts(reading) == {**dict.fromkeys(NAMES, 3), "happy": 4} and len(reading.skipped) == 1
    if "sage" in head:
        assert counts(reading, "split") == {"train": 7, "val": 7, "test": 7, "": 1}
    first, last = reading.records[0], reading.records[-1]
    assert (first.expression, first.frame) == ("anger", 2)
    rng = np.random.default_rng(0)
    assert pixels(root, first).tolist() == rng.integers(40, 256, 2304).reshape(48, 48).tolist()
    with pytest.raises(MienError, match="does not hold 2304 pixels"):
        pixels(root, last)
    assert len(read("fer2013", file).records) == 22  # the table itself


def test_fer2013_unpacked(tmp_path):
    for split in ("train", "test"):
        for label in ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise", "bored"):
            trees.picture(tmp_path / split / label / f"{split}_1.jpg", grey=True)
    reading = read("fer2013", tmp_path)
    assert counts(reading) == dict.fromkeys(NAMES, 2) and len(reading.skipped) == 2


@pytest.mark.parametrize("header", [True, False])
def test_affectnet(header, tmp_path):
    reading = read("affectnet", trees.affectnet(tmp_path, header))
    assert counts(reading) == dict.fromkeys(ALL_NAMES, 2) and counts(reading, "split") == {"train": 8, "val": 8}
    assert sorted(n.reason for n in reading.skipped) == sorted(
        ["unlabelled: 8, none", "unlabelled: 9, uncertain", "unlabelled: 10, no face"] * 2
    )
    trees.picture(tmp_path / "Manually_Annotated_Images" / "7" / "extra.jpg")
    gone = next((tmp_path / "Manually_Annotated_Images").rglob("000000100.jpg"))
    gone.unlink()
    again = read("affectnet", tmp_path)
    assert again.skipped[-1].reason == "unlabelled: in no table"
    assert again.missing == ["100/000000100.jpg: in training.csv, but not here"]


def test_affectnet_with_annotations(tmp_path):
    for number in range(9):
        trees.picture(tmp_path / "val_set" / "images" / f"{number}.jpg")
        (tmp_path / "val_set" / "annotations").mkdir(exist_ok=True)
        np.save(tmp_path / "val_set" / "annotations" / f"{number}_exp.npy", np.array(str(number)))
    (tmp_path / "val_set" / "annotations" / "3_exp.npy").write_bytes(b"")
    reading = read("affectnet", tmp_path)
    assert len(reading.records) == 7 and len(reading.skipped) == 2 and counts(reading, "split") == {"val": 7}


def test_a_folder(tmp_path):
    reading = read("folder", trees.folder(tmp_path))
    assert counts(reading) == {"neutral": 4, "happy": 4, "sad": 4, "contempt": 4}
    assert counts(reading, "identity") == {"anna": 8, "bert": 8}
    trees.picture(tmp_path / "anna" / "bored" / "1.jpg")
    trees.picture(tmp_path / "anna" / "sad" / "take 2" / "1.jpg")
    (tmp_path / "bert" / "sad").mkdir()
    (tmp_path / "bert" / "sad" / "1.gif").write_bytes(b"GIF89a")
    again = read("folder", tmp_path)
    assert [n.reason.partition(":")[0] for n in again.skipped] == ["unlabelled", "unreadable"]
    assert counts(again, "session") == {"": 16, "take 2": 1}


def test_a_folder_with_splits_or_turned_round(tmp_path):
    trees.folder(tmp_path / "a" / "train", ("anna",))
    trees.folder(tmp_path / "a" / "test", ("bert",))
    reading = read("folder", tmp_path / "a")
    assert {(r.identity, r.split) for r in reading.records} == {("anna", "train"), ("bert", "test")}
    assert reading.inner == ""
    for who in ("anna", "bert"):
        trees.picture(tmp_path / "b" / "happy" / who / "1.jpg")
    turned = read("folder", tmp_path / "b")
    assert not turned.records and "turn them round" in turned.hints[0]


@pytest.mark.parametrize("sign", [",", ";", "\t"])
def test_a_table_of_ones_own(sign, tmp_path):
    for number in range(3):
        trees.picture(tmp_path / "pictures" / f"{number}.png")
    rows = [
        "Subject,Path,EMOTION,pose,strength,split", "", "anna,pictures/0.png,Happy,frontal,0.5,test",
        "anna,pictures\\1.png,bored,,,", ",pictures/2.png,sad,,,", "bert,pictures\\2.png,sad,,x,",
        "bert,nowhere.png,sad,,,", "bert,,sad,,,", "bert,pictures/2.png,sad,,,",
    ]  # fmt: skip
    table = tmp_path / "mine.csv"
    table.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(rows).replace(",", sign).encode())
    for given_path in (table, tmp_path):
        reading = read("folder", given_path)
        assert [(r.path, r.identity, r.expression, r.pose, r.strength, r.split) for r in reading.records] == [
            ("pictures/0.png", "anna", "happy", "frontal", 0.5, "test"),
            ("pictures/2.png", "bert", "sad", "", None, ""),
        ]
        assert [n.reason.partition(":")[0] for n in reading.skipped] == ["unlabelled"] * 3 + ["duplicate"]
        assert reading.missing == ["nowhere.png: in mine.csv, but not here"]
    table.write_text("a,b\n1,2\n")
    with pytest.raises(MienError, match="needs the columns path, identity and expression; it has a, b"):
        read("folder", table)


def test_the_open_set_keeps_its_test_people_away(people, tmp_path):
    shared = shutil.copytree(people, tmp_path / "shared")
    london = shared / "data" / "london"
    table = (london / "people.csv").read_text().splitlines()
    (london / "people.csv").write_text("\n".join([*table[:-1], table[-1].replace("val", "test")]) + "\n")
    (london / "smiling").mkdir()
    shutil.copy(london / "neutral" / "001.jpg", london / "smiling" / "001.jpg")
    reading = read("open", shared)
    assert [(r.path, r.expression, r.identity, r.split) for r in reading.records] == [
        ("data/london/neutral/001.jpg", "neutral", "london-001", "train"),
        ("data/london/smiling/001.jpg", "happy", "london-001", "train"),
        ("data/london/neutral/002.jpg", "neutral", "london-002", "train"),
    ]
    assert reading.left_out == 1 and "1 people of the split 'test'" in reading.hints[0]
    assert read("open", shared / "data").records[0].path == "london/neutral/001.jpg"


@given(st.lists(st.integers(0, 60), min_size=1, max_size=40, unique=True).map(sorted), st.integers(1, 50))
def test_frames_of_a_sequence(numbers, peak):
    frames = onset_to_peak(numbers, peak, 0)
    assert len({f.at for f in frames}) == len(frames) and all(0 <= f.strength <= 1 for f in frames)
    assert sum(f.neutral for f in frames) == (numbers[0] <= 1 and len(numbers) > 1)
    shown = [f for f in frames if not f.neutral]
    assert [f.strength for f in shown] == sorted(f.strength for f in shown) and len(shown) <= peak
    if shown:
        assert shown[-1].at == len(numbers) - 1 and shown[-1].strength in (0.0, 1.0)
    assert set(apex(len(numbers), peak)) <= set(range(len(numbers))) and len(apex(len(numbers), peak)) >= 1
