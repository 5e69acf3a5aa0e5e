"""The figures as a table and as JSON."""

import json
import os
import platform
from dataclasses import asdict


def table(figures) -> str:
    """One line a figure; a ratio above 1 means better than the plain way."""
    rows = [("figure", "geocube", "goal", "plain GDAL", "ratio", "CPU ms", "plain CPU ms", "")]
    for figure in figures:
        rows.append(
            (
                figure.name,
                f"{number(figure.value)} {figure.unit}",
                number(figure.goal),
                f"{number(figure.plain)} {figure.unit}" if figure.plain else "",
                f"{figure.ratio:.2f}" if figure.ratio else "",
                number(figure.cpu_ms),
                number(figure.plain_cpu_ms),
                "; ".join(figure.notes + ([f"plain: {figure.plain_way}"] if figure.plain_way else [])),
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(7)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0])] + [row[n].rjust(widths[n]) for n in range(1, 7)] + [row[7]]).rstrip()
        for row in rows
    )


def number(value: float | None) -> str:
    """Three digits, or all digits before the point."""
    if value is None:
        return ""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def as_json(figures, quick: bool) -> str:
    """Everything, for a machine."""
    machine = {"system": platform.platform(), "processors": os.cpu_count()}
    entries = [{**asdict(figure), "ratio": figure.ratio} for figure in figures]
    return json.dumps({"machine": machine, "quick": quick, "figures": entries}, indent=2, ensure_ascii=False)
