"""What an adapted model predicts, as tables. Pure functions."""

from __future__ import annotations

import math
from typing import NamedTuple

from engine.services.apply_messages import Classified, Fitted, Guess
from engine.text import printable

Cell = str | float

_MODES = {
    "transductive": "the files were normalised together, so each depends on the others (--mode inductive: on the "
    "support alone)",
    "inductive": "each file was normalised with the support alone",
}


class Predictions(NamedTuple):
    """A table for people, a row per query; control characters are escaped."""

    columns: tuple[str, ...]
    rows: list[list[str]]
    notes: tuple[str, ...]


def summary(report: Classified | Fitted) -> str:
    """Say what was adapted to what, and how well that went."""
    fewest, most = min(report.examples), max(report.examples)
    count = f"{fewest}" if fewest == most else f"{fewest} to {most}"
    classes = "" if isinstance(report, Fitted) else f" of each of {len(report.examples)} classes"
    before, after = report.support_loss[0], report.support_loss[-1]
    return (
        f"{report.name} (iteration {report.iteration:,}) has adapted to {count} example{'s' * (most > 1)}{classes} in "
        f"{report.steps} step{'s' * (report.steps != 1)}: their loss went from {before:.4g} to {after:.4g}"
    )


def for_people(report: Classified | Fitted) -> Predictions:
    """Return what a person wants to see first."""
    return _values(report) if isinstance(report, Fitted) else _guesses(report)


def for_programs(report: Classified | Fitted) -> tuple[list[str], list[list[Cell]]]:
    """Return headings and rows with everything that is known of each query, numbers with their last bit."""
    if isinstance(report, Fitted):
        count = len(report.values[0].x)
        inputs = ["x"] if count == 1 else [f"x{number + 1}" for number in range(count)]
        known = any(value.actual is not None for value in report.values)
        return [*inputs, "prediction", *["y"] * known], [
            [*value.x, value.y, *["" if value.actual is None else value.actual] * known]
            for value in report.values
        ]
    names = report.class_names
    return ["file", "class", "confidence", "folder", *names], [
        [
            guess.file,
            names[_likeliest(guess)[0]],
            max(guess.probabilities),
            "" if guess.actual is None else names[guess.actual],
            *guess.probabilities,
        ]
        for guess in report.guesses
    ]


def _guesses(report: Classified) -> Predictions:
    known = any(guess.actual is not None for guess in report.guesses)
    rows, right = [], 0
    for guess in report.guesses:
        first, second, *_ = _likeliest(guess)
        names = report.class_names
        cells = [
            guess.file,
            names[first],
            _percent(guess, first),
            f"{names[second]} {_percent(guess, second)}",
        ]
        if guess.actual is not None:
            cells.append(names[guess.actual])
            right += first == guess.actual
        rows.append([printable(cell) for cell in cells])
    told = (f"{right} of {len(rows)} as their folders say",) if known else ()
    columns = ("file", "class", "confidence", "next", *("folder",) * known)
    return Predictions(columns, rows, (*told, f"confidence: softmax, not calibrated; {_MODES[report.mode]}"))


def _values(report: Fitted) -> Predictions:
    columns, rows = for_programs(report)
    errors = [(value.y - value.actual) ** 2 for value in report.values if value.actual is not None]
    told = (
        (f"mean squared error {math.fsum(errors) / len(errors):.4g} of {len(errors)} points",)
        if errors
        else ()
    )
    texts = [[cell if isinstance(cell, str) else f"{cell:.5g}" for cell in row] for row in rows]
    return Predictions(tuple(columns), texts, told)


def _likeliest(guess: Guess) -> list[int]:
    return sorted(range(len(guess.probabilities)), key=lambda number: -guess.probabilities[number])


def _percent(guess: Guess, number: int) -> str:
    return f"{guess.probabilities[number]:.1%}"
