"""What `bench_starters.py` found, as tables, and how much of the way to the real backbone a starter goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean

FAR = 5.0  # points between random weights and the real backbone, below which a share says nothing


@dataclass(frozen=True)
class Measured:
    """A set's figures by column; `unseen` where its kind stayed out of the starter's pretraining."""

    name: str
    modality: str
    unseen: bool
    figures: Mapping[str, float]

    def share(self) -> float | None:
        """Of the distance from random weights to the real backbone, in %; None where that is short or not measured."""
        random, real = self.figures.get("random"), self.figures.get("real")
        if random is None or real is None or "starter" not in self.figures or real - random <= FAR:
            return None
        return 100 * (self.figures["starter"] - random) / (real - random)


def tables(found: Sequence[Measured]) -> str:
    """In Markdown: the figures of every set, and the mean share a modality."""
    return "\n\n".join(_table([row for row in found if row.modality == kind]) for kind in ("image", "text"))


def _table(rows: Sequence[Measured]) -> str:
    if not rows:
        return ""
    columns = list(rows[0].figures)
    lines = [["set", *columns, "distance closed, %"], ["---"] * (len(columns) + 2)]
    for row in rows:
        share = row.share()
        figures = [f"{value:.1f}" for value in row.figures.values()]
        lines.append([row.name + ("" if row.unseen else " (seen kind)"), *figures, f"{share:.0f}" if share else ""])
    means = [f"{mean(row.figures[column] for row in rows):.1f}" for column in columns]
    lines.append(["mean", *means, _mean(rows)])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _mean(rows: Sequence[Measured]) -> str:
    """Of the shares; unseen kinds also apart, where there are both."""
    known = [(share, row.unseen) for row in rows if (share := row.share()) is not None]
    unseen = [share for share, apart in known if apart]
    told = f" (unseen kinds: {mean(unseen):.0f})" if unseen and len(unseen) < len(known) else ""
    return f"{mean(share for share, _ in known):.0f}{told}" if known else ""
