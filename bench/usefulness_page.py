"""The figures of `usefulness.py` as a page."""

from __future__ import annotations

import textwrap

REAL, BOTH = "real", "real + generated"

OPEN = (
    "**On the open set this can be shown for neutral and happy only**: nobody in it was photographed with another"
    " expression, so there is nothing real to measure the other five on. Generated neutral faces are all made "
    "from smiles (a neutral photograph is no source for neutral), which the generator takes back only in part: "
    "their labels are noisy. The generator was trained on these training people itself, 68 real smiles among "
    "them, so its faces hand on what it learnt of all of them. {people} people are few: only large differences "
    "can be seen. Whoever has KDEF or RaFD, which mien has not seen, measures all that it holds by `python "
    "bench/usefulness.py --data prepared/kdef`."
)


def percent(found: dict) -> str:
    if found["low"] is None:
        return f"{found['value']:.1%}"
    return f"{found['value']:.1%} [{found['low']:.1%}, {found['high']:.1%}]"


def points(found: dict) -> str:
    """A difference in percentage points."""
    if found["low"] is None:
        return f"{100 * found['value']:+.1f}"
    return f"{100 * found['value']:+.1f} [{100 * found['low']:+.1f}, {100 * found['high']:+.1f}]"


def people(count: str) -> str:
    return "all" if count == "0" else count


def reading(result: dict) -> list[str]:
    """What the intervals say, sentence by sentence."""
    lines = []
    for count, found in result["results"].items():
        one = found["all"]["difference"]
        who = "With everybody to train on" if count == "0" else f"With {count} people to train on"
        if one["low"] is None:
            lines.append(f"- {who}: too few people to measure on for an interval.")
        elif one["low"] > 0:
            lines.append(f"- {who} generated faces help: the interval of the difference lies above 0.")
        elif one["high"] < 0:
            lines.append(f"- {who} generated faces do harm: the interval of the difference lies below 0.")
        else:
            lines.append(f"- {who} no difference is shown: its interval holds 0.")
        low, chance = found["all"][REAL]["low"], 1 / len(result["labels"])
        if low is not None and low <= chance:
            lines.append(f"  The classifier is hardly better than guessing ({chance:.0%}) here: this says little.")
    return lines


def how(result: dict) -> str:
    """What was done, as one paragraph."""
    config = result["config"]
    split = f"each of {result['folds']} folds kept out once" if result["folds"] > 1 else "the prepared split"
    strengths = ", ".join(f"{s:g}" for s in result["strengths"])
    return (
        f"Data: {result['title']}, {split}. Measured on real photographs of the people of "
        f"{', '.join(result['measured_on'])}, of whom neither a photograph nor a generated face was learnt from. "
        f"Expressions: {', '.join(result['labels'])}. The network (a ResNet with "
        f"{'-'.join(map(str, config['blocks']))} blocks of {'-'.join(map(str, config['widths']))} channels, "
        f"{config['size']} px) starts from the same weights and takes "
        f"{config['steps']} steps of {config['batch']} pictures either way; in *{BOTH}* half of each batch is of faces "
        f"that `mien augment` made ({result['model']}, SHA-256 {result['model_sha256'][:12]}; strengths {strengths}; "
        f"at most {result['per_person']} faces of a person and expression; {result['failed']} failed). Means over "
        f"{result['seeds']} seeds for each person, then over people, with 95% bootstrap intervals over people; where "
        "people trained on are few, each seed draws its own. Differences are person by person, in percentage points; "
        "an interval without 0 is a difference."
    )


def page(result: dict) -> str:
    measured = next(iter(result["results"].values()))["all"][REAL]["people"]
    lines = ["# Do our faces help a classifier?", "", *result["commands"], "", *_filled(how(result)), ""]
    if result["database"] == "open":
        lines += [*_filled(OPEN.format(people=measured)), ""]
    lines += [
        "| people trained on | real photographs | generated faces | real | real + generated | difference, points |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for count, found in result["results"].items():
        one = found["all"]
        cells = [percent(one[REAL]), percent(one[BOTH]), points(one["difference"])]
        first = [
            f"all {found['people']}" if count == "0" else count,
            str(found["photographs"]),
            str(found["generated"]),
        ]
        lines.append(f"| {' | '.join([*first, *cells])} |")
    lines += [
        "",
        *reading(result),
        "",
        "| people trained on | expression | real | real + generated | difference, points |",
    ]
    lines += ["| --- | --- | --- | --- | --- |"]
    for count, found in result["results"].items():
        for label in result["labels"]:
            one = found[label]
            cells = [people(count), label, percent(one[REAL]), percent(one[BOTH]), points(one["difference"])]
            lines.append(f"| {' | '.join(cells)} |")
    lines += ["", f"Each seed, {REAL} / {BOTH}:", ""]
    for count, found in result["results"].items():
        pairs = zip(found["seeds"][REAL], found["seeds"][BOTH], strict=True)
        lines.append(f"- {people(count)}: " + ", ".join(f"{a:.1%} / {b:.1%}" for a, b in pairs))
    return "\n".join(lines) + "\n"


def _filled(text: str) -> list[str]:
    return textwrap.wrap(text, 118, break_long_words=False, break_on_hyphens=False)
