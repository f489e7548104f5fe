"""The plots of alignment, each from plain figures to PNG bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from releaf.reporting.pictures import COLOURS, drawing, png


def alignment_curves(rounds: Sequence[Mapping[str, float]], kept: int) -> bytes:
    """Reward, drift from the tuned model, entropy and clipped share by round; the kept round is marked."""
    panels = {
        "reward": "reward",
        "kl": "KL to the tuned model, nats",
        "entropy": "entropy, nats a token",
        "clip_share": "share of clipped tokens",
    }
    with drawing(10.4, 2.4, columns=len(panels)) as (figure, axes):
        for panel, (key, title), colour in zip(axes, panels.items(), COLOURS, strict=False):
            # The last round is only measured: nothing is clipped in it.
            points = [(index, entry[key]) for index, entry in enumerate(rounds) if key in entry]
            panel.plot(*zip(*points, strict=True) if points else ([], []), color=colour, linewidth=1.4)
            panel.axvline(kept, color="#999999", linestyle=":", linewidth=1)
            panel.set(title=title, xlabel="round")
        axes[0].set_xlabel(f"round (kept: {kept})")
        return png(figure)


def win_rates(rates: Mapping[str, tuple[float, float, float]]) -> bytes:
    """One bar a judge: the aligned model's win rate with the low and high bound of its interval; ½ is no difference."""
    names = list(rates)
    values = [rates[name][0] for name in names]
    reach = [[rates[n][0] - rates[n][1] for n in names], [rates[n][2] - rates[n][0] for n in names]]
    with drawing(6.4, 0.8 + 0.4 * len(names)) as (figure, (axes,)):
        bars = axes.barh(range(len(names)), values, 0.62, color=COLOURS[0], xerr=reach, ecolor="#444444", capsize=2.5)
        axes.bar_label(bars, [f"{value:.2f}" for value in values], label_type="center", color="white", fontsize=8)
        axes.axvline(0.5, color="#666666", linewidth=0.9, linestyle="--")
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis()
        axes.set(xlim=(0, 1), title="comparisons that the aligned model wins, by who judges")
        return png(figure)


def reward_histogram(rewards: Mapping[str, Sequence[float]]) -> bytes:
    """How the rewards of each model's answers are spread, over the same bins."""
    everything = [value for values in rewards.values() for value in values]
    low, high = min(everything), max(everything)
    width = (high - low or 1.0) / 24
    bins = [low + index * width for index in range(25)]
    with drawing(6.4, 2.6) as (figure, (axes,)):
        for (name, values), colour in zip(rewards.items(), COLOURS, strict=False):
            axes.hist(
                values, bins=bins, alpha=0.55, color=colour, label=f"{name}, mean {sum(values) / len(values):.2f}"
            )
        axes.set(title="reward of held-out answers", xlabel="reward", ylabel="answers")
        axes.legend()
        return png(figure)
