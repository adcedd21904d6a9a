"""Retry's MaxDelaySeconds and JitterStrategy, which ministack ignores."""

import random

from ministack.services import stepfunctions

from . import symbols


def fill(_settings) -> None:
    @symbols.replaces(stepfunctions, "_find_matching_retrier", "retriers, error, retry_counts")
    def find_matching_retrier(original, retriers, error, retry_counts):
        retrier, index = original(retriers, error, retry_counts)
        if retrier is None:
            return None, index
        # ministack sleeps IntervalSeconds * BackoffRate ** count: hand it the finished delay.
        return {**retrier, "IntervalSeconds": delay(retrier, retry_counts.get(index, 0)), "BackoffRate": 1}, index


def delay(retrier: dict, count: int) -> float:
    """Seconds to wait before retry number `count` (from zero), as the Amazon States Language says."""
    seconds = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** count
    seconds = min(seconds, retrier.get("MaxDelaySeconds", seconds))
    return random.uniform(0, seconds) if retrier.get("JitterStrategy") == "FULL" else seconds
