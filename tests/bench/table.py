"""The one table that a bench ends with."""

import statistics
from dataclasses import dataclass

from trial import Run

HEADINGS = ("tool", "set-up", "scenario", "n", "outage, ms: min", "median", "max", "rows lost", "split rows")


@dataclass(frozen=True)
class Row:
    """One tool, set up in one way, through one disaster a few times."""

    tool: str
    setup: str
    scenario: str
    runs: list[Run]

    def figures(self) -> dict:
        """What the table says of it, by name. Rows lost and split are the largest of all runs."""
        outages = [run.outage_ms for run in self.runs]
        return {
            "tool": self.tool,
            "setUp": self.setup,
            "scenario": self.scenario,
            "n": len(self.runs),
            "outageMilliseconds": {
                "minimum": round(min(outages)),
                # The middle one; the lower of two, as in Lifeboat's own figures.
                "median": round(statistics.median_low(outages)),
                "maximum": round(max(outages)),
            },
            "mostRowsLost": max(run.rows_lost for run in self.runs),
            "mostSplitRows": max(run.split_rows for run in self.runs),
            "runs": [
                {"outageMilliseconds": round(run.outage_ms), "rowsLost": run.rows_lost, "splitRows": run.split_rows}
                for run in self.runs
            ],
        }

    def cells(self) -> tuple[str, ...]:
        """The same as text."""
        told = self.figures()
        outage = told["outageMilliseconds"]
        thousands = [f"{outage[part]:,}" for part in ("minimum", "median", "maximum")]
        counts = [str(told["mostRowsLost"]), str(told["mostSplitRows"])]
        return (self.tool, self.setup, self.scenario, str(len(self.runs)), *thousands, *counts)


def table(rows: list[Row]) -> str:
    """The rows as a table, which is Markdown too."""
    lines = [HEADINGS, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    # Three columns of words, then numbers, which end where their column ends.
    place = [str.ljust] * 3 + [str.rjust] * (len(HEADINGS) - 3)
    texts = [" | ".join(put(cell, width) for put, cell, width in zip(place, line, widths)) for line in lines]
    rule = "|".join("-" * (width + 1) + ("-" if put is str.ljust else ":") for put, width in zip(place, widths))
    return "\n".join([f"| {texts[0]} |", f"|{rule}|", *(f"| {text} |" for text in texts[1:])])
