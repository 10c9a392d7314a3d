"""The words that certificates, reports and the terminal print, each in a sentence or two."""

from __future__ import annotations

from dipproofs.report import explain_keys as keys
from dipproofs.theory import quantities
from dipproofs.theory.methods import METHOD_THEOREMS

#: Verdicts and evidence.
VERDICTS = {
    "proved": "It follows from a theorem whose every hypothesis was decided in arithmetic with error bounds.",
    "refuted": "The opposite is proved: the condition fails. That need not mean that the descent fails: the conditions "
    "are sufficient, not necessary.",
    "undecided": "Neither is proved; the reason names the obstacle and what to try.",
    "assumed": "Proved, given something that you stated and nobody checked: a noise norm, a distance, an assertion "
    "about a loss.",
    "estimated": "A value in floating point without error bound; never a proof.",
    "sampled": "Seen at sampled points only; never a proof.",
    "vacuous": "A bound that says no more than a trivial guess does, such as x = 0.",
}

#: The claims of a certificate and what belongs to them.
CLAIMS = {
    "signal": "What follows for the true signal x̄: a bound of ‖x − x̄‖ at the last iterate, or that none is possible "
    "(refuted), or what is missing for one. Needs restricted injectivity.",
    "convergence": "This method, continued from the certified iterate with exact arithmetic, converges to a point of "
    "zero loss at the stated rate.",
    "existence": "Parameters that fit the data exactly exist within the stated radius of these parameters.",
    "stopping": 'Whether stop = "guaranteed" was reached with proof: the prediction is within twice the noise.',
    "horizon": "For Adam: what is proved for so many further iterations, and no more.",
    "certified-iterate": "The iterate θ_t of the run at which the hypotheses are decided; the theorem starts there.",
    "polished": "Parameters that Gauss–Newton steps improved after the run; a record of their own, no part of the "
    "run's verdict.",
    "given": "Parameters that were handed over (--at), whoever trained them.",
    "forecast": "After how many iterations the loss is guaranteed to be below a value.",
    "floating_point": "What is known of the iterates as float64 computes them: floor of the residual, iterations until "
    "then (assumed).",
    "margin": "How much slack a hypothesis has: (left side − right side)/right side, where the right side is positive.",
    "restricted-injectivity": "A tells the signals apart that the generator can produce: σ_min(AQ) > 0 for an "
    "orthonormal basis Q of Im B.",
    "atoms": "The fixed columns of B, of which a synthesis generator forms combinations.",
    "projected-data": "Πy, the part of y that A (or AB) can produce; with the squared loss the rest is a constant.",
}

#: Hypotheses by their name in certificates.
HYPOTHESES = {
    "rank": "rank A = min(m, n), or of AB with atoms: decided exactly, not numerically.",
    "loss": "(A1)–(A4): the loss is convex enough, smooth, and its gradient lies in Im(A).",
    "compact": "(A1): the set {L_y ≤ f_0} is bounded, so that the constants of the loss exist on it.",
    "minimiser": "y is the only minimiser of the loss that the descent can reach.",
    "start": "0 < f_0 < ∞: there is something to descend.",
    "step": "the step size is admissible on the whole ball of radius ρ: γM_ρ² ≤ 1, or q = γL(ρ) below its limit.",
    "radius": "ρ is at most the paper's radius R.",
    "ball": "ρ is at most the radius up to which the constants of the network's graph hold.",
    "injective": "F(ρ) > 0 (residual form: F(ρ) > x): the Jacobian stays injective on the ball.",
    "H": "ω∫₀^ρ F dt > ψ(f_0): the ball is larger than the rest of the path can be long.",
    "descent": "the loss stayed finite along the run.",
    "form": "the form that was asked for applies to this loss.",
}

#: Entries of `guarantees` in the JSON file.
GUARANTEES = {
    "distance_to_limit": "bound of ‖θ_t − θ_∞‖.",
    "log_contraction_per_step": "bound of the logarithm of the factor by which every step shrinks the residual norm.",
    "rate_exponent": "how much every step of the largest size raises Ψ(f), where the rate is not linear.",
    "iterations_to_loss": "for each value: further iterations after which the loss is surely below it.",
    "early_stopping_iteration": "further iterations after which ‖y_τ − Πȳ‖ ≤ 2‖Πε‖ is guaranteed.",
    "recovery_error": "bound of ‖x_t − x̄‖ at the certified iterate.",
    "limit_has_zero_loss": "whether the steps sum to infinity, so that the loss tends to 0.",
    "kink_margin": "smallest |a_i|/(radius · Lipschitz constant) over the inputs a_i of functions with kinks.",
}

METHODS = {
    "gradient-descent": "θ_{τ+1} = θ_τ − γ_τ∇f(θ_τ).",
    "heavy-ball": "Gradient descent plus β times the last displacement.",
    "nesterov": "The gradient is taken at the point to which momentum leads.",
    "adam": "Every coordinate has a step of its own; convergence is not claimed, see horizon.",
    "constant": "A schedule: γ_τ = γ.",
    "polynomial": "A schedule: γ_τ = γ/(1+τ)^power.",
    "cosine": "A schedule: from γ to 0 over a horizon; the steps have a finite sum.",
    "backtracking": "A schedule: steps halved until the loss falls enough.",
}


def groups() -> dict[str, dict[str, str]]:
    """Return the words by group, in the order in which later ones win where a word stands for several things."""
    of_methods = {
        condition.id: f"in the theorem about {theorem.kind}: {condition.statement}.".replace("\\", "")
        for theorem in reversed(list(METHOD_THEOREMS.values()))
        for condition in theorem.hypotheses
    }
    return {
        "setting": keys.SETTING,
        "proof": keys.PROOF,
        "record": keys.RECORD,
        "structure": keys.STRUCTURES,
        "of the signal": keys.SIGNAL,
        "of computed iterates": keys.FLOATING_POINT,
        "hypothesis of a method": {n: text for n, text in of_methods.items() if n not in HYPOTHESES | keys.PROOF},
        "verdict": VERDICTS,
        "claim": CLAIMS,
        "hypothesis": {n: text for n, text in HYPOTHESES.items() if n not in keys.SETTING | keys.RECORD},
        "guarantee": GUARANTEES,
        "method": METHODS,
    }


def _capital(text: str) -> str:
    """Start a sentence with a capital, unless it starts with a symbol."""
    return text[:1].upper() + text[1:] if text[:1].isascii() and text[1:2].isalpha() else text


def words() -> dict[str, str]:
    """Return every word with its explanation, quantities of certificates among them.

    Example:
        >>> words()["rank"].startswith("hypothesis rank")
        True
    """
    found: dict[str, str] = {}
    for group, entries in groups().items():
        found |= {name: f"{group} {name}\n\n{_capital(text)}" for name, text in entries.items()}
    return {name: f"quantity {name}\n\n{quantity.meaning}" for name, quantity in quantities().items()} | found
