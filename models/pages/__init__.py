"""What every page of ours is made with: one frame, one style, drawings in line, no network."""

from models.pages.drawing import inline_svg
from models.pages.frame import templates

__all__ = ["inline_svg", "templates"]
