"""`dipproofs explain`: statement, constants, proof idea and source, printed from the theory's own objects."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from textwrap import fill

import sympy as sp

from dipproofs.errors import InputError
from dipproofs.report.explain_methods import METHOD_TOPICS
from dipproofs.report.explain_methods import items_of as method_items
from dipproofs.report.explain_signal import SIGNAL_TOPICS, items_of
from dipproofs.report.explain_words import groups as word_groups
from dipproofs.report.explain_words import words
from dipproofs.report.notation import symbol
from dipproofs.theory import ACTIVATIONS, EXCLUDED, FORMS, LOSSES, PROFILES, formula, formulas, quantities
from dipproofs.theory.core import Formula, meanings

_THEOREM = """Gradient descent θ_{τ+1} = θ_τ − γ_τ∇f(θ_τ) on f(θ) = L_y(A g(u,θ)), started at θ_0.
If (H) holds for some radius ρ, with F a lower bound of the injectivity s_A(θ) for ‖θ−θ_0‖ ≤ t, then
  1. all iterates stay within S < ρ of θ_0, S the root of (H) with equality;
  2. f decreases strictly, at the rate below, with F_∞ = F(S);
  3. θ_τ converges, to a zero-loss point if Σγ_τ = ∞, and ‖θ_τ−θ_∞‖ is bounded as below."""

_PROOFS = {
    "paper": "The factors are the means over a step of (1−σq)/(1+q) and (1−σq)/(1+q)²; injectivity is halved at once.",
    "integral": "−dψ/dσ ≥ FΔ(1−σq)/(1+σq) along a step; Chebyshev's integral inequality separates F.",
    "concave": "The descent lemma at every point of a step and ψ(a)−ψ(b) ≥ ψ'(a)(a−b) for concave ψ.",
    "flow": "The limit q → 0: gradient flow.",
    "residual": "‖(I−γK)r‖ ≤ ‖r‖−c_eσγ‖K^{1/2}r‖ for σ² ≤ K ≤ M² < 2/γ (c_e = 1: M² ≤ 1/γ); curvature costs ℓ_AΔ²/2.",
    "row-space": "‖J_0ᵀAᵀw‖ ≥ max(s_{A0}, s_0‖Aᵀw‖) minus ℓt‖Aᵀw‖; the worst case is ‖Aᵀw‖ = s_{A0}/s_0.",
    "observation": "Weyl's inequality for the singular values of M = AJ.",
    "block": "PJJᵀP is a sum of an inner and an outer block; each factor is Lipschitz by itself.",
    "block-observation": "The same splitting of MMᵀ on Im(A), with ‖Aᵀw‖ ≥ σ_A‖w‖ for the outer block.",
}


def explain(name: str | None = None, *, latex: bool = False) -> str:
    """Return the explanation of a form, profile, loss or activation; without a name, the list of names.

    Args:
        name: e.g. "residual", "block", "tanh", "log-cosh".
        latex: print formulas as LaTeX.

    Raises:
        InputError: an unknown name, with the nearest known one.

    Example:
        >>> print(explain("tanh").splitlines()[0])
        activation tanh
    """
    topics: dict[str, Callable[[str, bool], str]] = dict.fromkeys(FORMS, _form)
    topics |= {profile: _profile for profile in PROFILES if profile not in topics}
    topics |= dict.fromkeys(LOSSES, _loss)
    topics |= dict.fromkeys(ACTIVATIONS, _activation)
    topics |= dict.fromkeys(SIGNAL_TOPICS, _signal)
    topics |= dict.fromkeys(METHOD_TOPICS, _method)
    if name in topics and name not in EXCLUDED:
        return topics[name](name, latex)
    known = words()
    for word in known:
        topics.setdefault(word, lambda chosen, latex: known[chosen])
    if name is None:
        return _overview()
    if name in EXCLUDED:
        return f"activation {name}: not covered: {EXCLUDED[name]}"
    if name not in topics:
        near = get_close_matches(name, topics, 1, 0.4)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise InputError(f"explain: found {name!r}, expected a word that `dipproofs explain` lists{hint}")
    return topics[name](name, latex)


def _overview() -> str:
    groups = {
        "forms of the descent theorem": FORMS,
        "injectivity profiles": [profile for profile in PROFILES if profile not in FORMS],
        "losses": LOSSES,
        "activations": ACTIVATIONS,
        "the signal": SIGNAL_TOPICS,
        "methods with theorems of their own": METHOD_TOPICS,
        **word_groups(),
    }
    lines = [_listed(group, entries) for group, entries in groups.items()]
    end = "  or the name of a quantity in a certificate, such as sigma_AJ"
    return "\n".join(["dipproofs explain NAME, with NAME one of", *lines, end])


def _listed(group: str, entries: Iterable[str]) -> str:
    """Write the words of a group in lines that a terminal can show."""
    indent = "    "
    text = fill(", ".join(entries), 79, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
    return f"  {group}:\n{text}"


def _show(item: Formula, latex: bool) -> str:
    if latex:
        return f"  {item.meaning} ({item.source}):\n    ${item.latex()}$"
    left = "" if item.defines is None else f"{_plain(item.defines)} = "
    return f"  {item.meaning} ({item.source}):\n    {left}{_plain(item.expr)}"


def _plain(expr: sp.Basic) -> str:
    """Write an expression with the JSON names of its quantities."""
    names = {q.symbol: name for name, q in quantities().items()}
    shown = {s: sp.Symbol(names.get(s, symbol(s.name))) for s in expr.free_symbols if isinstance(s, sp.Symbol)}
    return str(expr.xreplace(shown))


def _meanings(items: list[Formula]) -> list[str]:
    used = {one for item in items for one in item.expr.free_symbols}
    known = [(name, q.symbol, q.meaning) for name, q in quantities().items() if q.symbol in used]
    rest = used.difference(q.symbol for q in quantities().values())
    known += [(symbol(one.name), one, meaning) for one, meaning in meanings().items() if one in rest]
    return ["where", *[f"  {name}: {meaning}" for name, _, meaning in known]] if known else []


def _page(title: str, text: str, items: list[Formula], proof: str, latex: bool, where: str = "docs/theory.md") -> str:
    lines = [title, "", text, "", *[_show(item, latex) for item in items], "", *_meanings(items)]
    return "\n".join([*lines, "", f"Proof: {proof}", f"Full statement and proof: {where}"])


def _form(name: str, latex: bool) -> str:
    items = list(formulas(f"forms.{name}."))
    if name == "residual":
        items += [formula(f"conditions.{key}") for key in ("x", "H_residual")]
        items += [formula(f"conclusions.{key}") for key in ("residual_contraction", "distance_to_limit_residual")]
        needs = "Needs: squared loss, γM_ρ² < 2 (γ times 2c for c‖r‖²)."
    else:
        form = FORMS[name]
        items += [formula(f"conditions.{key}") for key in ("lipschitz_grad", "q", "H")]
        items += [formula(f"conclusions.{key}") for key in ("rate_exponent", "distance_to_limit")]
        if name == "paper":
            items += [formula(f"conditions.{key}") for key in ("R", "R_prime", "paper")]
        needs = f"Needs: q = γL {'≤' if form.closed else '<'} {form.limit}" + (
            f"; {form.requires.words}." if form.requires else "."
        )
    return _page(f"form {name}", f"{_THEOREM}\n{needs}", items, _PROOFS[name], latex)


def _signal(name: str, latex: bool) -> str:
    title, text, _, proof = SIGNAL_TOPICS[name]
    return _page(title, text, items_of(name), proof, latex)


def _method(name: str, latex: bool) -> str:
    text, _, proof, section = METHOD_TOPICS[name]
    return _page(f"method {name}", text, method_items(name), proof, latex, f"docs/theory-methods.md {section}")


def _profile(name: str, latex: bool) -> str:
    profile = PROFILES[name]
    text = f"A lower bound F(t) of s_A(θ) on ‖θ−θ_0‖ ≤ t; architecture: {profile.architecture}."
    return _page(f"profile {name}", text, list(formulas(f"profiles.{name}.")), _PROOFS.get(name, profile.source), latex)


def _activation(name: str, latex: bool) -> str:
    text = "|φ'| ≤ B_1, and φ' is B_2-Lipschitz (assumption A5)."
    return _page(f"activation {name}", text, list(formulas(f"activations.{name}.")), ACTIVATIONS[name].proof, latex)


def _loss(name: str, latex: bool) -> str:
    loss = LOSSES[name]
    text = f"{loss.convention} at scale 1; ψ is its desingularizing function: ψ'(L)‖∇L‖ ≥ 1."
    return _page(f"loss {name}", text, list(formulas(f"losses.{name}.")), loss.proof, latex)
