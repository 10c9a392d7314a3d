"""Computation graphs: the constants hold on the ball of radius ``ball_radius`` (docs/theory.md §10).

The network encloses s_A(θ_0), ‖M(θ_0)‖ and a Lipschitz constant ℓ_A of M on a ball of its choice; whatever the graph,
‖M(θ)‖ ≤ ‖M_0‖ + ℓ_A ρ on B(θ_0, ρ), ρ ≤ ball_radius. Kinks are part of the enclosure: ℓ_A is finite only where none
lies in the ball.
"""

from __future__ import annotations

import sympy as sp

from dipproofs.theory import symbols as s
from dipproofs.theory.architectures.base import Architecture, NetworkFormat
from dipproofs.theory.core import define
from dipproofs.theory.hypothesis import Hypothesis
from dipproofs.theory.profiles import OBSERVATION

_SOURCE = "§10"

norm_AJ_ball = define(
    "graph.norm_AJ_ball", s.norm_AJ + s.lipschitz_AJ * s.rho, "M_ρ, computation graphs", _SOURCE, s.norm_AJ_ball
)
ball = define("graph.ball", sp.Le(s.rho, s.ball_radius), "ℓ_A was enclosed for a ball that contains B(θ_0,ρ)", _SOURCE)

GRAPH = Architecture(
    id="graph",
    base=(s.sigma_A, s.norm_A, s.sigma_AJ, s.norm_AJ, s.lipschitz_AJ, s.ball_radius),
    optional=(s.kink_margin,),
    constants=((s.norm_AJ_ball, norm_AJ_ball),),
    profiles=(OBSERVATION.id,),
    promising=(OBSERVATION.id,),
    hypotheses={
        "ball": Hypothesis(
            ball,
            s.ball_radius,
            "rho <= ball_radius",
            "the Lipschitz constant was enclosed for a smaller ball; let the run go on (the loss has to be smaller)",
        )
    },
    refutable=False,
    cure="use a wider network",
)

#: What certificates store: parameters by their names (before a polish: as theta_run/), and the graph's constants.
FORMATS: dict[str, NetworkFormat] = {
    "graph": NetworkFormat(
        prefixes=("theta/", "theta_run/", "constant/"), integers=("constant/",), untrained=("constant/",)
    )
}

#: Quantities that proofs about these networks state beside those of every network.
STATED = ("ball_radius",)
