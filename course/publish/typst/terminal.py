"""Read a text output as a terminal would: colours, and progress lines overwritten by carriage returns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from course.publish.typst.spans import PLAIN, Cell, Line, Style

_TOKEN = re.compile(
    r"\x1b\[(?P<parameters>[0-9;:?]*)[ -/]*(?P<final>[@-~])"  # CSI: colours, erase, cursor moves
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC: window titles, hyperlinks
    r"|\x1b[@-Z\\^_]?"
    r"|(?P<control>[\r\n\b])"
    r"|(?P<text>[^\x1b\r\n\b]+)"
)
# The colours of JupyterLab's own outputs, darkened where white paper needs it.
_BASE = ("#3e424d", "#c73329", "#007427", "#946010", "#1a70c0", "#a03196", "#147f7e", "#6a6f73")
_INTENSE = ("#282c36", "#b22b31", "#00652b", "#7e510c", "#0065ca", "#8a2a84", "#14695f", "#4e5359")
_BACKGROUND = ("#3e424d", "#f5b7b1", "#b5e8c3", "#f7e0a3", "#b9d9f7", "#ecc4e8", "#b6e6e4", "#e3e5e8")
_CUBE = (0, 95, 135, 175, 215, 255)


class Screen:
    """Rows of cells and a cursor; writing over a cell replaces it."""

    def __init__(self) -> None:
        self.rows: list[list[Cell]] = [[]]
        self.row = 0
        self.column = 0
        self.style = PLAIN

    def write(self, text: str) -> None:
        """Write plain text at the cursor."""
        line = self.rows[self.row]
        if len(line) < self.column:
            line.extend([(" ", PLAIN)] * (self.column - len(line)))
        text = text.expandtabs(8)
        line[self.column : self.column + len(text)] = [(character, self.style) for character in text]
        self.column += len(text)

    def control(self, character: str) -> None:
        """Obey a carriage return, a backspace or a newline."""
        if character == "\b":
            self.column = max(0, self.column - 1)
            return
        self.column = 0
        if character == "\n":
            self.row += 1
            if self.row == len(self.rows):
                self.rows.append([])

    def command(self, final: str, parameters: str) -> None:
        """Obey an escape sequence; those that mean nothing on paper are ignored."""
        numbers = [int(number) if number.isdigit() else 0 for number in re.split("[;:]", parameters)]
        if final == "m":
            self.style = _styled(self.style, numbers)
        elif final == "K":
            self._erase(numbers[0])
        elif final == "A":
            self.row = max(0, self.row - max(1, numbers[0]))
        elif final == "G":
            self.column = min(max(0, numbers[0] - 1), 1000)

    def _erase(self, how: int) -> None:
        line = self.rows[self.row]
        if how in (0, 2):
            del line[self.column :]
        if how in (1, 2):
            line[: self.column] = [(" ", PLAIN)] * min(self.column, len(line))


def read_terminal(text: str) -> list[Line]:
    """Return the lines that a terminal would show after printing ``text``; no blank line at the end."""
    screen = Screen()
    for token in _TOKEN.finditer(text):
        if token["text"]:
            screen.write(token["text"])
        elif token["control"]:
            screen.control(token["control"])
        elif token["final"]:
            screen.command(token["final"], token["parameters"])
    lines = screen.rows
    while lines and not any(character.strip() for character, _ in lines[-1]):
        lines.pop()
    return list(lines)


def _styled(style: Style, numbers: list[int]) -> Style:
    codes = iter(numbers or [0])
    for code in codes:
        if code in (38, 48):
            chosen = _extended(codes)
            style = replace(style, color=chosen) if code == 38 else replace(style, background=chosen)
        else:
            style = _select(style, code)
    return style


def _extended(numbers: Iterator[int]) -> str | None:
    kind = next(numbers, 0)
    if kind == 5:
        return _indexed(next(numbers, 0))
    if kind == 2:
        red, green, blue = (min(255, next(numbers, 0)) for _ in range(3))
        return f"#{red:02x}{green:02x}{blue:02x}"
    return None


def _indexed(index: int) -> str | None:
    if index < 16:
        return (_BASE + _INTENSE)[index]
    if index < 232:
        red, green, blue = ((index - 16) // 36, (index - 16) // 6 % 6, (index - 16) % 6)
        return f"#{_CUBE[red]:02x}{_CUBE[green]:02x}{_CUBE[blue]:02x}"
    return f"#{8 + 10 * (min(index, 255) - 232):02x}" + 2 * f"{8 + 10 * (min(index, 255) - 232):02x}"


_SWITCHES = {
    1: {"bold": True},
    3: {"italic": True},
    4: {"underline": True},
    22: {"bold": False},
    23: {"italic": False},
    24: {"underline": False},
    39: {"color": None},
    49: {"background": None},
}


def _select(style: Style, code: int) -> Style:
    if code == 0:
        return PLAIN
    if code in _SWITCHES:
        return replace(style, **_SWITCHES[code])  # type: ignore[arg-type]
    ranges = (
        (30, "color", _BASE),
        (40, "background", _BACKGROUND),
        (90, "color", _INTENSE),
        (100, "background", _BACKGROUND),
    )
    for first, name, palette in ranges:
        if first <= code < first + 8:
            return replace(style, **{name: palette[code - first]})  # type: ignore[arg-type]
    return style
