"""2000 steps of torch's Adam on a two-layer and on a convolutional network: what is proved at the end, and kept.

python benchmarks/torch_adam.py [--steps 2000] [--seed 0]

For both: an exact fit within a radius of the trained parameters. For the two-layer network the horizon statement as
well, with the optimiser's own state, and the run goes on to see whether it keeps it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import dipproofs as dp

BETAS, EPSILON = (0.9, 0.999), 1e-8


class TwoLayerModule(nn.Module):
    """g = Vφ(Wu)/√k, with the parameters of a `TwoLayer`."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.u = torch.tensor(network.u)
        self.W, self.V = (nn.Parameter(torch.tensor(array)) for array in (network.W, network.V))

    def forward(self) -> Any:
        """Give the signal."""
        return self.V @ torch.tanh(self.W @ self.u) / self.V.shape[1] ** 0.5


def trained(module: Any, output: Any, A: np.ndarray, y: np.ndarray, lr: float, steps: int) -> tuple[Any, Any]:
    """Run Adam on ½‖A g − y‖² and give the optimiser and a function that makes one step and returns the residual."""
    operator, target = torch.tensor(A), torch.tensor(y)
    optimiser = torch.optim.Adam(module.parameters(), lr=lr, betas=BETAS, eps=EPSILON)

    def step() -> float:
        optimiser.zero_grad()
        residual = operator @ output().ravel() - target
        (0.5 * (residual @ residual)).backward()
        optimiser.step()
        return float(residual.detach().norm())

    for _ in range(steps):
        step()
    return optimiser, step


def state_of(optimiser: Any, named: dict[str, Any]) -> dict[str, np.ndarray]:
    """The state of torch's Adam by the names of certificates."""
    found: dict[str, np.ndarray] = {}
    for name, parameter in named.items():
        entry = optimiser.state[parameter]
        found |= {f"m/{name}": entry["exp_avg"].numpy().copy(), f"v/{name}": entry["exp_avg_sq"].numpy().copy()}
        found["t"] = np.asarray(int(entry["step"]))
    return found


def two_layer(steps: int, seed: int, horizon: int = 200, lr: float = 1e-4) -> dict[str, Any]:
    """Train, certify with the optimiser's state, go on for the horizon."""
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(5, 10)) / 10**0.5
    network = dp.TwoLayer.init(n=10, width=256, input_dimension=5, seed=seed)
    y = A @ network.output() + 0.3 * rng.normal(size=5)
    module = TwoLayerModule(network)
    optimiser, step = trained(module, module, A, y, lr, steps)
    named = {"W": module.W, "V": module.V}
    network = network.with_parameters({name: p.detach().numpy().copy() for name, p in named.items()})
    cert = dp.certify_point(
        dp.InverseProblem(A, y), network, method="adam", state=state_of(optimiser, named), step=lr,
        momentum=BETAS[0], beta2=BETAS[1], epsilon=EPSILON, claim_horizon=horizon,
    )  # fmt: skip
    claim = cert.claims.horizon
    first = step()
    seen = [step() for _ in range(claim["iterations"])] or [first]
    factor = None if claim["residual_factor"] is None else float(claim["residual_factor"]["upper"])
    return {
        "network": "two-layer", "residual": first, "existence": str(cert.claims.existence.verdict),
        "radius": cert.claims.existence.radius, "horizon": claim["verdict"], "iterations": claim["iterations"],
        "residual factor promised": factor, "observed": seen[-1] / first, "verified": bool(dp.verify(cert)),
        "kept": factor is not None and seen[-1] <= factor * first, "reason": claim.get("reason", ""),
    }  # fmt: skip


def convolutional(steps: int, seed: int) -> dict[str, Any]:
    """Train with a rate that falls, certify the point."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    module = nn.Sequential(
        nn.Conv2d(4, 8, 3, padding=1),
        nn.SiLU(),
        nn.Upsample(scale_factor=2, mode="bilinear"),
        nn.Conv2d(8, 8, 3, padding=1),
        nn.SiLU(),
        nn.Conv2d(8, 1, 1),
    )
    z = torch.randn(1, 4, 4, 4)
    A = np.eye(64)[np.sort(rng.permutation(64)[:16])]
    y = A @ rng.uniform(0.2, 0.8, 64)
    lr = 1e-3
    optimiser, step = trained(module, lambda: module(z), A, y, lr, 0)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        residual = step()
        schedule.step()
    cert = dp.certify_point(dp.InverseProblem(A, y), dp.from_torch(module, z))
    return {
        "network": "convolutional", "residual": residual, "existence": str(cert.claims.existence.verdict),
        "radius": cert.claims.existence.radius, "verified": bool(dp.verify(cert)),
    }  # fmt: skip


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    for run in (two_layer, convolutional):
        for name, value in run(options.steps, options.seed).items():
            print(f"{name}: {value}")
        print()


if __name__ == "__main__":
    main()
