"""The contract with ministack and the pure rules of alarms; run by the lab's tests.

`python -m unittest` in this folder, with the interpreter of the lab's virtual environment.
"""

import tempfile
import types
import unittest
from pathlib import Path
from unittest import mock

import seams
from seams import alarm_rules, retries, symbols


class Contract(unittest.TestCase):
    def test_every_seam_fits_the_installed_ministack(self):
        with tempfile.TemporaryDirectory() as folder:
            zones = str(Path(folder) / "zones.json")
            told = {
                "LIFEBOAT_LAB_RDS": "http://127.0.0.1:1",
                "LIFEBOAT_LAB_ZONES": zones,
                "LIFEBOAT_LAB_NAME_SERVERS": "ns-1.example",
            }
            with mock.patch.dict("os.environ", told):
                seams.fill()
            self.assertTrue(Path(zones).exists())
        self.assertGreater(len(symbols.checked), 40)

    def test_a_missing_symbol_is_refused_by_name(self):
        module = types.ModuleType("service")
        with self.assertRaisesRegex(symbols.SeamError, "service._gone is missing"):
            symbols.uses(module, "_gone")

    def test_another_signature_is_refused(self):
        module = types.ModuleType("service")
        module.run = lambda arn, now: None
        symbols.uses(module, "run", "arn, now")
        with self.assertRaisesRegex(symbols.SeamError, r"takes \(arn, now\), expected \(arn\)"):
            symbols.uses(module, "run", "arn")

    def test_another_version_is_refused(self):
        with mock.patch("importlib.metadata.version", return_value="9.9"):
            with self.assertRaisesRegex(symbols.SeamError, "ministack 9.9"):
                symbols.require_version()


def alarm(**other):
    return {
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "Threshold": 1.0,
        "Period": 10,
        "EvaluationPeriods": 3,
        "DatapointsToAlarm": 2,
        **other,
    }


class Math(unittest.TestCase):
    def test_two_metrics_are_held_against_their_bounds_in_the_same_period(self):
        expression = "IF(first > 0.1 AND second < 1, 1, 0)"
        stat = lambda name: {"Id": name, "MetricStat": {"Metric": {}, "Period": 60, "Stat": "Average"}}
        stats, told = alarm_rules.math([stat("first"), stat("second"), {"Id": "both", "Expression": expression}])
        self.assertEqual((list(stats), told), (["first", "second"], expression))
        for first, second, both in [(0.2, 0, 1), (0.1, 0, 0), (0.2, 1, 0), (None, 0, None), (0.2, None, None)]:
            self.assertEqual(alarm_rules.both(expression, {"first": first, "second": second}), both)

    def test_any_other_math_is_refused(self):
        for metrics in ([{"Id": "a", "Expression": "first / second"}], [], [{"Id": "a", "Expression": "IF(x > 1 AND y < 1, 1, 0)"}]):
            with self.assertRaisesRegex(alarm_rules.InvalidAlarm, "two metrics only"):
                alarm_rules.math(metrics)


class Judgement(unittest.TestCase):
    def test_as_many_breaches_as_asked_for_make_an_alarm(self):
        self.assertEqual(alarm_rules.judge(alarm(), [1, 0, 1], "OK", False), "ALARM")
        self.assertEqual(alarm_rules.judge(alarm(), [1, 0, 0], "OK", False), "OK")

    def test_missing_data_is_treated_as_the_alarm_says(self):
        silence = [None, None, None]
        for treatment, state in (
            ("missing", "INSUFFICIENT_DATA"),
            ("notBreaching", "OK"),
            ("breaching", "ALARM"),
            ("ignore", "ALARM"),
        ):
            with self.subTest(treatment):
                judged = alarm_rules.judge(alarm(TreatMissingData=treatment), silence, "ALARM", False)
                self.assertEqual(judged, state)

    def test_an_alarm_that_ignores_silence_keeps_its_state_until_it_hears_more(self):
        # The primary's alarm: one period, and nothing between two samples that are far apart.
        primary = alarm(TreatMissingData="ignore", Threshold=3.0, EvaluationPeriods=1, DatapointsToAlarm=1)
        for state in ("OK", "ALARM", "INSUFFICIENT_DATA"):
            for young in (True, False):
                with self.subTest(state, young=young):
                    self.assertEqual(alarm_rules.judge(primary, [None], state, young), state)
                    self.assertEqual(alarm_rules.judge(primary, [0], state, young), "OK")
                    self.assertEqual(alarm_rules.judge(primary, [3], state, young), "ALARM")

    def test_silence_among_data_is_ignored_where_it_could_change_the_state(self):
        # The rows of CloudWatch's own table: what the data could not decide keeps the state.
        several = alarm(TreatMissingData="ignore", DatapointsToAlarm=3)
        for state in ("OK", "ALARM"):
            with self.subTest(state):
                self.assertEqual(alarm_rules.judge(several, [None, 1, None], state, False), state)
                self.assertEqual(alarm_rules.judge(several, [None, None, 0], state, False), "OK")
                self.assertEqual(alarm_rules.judge(several, [1, 1, 1], state, False), "ALARM")

    def test_a_young_alarm_is_not_judged_by_data_that_could_not_be_there(self):
        young = alarm(TreatMissingData="breaching")
        self.assertEqual(alarm_rules.judge(young, [None, None, None], "INSUFFICIENT_DATA", True), "INSUFFICIENT_DATA")
        self.assertEqual(alarm_rules.judge(young, [1, 1, None], "INSUFFICIENT_DATA", True), "ALARM")
        self.assertEqual(alarm_rules.judge(young, [0, None, None], "INSUFFICIENT_DATA", True), "OK")


class Refusals(unittest.TestCase):
    def test_only_periods_that_aws_accepts_pass(self):
        for period in (10, 20, 30, 60, 120, 3600):
            alarm_rules.check(alarm(Period=period).get)
        for period in (1, 5, 15, 45, 61, 90):
            with self.subTest(period), self.assertRaisesRegex(alarm_rules.InvalidAlarm, "10, 20, 30"):
                alarm_rules.check(alarm(Period=period).get)

    def test_more_datapoints_than_periods_are_refused(self):
        alarm_rules.check(alarm(DatapointsToAlarm=3).get)
        with self.assertRaises(alarm_rules.InvalidAlarm):
            alarm_rules.check(alarm(DatapointsToAlarm=4).get)

    def test_an_alarm_over_more_than_a_day_is_refused(self):
        alarm_rules.check(alarm(Period=60, EvaluationPeriods=1440).get)
        with self.assertRaises(alarm_rules.InvalidAlarm):
            alarm_rules.check(alarm(Period=60, EvaluationPeriods=1441).get)


class Delays(unittest.TestCase):
    def test_a_retrys_delay_grows_to_its_limit(self):
        retrier = {"IntervalSeconds": 2, "BackoffRate": 3, "MaxDelaySeconds": 10}
        self.assertEqual([retries.delay(retrier, count) for count in range(3)], [2, 6, 10])


if __name__ == "__main__":
    unittest.main()
