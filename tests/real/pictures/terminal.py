"""A screen of tmux (capture-pane -e) as a page: terminal.py light|dark <SCREEN >PAGE."""

import html
import re
import sys

INKS = {
    "light": ("#ffffff", "#1f2328", ["#24292f", "#cf222e", "#116329", "#7d4e00", "#0969da", "#8250df", "#1b7c83", "#6e7781"]),
    "dark": ("#0d1117", "#e6edf3", ["#484f58", "#ff7b72", "#3fb950", "#d29922", "#58a6ff", "#bc8cff", "#39c5cf", "#b1bac4"]),
}


def styles(codes, held, inks):
    """What holds after these codes of SGR (ECMA-48, 8.3.117)."""
    for code in (int(code or 0) for code in codes.split(";")):
        if code == 0:
            held = {}
        elif code == 1:
            held = {**held, "font-weight": "bold"}
        elif code == 2:
            held = {**held, "opacity": "0.7"}
        elif code == 4:
            held = {**held, "text-decoration": "underline"}
        elif 30 <= code <= 37 or 90 <= code <= 97:
            held = {**held, "color": inks[code % 10]}
        elif code == 39:
            held = {name: value for name, value in held.items() if name != "color"}
    return held


def main(scheme):
    paper, ink, inks = INKS[scheme]
    held, parts = {}, []
    # What lies between is text, at odd places the codes.
    for at, part in enumerate(re.split(r"\x1b\[([0-9;]*)m", sys.stdin.read().rstrip())):
        if at % 2:
            held = styles(part, held, inks)
        elif part:
            style = ";".join(f"{name}:{value}" for name, value in held.items())
            parts.append(f'<span style="{style}">{html.escape(re.sub(chr(27) + r"[^m]?", "", part))}</span>')
    print(
        f'<!doctype html><meta charset="utf-8"><style>body{{margin:0;background:{paper};color:{ink}}}'
        f'pre{{margin:0;padding:20px;font:14px/1.45 "DejaVu Sans Mono",monospace}}</style><pre>{"".join(parts)}</pre>'
    )


main(sys.argv[1])
