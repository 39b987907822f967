"""The figures of measure.py as a Markdown page."""


def page(result: dict) -> str:
    """The figures as Markdown."""
    methods, speed, weights = result["methods"], result["speed"], result["weights_sha256"][:12]

    def percent(one: dict) -> str:
        return f"{one['share']:.0%} [{one['low']:.0%}, {one['high']:.0%}]"

    lines = [
        "# Edits of people nobody trained on",
        "",
        f"{result['people']} `val` people of the London set, six expressions each; weights `{weights}`.",
        "Judged by outside networks (`bench/judges/README.md`), with which the prototypes were tuned on these people:",
        "read the expression figures as a development measure. Intervals: 95% bootstrap over people.",
        "",
        f"    {result['command']}",
        "",
        "| called right by face-api | " + " | ".join(methods) + " |",
        "| --- |" + " --- |" * len(methods),
    ]
    expressions = {title: m["judges"]["expression"] for title, m in methods.items()}
    lines.append("| all six | " + " | ".join(percent(e["overall"]) for e in expressions.values()) + " |")
    for name in next(iter(expressions.values()))["per_class"]:
        lines.append(f"| {name} | " + " | ".join(percent(e["per_class"][name]) for e in expressions.values()) + " |")
    real = methods["mien"]["judges"]["real"]
    lines += ["", "The same classifier on real photographs of the same people: "]
    lines[-1] += ", ".join(f"{name} {percent(one)}" for name, one in real["per_class"].items()) + "."
    lines += ["", f"| identity: accepted as the person of the neutral photo | {' | '.join(methods)} | real smiles |"]
    lines.append("| --- |" + " --- |" * (len(methods) + 1))
    for judge in ("face-api", "dlib", "faceres"):
        for rate in ("1.0%", "0.1%"):
            cells = [percent(m["judges"]["identity"][judge]["pictures"]["all"][rate]) for m in methods.values()]
            cells.append(percent(methods["mien"]["judges"]["identity"][judge]["real_smiles"]["all"][rate]))
            lines.append(f"| {judge}, {rate} false accepts | " + " | ".join(cells) + " |")
        cells = [f"{m['judges']['identity'][judge]['pictures']['mean_distance']:.3f}" for m in methods.values()]
        cells.append(f"{methods['mien']['judges']['identity'][judge]['real_smiles']['mean_distance']:.3f}")
        lines.append(f"| {judge}, mean distance | " + " | ".join(cells) + " |")
    lines += [
        "",
        "| pixels outside the face's box, grown by a fifth, that are bit-identical | " + " | ".join(methods) + " |",
        "| --- |" + " --- |" * len(methods),
        "| mean | " + " | ".join(f"{m['outside_mean']:.3%}" for m in methods.values()) + " |",
        "| worst picture | " + " | ".join(f"{m['outside_worst']:.3%}" for m in methods.values()) + " |",
        "",
        f"Strength 0 returns the input exactly: {'yes' if result['strength_0_exact'] else 'NO'}.",
        "",
        f"`mien edit` of a 1350x1350 photo as a whole process: {speed['process_s']:.2f} s; a further edit in",
        f"one `Editor`: {speed['further_edit_s']:.2f} s (medians, two cores).",
        "",
    ]
    return "\n".join(lines)
