//! What AWS's user guide says, as tables.

use super::*;

fn read(text: &str) -> Result<Cron, BadCron> {
    Cron::read(fields(text).unwrap_or_else(|| panic!("{text}")))
}

#[test]
fn what_eventbridge_scheduler_takes_is_taken() {
    for good in [
        "0 0 * * ? *",
        "59 23 31 12 ? 2199",
        "00 02 01 01 ? 1970",
        "0,15,30,45 8-17 ? * MON-FRI *",
        "0/5 8-17 ? * 2-6 *",
        "*/15 */6 1-15 JAN-DEC ? *",
        "5-30/5,45 0/23 1/31 JAN,6,DEC ? 2026-2030,2040/2",
        "0 0 ? * SUN,7 *",
        "0 0 ? * 2/2 *",
        "0 0 L * ? *",
        "0 0 LW * ? *",
        "0 0 31W * ? *",
        "0 0 ? * L *",
        "0 0 ? * 6L *",
        "0 0 ? * FRIL *",
        "0 0 ? * 1#5 *",
        "0 0 ? * MON#1 *",
        "0 0 29 FEB ? *",
        "0 0 29 2 ? 2028",
        "0 0 31 2,3 ? *",
    ] {
        assert!(read(good).is_ok(), "{good}: {:?}", read(good));
    }
}

#[test]
fn so_long_and_so_short_are_its_waits() {
    let hours = |hours: u64| Some(TimeSpan::seconds(hours * 3_600));
    for (text, shortest, longest) in [
        ("0 2 * * ? *", hours(24), hours(24)),
        ("0 * * * ? *", hours(1), hours(1)),
        ("0 2,3 * * ? *", hours(1), hours(23)),
        ("0 0,23 * * ? *", hours(1), hours(23)),
        ("0 2 ? * MON-FRI *", hours(24), hours(72)),
        ("0 2 1 1 ? 2030", None, None),
        ("0 2,8 1 1 ? 2030", hours(6), None),
    ] {
        let cron = read(text).unwrap();
        assert_eq!((cron.shortest_wait(), cron.longest_wait()), (shortest, longest), "{text}");
    }
}

#[test]
fn it_fires_so_often_in_a_year() {
    let from = jiff::civil::date(2026, 11, 28);
    for (text, times) in [
        ("0 2 * * ? *", 365),
        ("0/15 * * * ? *", 365 * 96),
        ("0 5 ? * SUN *", 52),
        ("0 5,17 1 * ? *", 24),
        ("0 0 L * ? *", 12),
        ("0 0 29 FEB ? *", 0),
        ("0 0 * * ? 2026", 34),
        ("0 0 * * ? 2020", 0),
    ] {
        assert_eq!(read(text).unwrap().times_in_a_year(from), times, "{text}");
    }
}

#[test]
fn what_it_refuses_is_told_with_the_field() {
    for (bad, why) in [
        ("60 2 * * ? *", "the minutes `60` are not within 0 to 59"),
        ("0,61 2 * * ? *", "the minutes `61` are not within 0 to 59"),
        ("? 2 * * ? *", "the minutes `?` are not within 0 to 59"),
        ("0, 2 * * ? *", "the minutes `` are not within 0 to 59"),
        ("L 2 * * ? *", "the minutes `L` are not within 0 to 59"),
        ("0 24 * * ? *", "the hours `24` are not within 0 to 23"),
        ("0 5-1 * * ? *", "the hours `5-1` end before they start"),
        ("0 1-2-3 * * ? *", "the hours `2-3` are not within 0 to 23"),
        ("0/0 2 * * ? *", "the minutes `0/0` have a step that is not within 1 to 59"),
        ("0/60 2 * * ? *", "the minutes `0/60` have a step that is not within 1 to 59"),
        ("0/ 2 * * ? *", "the minutes `0/` have a step that is not within 1 to 59"),
        ("/5 2 * * ? *", "the minutes `` are not within 0 to 59"),
        ("0 2 0 * ? *", "the days of the month `0` are not within 1 to 31"),
        ("0 2 32 * ? *", "the days of the month `32` are not within 1 to 31"),
        ("0 2 32W * ? *", "the days of the month `32` are not within 1 to 31"),
        ("0 2 W * ? *", "the days of the month `` are not within 1 to 31"),
        ("0 2 1,15W * ? *", "the days of the month `1,15` are not within 1 to 31"),
        ("0 2 1,L * ? *", "the days of the month `L` are not within 1 to 31"),
        ("0 2 * FOO ? *", "the months `FOO` are not within 1 to 12 or JAN to DEC"),
        ("0 2 * 0 ? *", "the months `0` are not within 1 to 12 or JAN to DEC"),
        ("0 2 * 13 ? *", "the months `13` are not within 1 to 12 or JAN to DEC"),
        ("0 2 ? * 0 *", "the days of the week `0` are not within 1 to 7 or SUN to SAT"),
        ("0 2 ? * 8 *", "the days of the week `8` are not within 1 to 7 or SUN to SAT"),
        ("0 2 ? * FRI-MON *", "the days of the week `FRI-MON` end before they start"),
        ("0 2 ? * 8L *", "the days of the week `8` are not within 1 to 7 or SUN to SAT"),
        ("0 2 ? * 8#1 *", "the days of the week `8` are not within 1 to 7 or SUN to SAT"),
        ("0 2 ? * MON#0 *", "the days of the week `MON#0` name a week of the month that is not within 1 to 5"),
        ("0 2 ? * MON#9 *", "the days of the week `MON#9` name a week of the month that is not within 1 to 5"),
        ("0 2 ? * 3#1,6#3 *", "the days of the week `3#1,6#3` name a week of the month that is not within 1 to 5"),
        ("0 2 * * ? 1969", "the years `1969` are not within 1970 to 2199"),
        ("0 2 * * ? 2200", "the years `2200` are not within 1970 to 2199"),
        ("0 2 * * ? ?", "the years `?` are not within 1970 to 2199"),
        ("0 2 * * ? 99999999999", "the years `99999999999` are not within 1970 to 2199"),
    ] {
        assert_eq!(read(bad).map_err(|error| error.to_string()), Err(why.to_owned()), "{bad}");
    }
}

#[test]
fn what_never_fires_is_told() {
    for never in ["0 2 30 2 ? *", "0 2 31 4,6,9,11 ? *", "0 2 31W FEB ? *", "0 2 29 2 ? 2027", "0 2 ? 2 MON#5 2027"] {
        assert_eq!(read(never), Err(BadCron::Never), "{never}");
    }
}

#[test]
fn the_longest_wait_is_from_the_last_time_of_a_day_to_the_first_of_the_next_one() {
    const HOUR: u64 = 3_600;
    const DAY: u64 = 24 * HOUR;
    for (text, longest) in [
        ("0 2 * * ? *", Some(DAY)),
        ("* * * * ? *", Some(60)),
        ("0/15 * * * ? *", Some(15 * 60)),
        ("0/25 * * * ? *", Some(25 * 60)),
        ("0 */6 * * ? *", Some(6 * HOUR)),
        ("0 */7 * * ? *", Some(7 * HOUR)),
        ("0 2,4 * * ? *", Some(22 * HOUR)),
        ("0 2,16 * * ? *", Some(14 * HOUR)),
        ("0 2 ? * SUN *", Some(7 * DAY)),
        ("0 2 ? * L *", Some(7 * DAY)),
        ("0 2 ? * MON-FRI *", Some(3 * DAY)),
        ("0 2,14 ? * MON-FRI *", Some(2 * DAY + 12 * HOUR)),
        ("0 2 1 * ? *", Some(31 * DAY)),
        ("0 2 1,15 * ? *", Some(17 * DAY)),
        ("0 2 L * ? *", Some(31 * DAY)),
        ("0 2 ? * FRIL *", Some(35 * DAY)),
        ("0 2 ? * MON#1 *", Some(35 * DAY)),
        ("0 2 * JAN ? *", Some(336 * DAY)),
        ("0 2 1 1 ? 2030,2031", Some(365 * DAY)),
        ("0 2,4 1 1 ? 2030", None),
    ] {
        assert_eq!(read(text).unwrap().longest_wait(), longest.map(TimeSpan::seconds), "{text}");
    }
}

#[test]
fn six_fields_say_one_of_the_two_days() {
    for (text, is_good) in [
        ("0 2 * * ? *", true),
        ("0 2 ? * * *", true),
        ("0 2 * * * *", false),
        ("0 2 ? * ? *", false),
        ("0 2 * * ?", false),
        ("0  2 * * ? *", false),
        ("0 2 * * ? * *", false),
        ("0 2 ? * mon *", false),
        ("", false),
    ] {
        assert_eq!(fields(text).is_some(), is_good, "{text}");
    }
}
