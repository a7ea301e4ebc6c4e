"""The figures as one page that needs nothing else: plots as SVG, tables, verdicts, the machine."""

import html
import math
import time

import table
import targets
from figures import Figures, Key, machine
from words import size_text

COLORS = {"host": "#222222", "again": "#888888", "cross": "#c0392b", "relay": "#c0392b", "one-way": "#c0392b",
          "shared": "#e08e0b", "inside/world": "#2471a3", "inside/subject": "#1e8449", "pipe": "#7d3c98",
          "unix-socket": "#2e86c1", "socat": "#117a65", "zeromq": "#a04000"}
OTHER_COLORS = ["#5d6d7e", "#af7ac5", "#45b39d", "#dc7633", "#17202a", "#6c3483", "#0e6251", "#922b21"]
WIDTH, HEIGHT = 600, 340
LEFT, RIGHT, TOP, BOTTOM = 66, 130, 34, 44

# Plots: test, heading, what is up; and how a median becomes that.
PLOTS = [("latency", "Half round trip", "µs"), ("bandwidth", "Windows of 64, answered", "GB/s"),
         ("stream", "Stream", "GB/s"), ("one-way delay", "One way, by one clock", "µs")]

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 1240px; padding: 0 1em; color: #222; }
h1 { font-size: 1.6em; } h2 { margin-top: 2em; border-bottom: 1px solid #ccc; } h3 { margin-bottom: 0.3em; }
table { border-collapse: collapse; font-size: 13px; margin: 0.5em 0 1.5em; }
th, td { border: 1px solid #ddd; padding: 3px 8px; text-align: right; } th { background: #f4f4f4; }
td.left, th.left { text-align: left; } .reached { color: #1e8449; } .missed { color: #c0392b; font-weight: 600; }
.plots { display: flex; flex-wrap: wrap; gap: 12px; } svg text { font: 11px system-ui, sans-serif; fill: #333; }
.small { color: #666; font-size: 13px; }
"""


def write(figures: Figures, rounds: int, path: str) -> None:
    """Writes the page to `path`."""
    about = machine()
    parts = [
        f"<p>{html.escape(about['processor'])}, {about['processors']} processors, {about['memory']:.0f} GiB memory, Linux "
        f"{html.escape(about['kernel'])}; {rounds} rounds, {time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC, load "
        f"{about['load_average']:.1f} at the end. Medians of the rounds; bands and brackets reach from the smallest to the "
        "largest. Compare figures of this page only with each other: absolute times say little on another machine.</p>",
        "<h2>Goals</h2>", verdict_table(targets.verdicts(figures)), "<h2>Plots</h2>", plots(figures), "<h2>Tables</h2>",
        *(tables(figures, mpi) for mpi in figures.choices("mpi")),
    ]
    text = ("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>MPI through Sluice: figures</title>"
            f"<style>{STYLE}</style></head><body><h1>MPI through Sluice: figures</h1>\n" + "\n".join(parts) +
            "\n</body></html>\n")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def verdict_table(found: list) -> str:
    rows = "".join(
        f"<tr><td class=left>{html.escape(one.mpi)}</td><td class=left>{html.escape(one.what)}</td>"
        f"<td>{html.escape(one.figure)}</td><td>{html.escape(one.target)}</td>"
        f"<td class={'reached' if one.reached else 'missed'}>{'reached' if one.reached else 'missed'}</td>"
        f"<td class=left>{html.escape(one.limit)}</td></tr>" for one in found)
    reached = sum(one.reached for one in found)
    return (f"<p>{reached} of {len(found)} reached.</p><table><tr><th class=left>MPI</th><th class=left>of what</th>"
            f"<th>measured</th><th>goal</th><th></th><th class=left>beside the machine's limit</th></tr>{rows}</table>")


def tables(figures: Figures, mpi: str) -> str:
    parts = [f"<h3>{html.escape(mpi)}</h3>"]
    for test in figures.choices("test", mpi=mpi):
        if test.startswith(targets.OVERHEAD):
            continue
        head, *rows = table.rows(figures, mpi, test)
        cells = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
        heads = "".join(f"<th>{html.escape(cell)}</th>" for cell in head)
        parts.append(f"<p>{html.escape(test)}</p><table><tr>{heads}</tr>{cells}</table>")
    keys = targets.overheads(figures, mpi)
    if keys:
        cells = "".join(f"<tr><td class=left>{html.escape(key.test.removeprefix(targets.OVERHEAD))}</td>"
                        f"<td>{figures.median(key):.1f}</td><td>{figures.difference(key):+.1f}</td></tr>" for key in keys)
        parts.append("<p>one call inside a subject, ns, and how much more than alone</p><table><tr><th class=left>call</th>"
                     f"<th>inside</th><th>more</th></tr>{cells}</table>")
    return "\n".join(parts)


def plots(figures: Figures) -> str:
    found = []
    for mpi in figures.choices("mpi"):
        for test, heading, unit in PLOTS:
            series = [one for place in figures.choices("place", mpi=mpi, test=test)
                      if (one := _series(figures, mpi, test, place, unit))]
            if mpi != "peers" and series:
                series += [one for place in figures.choices("place", mpi="peers", test=test)
                           if (one := _series(figures, "peers", test, place, unit))]
                found.append(plot(f"{heading}, {mpi}", "bytes in a message", unit, series))
    return f"<div class=plots>{''.join(found)}</div>"


def _series(figures: Figures, mpi: str, test: str, place: str, unit: str):
    """(name, [(x, low, median, high)])."""
    points = []
    for count in figures.choices("bytes", mpi=mpi, test=test, place=place):
        values = figures.values[Key(mpi, test, place, count)]
        factor = count / 1e9 if unit == "GB/s" else 1.0
        median = figures.median(Key(mpi, test, place, count))
        points.append((count, min(values) * factor, median * factor, max(values) * factor))
    return (place, points) if len(points) > 1 else None


def _ticks(low: float, high: float, base: float) -> list:
    first, last = math.ceil(math.log(low, base) - 1e-9), math.floor(math.log(high, base) + 1e-9)
    return [base ** power for power in range(first, last + 1)]


def _number(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".") if value < 1 else f"{value:,.0f}"


def plot(heading: str, across: str, up: str, series: list, tick_text=size_text, base: float = 16) -> str:
    """An SVG picture of lines over logarithmic axes. `series`: [(name, [(x, low, y, high)])], all above 0."""
    xs = [point[0] for _, points in series for point in points]
    ys = [value for _, points in series for point in points for value in point[1:]]
    low_x, high_x = min(xs), max(max(xs), min(xs) * 1.01)
    low_y, high_y = min(ys) / 1.3, max(ys) * 1.3

    def place(x: float, y: float) -> tuple:
        along = math.log(x / low_x) / math.log(high_x / low_x)
        above = math.log(y / low_y) / math.log(high_y / low_y)
        return LEFT + along * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - above * (HEIGHT - TOP - BOTTOM)

    parts = [f'<svg width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" xmlns="http://www.w3.org/2000/svg" '
             f'role="img" aria-label="{html.escape(heading)}">',
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
             f'<text x="{WIDTH / 2}" y="18" text-anchor="middle" style="font-weight:600;font-size:13px">{html.escape(heading)}</text>',
             f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 8}" text-anchor="end">{html.escape(across)}</text>',
             f'<text x="6" y="18">{html.escape(up)}</text>']
    for tick in _ticks(low_x, high_x, base):
        x, _ = place(tick, low_y)
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" stroke="#e5e5e5"/>'
                     f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 14}" text-anchor="middle">{tick_text(round(tick))}</text>')
    for tick in _ticks(low_y, high_y, 10):
        _, y = place(low_x, tick)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#e5e5e5"/>'
                     f'<text x="{LEFT - 5}" y="{y + 4:.1f}" text-anchor="end">{_number(tick)}</text>')
    for number, (name, points) in enumerate(series):
        color = COLORS.get(name, OTHER_COLORS[number % len(OTHER_COLORS)])
        band = [place(x, low) for x, low, _, _ in points] + [place(x, high) for x, _, _, high in reversed(points)]
        line = [place(x, y) for x, _, y, _ in points]
        parts.append(f'<polygon points="{_path(band)}" fill="{color}" opacity="0.15"/>'
                     f'<polyline points="{_path(line)}" fill="none" stroke="{color}" stroke-width="1.6"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.2" fill="{color}"/>' for x, y in line]
        top = TOP + 6 + 14 * number
        parts.append(f'<rect x="{WIDTH - RIGHT + 10}" y="{top}" width="10" height="4" fill="{color}"/>'
                     f'<text x="{WIDTH - RIGHT + 25}" y="{top + 6}">{html.escape(name)}</text>')
    return "".join(parts) + "</svg>"


def _path(points: list) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
