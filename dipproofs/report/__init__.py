"""One record, many renderings: console, HTML, pictures. Nothing here computes mathematics."""

from __future__ import annotations

from .console import render_certificate, render_check, to_text

__all__ = ["render_certificate", "render_check", "to_text"]
