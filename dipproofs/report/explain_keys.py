"""The names that stand in `certificate.json`, each in a sentence."""

from __future__ import annotations

from dipproofs.theory.architectures import FORMATS

#: Entries of the record itself, of its hypotheses, claims and bounds.
RECORD = {
    "format": "says that the file is a certificate.",
    "version": "of the format: 2; files of version 1 can be read and verified.",
    "verdict": "proved, refuted or undecided: of the record, of a hypothesis, or of a claim.",
    "arithmetic": "proved: every number is enclosed; estimated: floating-point values, no proof.",
    "form": "the form of the descent theorem that was used: paper, integral, concave or residual.",
    "profile": "the lower bound of injectivity that was used, as a function of the distance from the certified "
    "iterate.",
    "iteration": "number of the certified iterate in the run.",
    "quantities": "enclosures of the theorem's quantities at the certified iterate, by name.",
    "hypotheses": "what was decided, one by one; all must be proved for the verdict proved.",
    "id": "name of a hypothesis.",
    "statement": "the relation that was decided.",
    "lower": "end of an enclosure: the true value is not smaller.",
    "upper": "end of an enclosure: the true value is not larger.",
    "evidence": "how a number is known: proved, assumed, sampled or estimated.",
    "reason": "why something is not proved, and what to do.",
    "guarantees": "what follows, counted from the certified iterate.",
    "claims": "what is claimed: signal, convergence, existence (and for Adam, horizon); under method: which claim the "
    "verdict is about where it is not convergence.",
    "of": "the parameters that a claim of existence is about: certified iterate, final, polished or given.",
    "from": "where the descent of a claim of convergence starts: certified iterate or given.",
    "final": "the certificate at the last iterate of the same run, a record of its own.",
    "polish": "Gauss–Newton steps after the run, and how far they moved the parameters; no part of the run's verdict.",
    "moved": "distance of the polished parameters from the end of the run.",
    "released": "whether units that sat at a kink were moved off it by the polish.",
    "projected": "whether y was replaced by Πy, its part that A (or AB) can produce.",
    "arrays": "the file with the exact arrays that everything is about, and its SHA-256.",
    "operator": "the structure of the forward operator (mask, convolution, separable, sparse …) and the names of its "
    "arrays.",
}

#: Structures of operators, and what describes them and the files of arrays.
STRUCTURES = {
    "mask": "an operator that picks entries of the signal.",
    "diagonal": "an operator that multiplies every entry of the signal by a number.",
    "circulant": "a circular convolution.",
    "separable": "one matrix along the rows of a picture, one along its columns.",
    "sparse": "a matrix of which only the entries that are not 0 are stored.",
    "dense": "a matrix of which every entry is stored.",
    "stack": "operators above one another, of the same signal.",
    "product": "one operator after another, of which one picks or weighs entries.",
    "left": "the operator of a product that is applied last.",
    "right": "the operator of a product that is applied first.",
    "blocks": "operators along the diagonal of a block matrix, or above one another.",
    "columns": "length n of the signal.",
    "file": "name of the file with the arrays, beside the certificate.",
    "sha256": "SHA-256 of that file: the certificate is about these bytes.",
}

#: Entries of the guarantees about signal and forecast.
SIGNAL = {
    "recovery": "what follows for the signal; see also the formulas under this name.",
    "restricted_injectivity": "whether A tells the signals apart that the generator can produce: σ_min(AQ) > 0.",
    "noise_source": "how the noise is known: from x̄ (x_true), stated, or estimated from the data.",
    "noise_norm": "‖Πε‖, or a bound of it.",
    "data": "part of the recovery bound: the loss that is left.",
    "noise": "part of the recovery bound: the noise.",
    "distance": "part of the recovery bound: what the generator cannot represent of x̄; of a run: ‖θ_T − θ_0‖.",
    "distance_to_range": "distance from x̄ to what the generator can produce.",
    "error": "bound of ‖x − x̄‖.",
    "sharp": "the sharper recovery bound, by leakage: how much of what lies outside the range the operator mixes in.",
    "at_limit": "the bound in the limit of the descent.",
    "at_early_stopping": "the bound at the guaranteed iteration to stop.",
    "true_error": "‖x − x̄‖ itself, where x̄ is known.",
    "true_error_at_limit": "‖x_∞ − x̄‖ itself, where x̄ is known.",
    "signal_norm": "‖x̄‖, the scale of the errors.",
    "limit": "what the descent converges to, where that is known: a least-squares solution.",
    "early_stopping": "when the prediction is guaranteed to be within twice the noise of the clean data.",
    "level": "the noise level δ that early stopping was counted for.",
    "data_error": "bound of ‖y_τ − Πȳ‖ from then on.",
    "data_error_unprojected": "the same with the part of the noise that A cannot produce.",
    "residual_envelope": "upper bounds of the residual norm along the rest of the descent.",
    "iterations": "number of iterations: of a run, of a horizon, or of the forecast's targets.",
    "frozen": "forecast: with the Jacobian at the certified iterate, whose change is bounded apart.",
    "length": "forecast: bound of the rest of the path.",
}

#: Entries of the statement about iterates as float64 computes them.
FLOATING_POINT = {
    "float64": "floating point with 53 bits, as programs compute.",
    "assumptions": "what no library promises and the statement about computed iterates rests on.",
    "elementary_error": "assumed accuracy of the activation, in units of rounding.",
    "travelled": "how far the statement lets parameters go.",
    "slack": "how much of the injectivity the errors of the steps may use up.",
    "absolute": "part of a step's error that does not shrink with the gradient.",
    "relative": "part of a step's error that shrinks with the gradient.",
    "path": "bound of the length of the computed path.",
    "residual": "norm ‖A g − y‖ that the computed iterates are guaranteed to reach.",
    "kept": "for so many iterations more they stay there.",
}

#: Entries about the setting and the run.
SETTING = {
    "loss": "the loss function, and the hypothesis that it satisfies (A1)–(A4): convex enough, smooth, gradient in "
    "Im(A).",
    "kind": "which one: of losses, networks, operators, methods or schedules.",
    "scale": "factor of the loss: sum, half, mean, half-mean or a number.",
    "convention": "the loss as a formula, with its factor.",
    "network": "what was trained.",
    "graph": "the network as a computation graph (the graph format of the reference).",
    "label": "what a network of the library is called.",
    **{key: text for kind in FORMATS.values() for key, text in kind.meanings.items()},
    "schedule": "how the step size varies.",
    "power": "of the polynomial schedule, γ/(1+τ)^power, or of the loss norm-power.",
    "p": "exponent of the loss lp.",
    "background": "what the Poisson loss adds to every prediction.",
    "psi": "ψ of a custom loss: ψ'(L)‖∇L‖ ≥ 1, the KL inequality.",
    "Psi": "Ψ of a custom loss, a primitive of −ψ'².",
    "Psi_inv": "the inverse of Ψ.",
    "method": "the first-order method; as a hypothesis: a theorem about it applies.",
    "momentum": "β, the factor of the last displacement (Adam: β₁).",
    "beta2": "Adam's β₂.",
    "epsilon": "Adam's ε.",
    "state": "the method's memory at the certified iterate: a velocity, or Adam's moments.",
    "norm": "of the state: ‖v‖.",
    "slope": "of the state: ⟨r, Mv⟩.",
    "asked": "for how many iterations a horizon was asked for.",
    "residual_factor": "bound of the factor by which the residual has shrunk at the end of the horizon.",
    "run": "what was observed along the run, in floating point.",
    "stopped": "why a run ended: tolerance, guaranteed, certified, max_iterations, interrupted, not finite or domain.",
    "steps": "step sizes, each with the iteration from which it holds.",
    "loss_first": "loss at the start of the run.",
    "loss_last": "loss at its end.",
    "path_length": "sum of the lengths of all steps.",
    "provenance": "versions, device, precision and the problem that the certificate comes from.",
    "device": "where the run was computed.",
    "dtype": "its floating-point format.",
    "problem": "the problem file, with defaults filled in.",
    "about": "name of the problem, shapes of its signal and data: for reports only.",
    "name": "what the problem is called.",
    "image_shape": "(height, width) of the signal.",
    "data_shape": "shape of y, where it is a picture too.",
    **{name: f"version of {name} that was used." for name in ("dipproofs", "jax", "numpy", "scipy", "sympy")},
    "python-flint": "version of python-flint (Arb) that was used.",
}

#: Numbers that the proof of a method with momentum chooses, and what it follows from them.
PROOF = {
    "parameters": "numbers that the proof chose; any that satisfy the hypotheses will do.",
    "alpha": "α: weight of ⟨M⁺r, v⟩ in the Lyapunov function.",
    "delta": "δ: weight of ⟨r, Mv⟩ in the Lyapunov function; of the Huber loss: where it turns linear.",
    "eta": "η: βη is the factor by which the Lyapunov function shrinks.",
    "zeta": "ζ: what of it is left for the length of the path.",
    "nu": "ν: how a mixed term is split in the proof for Nesterov's method.",
    "metric_lower": "Adam: how much the metric may fall over the horizon.",
    "metric_upper": "Adam: how much the metric may rise over the horizon.",
    "metric_change": "Adam: how much the metric may change in a step.",
    "lyapunov": "the value W_0 of the Lyapunov function; as a hypothesis: it is positive definite.",
    "exchanges": "Lyapunov functions that take the place of the first after some iterations; for counts of iterations.",
    "after": "exchanges: after how many iterations.",
    "factor": "exchanges: the new function is at most so many times the one before.",
    "contraction": "ρ₂, the factor of the Lyapunov function per step; as a hypothesis: it is below 1.",
}
