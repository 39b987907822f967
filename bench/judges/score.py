"""Score a folder of generated faces with the outside judges; prints a table, writes JSON.

usage: python score.py PICTURES REFERENCE --london DIR [--canada DIR] [--json OUT]

PICTURES: a folder of <person>_<expression>.png, or a CSV with columns path, person, expected.
REFERENCE: a folder of <person>.jpg, the neutral photographs the pictures were made from.
"""

import argparse
import csv
import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from judged import CLASSES, VERIFIERS, Judgement, judge, stop
from table import table

ALIASES = {"smile": "happy", "smiling": "happy", "happiness": "happy", "joy": "happy", "sadness": "sad"}
ALIASES |= {"anger": "angry", "fear": "fearful", "disgust": "disgusted", "surprise": "surprised"}
RATES = (0.01, 0.001)
PICTURE = re.compile(r"\.(png|jpe?g)$", re.IGNORECASE)


@dataclass
class Case:
    """One generated picture, the person it was made from and the class asked for (maybe not one of CLASSES)."""

    path: Path
    person: str
    expected: str


def read_cases(source: Path) -> list[Case]:
    """Cases of a folder or of a CSV list; paths in the list are relative to it."""
    if source.is_dir():
        paths = sorted(p for p in source.iterdir() if PICTURE.search(p.name) and "_" in p.stem)
        rows = [(p, p.stem.rpartition("_")[0], p.stem.rpartition("_")[2]) for p in paths]
    elif source.is_file():
        with source.open(newline="") as text:
            lines = csv.DictReader(text)
            if not {"path", "person", "expected"} <= set(lines.fieldnames or []):
                stop(f"{source}: needs the columns path, person, expected")
            rows = [(source.parent / r["path"], r["person"], r["expected"]) for r in lines]
    else:
        stop(f"{source}: no such folder or list")
    if not rows:
        stop(f"{source}: no <person>_<expression>.png in it")
    for path, _, _ in rows:
        if not path.is_file():
            stop(f"{path}: no such picture")
    return [Case(path, person, ALIASES.get(label.lower(), label.lower())) for path, person, label in rows]


def reference_of(folder: Path, person: str) -> Path:
    """The neutral photograph of ``person``."""
    for suffix in (".jpg", ".jpeg", ".png"):
        if (folder / (person + suffix)).is_file():
            return folder / (person + suffix)
    stop(f"{folder}: no {person}.jpg")


def interval(values: np.ndarray, people: list[str], draws: int = 2000) -> tuple[float, float]:
    """95% bootstrap interval of the mean of ``values``, resampling people (each with all their pictures)."""
    names = sorted(set(people))
    where = np.array([names.index(p) for p in people])
    total = np.bincount(where, weights=values, minlength=len(names))
    count = np.bincount(where, minlength=len(names))
    drawn = np.random.default_rng(0).integers(0, len(names), (draws, len(names)))
    low, high = np.percentile(total[drawn].sum(1) / count[drawn].sum(1), [2.5, 97.5])
    return float(low), float(high)


def share(values: list[bool], people: list[str]) -> dict:
    """{"n", "share", "low", "high"} of a list of successes."""
    low, high = interval(np.array(values, float), people)
    return {"n": len(values), "share": float(np.mean(values)), "low": low, "high": high}


def real_photos(london: Path, canada: Path | None) -> dict[str, dict[str, Path]]:
    """{"neutral": {person: path}, "smiling": {...}}; Canada's people are neutral only."""
    found = {kind: {p.stem: p for p in sorted((london / kind).glob("*.jpg"))} for kind in ("neutral", "smiling")}
    if not found["neutral"] or not found["smiling"]:
        stop(f"{london}: no neutral/*.jpg and smiling/*.jpg in it")
    if canada:
        found["neutral"] |= {f"canada-{p.stem}": p for p in sorted(canada.glob("*.jpg"))}
    return found


def sexes(london: Path, people: list[str]) -> np.ndarray:
    """Sex ("f" or "m") of each person: London's from people.csv, Canada's the last letter of the name."""
    with (london / "people.csv").open(newline="") as text:
        known = {r["id"]: r["gender"][0] for r in csv.DictReader(text)}
    return np.array([known.get(p, p[-1]) for p in people])


def thresholds(real: dict[str, dict[str, Path]], judged: dict[Path, Judgement], verifier: str, london: Path) -> dict:
    """Distances below which 1% and 0.1% of real impostor pairs would be accepted, over all and same-sex pairs.

    Pairs: every two people neutral against neutral, and every ordered two neutral against smiling.
    """
    kept: dict[str, list[tuple[str, np.ndarray]]] = {
        kind: [(p, judged[f].descriptors[verifier]) for p, f in photos.items() if verifier in judged[f].descriptors]
        for kind, photos in real.items()
    }
    (a, da), (b, db) = [([p for p, _ in rows], np.stack([d for _, d in rows])) for rows in kept.values()]
    sex_a, sex_b = sexes(london, a), sexes(london, b)
    upper = np.triu_indices(len(a), 1)
    across = np.nonzero(np.array(a)[:, None] != np.array(b))
    pairs = np.r_[distances(da, da)[upper], distances(da, db)[across]]
    same = np.r_[(sex_a[:, None] == sex_a)[upper], (sex_a[:, None] == sex_b)[across]]
    out: dict = {"pairs": len(pairs), "same_sex_pairs": int(same.sum()), "impostor_mean": float(pairs.mean())}
    for name, some in (("all", pairs), ("same_sex", pairs[same])):
        # Accepted is "nearer than"; so exactly floor(rate * n) impostors pass.
        out[name] = {f"{rate:.1%}": float(np.sort(some)[int(rate * len(some))]) for rate in RATES}
    return out


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(N, M) Euclidean distances between (N, D) and (M, D)."""
    return np.sqrt(np.maximum((a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T, 0))


def identity(pairs: list[tuple[str, Judgement, Judgement]], verifier: str, limits: dict) -> dict:
    """Share of (person, input, output) accepted at each threshold; a face not found is not accepted."""
    people = [p for p, _, _ in pairs]
    gaps = np.array([
        np.linalg.norm(a.descriptors[verifier] - b.descriptors[verifier])
        if verifier in a.descriptors and verifier in b.descriptors else np.inf
        for _, a, b in pairs
    ])  # fmt: skip
    found = np.isfinite(gaps)
    out: dict = {
        "detected": share(list(found), people),
        "mean_distance": float(gaps[found].mean()) if found.any() else None,
        "worst_distance": float(gaps[found].max()) if found.any() else None,
    }
    for kind in ("all", "same_sex"):
        out[kind] = {rate: share(list(gaps < limit), people) for rate, limit in limits[kind].items()}
    return out


def expression(cases: list[tuple[str, str, Judgement]]) -> dict:
    """Accuracy overall, per class and the confusion matrix of (person, expected, judgement)."""
    people = [p for p, _, _ in cases]
    right = [j.called == want for _, want, j in cases]
    out: dict = {"overall": share(right, people), "per_class": {}, "confusion": {}}
    for want in [c for c in CLASSES if any(w == c for _, w, _ in cases)]:
        rows = [(p, j) for p, w, j in cases if w == want]
        one = share([j.called == want for _, j in rows], [p for p, _ in rows])
        one["mean_probability"] = float(np.mean([j.probabilities.get(want, 0.0) for _, j in rows]))
        out["per_class"][want] = one
        called = [j.called for _, j in rows]
        out["confusion"][want] = {c: called.count(c) for c in (*CLASSES, "none")}
    return out


def score(args: argparse.Namespace) -> dict:
    """Everything measured, as one JSON-ready dictionary."""
    cases = read_cases(args.pictures)
    people = sorted({c.person for c in cases})
    references = {p: reference_of(args.reference, p) for p in people}
    real = real_photos(args.london, args.canada)
    photos = [*real["neutral"].values(), *real["smiling"].values()]
    judged = judge(list(dict.fromkeys([c.path for c in cases] + list(references.values()) + photos)), args.size)
    known = [c for c in cases if c.expected in CLASSES]
    sitters = [p for p in people if p in real["neutral"] and p in real["smiling"]]
    pairs = [(c.person, judged[references[c.person]], judged[c.path]) for c in cases]
    own = [(p, judged[real["neutral"][p]], judged[real["smiling"][p]]) for p in sitters]
    out: dict = {
        "pictures": len(cases),
        "people": len(people),
        "size": args.size,
        "detected": share([judged[c.path].called != "none" for c in cases], [c.person for c in cases]),
        "not_classes": sorted({c.expected for c in cases} - set(CLASSES)),
        "expression": expression([(c.person, c.expected, judged[c.path]) for c in known]) if known else None,
        "real": expression([(p, want, judged[real[kind][p]]) for p in sitters for kind, want in
                            (("neutral", "neutral"), ("smiling", "happy"))]) if sitters else None,
        "identity": {},
    }  # fmt: skip
    for verifier in VERIFIERS:
        limits = thresholds(real, judged, verifier, args.london)
        out["identity"][verifier] = {
            "thresholds": limits,
            "pictures": identity(pairs, verifier, limits),
            "real_smiles": identity(own, verifier, limits) if own else None,
        }
    return out


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="outside judges of generated faces")
    parser.add_argument("pictures", type=Path)
    parser.add_argument("reference", type=Path)
    parser.add_argument("--london", type=Path, required=True, help="neutral/, smiling/ and people.csv")
    parser.add_argument("--canada", type=Path, help="more neutral people (default: canada beside the London folder)")
    parser.add_argument("--size", type=int, default=500, help="longer side in pixels before judging")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    args = parser.parse_args()
    if args.canada is None and (args.london.parent / "canada").is_dir():
        args.canada = args.london.parent / "canada"
    result = score(args)
    print(table(result))
    text = json.dumps(result, indent=1)
    if args.json:
        args.json.write_text(text + "\n")
    else:
        print(text)


if __name__ == "__main__":
    main()
