"""A convolutional network trained by Adam in PyTorch: does an exact fit lie near its parameters?

    python examples/torch_dip.py          (needs torch; under a minute)

The training loop is PyTorch's own. Afterwards `from_torch` reads the module and `certify_point` proves that parameters
which fit the data exactly lie within a stated distance of the trained ones; `verify` proves it again by itself.
"""

from __future__ import annotations

import sys

import numpy as np

import dipproofs as dp

try:
    import torch
    from torch import nn
except ImportError:
    sys.exit("torch is not installed: pip install torch")


def main(iterations: int = 1200) -> dp.Certificate:
    """Train, certify, verify; return the certificate."""
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    grid = np.linspace(-1, 1, 16)
    x_true = 0.2 + 0.6 * np.exp(-(grid[:, None] ** 2 + (grid - 0.2) ** 2) / 0.3)  # a bright spot
    seen = np.sort(np.random.default_rng(0).permutation(256)[:40])
    A = np.eye(256)[seen]  # 40 of the 256 pixels are seen
    y = A @ x_true.ravel()

    module = nn.Sequential(
        nn.Conv2d(4, 12, 3, padding=1, bias=False),
        nn.BatchNorm2d(12),  # in training mode, as a deep image prior uses it: statistics of this one image
        nn.SiLU(),
        nn.Upsample(scale_factor=2, mode="bilinear"),
        nn.Conv2d(12, 12, 3, padding=1, bias=False),
        nn.BatchNorm2d(12),
        nn.SiLU(),
        nn.Conv2d(12, 1, 1),
    )
    z, target = torch.randn(1, 4, 8, 8), torch.tensor(y)
    optimizer = torch.optim.Adam(module.parameters(), lr=5e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, iterations)
    for _ in range(iterations):
        optimizer.zero_grad()
        loss = 0.5 * ((module(z).ravel()[seen] - target) ** 2).sum()
        loss.backward()
        optimizer.step()
        schedule.step()
    print(f"Adam, {iterations} iterations: loss {loss.item():.1e}")

    problem = dp.InverseProblem(A, y, x_true=x_true, image_shape=(16, 16), name="torch_dip")
    certificate = dp.certify_point(problem, dp.from_torch(module, z))
    existence = certificate.claims.existence
    print(f"existence: {existence.verdict}, radius {existence.radius}")
    checked = dp.verify(certificate)
    print(checked.summary())
    error = np.linalg.norm(certificate.reconstruction - x_true) / np.linalg.norm(x_true)
    print(f"error of the picture (observed, nothing is proved about it): {error:.0%}")
    return certificate


if __name__ == "__main__":
    main()
