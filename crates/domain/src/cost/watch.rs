//! What goes on each minute: the watch of the primary, the guard and the starter, as their functions do it while all is
//! well. What is counted is what the functions call; a constant says each count with its reason.

use super::{
    deployment::a_month,
    ledger::{Ledger, Thing},
};
use crate::{
    component::{Credential, Login, PostgresPair, Tls},
    plan::{PairPlan, Probe},
    synth,
    watch::probe::{EVERY, LEAD, LOGIN_EVERY, WELL_TOLD_EVERY},
    words::time_span::TimeSpan,
};

const WATCH: &str = "the watch";

/// Enters the watch.
pub(super) fn enter(plan: &PairPlan, pair: &PostgresPair, ledger: &mut Ledger) {
    // ConsecutiveFailures has a value in each hour.
    ledger.there(WATCH, Thing::Metric, 1.0);
    if synth::watches_the_lag(plan) {
        // Each minute a login of the replica, which is in this Region, and a value of a metric of its own.
        ledger.there(WATCH, Thing::Metric, 1.0);
        ledger.page(WATCH, a_month(EVERY)).uses(Thing::MetricRequest, 1.0);
    }
    // Lambda asks the queue also where nobody naps.
    ledger.page("the queue's pollers", a_month(POLL_EVERY)).uses(Thing::QueueRequest, POLLERS);
    if plan.probe.naps() {
        by_sample(plan, pair, ledger);
    } else {
        awake(plan, pair, ledger);
    }
}

/// What a window reads once: the plan, the claims when it begins and when it asks for its relief, the lease, and what the
/// window before has written down, twice: when it begins and with its first sample.
const WINDOW_READS: f64 = 6.0;

/// What it writes once: its claim.
const WINDOW_WRITES: f64 = 1.0;

/// How long a window is awake, in this estimate: its minute and its lead. One that nobody relieves stays longer.
const WINDOW: TimeSpan = TimeSpan::seconds(EVERY.duration().as_secs() + LEAD.duration().as_secs());

/// How often a window writes a healthy primary's position down: at its end, and as often as it has to before. Whoever writes
/// down reads first what is there.
fn notes(probe: &Probe) -> f64 {
    ratio(EVERY, probe.noted_every()).ceil()
}

fn awake(plan: &PairPlan, pair: &PostgresPair, ledger: &mut Ledger) {
    let notes = notes(&plan.probe);
    ledger
        .page(WATCH, a_month(EVERY))
        .runs("health-probe", 1.0, WINDOW)
        .uses(Thing::Get, WINDOW_READS + notes)
        .uses(Thing::Put, WINDOW_WRITES + notes)
        .uses(Thing::MetricRequest, ratio(EVERY, WELL_TOLD_EVERY));
    // Windows overlap, so that two environments take turns, and each keeps the credential for itself.
    let turn = EVERY.times(2);
    read_logins(pair, turn, 2.0, ledger);
    let interval = plan.probe.interval;
    ledger.page(WATCH, a_month(interval)).sends(Thing::CrossingGb, SAMPLE_BYTES);
    ledger.page(WATCH, a_month(interval.max(LOGIN_EVERY))).sends(Thing::CrossingGb, LOGIN_BYTES);
}

/// How long an invocation takes that is one sample: it is woken 0.5 s sooner than it is needed, and half a second more on
/// average, for the queue counts in seconds; then a login from another Region, and what it tells.
const SAMPLE: TimeSpan = TimeSpan::milliseconds(1_400);

/// How long an invocation takes that claims a window: half a second; and the second that the window's first sample takes longer
/// than any other, for it reads where the watch stands.
const CLAIM: TimeSpan = TimeSpan::milliseconds(1_500);

/// What a window reads that naps: what an awake one does, and what the window before has written down once more, at its start.
const NAPPER_READS: f64 = WINDOW_READS + 1.0;

/// What a message costs: to leave it, to hand it out, and to let it go.
const MESSAGE_REQUESTS: f64 = 3.0;

/// How Lambda asks a queue whether there is a message: with so many pollers where there are few, each once in so long.
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html>
const POLLERS: f64 = 2.0;
const POLL_EVERY: TimeSpan = TimeSpan::seconds(20);

fn by_sample(plan: &PairPlan, pair: &PostgresPair, ledger: &mut Ledger) {
    let interval = plan.probe.interval;
    // Its start leaves one message, and each sample but the last the next.
    ledger
        .page(WATCH, a_month(EVERY))
        .runs("health-probe", 1.0, CLAIM)
        .uses(Thing::Get, NAPPER_READS + notes(&plan.probe))
        .uses(Thing::Put, WINDOW_WRITES + notes(&plan.probe))
        .uses(Thing::MetricRequest, ratio(EVERY, WELL_TOLD_EVERY));
    ledger
        .page(WATCH, a_month(interval))
        .runs("health-probe", 1.0, SAMPLE)
        .uses(Thing::QueueRequest, MESSAGE_REQUESTS)
        .sends(Thing::CrossingGb, SAMPLE_BYTES + LOGIN_BYTES);
    read_logins(pair, interval, 1.0, ledger);
}

/// What a sample over a session sends and is sent. Measured: 131 and 147 bytes, and three packets' headers of 52.
const SAMPLE_BYTES: f64 = 450.0;

/// What a login sends and is sent: TCP and TLS with the server's certificates, the start-up and the password's proof.
/// Measured: 3,300 bytes in the lab, whose chain of certificates is some 3,000 shorter than that of RDS.
pub(super) const LOGIN_BYTES: f64 = 6_500.0;

/// The credential is read again by the first turn that finds it too old, in each environment.
fn read_logins(pair: &PostgresPair, turn: TimeSpan, environments: f64, ledger: &mut Ledger) {
    let turns = ratio(Credential::KEPT, turn).ceil().max(1.0);
    let reads = environments * reads_of_login(&pair.login);
    ledger.page(WATCH, a_month(turn) / turns).uses(Thing::SecretRequest, reads);
}

/// How often Secrets Manager is asked for one login: never where it is a token, which is signed and not read.
pub(super) fn reads_of_login(login: &Login) -> f64 {
    match login.from {
        Credential::SecretsManager { .. } => 1.0,
        Credential::IamToken { .. } => 0.0,
    }
}

/// How often S3 is asked for the certificate authorities by an environment that is new.
pub(super) fn reads_of_authorities(pair: &PostgresPair) -> f64 {
    match pair.login.tls {
        Tls::VerifyFull => 1.0,
        Tls::Disable => 0.0,
    }
}

/// A function that is started each minute, reads some objects of the Region's bucket and ends.
const A_LOOK: TimeSpan = TimeSpan::milliseconds(200);

/// What the guard reads: the lease, once for the database and once for the network.
const GUARD_READS: f64 = 2.0;

/// What the starter reads: the plan, the lease and the watch.
const STARTER_READS: f64 = 3.0;

/// Enters the guard and the starter, which find nothing to do.
pub(super) fn enter_guard_and_starter(ledger: &mut Ledger) {
    ledger.page("the guard", a_month(EVERY)).runs("guard-primary", 1.0, A_LOOK).uses(Thing::Get, GUARD_READS);
    ledger.page("the starter", a_month(EVERY)).runs("start-failover", 1.0, A_LOOK).uses(Thing::Get, STARTER_READS);
}

fn ratio(of: TimeSpan, to: TimeSpan) -> f64 {
    of.as_seconds() / to.as_seconds()
}
