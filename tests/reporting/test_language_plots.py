from __future__ import annotations

from releaf.language.scaling.laws import JointLaw
from releaf.reporting.language_plots import expert_loads, iso_compute, law_fits, loss_curves

PNG = b"\x89PNG"
LAW = JointLaw(2.0, 40.0, 0.35, 900.0, 0.6)
POINTS = [(float(n), float(d), float(LAW.loss(n, d))) for n in (1e4, 1e5) for d in (1e4, 1e5)]


def test_loads_are_drawn_and_the_same_loads_give_the_same_bytes() -> None:
    loads = {"balanced": [[0.25] * 4, [0.3, 0.2, 0.25, 0.25]], "free": [[0.5, 0.5, 0, 0], [0.4, 0.3, 0.2, 0.1]]}

    assert expert_loads(loads, 2).startswith(PNG)
    assert expert_loads(loads, 2) == expert_loads(loads, 2)


def test_laws_are_drawn_with_bands_and_the_held_out_run() -> None:
    others = [LAW.loss, lambda n, d: 1.05 * LAW.loss(n, d)]

    assert law_fits(POINTS, (1e6, 1e6, 2.9), LAW.loss, others).startswith(PNG)
    assert iso_compute(POINTS, LAW.loss, [1e10, 1e12], [(1e4, 6.0), (1e5, 4.0)]).startswith(PNG)
    assert loss_curves({"small": [(10, 5.0), (100, 4.0)], "large": [(10, 5.2), (100, 3.8)]}).startswith(PNG)
