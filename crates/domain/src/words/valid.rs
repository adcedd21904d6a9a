//! What is taken as a name: by AWS, by DNS, and by Lifeboat itself.

use super::cron;

pub(super) fn hyphenated(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && !text.ends_with('-')
        && !text.contains("--")
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

pub(super) fn is_role_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c))
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>
pub(super) fn is_bucket(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (3..=63).contains(&text.len())
        && text.chars().all(|c| plain(c) || ".-".contains(c))
        && text.starts_with(plain)
        && text.ends_with(plain)
        && !text.contains("..")
        && text.parse::<std::net::Ipv4Addr>().is_err()
}

/// Where in its area a Region lies. Every code ends in one of these and a digit, so that a slip of the keys shows.
const DIRECTIONS: [&str; 9] =
    ["central", "east", "north", "northeast", "northwest", "south", "southeast", "southwest", "west"];

pub(super) fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let (area, direction, number) = match parts[..] {
        [area, direction, number] | [area, "gov" | "iso" | "isob" | "isoe" | "isof", direction, number] => {
            (area, direction, number)
        }
        _ => return false,
    };
    area.len() == 2
        && area.chars().all(|c| c.is_ascii_lowercase())
        && DIRECTIONS.contains(&direction)
        && number.len() == 1
        && number.chars().all(|c| c.is_ascii_digit())
}

/// EventBridge Scheduler's longest.
const LONGEST_SCHEDULE: usize = 256;

pub(super) fn is_schedule(text: &str) -> bool {
    let is_known = match (inside(text, "rate("), inside(text, "cron(")) {
        (Some(rate), _) => rate_seconds(rate).is_some(),
        (_, Some(cron)) => cron::fields(cron).is_some(),
        (None, None) => false,
    };
    is_known && text.len() <= LONGEST_SCHEDULE
}

pub(super) fn inside<'t>(text: &'t str, kind: &str) -> Option<&'t str> {
    text.strip_prefix(kind)?.strip_suffix(')')
}

/// `15 minutes` in seconds. AWS wants the singular for one, and takes no zero.
pub(super) fn rate_seconds(rate: &str) -> Option<u64> {
    let (count, unit) = rate.split_once(' ')?;
    let digits = (1..=6).contains(&count.len()) && count.chars().all(|c| c.is_ascii_digit());
    let count: u64 = count.parse().ok().filter(|count| digits && *count > 0)?;
    let (unit, is_plural) = unit.strip_suffix('s').map_or((unit, false), |unit| (unit, true));
    let seconds = match unit {
        "minute" => 60,
        "hour" => 3_600,
        "day" => 24 * 3_600,
        _ => return None,
    };
    (is_plural == (count > 1)).then_some(count * seconds)
}

pub(super) fn is_kms_key(text: &str) -> bool {
    let plain = |text: &str, others: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
    };
    let key = |text: &str| (32..=40).contains(&text.len()) && plain(text, "-");
    let alias = |text: &str| text.strip_prefix("alias/").is_some_and(|name| name.len() <= 250 && plain(name, "/_-"));
    if let Some(rest) = text.strip_prefix("arn:aws") {
        let Some((_, resource)) = rest.split_once(":kms:") else { return false };
        let resource = resource.splitn(3, ':').nth(2).unwrap_or_default();
        return alias(resource) || resource.strip_prefix("key/").is_some_and(key);
    }
    alias(text) || key(text)
}

pub(super) fn is_host_name(text: &str) -> bool {
    text.len() <= 253
        && text.split('.').count() >= 2
        && text.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
        })
}
