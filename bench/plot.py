"""Bars in an SVG file: what each workload came to, beside its peers."""

from collections.abc import Sequence
from html import escape

from bench.results import Results, Row

__all__ = ["draw"]

_WIDTH = 900
_LABELS = 360
_BAR = 18
_GAP = 6
_TITLE = 34
_OURS = "#2a6fb0"
_OTHERS = "#b9c4cf"


def draw(results: Results) -> str:
    """Return the chart: a panel for each unit that was counted, the fastest first."""
    panels = [
        ("W1: durable acknowledgements a second", _of(results, "W1")),
        (
            "Fan-out to 1,000 receivers: deliveries a second (only ChatterRoom stores)",
            _fan(results),
        ),
        ("W3: deliveries a second", _of(results, "W3")),
        ("W5: pages a second", _of(results, "W5")),
        ("W7: pages a second", _of(results, "W7")),
    ]
    parts: list[str] = []
    top = 0
    for title, rows in panels:
        if rows:
            panel, height = _panel(title, rows, top)
            parts += panel
            top += height
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{top + _GAP}" '
        f'viewBox="0 0 {_WIDTH} {top + _GAP}" font-family="sans-serif" font-size="12">'
    )
    return "\n".join([head, '<rect width="100%" height="100%" fill="#fff"/>', *parts, "</svg>", ""])


def _of(results: Results, workload: str) -> list[Row]:
    return [row for row in _counted(results) if row.workload == workload]


def _fan(results: Results) -> list[Row]:
    rows = [row for row in _counted(results) if row.workload in {"W2", "peers"}]
    return [row for row in rows if "1,000 receivers" in row.case]


def _counted(results: Results) -> list[Row]:
    return [
        row for row in results.rows if row.rate and not row.void and "open loop" not in row.case
    ]


def _panel(title: str, rows: Sequence[Row], top: int) -> tuple[list[str], int]:
    ordered = sorted(rows, key=lambda row: row.rate or 0.0, reverse=True)
    scale = (_WIDTH - _LABELS - 110) / (ordered[0].rate or 1.0)
    parts = [f'<text x="8" y="{top + 22}" font-weight="bold">{escape(title)}</text>']
    at = top + _TITLE
    for row in ordered:
        rate = row.rate or 0.0
        colour = _OURS if row.subject == "ChatterRoom" else _OTHERS
        label = escape(f"{row.subject}: {row.case}")
        middle = at + _BAR - 5
        size = f'width="{max(1.0, rate * scale):.1f}" height="{_BAR}"'
        end = f"{_LABELS + rate * scale + 6:.1f}"
        parts += [
            f'<text x="{_LABELS - 8}" y="{middle}" text-anchor="end">{label}</text>',
            f'<rect x="{_LABELS}" y="{at}" {size} fill="{colour}"/>',
            f'<text x="{end}" y="{middle}">{rate:,.0f}</text>',
        ]
        at += _BAR + _GAP
    return parts, at - top
