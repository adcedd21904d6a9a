//! What is true now, in sentences, by what a run's steps answered: for the person who is called.

use crate::{
    component::PostgresPair,
    failover::run::Run,
    record::evidence::Record,
    run::step::{Outcome, Step},
    state_machine::StateName,
    words::id::HostName,
};

/// What is true now, as far as the run saw it. A plan without a pair never opens a run.
#[must_use]
pub fn standing(record: &Record, run: &Run) -> Option<String> {
    let pair = run.pair()?;
    let moved = promoted(record, pair);
    let traffic = match (&record.traffic, record.promotion.is_some()) {
        (Some(step), _) if step.step == Outcome::Done => {
            format!(
                "`{}` leads to `{}`{}",
                run.plan.traffic.record.name,
                pair.replica.endpoint,
                application(record, run)
            )
        }
        (Some(Step { did: Some(switch), .. }), _) if switch.seen_at.is_some() => {
            format!("`{}` leads to `{}`{}", run.plan.traffic.record.name, switch.target, application(record, run))
        }
        (Some(Step { did: Some(switch), .. }), _) if !run.plan.traffic.records.is_empty() => {
            format!(
                "`{}` was set to lead to `{}`{}",
                run.plan.traffic.record.name,
                switch.target,
                application(record, run)
            )
        }
        (Some(_), _) => format!("`{}` may still lead to the old primary", run.plan.traffic.record.name),
        (None, true) => format!("`{}` was not moved by this run", run.plan.traffic.record.name),
        (None, false) => return Some(format!("{moved}. {}.", fenced(record, pair))),
    };
    Some(format!("{moved}. {traffic}. {}.", fenced(record, pair)))
}

/// The application's names, where there are any: those that were not seen to be moved too.
fn application(record: &Record, run: &Run) -> String {
    let names = record.traffic.as_ref().and_then(|step| step.did.as_ref()).map(|switch| switch.names.as_slice());
    let was_seen =
        |name: &HostName| names.unwrap_or_default().iter().any(|moved| moved.name == *name && moved.seen_at.is_some());
    let told = run.plan.traffic.application().map(|name| match was_seen(&name.name) {
        true => format!(", `{}` to `{}`", name.name, name.recovery),
        false => format!(", `{}` may still lead to `{}`", name.name, name.primary),
    });
    told.collect()
}

fn promoted(record: &Record, pair: &PostgresPair) -> String {
    let replica = &pair.replica.instance;
    let failed = record.error.as_ref().is_some_and(|error| error.state == StateName::PromoteReplica);
    match record.promotion.as_ref().map(|step| step.step) {
        Some(Outcome::Done) => format!("`{replica}` is the primary and has committed a write"),
        Some(Outcome::Pending) => format!("RDS was asked to promote `{replica}`, which may or may not take writes"),
        Some(Outcome::Refused) => format!("`{replica}` was not promoted"),
        None if failed => format!("`{replica}` may or may not have been promoted"),
        None => format!("`{replica}` was not promoted"),
    }
}

fn fenced(record: &Record, pair: &PostgresPair) -> String {
    let primary = &pair.primary.instance;
    let ended_in = |state: StateName| record.error.as_ref().is_some_and(|error| error.state == state);
    if record.undo.as_ref().is_some_and(|step| step.step == Outcome::Done) {
        return format!("`{primary}` was seen open to the application again");
    }
    if record.undo.is_some() || ended_in(StateName::UndoFencePrimary) {
        return format!("`{primary}` may still refuse the application: it was not seen open again");
    }
    let drained = record.drain.as_ref().is_some_and(|step| step.did.is_some());
    match &record.fencing {
        None if drained => format!("`{primary}` refuses the application: its roles have no login"),
        None if ended_in(StateName::DrainPrimary) || ended_in(StateName::FencePrimary) => {
            format!("`{primary}` may refuse the application: it was being shut")
        }
        None => format!("`{primary}` is as open to the application as it was"),
        Some(fencing) => match fencing.did.as_ref().map(|did| did.fenced) {
            Some(true) => format!("`{primary}` refuses the application's writes, or will when it returns"),
            Some(false) | None => format!("`{primary}` may still take writes: it was not seen to refuse them"),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn closing() -> (Record, Run) {
        let event: Value = serde_json::from_str(include_str!("../../../../events/close-run.json")).unwrap();
        let read = |name: &str| event[name].clone();
        (serde_json::from_value(read("record")).unwrap(), serde_json::from_value(read("run")).unwrap())
    }

    #[test]
    fn a_run_that_could_not_move_traffic_says_who_is_primary_and_where_clients_go() {
        let (mut record, run) = closing();
        record.traffic = None;
        let told = standing(&record, &run).unwrap();
        assert!(told.contains("`orders-replica` is the primary and has committed a write"), "{told}");
        assert!(told.contains("was not moved by this run"), "{told}");
    }

    #[test]
    fn a_promotion_that_ended_with_an_error_is_neither_said_to_be_done_nor_not() {
        let (mut record, run) = closing();
        let error = json!({ "state": "PromoteReplica", "error": "AwsDenied", "cause": "no" });
        (record.promotion, record.traffic) = (None, None);
        record.error = serde_json::from_value(error).unwrap();
        assert!(standing(&record, &run).unwrap().contains("may or may not have been promoted"));
    }

    #[test]
    fn what_was_not_fenced_is_said_to_be_open() {
        let (mut record, run) = closing();
        let fencing = |fenced: bool| {
            let did = json!({ "fenced": fenced, "network": "holds", "database": "holds", "rolesAsked": true, "endsAt": null });
            json!({ "step": "Done", "because": "", "seen": null, "did": did })
        };
        for (fencing, says) in [
            (fencing(false), "may still take writes"),
            (fencing(true), "refuses the application's writes"),
            (Value::Null, "as open to the application as it was"),
        ] {
            record.fencing = serde_json::from_value(fencing).unwrap();
            let told = standing(&record, &run).unwrap();
            assert!(told.contains(says), "{told}");
        }
    }

    #[test]
    fn the_application_s_names_are_told_as_they_were_seen() {
        let (mut record, mut run) = closing();
        let moved = |name: &str, seen: Value| json!({ "name": name, "from": { "address": "192.0.2.1" }, "to": { "address": "192.0.2.2" }, "seenAt": seen });
        let names = ["www.shop.test", "api.shop.test", "img.shop.test"];
        let records = names.map(|name| {
            json!({ "type": "a", "zone": "Z2", "name": name, "primary": "192.0.2.1", "recovery": "192.0.2.2", "ttl": "60s" })
        });
        run.plan.traffic.records = serde_json::from_value(json!(records)).unwrap();
        let traffic = |step: &str| {
            let names = [moved(names[0], json!("2026-01-15T09:30:07Z")), moved(names[1], Value::Null)];
            let did = json!({ "change": "C1 -", "target": run.pair().unwrap().replica.endpoint, "names": names });
            serde_json::from_value(json!({ "step": step, "because": "", "seen": null, "did": did })).unwrap()
        };
        for (step, says) in [("Done", "leads to"), ("Refused", "was set to lead to"), ("Pending", "was set to lead to")]
        {
            record.traffic = traffic(step);
            let told = standing(&record, &run).unwrap();
            for part in
                [says, "`www.shop.test` to `192.0.2.2`", "`api.shop.test` may still", "`img.shop.test` may still"]
            {
                assert!(told.contains(part), "{step}: {told}");
            }
        }
    }

    /// The record of a switchover that drained its primary.
    fn drained() -> (Record, Run) {
        let (record, run) = closing();
        let drain = json!({ "step": "Done", "because": "", "seen": null,
            "did": { "lsn": "0/10", "replayed": "0/10", "at": "2026-01-15T09:30:00Z" } });
        let record = Record { drain: serde_json::from_value(drain).unwrap(), fencing: None, promotion: None, ..record };
        (Record { traffic: None, judgement: None, ..record }, run)
    }

    #[test]
    fn a_drained_primary_is_not_said_to_be_open() {
        let (mut record, run) = drained();
        for state in ["PromoteReplica", "DnsSwitch"] {
            let error = json!({ "state": state, "error": "AwsDenied", "cause": "no" });
            record.error = serde_json::from_value(error).unwrap();
            let told = standing(&record, &run).unwrap();
            assert!(told.contains("`orders-primary` refuses the application"), "{told}");
        }
    }

    #[test]
    fn a_primary_is_said_to_be_open_again_only_where_it_was_seen_to_be() {
        let (mut record, run) = drained();
        let undone = |step: &str| json!({ "step": step, "because": "", "seen": null, "did": null });
        for (undo, error, says) in [
            (undone("Done"), Value::Null, "was seen open to the application again"),
            (undone("Refused"), Value::Null, "may still refuse the application"),
            (
                Value::Null,
                json!({ "state": "UndoFencePrimary", "error": "AwsTransient", "cause": "no" }),
                "may still refuse",
            ),
        ] {
            record.undo = serde_json::from_value(undo).unwrap();
            record.error = serde_json::from_value(error).unwrap();
            let told = standing(&record, &run).unwrap();
            assert!(told.contains(says), "{told}");
        }
    }
}
