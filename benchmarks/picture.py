"""The ratios as a picture: one bar an input, shorter is faster than buildx."""

import math
from collections.abc import Sequence

_ROW, _LEFT, _WIDTH = 22, 190, 420


def draw(ratios: Sequence[tuple[str, float]]) -> str:
    """An SVG; the scale is logarithmic, with a line where both are equally fast."""
    height = _ROW * len(ratios) + 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_LEFT + _WIDTH + 70}" height="{height}" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{_LEFT}" y="16">time of bakec as a share of that of buildx</text>',
    ]
    for at, (name, ratio) in enumerate(ratios):
        top = 26 + at * _ROW
        color = "#2a7" if ratio <= 1 else "#c63"
        parts.append(f'<text x="{_LEFT - 8}" y="{top + 13}" text-anchor="end">{name}</text>')
        parts.append(f'<rect x="{_LEFT}" y="{top}" width="{_place(ratio):.0f}" height="{_ROW - 6}" fill="{color}"/>')
        parts.append(f'<text x="{_LEFT + _place(ratio) + 6:.0f}" y="{top + 13}">{ratio:.2f}</text>')
    line = _LEFT + _place(1)
    parts.append(f'<path d="M{line:.0f} 22V{height - 12}" stroke="#333" stroke-dasharray="3"/>')
    return "\n".join([*parts, "</svg>", ""])


def _place(ratio: float) -> float:
    """Pixels for a ratio from 0.01 to 10."""
    return _WIDTH * (math.log10(min(max(ratio, 0.011), 10)) + 2) / 3
