//! What a look at readiness costs, with the functions that it asks. They were idle since the last look, begin cold
//! and read their logins again.

use super::{
    deployment::{READINESS_EVERY, WOKEN, WOKEN_WITH_LOGIN, a_month},
    ledger::{Ledger, Thing},
    watch::{LOGIN_BYTES, reads_of_authorities, reads_of_login},
};
use crate::{
    component::{Bucket, PostgresPair},
    plan::PairPlan,
    words::time_span::TimeSpan,
};

/// How long the look itself takes: the slowest function that it asks, then a write on the primary.
const LOOK: TimeSpan = TimeSpan::seconds(5);

/// How long one takes that is woken, or looks from the witness: a cold start, a login to read.
const WAKE: TimeSpan = TimeSpan::seconds(1);

/// How long a rehearsal takes: of the judge, who asks another Region, and of the switch, which asks every name server.
const REHEARSAL: TimeSpan = TimeSpan::seconds(2);

/// What the look reads: the plan, the lease and who claims either instance.
const LOOK_READS: f64 = 4.0;

/// What the judge reads: the plan, the lease and the watch; and the switch: the lease.
const JUDGE_READS: f64 = 3.0;
const SWITCH_READS: f64 = 1.0;

/// What is read of a bucket: where it is, its versions, its lifecycle and its replication.
const BUCKET_READS: f64 = 4.0;

/// What is asked of CloudWatch of a bucket that is replicated: how far behind that is, and what failed.
const REPLICATION_METRICS: f64 = 2.0;

/// What is looked up in the plan's zone: the record by the look, record and generation by the judge and by each of the
/// zone's four servers, which the switch asks.
const NAME_QUERIES: f64 = 1.0 + 2.0 + 2.0 * 4.0;

/// The same of each of the application's names: by each of its zone's servers, and what an alias leads to.
const NAME_QUERIES_OF_THE_APPLICATION: f64 = 4.0 + 1.0;

/// How often the witness is asked: by the look, and by the judge.
const WITNESSES: f64 = 2.0;

/// The lines that functions log of it, one each, and what one has. Measured: 100 to 180 bytes as text, about twice as
/// much as JSON.
const LOG_LINES: f64 = WOKEN.len() as f64 + 2.0;
const LOG_LINE_BYTES: f64 = 300.0;

const READINESS: &str = "readiness";

pub(super) fn enter(plan: &PairPlan, pair: &PostgresPair, ledger: &mut Ledger) {
    // NotReady has a value in each hour.
    ledger.there(READINESS, Thing::Metric, 1.0);
    let witnesses = if plan.regions.witness.is_some() { WITNESSES } else { 0.0 };
    // Those who log in: the look and the judge of its rehearsal, those who are woken with it, and the witness.
    let woken = WOKEN_WITH_LOGIN.len() as f64;
    let logins = 2.0 + woken + witnesses;
    let reads = LOOK_READS + JUDGE_READS + SWITCH_READS + woken + logins * reads_of_authorities(pair);
    ledger
        .page(READINESS, a_month(READINESS_EVERY))
        .runs("check-readiness", 1.0, LOOK)
        .runs("judge-failover", 1.0, REHEARSAL)
        .runs("dns-switch", 1.0, REHEARSAL)
        .runs("health-probe", witnesses, WAKE)
        .uses(Thing::Get, reads)
        .uses(Thing::SecretRequest, logins * reads_of_login(&pair.login))
        .uses(Thing::MetricRequest, 1.0)
        .uses(
            Thing::NameQuery,
            NAME_QUERIES + plan.traffic.application().count() as f64 * NAME_QUERIES_OF_THE_APPLICATION,
        )
        .uses(Thing::KeyRequest, plan.copy_keys().len() as f64)
        .uses(Thing::Get, BUCKET_READS * plan.own_buckets().flat_map(Bucket::sides).count() as f64)
        .uses(Thing::MetricRequest, REPLICATION_METRICS * plan.own_buckets().filter_map(Bucket::replica).count() as f64)
        .sends(Thing::LogGb, LOG_LINES * LOG_LINE_BYTES)
        // The look and the judge log in to the primary's Region, the write once more, and the witness twice.
        .sends(Thing::CrossingGb, (3.0 + witnesses) * LOGIN_BYTES);
    for function in WOKEN {
        ledger.page(READINESS, a_month(READINESS_EVERY)).runs(function, 1.0, WAKE);
    }
}
