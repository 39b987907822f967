"""The figures of score.py as plain text."""


def _share(one: dict) -> str:
    """Such as 93% [86, 100] of 14."""
    return f"{one['share']:4.0%} [{one['low'] * 100:3.0f}, {one['high'] * 100:3.0f}] of {one['n']}"


def _expression(title: str, figures: dict) -> list[str]:
    lines = [title, f"  {'overall':10s} {_share(figures['overall'])}"]
    for name, one in figures["per_class"].items():
        lines.append(f"  {name:10s} {_share(one)}, mean probability {one['mean_probability']:.2f}")
    columns = list(next(iter(figures["confusion"].values())))
    lines.append("  asked \\ called " + " ".join(f"{c[:8]:>8s}" for c in columns))
    for name, row in figures["confusion"].items():
        lines.append(f"  {name:14s} " + " ".join(f"{row[c] or '.':>8}" for c in columns))
    return lines


def table(result: dict) -> str:
    """Text of a whole result; intervals are 95%, bootstrap over people."""
    lines = [f"{result['pictures']} pictures of {result['people']} people; 95% bootstrap intervals over people",
             f"face detected  {_share(result['detected'])}"]  # fmt: skip
    if result["not_classes"]:
        lines.append(f"judged for identity only (not classes of the classifier): {', '.join(result['not_classes'])}")
    if result["expression"]:
        lines += ["", *_expression("expression, generated pictures", result["expression"])]
    if result["real"]:
        lines += ["", *_expression("expression, real photographs of the same people", result["real"])]
    lines += ["", "identity: share of (input, output) accepted at a false accept rate on real impostor pairs"]
    for name, one in result["identity"].items():
        limits = one["thresholds"]
        lines.append(f"  {name}: {limits['pairs']} impostor pairs ({limits['same_sex_pairs']} of the same sex), "
                     f"mean distance {limits['impostor_mean']:.3f}")  # fmt: skip
        for title, figures in (("pictures", one["pictures"]), ("real smiles", one["real_smiles"])):
            if figures is None:
                continue
            distance = "mean distance {:.3f}, worst {:.3f}".format(
                figures["mean_distance"] or float("nan"), figures["worst_distance"] or float("nan"))  # fmt: skip
            lines.append(f"    {title:11s} detected {_share(figures['detected'])}, {distance}")
            for kind, label in (("all", "all pairs"), ("same_sex", "same sex")):
                cells = [f"FAR {rate} (< {limits[kind][rate]:.3f}) {_share(s)}" for rate, s in figures[kind].items()]
                lines.append(f"      {label:9s}  " + ";  ".join(cells))
    return "\n".join(lines)
