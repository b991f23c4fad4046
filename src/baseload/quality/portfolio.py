"""Many decisions at once: which verdicts stand together.

Alone, every verdict is wrong with a chance of at most alpha, so of forty candidates that all sit on the bar two pass. A
promise about a portfolio needs one of these; both hold under any dependence, such as one judge for all.
"""

from __future__ import annotations

from collections.abc import Mapping


def e_bh(e_values: Mapping[str, float], rate: float = 0.10) -> frozenset[str]:
    """e-BH: of those that pass, an expected share of at most `rate` is wrong.

    The k largest pass, for the largest k whose smallest e-value reaches K / (k rate). Source: quality.md 3.3.
    """
    ordered = sorted(e_values, key=lambda name: (-e_values[name], name))
    passed = 0
    for count, name in enumerate(ordered, start=1):
        if count * e_values[name] >= len(ordered) / rate:
            passed = count
    return frozenset(ordered[:passed])


def e_holm(e_values: Mapping[str, float], alpha: float = 0.05) -> frozenset[str]:
    """e-Holm: the chance that any that passes is wrong is at most `alpha`.

    From the largest down, the next one passes while it reaches (K - passed so far) / alpha.
    """
    ordered = sorted(e_values, key=lambda name: (-e_values[name], name))
    passed: list[str] = []
    for name in ordered:
        if e_values[name] < (len(ordered) - len(passed)) / alpha:
            break
        passed.append(name)
    return frozenset(passed)
