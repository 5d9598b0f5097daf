"""Draws a screen that tmux captured with its colours (capture-pane -e -p) as SVG.

Usage: tmux capture-pane -e -p | python3 .github/pictures/terminal.py > FILE.svg
"""

import re
import sys
from xml.sax.saxutils import escape

WIDTH, HEIGHT, MARGIN = 8.4, 18, 14  # of a character of 14 px, and around all of them
COLOURS = {"31": "#ff7b72", "33": "#e3b341"}

lines = sys.stdin.read().rstrip("\n").split("\n")
texts = []
colour = None
columns = 0
for row, line in enumerate(lines):
    column = 0
    for code, text in re.findall(r"\x1b\[([\d;]*)m|([^\x1b]+)", line):
        if not text:
            colour = COLOURS.get(code)
            continue
        # Each word has its place, so that columns stay in line with whatever font there is.
        for word in re.finditer(r"\S+(?: \S+)*", text):
            x = MARGIN + (column + word.start()) * WIDTH
            fill = f' fill="{colour}"' if colour else ""
            texts.append(f'<text x="{x:g}" y="{MARGIN + row * HEIGHT + 13}" '
                         f'textLength="{len(word[0]) * WIDTH:g}"{fill}>{escape(word[0])}</text>')
        column += len(text)
        columns = max(columns, column)
width = columns * WIDTH + 2 * MARGIN
height = len(lines) * HEIGHT + 2 * MARGIN
print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
      f'width="{width:g}" height="{height:g}" font-size="14" fill="#e6edf3" '
      'font-family="ui-monospace, DejaVu Sans Mono, Menlo, Consolas, monospace">')
print(f'<rect x="1" y="1" width="{width - 2:g}" height="{height - 2:g}" rx="8" fill="#0d1117" stroke="#30363d"/>')
print("\n".join(texts))
print("</svg>")
