"""Public names; `__init__.py` loads them when first used."""

from dipproofs.report.canvas import png_bytes as png_bytes
from dipproofs.report.canvas import svg_text as svg_text
from dipproofs.report.claims import claim_lines as claim_lines
from dipproofs.report.compare import comparison_html as comparison_html
from dipproofs.report.console import render_certificate as render_certificate
from dipproofs.report.console import render_check as render_check
from dipproofs.report.console import to_text as to_text
from dipproofs.report.html import certificate_html as certificate_html
from dipproofs.report.html import write_report as write_report
from dipproofs.report.images import image_figure as image_figure
from dipproofs.report.images import image_panels as image_panels
from dipproofs.report.plots import loss_figure as loss_figure
from dipproofs.report.plots import path_figure as path_figure
