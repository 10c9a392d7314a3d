"""Formulas and symbols as plain text, with a fallback for terminals that know ASCII only."""

from __future__ import annotations

import re
import unicodedata

GREEK = {
    "alpha": "α", "gamma": "γ", "delta": "δ", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "omega": "ω",
    "psi": "ψ", "Psi": "Ψ", "phi": "φ", "varphi": "φ", "rho": "ρ", "sigma": "σ", "tau": "τ", "theta": "θ",
    "xi": "ξ", "Lambda": "Λ", "ell": "ℓ", "infty": "∞", "varepsilon": "ε", "epsilon": "ε",
    "beta": "β", "eta": "η", "zeta": "ζ", "pi": "π", "chi": "χ", "varpi": "ϖ", "langle": "⟨", "rangle": "⟩",
}  # fmt: skip
SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_SUBSCRIPT = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
FROM_SUPERSCRIPT = {up: chr(plain) for plain, up in SUPERSCRIPT.items()}
FROM_SUBSCRIPT = {down: chr(plain) for plain, down in _SUBSCRIPT.items()}
_ASCII = {
    "‖": "||", "½": "1/2", "·": "*", "≤": "<=", "≥": ">=", "∈": "in", "∞": "inf", "∫": " int", "§": "section ",
    "√": "sqrt", "–": "-", "—": "-", "…": "...", "×": "x", "±": "+-", "✓": "+", "✗": "x", "′": "'", "→": "->",
    "Π": "P", "⁺": "^+", "Φ": "Phi",
    "−": "-", "∇": "grad ", "∂": "d", "Σ": "Sum ", "ℓ": "l", "⇒": "=>", "¬": "not ", "°": " deg", "•": "*",
    "“": '"', "”": '"', "’": "'", "‘": "'", "∑": "Sum ", "∏": "Prod ", "⊥": "^perp", "│": "|", "τ": "tau",
    "ᵀ": "^T", "≈": "~", "≠": "!=", "\u202f": " ", "\xa0": " ",
}  # fmt: skip
_GREEK_NAMES = {letter: name for name, letter in GREEK.items() if name not in ("varphi", "varepsilon")}
_ACCENTS = {"tilde": "\u0303", "hat": "\u0302"}
_INTEGRAL = re.compile(r"Integral\((.+?), \(t, 0, rho\)\)")


def formula(statement: str) -> str:
    """Write a hypothesis as it reads in print.

    Example:
        >>> formula("omega*Integral(F, (t, 0, rho)) > psi(f_0)")
        'ω ∫₀^ρ F dt > ψ(f₀)'
        >>> formula("M_\\\\rho**2*\\\\gamma <= 1"), formula("0 < f_0 < oo")
        ('γ M_ρ² ≤ 1', '0 < f₀ < ∞')
    """
    text = _INTEGRAL.sub(_integral, statement)
    text = text.replace(r"M_\rho**2*\gamma", "gamma*M_rho**2")
    text = re.sub(r"\*\*\(?(-?\d+)\)?", lambda match: match[1].translate(SUPERSCRIPT), text)
    text = text.replace(" - ", " − ").replace("<=", "≤").replace(">=", "≥")
    text = re.sub(r"\boo\b", "∞", text)
    text = re.sub(r"(?<=[\w²³)])\*(?=[\w(\\∫])", " ", text)
    return symbol(text)


def symbol(latex: str) -> str:
    r"""Write a symbol without LaTeX.

    Example:
        >>> symbol(r"\sigma_{\min}(J_0)"), symbol(r"\|AV\|"), symbol(r"\tilde\kappa"), symbol(r"F_\infty")
        ('σ_min(J₀)', '‖AV‖', 'κ̃', 'F_∞')
        >>> symbol(r"\langle M^+r,D\rangle"), symbol(r"\hat R") == "R" + chr(0x302)
        ('⟨M^+r,D⟩', True)
    """
    text = re.sub(r"\\math(?:sf|rm|bf)\{(\w+)\}", r"\1", latex).replace(r"\|", "‖")
    text = re.sub(
        r"\\(tilde|hat) ?\\?([A-Za-z]+)", lambda match: GREEK.get(match[2], match[2]) + _ACCENTS[match[1]], text
    )
    text = re.sub(r"\\?\b([A-Za-z]+)(?![A-Za-z])", lambda match: GREEK.get(match[1], match[1]), text)
    text = re.sub(r"_(rho|infty)(?![A-Za-z])", lambda match: "_" + GREEK[match[1]], text)
    text = re.sub(r"([_^])\{([^{}]*)\}", r"\1\2", text).replace("\\", "").replace("⟨ ", "⟨")
    return re.sub(r"_(\d+)", lambda match: match[1].translate(_SUBSCRIPT), text)


def ascii_only(text: str) -> str:
    """Write a text with ASCII characters alone.

    Example:
        >>> ascii_only("✓ proved: ‖θ_τ − x̄‖ ≤ ½ ψ(f₀)")
        '+ proved: ||theta_tau - x|| <= 1/2 psi(f_0)'
    """
    text = re.sub(r"[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda match: "^" + match[0].translate(FROM_SUPERSCRIPT), text)
    text = re.sub(r"[₀₁₂₃₄₅₆₇₈₉]+", lambda match: "_" + match[0].translate(FROM_SUBSCRIPT), text)
    for character, replacement in _ASCII.items():
        text = text.replace(character, replacement)
    for letter, name in _GREEK_NAMES.items():
        text = text.replace(letter, name)
    text = unicodedata.normalize("NFKD", text)
    text = "".join(character for character in text if not unicodedata.combining(character))
    return text.encode("ascii", "replace").decode("ascii")


def _integral(match: re.Match[str]) -> str:
    inside = f"({match[1]})" if re.search(r"[ +-]", match[1]) else match[1]
    return f"∫₀^ρ {inside} dt"
