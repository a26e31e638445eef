"""Plots as SVG that reads on light and dark pages. Pure."""

import math
from xml.sax.saxutils import escape

from .figures import written

STYLE = """<style>
text { font: 13px system-ui, sans-serif; fill: #1f2328 } .quiet { fill: #59636e } .line { stroke: #d1d9e0; stroke-width: 1 }
.own { fill: #0969da } .other { fill: #818b98 } .range { stroke: #818b98; stroke-width: 2 } .range.own { stroke: #0969da }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc } .quiet { fill: #9198a1 } .line { stroke: #3d444d }
  .own { fill: #4493f8 } .other { fill: #9198a1 } .range { stroke: #9198a1 } .range.own { stroke: #4493f8 }
}
</style>"""
WIDTH, LEFT, RIGHT, ROW, TOP = 800, 270, 80, 26, 56


def ticks(low, high):
    """1, 2 and 5 times powers of ten within the range."""
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [tick for exponent in exponents for tick in (10 ** exponent, 2 * 10 ** exponent, 5 * 10 ** exponent)
            if low <= tick <= high]


def label(name, y, own):
    weight = ' font-weight="600"' if own else ""
    return f'<text x="{LEFT - 14}" y="{y + 4}" text-anchor="end"{weight}>{escape(name)}</text>'


def dots(title, rows, top, low, high):
    """One panel on a logarithmic scale, and its height. A row is a name, its points, its mark, and whether it is our own."""
    place = lambda value: LEFT + (WIDTH - LEFT - RIGHT) * math.log(value / low) / math.log(high / low)
    bottom = top + TOP + ROW * len(rows)
    lines = [f'<text x="0" y="{top + 18}" font-weight="600">{escape(title)}</text>']
    for tick in ticks(low, high):
        lines.append(f'<line class="line" x1="{place(tick):.1f}" y1="{top + 40}" x2="{place(tick):.1f}" y2="{bottom - 12}"/>')
        lines.append(f'<text class="quiet" x="{place(tick):.1f}" y="{top + 34}" text-anchor="middle">{tick:g}x</text>')
    for number, (name, points, mark, own) in enumerate(rows):
        y, kind = top + TOP + ROW * number, "own" if own else "other"
        lines.append(label(name, y, own))
        lines.append(f'<line class="range {kind}" x1="{place(min(points)):.1f}" y1="{y}" x2="{place(max(points)):.1f}" y2="{y}"/>')
        lines += [f'<circle class="{kind}" cx="{place(point):.1f}" cy="{y}" r="3"/>' for point in points]
        lines.append(f'<rect class="{kind}" x="{place(mark) - 2.5:.1f}" y="{y - 8}" width="5" height="16" rx="2"/>')
        lines.append(f'<text class="quiet" x="{WIDTH}" y="{y + 4}" text-anchor="end">{written(mark)}x</text>')
    return lines, bottom - top + 6


def bars(title, unit, rows, top):
    """One panel of bars from 0, and its height. A row is a name, its length, and whether it is our own."""
    longest = max(length for _, length, _ in rows)
    lines = [f'<text x="0" y="{top + 18}" font-weight="600">{escape(title)}</text>']
    for number, (name, length, own) in enumerate(rows):
        y, width = top + 42 + ROW * number, (WIDTH - LEFT - RIGHT) * length / longest
        lines.append(label(name, y, own))
        lines.append(f'<rect class="{"own" if own else "other"}" x="{LEFT}" y="{y - 8}" width="{width:.1f}" height="16" rx="2"/>')
        lines.append(f'<text class="quiet" x="{LEFT + width + 8:.1f}" y="{y + 4}">{written(length)}{unit}</text>')
    return lines, 48 + ROW * len(rows)


def ratio_document(title, panels):
    """Panels of dots on one scale: (title, rows)."""
    points = [point for _, rows in panels for _, row_points, _, _ in rows for point in row_points]
    low, high = min(points) / 1.15, max(points) * 1.15
    return document(title, [lambda top, panel=panel: dots(*panel, top, low, high) for panel in panels])


def bar_document(title, panels):
    """Panels of bars: (title, unit, rows)."""
    return document(title, [lambda top, panel=panel: bars(*panel, top) for panel in panels])


def document(title, draw_panels):
    lines, top = [], 0
    for draw in draw_panels:
        drawn, height = draw(top)
        lines += drawn
        top += height
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-8 0 {WIDTH + 16} {top}" width="{WIDTH}" role="img" '
            f'aria-label="{escape(title)}">')
    return "\n".join([head, STYLE, *lines, "</svg>", ""])
