"""Make the pictures of the README and the manual from the example problems.

Run:  python docs/make_figures.py
"""

from __future__ import annotations

from pathlib import Path

import jax

jax.config.update("jax_enable_x64", True)

import dipproofs as dp  # noqa: E402
from dipproofs.report.canvas import png_bytes  # noqa: E402
from dipproofs.report.images import image_figure, image_panels  # noqa: E402
from dipproofs.report.plots import loss_figure  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
FIGURES = ROOT / "docs" / "figures"


def main() -> None:
    for name in ("inpaint-dct", "gaussian", "deblur-noisy", "tomography-wavelet"):
        built = dp.load_problem(ROOT / "examples" / f"{name}.toml").build()
        certificate = dp.certify(built.problem, built.network, built.loss, stop=built.descent.stop)
        (FIGURES / f"{name}-loss.png").write_bytes(png_bytes(loss_figure(certificate)))
        panels = image_panels(certificate, built.problem.image_shape, built.problem.operator.range_shape)
        if panels:
            (FIGURES / f"{name}-images.png").write_bytes(png_bytes(image_figure(panels)))


if __name__ == "__main__":
    main()
