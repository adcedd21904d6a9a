//! What an idle month uses, entry by entry, until it is priced.

use super::{
    line::{Line, Part},
    memory,
    prices::{Price, Prices},
};
use crate::{component::SnapshotStorage, words::time_span::TimeSpan};

/// What AWS prices, in the order in which it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Thing {
    /// Memory of functions, for as long as they are awake.
    GbSecond,
    Invocation,
    Alarm,
    HighResolutionAlarm,
    Dashboard,
    Metric,
    MetricRequest,
    Put,
    Get,
    Secret,
    SecretRequest,
    QueueRequest,
    Transition,
    ScheduledStart,
    LogGb,
    KeyRequest,
    NameQuery,
    HealthCheck,
    HealthCheckFeature,
    SnapshotGb(SnapshotStorage),
    Key,
    /// Between Regions, out of either.
    CrossingGb,
    NatHour,
    NatGb,
    EndpointHour,
    EndpointGb,
}

impl Thing {
    /// What it is called, whose subtotal it is in, and what it costs.
    fn row(self, prices: &Prices, processors: Processors) -> (&'static str, Part, &Price) {
        use Part::{BetweenRegions, Engine, Networks, Storage};
        match self {
            Self::GbSecond => ("Lambda", Engine, processors.gb_second(prices)),
            Self::Invocation => ("Lambda's requests", Engine, &prices.lambda_request),
            Self::Alarm => ("alarms", Engine, &prices.alarm),
            Self::HighResolutionAlarm => ("alarms of high resolution", Engine, &prices.high_resolution_alarm),
            Self::Dashboard => ("dashboards", Engine, &prices.dashboard),
            Self::Metric => ("metrics", Engine, &prices.metric),
            Self::MetricRequest => ("PutMetricData", Engine, &prices.metric_request),
            Self::Put => ("S3's writes", Engine, &prices.s3_put),
            Self::Get => ("S3's reads", Engine, &prices.s3_get),
            Self::Secret => ("secrets", Engine, &prices.secret),
            Self::SecretRequest => ("Secrets Manager's reads", Engine, &prices.secret_request),
            Self::QueueRequest => ("SQS's requests", Engine, &prices.queue_request),
            Self::Transition => ("state transitions", Engine, &prices.state_transition),
            Self::ScheduledStart => ("EventBridge Scheduler", Engine, &prices.scheduled_start),
            Self::LogGb => ("logs taken in", Engine, &prices.log_gb),
            Self::KeyRequest => ("KMS's requests", Engine, &prices.key_request),
            Self::HealthCheck => ("Route 53's health checks", Engine, &prices.health_check),
            Self::HealthCheckFeature => {
                ("their HTTPS, shorter interval and latency", Engine, &prices.health_check_feature)
            }
            Self::NameQuery => ("Route 53's queries", Engine, &prices.name_query),
            Self::SnapshotGb(storage) => {
                let (of, price) = match storage {
                    SnapshotStorage::Instance => ("snapshots of instances", &prices.rds_snapshot_gb),
                    SnapshotStorage::Aurora => ("snapshots of Aurora", &prices.aurora_snapshot_gb),
                    SnapshotStorage::Docdb => ("snapshots of DocumentDB", &prices.docdb_snapshot_gb),
                    SnapshotStorage::Neptune => ("snapshots of Neptune", &prices.neptune_snapshot_gb),
                };
                (of, Storage, price)
            }
            Self::Key => ("keys of copies", Storage, &prices.key),
            Self::CrossingGb => ("bytes", BetweenRegions, &prices.between_regions_gb),
            Self::NatHour => ("NAT gateways", Networks, &prices.nat_hour),
            Self::NatGb => ("bytes through them", Networks, &prices.nat_gb),
            Self::EndpointHour => ("interface endpoints", Networks, &prices.endpoint_hour),
            Self::EndpointGb => ("bytes through them", Networks, &prices.endpoint_gb),
        }
    }

    /// Whether whoever uses it has a line of its own: it is most of what an engine costs.
    fn is_told_by_user(self) -> bool {
        matches!(self, Self::GbSecond | Self::CrossingGb)
    }
}

/// The processors that the functions are built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Processors {
    /// The template's default.
    #[default]
    Arm64,
    /// As `Architecture=x86_64`.
    X86,
}

impl Processors {
    fn gb_second(self, prices: &Prices) -> &Price {
        match self {
            Self::Arm64 => &prices.lambda_arm_gb_second,
            Self::X86 => &prices.lambda_x86_gb_second,
        }
    }
}

/// What is used: how much, of which thing, by which part.
#[derive(Debug, Clone, PartialEq)]
struct Entry {
    who: String,
    thing: Thing,
    times: f64,
    each: f64,
    /// Each time in words, as `13` or `73 s × 256 MB`; empty where it is one.
    of: String,
}

impl Entry {
    fn quantity(&self) -> f64 {
        self.times * self.each
    }

    /// The arithmetic: `43,800 × 13`.
    fn how(&self) -> String {
        let times = counted(self.times);
        if self.of.is_empty() { times } else { format!("{times} × {}", self.of) }
    }
}

/// Every entry of a month.
#[derive(Debug, Default)]
pub(super) struct Ledger(Vec<Entry>);

/// Where one that does something so often in a month enters what it uses each time.
pub(super) struct Page<'a> {
    ledger: &'a mut Ledger,
    who: &'a str,
    times: f64,
}

/// What Lambda itself logs of an invocation, as JSON: `platform.start` with 145 bytes and `platform.report` with 290, and
/// the 26 bytes that CloudWatch adds to each line.
const PLATFORM_LOG_BYTES: f64 = 145.0 + 290.0 + 2.0 * 26.0;

const BYTES_IN_A_GB: f64 = 1e9;

const MEGABYTES_IN_A_GB: f64 = 1_024.0;

impl Ledger {
    pub(super) fn page<'a>(&'a mut self, who: &'a str, times: f64) -> Page<'a> {
        Page { ledger: self, who, times }
    }

    /// Enters what is there all month, so many of them.
    pub(super) fn there(&mut self, who: &str, thing: Thing, count: impl Into<f64>) {
        self.enter(who, thing, count.into(), 1.0, String::new());
    }

    /// Enters what is used `times` times, `each` as `of` says it. The same again is told as one.
    pub(super) fn enter(&mut self, who: &str, thing: Thing, times: f64, each: f64, of: String) {
        if times * each <= 0.0 {
            return;
        }
        let is_same = |entry: &&mut Entry| (&*entry.who, entry.thing, entry.each, &entry.of) == (who, thing, each, &of);
        match self.0.iter_mut().find(is_same) {
            Some(same) => same.times += times,
            None => self.0.push(Entry { who: who.to_owned(), thing, times, each, of }),
        }
    }

    /// How much of a thing is used.
    pub(super) fn sum(&self, thing: Thing) -> f64 {
        self.0.iter().filter(|entry| entry.thing == thing).map(Entry::quantity).sum()
    }

    /// A line for each thing, in their order.
    pub(super) fn lines(mut self, prices: &Prices, processors: Processors) -> Vec<(Part, Line)> {
        // Whoever uses a thing is told in the order in which they came, with all that is theirs.
        let mut users: Vec<String> = Vec::new();
        for entry in &self.0 {
            if !users.contains(&entry.who) {
                users.push(entry.who.clone());
            }
        }
        self.0.sort_by_key(|entry| (entry.thing, users.iter().position(|who| *who == entry.who)));
        let is_one = |a: &Entry, b: &Entry| a.thing == b.thing && (!a.thing.is_told_by_user() || a.who == b.who);
        self.0.chunk_by(is_one).map(|entries| line(entries, prices, processors)).collect()
    }
}

fn line(entries: &[Entry], prices: &Prices, processors: Processors) -> (Part, Line) {
    let first = &entries[0];
    let (name, part, price) = first.thing.row(prices, processors);
    let (what, because) = if first.thing.is_told_by_user() {
        let how: Vec<String> = entries.iter().map(Entry::how).collect();
        (format!("{name}, {}", first.who), how.join("; "))
    } else {
        let by_user = entries.chunk_by(|a, b| a.who == b.who);
        (name.to_owned(), by_user.map(told).collect::<Vec<_>>().join("; "))
    };
    (part, Line::new(what, entries.iter().map(Entry::quantity).sum(), price, because))
}

/// Who uses it and how; of one that uses it in several ways how much in all.
fn told(of_one: &[Entry]) -> String {
    match of_one {
        [only] => format!("{} {}", only.who, only.how()),
        several => format!("{} {}", several[0].who, counted(several.iter().map(Entry::quantity).sum())),
    }
}

impl Page<'_> {
    /// Each time, so much of a thing.
    pub(super) fn uses(&mut self, thing: Thing, each: f64) -> &mut Self {
        self.ledger.enter(self.who, thing, self.times, each, counted(each));
        self
    }

    /// Each time, bytes of a thing that is priced by the GB.
    pub(super) fn sends(&mut self, thing: Thing, bytes: f64) -> &mut Self {
        self.ledger.enter(self.who, thing, self.times, bytes / BYTES_IN_A_GB, format!("{} bytes", counted(bytes)));
        self
    }

    /// Each time, so many invocations of a function that is awake for so long.
    pub(super) fn runs(&mut self, function: &str, invocations: f64, awake: TimeSpan) -> &mut Self {
        let (seconds, megabytes) = (awake.as_seconds(), memory::memory_megabytes(function));
        let gb_seconds = seconds * f64::from(megabytes) / MEGABYTES_IN_A_GB;
        let of = format!("{} s × {megabytes} MB", counted(seconds));
        self.ledger.enter(self.who, Thing::GbSecond, self.times * invocations, gb_seconds, of);
        self.uses(Thing::Invocation, invocations).sends(Thing::LogGb, invocations * PLATFORM_LOG_BYTES)
    }
}

/// A number as people read it: at most two decimals, of a small one more, and thousands apart.
#[must_use]
pub fn counted(number: f64) -> String {
    let rounded = if number < 0.1 { format!("{number:.4}") } else { format!("{number:.2}") };
    let (whole, fraction) = rounded.split_once('.').unwrap_or((&rounded, ""));
    let mut apart = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            apart.push(',');
        }
        apart.push(digit);
    }
    match fraction.trim_end_matches('0') {
        "" => apart,
        fraction => format!("{apart}.{fraction}"),
    }
}
