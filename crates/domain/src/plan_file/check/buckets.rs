//! A bucket's lifecycle, against what was promised of it.

use super::super::finding::Finding;
use crate::{
    component::{Bucket, Component, Lifecycle},
    plan::Plan,
};

pub(super) fn check(plan: &Plan, component: &Component, path: &str, found: &mut Vec<Finding>) {
    let Some(lifecycle) = component.kind().bucket().and_then(Bucket::lifecycle) else { return };
    let path = format!("{path}.store.lifecycle");
    kept(plan, component, lifecycle, &path, found);
    back_in_time(plan, component, lifecycle, &path, found);
}

/// What is deleted earlier than the law or a contract allows.
fn kept(plan: &Plan, component: &Component, lifecycle: &Lifecycle, path: &str, found: &mut Vec<Finding>) {
    let tier = component.kind().tier().and_then(|name| plan.objectives.tier(name));
    let Some((tier, keep)) = tier.and_then(|tier| Some((tier, tier.keep?))) else { return };
    if let Some(expire) = lifecycle.expire.filter(|expire| *expire < keep) {
        let what = format!("objects are deleted after {expire}, and tier `{}` is to keep them for {keep}", tier.name);
        let remedy = format!("Write {keep} or more, or shorten the tier's `keep`.");
        found.push(Finding::warning(format!("{path}.expire"), what, remedy));
    }
}

/// What is archived is not back at once. The slowest stage says it for all.
fn back_in_time(plan: &Plan, component: &Component, lifecycle: &Lifecycle, path: &str, found: &mut Vec<Finding>) {
    let rto = plan.objectives.of(component.kind()).rto;
    let archived = lifecycle.stages().filter_map(|(stage, _)| Some((stage, stage.retrieval()?)));
    if let Some((stage, (from, to))) = archived.last().filter(|(_, (_, to))| *to > rto) {
        let what = format!("an object in {stage} is back within {from} to {to}, and an outage may take {rto}");
        let remedy = "Archive what nobody needs in a recovery, or promise a longer RTO.";
        found.push(Finding::warning(format!("{path}.{}", stage.field()), what, remedy));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::found;

    /// What is found of a bucket with this lifecycle, beside the lab's pair.
    fn told(lifecycle: Value, tier: Value) -> Vec<String> {
        let bucket = json!({
            "kind": "bucket", "name": "logs", "tier": "gold", "primary": "logs-east", "recovery": "logs-west",
            "replicated": true, "store": { "lifecycle": lifecycle },
        });
        let components = json!([super::super::tests::lab()["components"][0], bucket]);
        let all = found(&[("/components", components), ("/objectives/tiers", json!([tier]))]);
        all.into_iter().map(|finding| finding.replace("components[1].store.lifecycle.", "")).collect()
    }

    #[test]
    fn what_is_to_be_kept_is_not_deleted_earlier() {
        let tier = |keep: &str| json!({ "name": "gold", "rto": "48h", "rpo": "1h", "keep": keep });
        for (expire, keep, expected) in
            [("365d", "365d", &[][..]), ("364d", "365d", &["warning: expire"]), ("366d", "365d", &[])]
        {
            assert_eq!(told(json!({ "expire": expire }), tier(keep)), expected, "{expire} for {keep}");
        }
        assert_eq!(told(json!({ "standardIa": "30d" }), tier("365d")), [""; 0], "nothing is deleted");
    }

    #[test]
    fn what_is_archived_is_back_within_the_rto_or_it_is_told() {
        let tier = |rto: &str| json!({ "name": "gold", "rto": rto, "rpo": "1h" });
        let (both, one) = (json!({ "glacier": "30d", "deepArchive": "120d" }), json!({ "glacier": "30d" }));
        for (lifecycle, rto, expected) in [
            (&one, "12h", &[][..]),
            (&one, "11h", &["warning: glacier"]),
            (&both, "48h", &[]),
            (&both, "47h", &["warning: deepArchive"]),
            (&json!({ "standardIa": "30d" }), "1h", &[]),
        ] {
            assert_eq!(told(lifecycle.clone(), tier(rto)), expected, "{lifecycle} for {rto}");
        }
    }
}
