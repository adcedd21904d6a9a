"""What the bench makes of what its clients logged. Run with `python3 -m unittest discover tests/bench`."""

import unittest

from table import Row, table
from trial import Run, judge, longest_gap


class Logged:
    """A client's log, as far as judging asks it."""

    def __init__(self, *acknowledged: tuple[int, float]):
        self.entries = [{"id": row, "ended": ended} for row, ended in acknowledged]

    def acknowledged(self, since: float = 0.0) -> list[dict]:
        return [entry for entry in self.entries if entry["ended"] > since]


class Outages(unittest.TestCase):
    def test_an_outage_is_the_longest_gap_that_ends_after_the_disaster(self):
        log = Logged((1, 1.0), (2, 9.0), (3, 9.1), (4, 12.1), (5, 12.2))
        self.assertAlmostEqual(longest_gap(log.acknowledged(), struck=10.0), 3000)

    def test_a_client_that_never_wrote_again_has_no_outage_to_tell(self):
        with self.assertRaisesRegex(Exception, "nothing after the disaster"):
            longest_gap(Logged((1, 1.0), (2, 2.0)).acknowledged(), struck=10.0)


class Rows(unittest.TestCase):
    def test_a_row_that_was_promised_and_is_gone_is_lost(self):
        run = judge(Logged((1, 1.0), (2, 2.0)), [Logged((1_000, 1.5))], 0, returned=5.0, kept={1})
        self.assertEqual((run.rows_lost, run.split_rows), (2, 0))

    def test_a_row_that_the_old_primary_promised_after_its_return_is_split_and_not_lost(self):
        run = judge(Logged((1, 1.0)), [Logged((1_000, 1.5), (1_001, 5.1))], 0, returned=5.0, kept={1, 1_000})
        self.assertEqual((run.rows_lost, run.split_rows), (0, 1))

    def test_a_row_that_reached_the_new_primary_after_all_is_neither(self):
        run = judge(Logged((1, 1.0)), [Logged((1_001, 5.1))], 0, returned=5.0, kept={1, 1_001})
        self.assertEqual((run.rows_lost, run.split_rows), (0, 0))


class Tables(unittest.TestCase):
    def test_the_table_has_the_middle_outage_and_the_most_rows(self):
        row = Row("repmgr", "tuned", "kill", [Run(3000.4, 0, 7), Run(1000, 2, 0), Run(2000, 0, 0)])
        cells = [cell.strip() for cell in table([row]).splitlines()[2].strip("|").split("|")]
        self.assertEqual(cells, ["repmgr", "tuned", "kill", "3", "1,000", "2,000", "3,000", "2", "7"])

    def test_every_line_of_the_table_is_as_long_as_the_others(self):
        lines = table([Row("repmgr", "tuned", "kill", [Run(1, 0, 0)]), Row("a", "b", "c", [Run(123456, 0, 0)])])
        self.assertEqual(len({len(line) for line in lines.splitlines()}), 1)


if __name__ == "__main__":
    unittest.main()
