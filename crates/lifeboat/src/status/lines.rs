//! What is true of a plan, in a line each.

use domain::{
    component::ActiveSide,
    failover::{
        judgement::{Rehearsal, Would},
        lease::{Lease, Phase},
        starter::Arming,
        succession::Owner,
    },
    watch::probe::{Streak, Watch},
    words::time_span::TimeSpan,
};

use jiff::Timestamp;

use super::{Record, Resolved, Status, Waiting};

/// The status of an execution that Step Functions no longer knows, in [`Owner::Gone`].
const FORGOTTEN: &str = "forgotten";

const UNWATCHED: &str = "NOT watched: no failover starts by itself:";

const SILENT: &str = "RUNBOOK.md, \"The probe is silent\"";

impl Status {
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.is_asked_where_it_is_decided() {
            lines.push(format!(
                "NOT the Region to ask: plan `{0}` is recovered from {1}, and the engine in {2} starts no failover of it. \
                 Ask there: lifeboat status {0} --region {1}",
                self.plan, self.recovery_region, self.region
            ));
        }
        lines.push(format!("{}: {} (looked at from {})", self.plan, self.summary, self.region));
        let mut tell = |name: &str, text: String| lines.push(format!("  {name:<10} {text}"));
        tell("armed", self.armed());
        tell("primary", self.primary());
        tell("traffic", self.leads(&self.record));
        for name in &self.records {
            tell("with it", self.leads(name));
        }
        for resolved in &self.resolvers {
            tell("resolver", self.resolved(resolved));
        }
        if let Some(old) = self.old_primary() {
            tell("old side", old);
        }
        tell("replica", self.replication());
        tell("lease", self.holder());
        if let Some(asked) = self.approval() {
            tell("approval", asked);
        }
        tell("last run", self.last());
        tell("watch", self.watched());
        for seen in &self.health {
            tell("health", seen.line(self.looked_at));
        }
        if let Some(together) = super::health::across(&self.health) {
            tell("health", together);
        }
        if let Some(seen) = &self.points_in_time {
            tell("points", seen.line(self.looked_at));
        }
        let (label, rehearsed) = self.rehearsed();
        tell(label, rehearsed);
        for why in &self.unreadable.others {
            tell("UNREADABLE", why.clone());
        }
        lines
    }

    fn old_primary(&self) -> Option<String> {
        let lease = self.lease.as_ref()?;
        if let Some(guard) = &lease.guard {
            return Some(format!(
                "NOT seen to refuse writes yet: guarded since {} (generation {})",
                guard.since, guard.generation
            ));
        }
        match (&self.kept, lease.active) {
            (Some(kept), _) if kept.taken_over.is_some() => Some(format!("NOT guarded: {}", kept.because)),
            (Some(kept), _) => Some(format!("fenced: {}", kept.because)),
            (None, ActiveSide::Replica) => Some("refuses writes, as the last run's record says".into()),
            (None, ActiveSide::Primary) => None,
        }
    }

    fn replication(&self) -> String {
        match &self.rehearsal {
            Ok(rehearsal) => rehearsal.replication.clone(),
            Err(why) => format!("unknown: the judge could not be asked: {why}"),
        }
    }

    /// What a death would lead to; or what a failover would, where the primary is dead.
    fn rehearsed(&self) -> (&'static str, String) {
        let failing = self.failing();
        let label = if failing.is_some() { "now" } else { "if it died" };
        let since = failing.map_or_else(String::new, |streak| {
            format!(
                "failing since {}, for {}: ",
                streak.since,
                TimeSpan::between(streak.since, self.looked_at).roughly()
            )
        });
        (label, format!("{since}{}", self.verdict(failing.is_some())))
    }

    fn verdict(&self, failing: bool) -> String {
        if matches!(self.owner, Some(Owner::Running)) {
            return "the run that holds the lease decides".into();
        }
        let Rehearsal { verdict, because, .. } = match &self.rehearsal {
            Ok(rehearsal) => rehearsal,
            Err(why) => return format!("unknown: the judge could not be asked: {why}"),
        };
        let Arming { armed, because: why } = self.standing();
        match (verdict, armed) {
            (Would::Refuse, _) => format!("NO failover: {because}"),
            (Would::FailOver | Would::AskAPerson, false) => {
                format!("NO failover by itself: {why}. Ordered by hand ({}), it would be done: {because}", self.order())
            }
            (Would::AskAPerson, true) => format!("a person would be asked: {because}"),
            (Would::FailOver, true) if failing => {
                format!("it fails over by itself if it goes on, and at once by hand ({}): {because}", self.order())
            }
            (Would::FailOver, true) => format!("it would fail over by itself: {because}"),
        }
    }

    fn order(&self) -> String {
        format!("lifeboat failover --plan {} --region {} --by YOU --why REASON", self.plan, self.recovery_region)
    }

    /// The failures in a row, if the side that takes writes is watched and fails now.
    fn failing(&self) -> Option<&Streak> {
        let watch = self.watch.as_ref().filter(|watch| self.goes_on(watch))?;
        let is_of_it = watch.instance.is_none() || self.active.is_none() || watch.instance == self.active;
        watch.failing.as_ref().filter(|_| is_of_it)
    }

    fn armed(&self) -> String {
        let Arming { armed, because } = self.standing();
        format!("{}armed: {because}", if armed { "" } else { "NOT " })
    }

    /// Whether the watch is running: one that wrote nothing for long is not.
    fn goes_on(&self, watch: &Watch) -> bool {
        watch.goes_on(self.looked_at, &self.whole_plan.probe)
    }

    fn primary(&self) -> String {
        match &self.lease {
            None if self.unreadable.lease.is_some() => "unknown: the lease that says so cannot be read".into(),
            None => "the plan's primary; no run has ever been opened".into(),
            Some(Lease { active: ActiveSide::Primary, generation, .. }) => {
                format!("the plan's primary, generation {generation}")
            }
            Some(Lease { active: ActiveSide::Replica, generation, .. }) => {
                format!(
                    "the plan's replica, promoted; generation {generation}. Restore replication: a second failover is refused until then"
                )
            }
        }
    }

    fn leads(&self, record: &Record) -> String {
        let Record { name, target, side, because } = record;
        let active = self.lease.as_ref().map_or(ActiveSide::Primary, |lease| lease.active);
        match (target, side) {
            (Some(target), Some(side)) if self.unreadable.lease.is_some() => {
                let which = match side {
                    ActiveSide::Primary => "primary",
                    ActiveSide::Replica => "replica",
                };
                format!("{name} -> {target}, the plan's {which}")
            }
            (Some(target), Some(side)) if *side == active => format!("{name} -> {target}, where the primary is"),
            (Some(target), Some(_)) => {
                format!("{name} -> {target}, NOT where the primary is: RUNBOOK.md, \"Finishing a DNS switch by hand\"")
            }
            (Some(target), None) => format!("{name} -> {target}, which is neither side of the plan"),
            (None, _) => because.clone().unwrap_or_else(|| format!("{name} points nowhere")),
        }
    }

    /// What a resolver answers. An old answer in its cache is nobody's to mend.
    fn resolved(&self, Resolved { resolver, record }: &Resolved) -> String {
        let Record { name, target, side, because } = record;
        let active = self.lease.as_ref().map_or(ActiveSide::Primary, |lease| lease.active);
        match (target, side) {
            (Some(target), Some(side)) if self.unreadable.lease.is_some() || *side == active => {
                format!("{resolver}: {name} -> {target}")
            }
            (Some(target), Some(_)) => format!(
                "{resolver}: {name} -> {target}, NOT where the primary is: it keeps an old answer, for the record's TTL as a rule"
            ),
            (Some(target), None) => format!("{resolver}: {name} -> {target}, which is neither side of the plan"),
            (None, _) => {
                format!("{resolver}: does not answer for {name}: {}", because.as_deref().unwrap_or("it says nothing"))
            }
        }
    }

    fn holder(&self) -> String {
        if let Some(why) = &self.unreadable.lease {
            return format!("UNREADABLE: {why}");
        }
        let Some(lease) = &self.lease else { return "free".into() };
        let Some(holder) = &lease.holder else {
            return match (&lease.unfinished, &lease.shut) {
                (None, None) => "free".into(),
                (None, Some(shut)) => format!(
                    "free, but run `{}` left `{}` SHUT: `lifeboat failover` opens it, or fails over where it is dead",
                    shut.execution.name(),
                    shut.target.side.instance
                ),
                (Some(left), _) => format!(
                    "free, but run `{}` stopped past its point of no return: `lifeboat failover` finishes it",
                    left.execution.name()
                ),
            };
        };
        let (name, since) = (holder.execution.name(), holder.since);
        let (phase, goes_on) = match holder.phase {
            Phase::Opened => ("before the point of no return", "begins anew"),
            Phase::Promoting => ("past the point of no return", "finishes it"),
        };
        match &self.owner {
            Some(Owner::Running) => format!("held by run `{name}`, which still runs, since {since}, {phase}"),
            Some(Owner::Gone { status: how, .. }) => {
                let how = if how == FORGOTTEN { "long ago".to_owned() } else { format!("as {how}") };
                format!(
                    "run `{name}` ended {how} without releasing it, {phase}: the next run takes it over and {goes_on}"
                )
            }
            Some(Owner::Unknown(why)) => format!(
                "held by run `{name}` since {since}, {phase}; whether it still runs could NOT be asked, and until it can \
                 every other run is refused: {why}"
            ),
            None => format!("held by run `{name}` since {since}, {phase}"),
        }
    }

    /// What a run asks a person, and how it is answered.
    fn approval(&self) -> Option<String> {
        let Waiting { because, deadline } = self.waits_for.as_ref()?;
        let holder = self.lease.as_ref()?.holder.as_ref()?;
        let until = deadline.map_or("until the plan's approvalDeadline".to_owned(), |deadline| {
            let left = if deadline > self.looked_at {
                TimeSpan::between(self.looked_at, deadline).roughly()
            } else {
                "no time".into()
            };
            format!("until {deadline} ({left} left)")
        });
        let (run, plan, region) = (holder.execution.name(), &self.plan, &self.region);
        Some(format!(
            "A PERSON IS ASKED {until}: {because}. Answer: lifeboat approve {run} --plan {plan} --region {region} --by YOU \
             --why REASON (or the same with --deny)"
        ))
    }

    fn last(&self) -> String {
        if self.unreadable.lease.is_some() {
            return "unknown: the lease names it".into();
        }
        let Some(last) = self.lease.as_ref().and_then(|lease| lease.last.as_ref()) else { return "none".into() };
        let outcome = last.outcome.headline();
        let because = self.last_run.as_ref().map_or("its evidence is missing", |evidence| evidence.because.as_str());
        format!("`{}` at {}: {outcome}: {because}", last.execution.name(), last.at)
    }

    fn watched(&self) -> String {
        let newest = self.watch.as_ref().and_then(newest);
        let Some((watch, newest)) = self.watch.as_ref().zip(newest) else {
            return format!("{UNWATCHED} no sample could tell yet. {SILENT}");
        };
        if !self.goes_on(watch) {
            let age = TimeSpan::between(newest, self.looked_at).roughly();
            return format!("{UNWATCHED} the newest sample that could tell is {age} old, of {newest}. {SILENT}");
        }
        if let (Some(watched), Some(active)) = (&watch.instance, &self.active)
            && watched != active
        {
            return format!(
                "NOT ONE SAMPLE of `{active}` could tell yet, `{watched}` was watched before. A new plan is taken up within \
                 125 s, a failover at once; after that, look at the endpoint"
            );
        }
        let seen = watch
            .last_seen
            .map_or("never seen to answer".into(), |seen| format!("last answered at {} ({})", seen.at, seen.lsn));
        match &watch.failing {
            Some(streak) => {
                format!("FAILING since {}, {} in a row: {}; {seen}", streak.since, streak.failures, streak.because)
            }
            None => format!("healthy; {seen}"),
        }
    }
}

/// The newest sample that could tell.
fn newest(watch: &Watch) -> Option<Timestamp> {
    let failed = watch.failing.as_ref().map(|streak| streak.until);
    watch.last_seen.map(|seen| seen.at).into_iter().chain(failed).max()
}
