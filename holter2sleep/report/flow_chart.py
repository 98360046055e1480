"""The flow of a study: who entered, who was left out at each step, who was studied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase
from matplotlib.patches import Rectangle

from holter2sleep.report.page import INK, MM_PER_INCH, SOFT, wrap

BOX_MM, BESIDE_MM = 104.0, 50.0
LINE_MM, ARROW_MM, EDGE_MM, PAD_MM = 4.2, 10.0, 4.0, 2.0
SIZE = 7.5
_EDGE: dict[str, Any] = {"edgecolor": INK, "linewidth": 0.8}


@dataclass(frozen=True)
class Box:
    """A box of the flow chart, its first line bold, and what stands beside the arrow to it."""

    lines: tuple[str, ...]
    beside: str

    @property
    def wrapped(self) -> list[tuple[str, bool]]:
        """Lines that fit the box, and whether each is bold."""
        room_mm = BOX_MM - 2 * PAD_MM - 2
        first = [(line, True) for line in wrap(self.lines[0], room_mm, SIZE, "bold")]
        return [*first, *((line, False) for text in self.lines[1:] for line in wrap(text, room_mm, SIZE))]

    @property
    def height_mm(self) -> float:
        """Height with the space around the lines."""
        return len(self.wrapped) * LINE_MM + 2 * PAD_MM


def draw_flow(boxes: Sequence[Box], width_mm: float) -> Figure:
    """A sheet with the flow of a study."""
    figure = Figure(figsize=(width_mm / MM_PER_INCH, flow_height_mm(boxes) / MM_PER_INCH))
    draw_flow_on(figure, boxes, width_mm)
    return figure


def flow_height_mm(boxes: Sequence[Box]) -> float:
    """Height of the flow chart of these boxes."""
    return sum(box.height_mm for box in boxes) + ARROW_MM * (len(boxes) - 1) + 2 * EDGE_MM


def draw_flow_on(figure: FigureBase, boxes: Sequence[Box], width_mm: float) -> None:
    """Boxes from top to bottom, what was left out beside the arrows."""
    height_mm = flow_height_mm(boxes)
    ax = figure.add_axes((0, 0, 1, 1), xlim=(0, width_mm), ylim=(height_mm, 0))
    ax.set_axis_off()
    top_mm = EDGE_MM
    for i, box in enumerate(boxes):
        if i:
            _draw_arrow(ax, top_mm, box.beside)
            top_mm += ARROW_MM
        _draw_box(ax, top_mm, box)
        top_mm += box.height_mm


def _draw_arrow(ax: Axes, top_mm: float, beside: str) -> None:
    middle_mm, end_mm = EDGE_MM + BOX_MM / 2, EDGE_MM + BOX_MM + 5
    arrow = {"arrowstyle": "-|>", "color": INK, "lw": 0.8, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", (middle_mm, top_mm + ARROW_MM), (middle_mm, top_mm), arrowprops=arrow)
    if beside:
        y_mm = top_mm + ARROW_MM / 2
        ax.annotate("", (end_mm, y_mm), (middle_mm, y_mm), arrowprops=arrow)
        tall_mm = LINE_MM + PAD_MM
        ax.add_patch(Rectangle((end_mm, y_mm - tall_mm / 2), BESIDE_MM, tall_mm, facecolor="white", **_EDGE))
        ax.text(end_mm + PAD_MM + 1, y_mm, beside, size=SIZE, color=INK, va="center", parse_math=False)


def _draw_box(ax: Axes, top_mm: float, box: Box) -> None:
    ax.add_patch(Rectangle((EDGE_MM, top_mm), BOX_MM, box.height_mm, facecolor="#f6f8fa", **_EDGE))
    for i, (line, bold) in enumerate(box.wrapped):
        look: dict[str, Any] = {"weight": "bold", "color": INK} if bold else {"color": SOFT}
        y_mm = top_mm + PAD_MM + LINE_MM * (i + 0.5)
        ax.text(EDGE_MM + PAD_MM + 1, y_mm, line, size=SIZE, va="center", parse_math=False, **look)
