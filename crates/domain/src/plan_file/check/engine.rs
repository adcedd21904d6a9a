//! What the engine of each Region must be, so that a plan can be applied.

use std::collections::{BTreeMap, BTreeSet};

use super::{super::finding::Finding, traffic::records};
use crate::{
    component::{Bucket, Credential, Identity, Login, SnapshotKind},
    plan::Plan,
    synth::{Language, Place},
    words::id::Region,
};

/// The engine of a Region, as its stack shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineSeen {
    /// The plan language that it understands; `None` where it does not say a number.
    pub language: Option<Language>,
    /// Whether it has all that a plan's stack imports, and not only a witness's probe.
    pub acts: bool,
    /// The account and its partition, as `aws` and `111122223333`.
    pub partition: String,
    /// The account.
    pub account: String,
    /// What its roles are held to: its parameters as they were given.
    pub parameters: BTreeMap<String, String>,
}

/// Finds what the engine of one of a plan's Regions lacks for it; `None` is no engine.
#[must_use]
pub fn check_engine(plan: &Plan, place: Place, region: &Region, engine: Option<&EngineSeen>) -> Vec<Finding> {
    let path = format!("regions.{}", place.name());
    let Some(engine) = engine else {
        let what = format!("there is no engine in {region}");
        return vec![Finding::error(path, what, "Deploy infra/engine.yaml there first, or name another Region.")];
    };
    let needed = Language::needed_by(plan);
    if engine.language.is_none_or(|understood| understood < needed) {
        let understood = engine.language.map_or_else(|| "none".to_owned(), |language| format!("version {language}"));
        let what = format!(
            "the plan needs version {needed} of the plan language, and the engine in {region} understands {understood}"
        );
        return vec![Finding::error(path, what, "Deploy the engine of this release there first.")];
    }
    if place != Place::Witness && !engine.acts {
        let what =
            format!("the engine in {region} lacks what this release imports: it is a witness's, or an older one");
        return vec![Finding::error(path, what, "Deploy the engine of this release there with Place=system.")];
    }
    let mut found = missing(plan, place, region, engine);
    found.extend(users(plan, region, engine));
    found
}

/// What an engine's lists lack: a finding for each list, where the first of it is written.
fn missing(plan: &Plan, place: Place, region: &Region, engine: &EngineSeen) -> Vec<Finding> {
    let lacks = |need: &Need| {
        let given = engine.parameters.get(need.list).map(String::as_str).unwrap_or_default();
        !given.split(',').any(|pattern| matches(pattern.trim(), &need.arn))
    };
    let mut lacking: BTreeMap<&str, Vec<Need>> = BTreeMap::new();
    for need in needs(plan, place, region, engine).into_iter().filter(lacks) {
        lacking.entry(need.list).or_default().push(need);
    }
    let finding = |(list, needs): (&str, Vec<Need>)| {
        let all = |of: fn(&Need) -> &str, between: &str| needs.iter().map(of).collect::<Vec<_>>().join(between);
        let what = format!("the engine in {region} may not reach {}", all(|need| &need.named, ", "));
        let remedy = format!("Add to its parameter {list} there: {}.", all(|need| &need.arn, ","));
        Finding::error(needs[0].path.clone(), what, remedy)
    };
    lacking.into_iter().map(finding).collect()
}

/// What must be in one of an engine's lists.
struct Need {
    path: String,
    list: &'static str,
    arn: String,
    named: String,
}

fn needs(plan: &Plan, place: Place, region: &Region, engine: &EngineSeen) -> Vec<Need> {
    let EngineSeen { partition, account, .. } = engine;
    let mut needs = Vec::new();
    for (index, component) in plan.components.iter().enumerate() {
        let path = |rest: &str| format!("components[{index}].{rest}");
        if let Some(secret) = component.kind().login().and_then(Login::secret) {
            needs.push(Need {
                path: path("login.from.secretsManager.secret"),
                list: "Secrets",
                // AWS puts a hyphen and six letters behind a secret's name.
                arn: format!("arn:{partition}:secretsmanager:{region}:{account}:secret:{secret}-??????"),
                named: format!("the secret `{secret}` in {region}"),
            });
        }
        // What is moved is looked at from both sides; what is only backed up, from where its backups are run.
        let looks = match component.kind().moves() {
            Some(_) => place != Place::Witness,
            None => place == Place::Recovery,
        };
        for Identity { field, side, noun, id } in component.kind().identities().into_iter().filter(|_| looks) {
            let there = plan.region_of(side);
            let (list, arn) = match SnapshotKind::of_noun(noun) {
                Some(kind) => (kind.list(), kind.arn(partition, there.as_str(), account, &id)),
                None if noun == Bucket::NOUN => (Bucket::LIST, Bucket::arn(partition, &id)),
                None => continue,
            };
            needs.push(Need { path: path(field), list, arn, named: format!("`{id}` in {there}") });
        }
    }
    if place != Place::Witness {
        // Each zone once, where it is first named.
        let mut zones = BTreeSet::new();
        for (path, zone, _) in records::placed(plan) {
            if zones.insert(zone.clone()) {
                needs.push(Need {
                    path: format!("{path}.zone"),
                    list: "HostedZones",
                    arn: format!("arn:{partition}:route53:::hostedzone/{zone}"),
                    named: format!("the zone `{zone}`"),
                });
            }
        }
    }
    if place == Place::Recovery {
        needs.extend(plan.notifications.topics.iter().enumerate().map(|(index, topic)| Need {
            path: format!("notifications.topics[{index}]"),
            list: "PlanTopics",
            arn: topic.clone(),
            named: format!("the topic `{topic}`"),
        }));
    }
    needs
}

/// Tokens are signed for one database role of the engine's.
fn users(plan: &Plan, region: &Region, engine: &EngineSeen) -> Vec<Finding> {
    let given = engine.parameters.get("DatabaseUser").map(String::as_str).unwrap_or_default();
    let logins = plan.components.iter().enumerate();
    let logins = logins.filter_map(|(index, component)| Some((index, component.kind().login()?)));
    let wrong = logins.filter_map(|(index, login)| match &login.from {
        Credential::IamToken { user } if user.as_str() != given => {
            let what = format!("the engine in {region} may log in by a token as `{given}`, not as `{user}`");
            let path = format!("components[{index}].login.from.iamToken.user");
            Some(Finding::error(path, what, "Name that role, or set the engine's parameter DatabaseUser."))
        }
        Credential::IamToken { .. } | Credential::SecretsManager { .. } => None,
    });
    wrong.collect()
}

/// Whether an ARN is one of those that a pattern of IAM's names: `*` is any text, `?` one character. What the ARN itself
/// leaves open as `?` is any character too.
fn matches(pattern: &str, arn: &str) -> bool {
    let (pattern, arn): (Vec<char>, Vec<char>) = (pattern.chars().collect(), arn.chars().collect());
    // The furthest star, and how much of the ARN it has taken.
    let (mut at, mut next, mut star) = (0, 0, None);
    while next < arn.len() {
        if at < pattern.len() && pattern[at] == '*' {
            star = Some((at, next));
            at += 1;
        } else if at < pattern.len() && (pattern[at] == arn[next] || pattern[at] == '?') {
            (at, next) = (at + 1, next + 1);
        } else if let Some((from, taken)) = star {
            star = Some((from, taken + 1));
            (at, next) = (from + 1, taken + 1);
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lab() -> Plan {
        crate::plan_file::read(include_str!("../../../../../plans/lab.yaml"), "plans/lab.yaml").unwrap()
    }

    fn engine() -> EngineSeen {
        let parameters = [
            ("Instances", "arn:aws:rds:*:111122223333:db:orders-*"),
            ("HostedZones", "arn:aws:route53:::hostedzone/Z1, arn:aws:route53:::hostedzone/Z00000000000LAB"),
            ("Secrets", "arn:aws:secretsmanager:us-west-2:111122223333:secret:lifeboat/*"),
        ];
        EngineSeen {
            language: Some(Language::CURRENT),
            acts: true,
            partition: "aws".into(),
            account: "111122223333".into(),
            parameters: parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        }
    }

    fn told(plan: &Plan, place: Place, engine: Option<&EngineSeen>) -> Vec<String> {
        let region = "us-west-2".parse().unwrap();
        let found = check_engine(plan, place, &region, engine);
        found.iter().map(|finding| format!("{}: {}. {}", finding.path, finding.what, finding.remedy)).collect()
    }

    #[test]
    fn an_engine_that_is_missing_old_or_only_a_witness_s_is_told_with_its_region() {
        assert_eq!(told(&lab(), Place::Recovery, Some(&engine())), [""; 0]);
        let missing = told(&lab(), Place::Recovery, None);
        assert!(missing[0].starts_with("regions.recovery: there is no engine in us-west-2"), "{missing:?}");
        let old = told(&lab(), Place::Primary, Some(&EngineSeen { language: "0".parse().ok(), ..engine() }));
        let says = "regions.primary: the plan needs version 2 of the plan language, and the engine in us-west-2 understands version 0";
        assert!(old.len() == 1 && old[0].starts_with(says), "{old:?}");
        let witness = EngineSeen { acts: false, ..engine() };
        assert!(told(&lab(), Place::Recovery, Some(&witness))[0].contains("is a witness's"));
        assert_eq!(told(&lab(), Place::Witness, Some(&witness)), [""; 0]);
    }

    #[test]
    fn what_the_engine_s_lists_do_not_name_is_told_with_the_list() {
        let mut narrow = engine();
        narrow.parameters.insert("Instances".into(), "arn:aws:rds:us-east-1:111122223333:db:orders-*".into());
        let found = told(&lab(), Place::Recovery, Some(&narrow));
        let says = "components[0].replica.instance: the engine in us-west-2 may not reach `orders-replica` in us-west-2. Add to its \
                    parameter Instances there: arn:aws:rds:us-west-2:111122223333:db:orders-replica.";
        assert_eq!(found, [says]);
        narrow.parameters.clear();
        let found = told(&lab(), Place::Recovery, Some(&narrow));
        assert_eq!(found.len(), 3, "both instances, a zone, a secret: an empty list is nothing: {found:?}");
        let both = "may not reach `orders-primary` in us-east-1, `orders-replica` in us-west-2";
        assert!(found.iter().any(|finding| finding.contains(both)), "{found:?}");
        assert_eq!(told(&lab(), Place::Witness, Some(&narrow)).len(), 1, "a witness logs in, and touches nothing");
    }

    #[test]
    fn the_recovery_region_s_engine_may_read_how_both_buckets_are_configured() {
        let mut plan = lab();
        let bucket = serde_json::json!({
            "kind": "bucket", "name": "uploads", "primary": "uploads-east", "recovery": "uploads-west", "replicated": true
        });
        plan.components.push(serde_json::from_value(bucket).unwrap());
        let mut engine = engine();
        let says = "components[1].primary: the engine in us-west-2 may not reach `uploads-east` in us-east-1, `uploads-west` \
                    in us-west-2. Add to its parameter Buckets there: arn:aws:s3:::uploads-east,arn:aws:s3:::uploads-west.";
        assert_eq!(told(&plan, Place::Recovery, Some(&engine)), [says]);
        assert_eq!(told(&plan, Place::Primary, Some(&engine)), [""; 0], "nobody looks from there");
        engine.parameters.insert("Buckets".into(), "arn:aws:s3:::uploads-*".into());
        assert_eq!(told(&plan, Place::Recovery, Some(&engine)), [""; 0]);
    }

    #[test]
    fn a_pattern_is_read_as_iam_reads_it() {
        for (pattern, arn, names) in [
            ("a:*", "a:b", true),
            ("a:*-c", "a:b-b-c", true),
            ("a:*-c", "a:b-c-d", false),
            ("a:b-?", "a:b-1", true),
            ("a:b-?", "a:b-12", false),
            ("a:b", "a:b", true),
            ("a:b", "a:bb", false),
            ("", "a", false),
            ("a:s-??????", "a:s-??????", true),
            ("a:s", "a:s-??????", false),
        ] {
            assert_eq!(matches(pattern, arn), names, "{pattern} {arn}");
        }
    }
}
