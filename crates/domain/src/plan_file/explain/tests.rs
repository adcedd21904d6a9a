//! What follows from a plan's numbers, and what is asked of people.

use serde_json::{Value, json};

use super::*;
use crate::plan_file::read;

fn lab() -> Value {
    let text = include_str!("../../../../../plans/lab.yaml");
    serde_json::to_value(read(text, "plans/lab.yaml").unwrap()).unwrap()
}

fn explained(change: impl Fn(&mut Value)) -> Explanation {
    let mut plan = lab();
    change(&mut plan);
    let assumed = Assumed { promotion: TimeSpan::seconds(300), today: "2027-01-31".parse().unwrap() };
    explain(&serde_json::from_value(plan).unwrap(), &assumed)
}

/// The lab's plan with a cluster that is backed up once a day.
fn with_a_cluster(plan: &mut Value) {
    let reports = json!({"kind": "cluster", "name": "reports", "engine": "aurora-postgresql", "primary": "reports-1"});
    plan["components"].as_array_mut().unwrap().push(reports);
    plan["backups"][0]["components"] = json!(["orders", "reports"]);
}

#[test]
fn a_pair_s_worst_outage_is_what_its_slowest_answer_takes() {
    let outage = |policy: &str| {
        let explanation = explained(|plan| plan["failover"]["policy"]["zone"] = json!(policy));
        explanation.worst[0].rto.clone()
    };
    let plan: Plan = serde_json::from_value(lab()).unwrap();
    // CloudWatch's period and RDS's promotion.
    let by_itself = plan.detection() + TimeSpan::seconds(10) + TimeSpan::seconds(300) + plan.traffic[0].record.ttl;
    assert_eq!(
        (outage("automatic").at_worst, outage("automatic").met),
        (Some(by_itself), Some(false)),
        "30 s are promised"
    );
    assert_eq!(outage("approval").at_worst, Some(by_itself + plan.failover.approval_deadline));
    assert_eq!((outage("never").at_worst, outage("never").met), (None, None), "nothing recovers it by itself");
}

#[test]
fn a_class_that_has_to_last_longer_is_on_the_page_and_the_slowest_is_the_worst() {
    let explanation = explained(|plan| plan["failover"]["after"] = json!({"region": "5m", "database": "2m"}));
    let plan: Plan = serde_json::from_value(lab()).unwrap();
    let rto = &explanation.worst[0].rto;
    // Half a second until the first sample fails.
    let slowest = TimeSpan::milliseconds(300_500) + TimeSpan::seconds(310) + plan.traffic[0].record.ttl;
    assert_eq!(rto.at_worst, Some(slowest));
    assert!(rto.because.contains("as long as the plan wants of class region"), "{}", rto.because);
    let said = |class: &str| &explanation.answers.iter().find(|answer| answer.class == class).unwrap().answer;
    assert_eq!(said("Region"), "failed over by itself, once it has lasted 5m");
    assert_eq!(said("zone"), "failed over by itself");
}

#[test]
fn a_pair_s_worst_loss_is_the_budget_and_what_nobody_saw() {
    let plan: Plan = serde_json::from_value(lab()).unwrap();
    let loss = explained(|_| {}).worst[0].rpo.clone();
    assert_eq!((loss.at_worst, loss.met), (Some(TimeSpan::seconds(2) + plan.detection()), Some(true)));
}

#[test]
fn what_only_backups_hold_is_lost_back_to_the_last_one() {
    let explanation = explained(with_a_cluster);
    let worst = &explanation.worst[1];
    assert_eq!(worst.rpo.at_worst, Some(TimeSpan::seconds(24 * 3_600)));
    assert_eq!((worst.rto.at_worst, worst.rto.met), (None, None), "nobody knows how long a person takes");
    assert!(
        explanation.questions.iter().any(|asked| asked.contains("`reports` by hand")),
        "{:?}",
        explanation.questions
    );
}

#[test]
fn a_tier_is_kept_by_all_of_its_components_or_it_is_said_by_which_it_is_not() {
    let kept = |rto: &str, rpo: &str| {
        let explanation = explained(|plan| {
            plan["objectives"]["tiers"] = json!([{"name": "gold", "rto": rto, "rpo": rpo}]);
            plan["components"][0]["tier"] = json!("gold");
        });
        explanation.tiers[0].broken_by.len()
    };
    assert_eq!((kept("10m", "5s"), kept("10m", "3s"), kept("1m", "5s")), (0, 1, 1));
}

#[test]
fn what_is_lost_with_the_primary_region_is_said_of_each_component() {
    let without = |region: &str, copies: Value| {
        let explanation = explained(|plan| {
            with_a_cluster(plan);
            plan["backups"][0]["copies"] = copies.clone();
        });
        let gone = explanation.regions.iter().find(|gone| gone.region.as_str() == region).unwrap();
        gone.then.join("\n")
    };
    let copied = without("us-east-1", lab()["backups"][0]["copies"].clone());
    assert!(copied.contains("`orders` is failed over to us-west-2"), "{copied}");
    assert!(copied.contains("`reports` is lost but for the copies"), "{copied}");
    let uncopied = without("us-east-1", json!([]));
    assert!(uncopied.contains("**`reports` is lost, and its backups with it**"), "{uncopied}");
    assert!(uncopied.contains("**the backups of `daily` lie nowhere else**"), "{uncopied}");
}

#[test]
fn a_plan_that_was_to_be_reviewed_is_told_from_the_day_after() {
    let objects = |by: &str| {
        let explanation = explained(|plan| {
            plan["owner"] = json!("anna");
            plan["reviewBy"] = json!(by);
        });
        explanation.objections.iter().any(|finding| finding.path == "reviewBy")
    };
    assert_eq!((objects("2027-01-30"), objects("2027-01-31")), (true, false), "today is the 31st");
}

#[test]
fn a_tier_that_nothing_belongs_to_is_asked_about() {
    let explanation = explained(|plan| {
        plan["objectives"]["tiers"] = json!([{"name": "low", "rto": "24h", "rpo": "4h", "services": ["Archive"]}]);
    });
    assert!(
        explanation.questions.iter().any(|asked| asked.contains("tier `low` (Archive)")),
        "{:?}",
        explanation.questions
    );
    let page = explanation.markdown();
    assert!(page.contains("| `low` | 1d | 4h | — | — | Archive | not known: no component is of it |"), "{page}");
}

/// The lab's plan with a bucket, a service that is checked and one that is not.
fn with_others(plan: &mut Value) {
    plan["objectives"]["tiers"] = json!([{"name": "gold", "rto": "10m", "rpo": "5s"}]);
    let others = [
        json!({"kind": "bucket", "name": "uploads", "primary": "uploads-a", "recovery": "uploads-b", "replicated": true}),
        json!({"kind": "bucket", "name": "logs", "primary": "logs-a", "store": {"lifecycle": {"standardIa": "30d", "expire": "90d"}}}),
        json!({"kind": "service", "name": "shop", "tier": "gold", "checks": ["orders can be read"]}),
        json!({"kind": "service", "name": "reports", "tier": "gold"}),
    ];
    plan["components"].as_array_mut().unwrap().extend(others);
}

#[test]
fn a_service_is_asked_about_what_tells_that_it_works_and_what_holds_its_data() {
    let explanation = explained(with_others);
    let asked = "What tells that `reports` works as tier `gold` promises? No check is named for it.";
    let about = |name: &str| explanation.questions.iter().filter(|asked| asked.contains(name)).collect::<Vec<_>>();
    let data = "Which components hold the data of `shop`, `reports`? A service has no backup of its own.";
    assert_eq!(about("`reports`"), [asked, data]);
    assert_eq!(about("`shop`"), [data]);
    assert_eq!(about("by hand"), [""; 0], "there is no backup to restore");
    assert_eq!(about("`uploads`").len(), 1);
    let objections: Vec<&str> = explanation.objections.iter().map(|finding| finding.path.as_str()).collect();
    assert_eq!(objections, ["components[2]"], "the bucket that lies in one Region");
}

#[test]
fn what_becomes_of_buckets_and_services_is_said() {
    let explanation = explained(with_others);
    let page = explanation.markdown();
    for said in [
        "| `uploads` | bucket | — | bucket uploads-a | bucket uploads-b | stays; its recovery side is moved by hand |",
        "| `logs` | bucket | — | bucket logs-a | none | stays; nothing else has what it holds |",
        "| `shop` | service | `gold` | none | none | checked afterwards |",
        "| `reports` | service | `gold` | none | none | nothing is done for it |",
        "`uploads` has a side in us-west-2, which a person puts in its place",
        "**`logs` is lost: nothing else has what it holds**",
        "`shop`, `reports` are out until they run in us-west-2",
        "- An object of `logs` is STANDARD_IA after 30d, deleted after 90d.",
    ] {
        assert!(page.contains(said), "{said}:\n{page}");
    }
}

#[test]
fn what_is_the_same_for_several_is_said_once() {
    let explanation = explained(|plan| {
        with_others(plan);
        let more =
            json!({"kind": "bucket", "name": "media", "primary": "media-a", "recovery": "media-b", "replicated": true});
        plan["components"].as_array_mut().unwrap().push(more);
        plan["objectives"]["failures"] = json!([{"class": "region", "rto": "4h", "rpo": "1h"}]);
    });
    let page = explanation.markdown();
    for said in [
        "| `uploads`, `media` | RTO | ",
        "`uploads`, `media` have a side in us-west-2, which a person puts in their place",
        "How do those who use 'uploads', 'media' come to their buckets in the other Region after a failover?",
        "| database, zone | failed over by itself | — | — |",
        "| Region | failed over by itself | 4h | 1h |",
    ] {
        assert!(page.contains(said), "{said}:\n{page}");
    }
    assert_eq!(page.matches("Make them one").count(), 1, "{page}");
    assert!(!page.contains("endpoint "), "a pair's are what its name leads to: {page}");
    let page = explained(|_| {}).markdown();
    assert!(
        page.contains("| database, zone, Region | failed over by itself |\n"),
        "nothing is promised for one: {page}"
    );
}

#[test]
fn the_application_s_names_are_told_and_asked_whether_their_addresses_stay() {
    let explanation = explained(|plan| {
        plan["traffic"][0]["records"] = json!([{"type": "a", "zone": "Z2", "name": "shop.example.com", "primary": "192.0.2.1",
            "recovery": "192.0.2.2", "ttl": "60s", "ttlOnFailover": "30s"}]);
    });
    let page = explanation.markdown();
    let told = "| `shop.example.com` | `Z2` | `orders`, the application's | `192.0.2.1` | `192.0.2.2` | 1m, after a failover 30s |";
    assert!(page.contains(told), "{page}");
    let asked = "Do the addresses of `shop.example.com` (192.0.2.1 and 192.0.2.2) stay";
    assert!(explanation.questions.iter().any(|question| question.starts_with(asked)), "{:?}", explanation.questions);
    let outage = explained(|_| {}).worst[0].rto.at_worst;
    let longer = explanation.worst[0].rto.at_worst;
    assert_eq!(
        longer,
        outage.map(|outage| outage + TimeSpan::seconds(60)),
        "clients keep the old record for its own TTL"
    );
}

#[test]
fn the_page_says_all_of_it() {
    let page = explained(with_a_cluster).markdown();
    for said in [
        "# Recovery plan `lab`",
        "| `reports` | cluster of aurora-postgresql |",
        "| `orders` | pair of PostgreSQL |",
        "| `db.orders.lifeboat.test` | `Z00000000000LAB` | `orders` | `orders-primary.us-east-1.rds.lifeboat.test` |",
        "## If a Region goes",
        "## Signed",
    ] {
        assert!(page.contains(said), "{said}:\n{page}");
    }
}

#[test]
fn the_page_says_how_long_backups_take_and_stay_and_where_they_are_proved() {
    let page = explained(|plan| {
        plan["components"][0]["pointInTime"] = json!("7d");
        let backup = &mut plan["backups"][0];
        backup["within"] = json!("1h");
        backup["overlap"] = json!("wait");
        backup["retention"] = json!({"within": "30d", "onDay": {"day": "SUN", "within": "90d"}});
        backup["verification"]["afterEach"] = json!(true);
        backup["verification"]["restoreInto"] = json!({"region": "us-east-1", "storageGib": 40, "storageType": "gp3"});
    })
    .markdown();
    for said in [
        "A point in time of `orders` reaches back 7d at least",
        "| 1h; one that is due meanwhile waits |",
        "all for 30d, those of each Sunday for 90d; never fewer than",
        "each one looked at once it is whole; looked at ",
        "restored into us-east-1, 40 GiB, gp3 and queried ",
    ] {
        assert!(page.contains(said), "{said}:\n{page}");
    }
    let page = explained(|_| {}).markdown();
    assert!(page.contains("| 26h; one that is due meanwhile is skipped, and that is told |"), "{page}");
}

#[test]
fn what_follows_from_a_lost_region_follows_the_policy() {
    let without = |policy: &str, answer: &str, region: &str| {
        let explanation = explained(|plan| plan["failover"]["policy"][policy] = json!(answer));
        explanation.regions.iter().find(|gone| gone.region.as_str() == region).unwrap().then.join("\n")
    };
    assert!(without("region", "approval", "us-east-1").contains("once a person says yes"));
    assert!(without("region", "never", "us-east-1").contains("stays down until a person orders"));
    assert!(without("unknown", "never", "eu-west-1").contains("not even for a database"));
    let recovery = without("unknown", "approval", "us-west-2");
    assert!(recovery.contains("no backup is taken") && recovery.contains("the copies of `daily`"), "{recovery}");
}

#[test]
fn an_answer_without_effect_is_not_shown_as_one() {
    let explanation = explained(|plan| plan["failover"]["policy"]["network"] = json!("automatic"));
    let network = explanation.answers.iter().find(|answer| answer.class == "network").unwrap();
    assert_eq!(network.answer, "nothing is moved by itself");
}

#[test]
fn targets_and_alarms_are_on_the_page_where_there_are_any() {
    let page = explained(|plan| {
        plan["objectives"]["targets"] = json!([{"measure": "backups-complete", "atLeastPercent": 99.9}]);
        plan["alarms"] = json!([{
            "name": "lag", "watch": "replication-lag-bytes", "above": 1_000, "severity": "warning", "team": "database",
            "runbook": "https://runbooks.example.com/lag",
        }]);
    });
    let page = page.markdown();
    assert!(page.contains("| backups complete | at least 99.9 % |"), "{page}");
    assert!(page.contains("| `lag` | replication-lag-bytes above 1000 | 5m | warning | database |"), "{page}");
    let without = explained(|_| {}).markdown();
    assert!(!without.contains("over time") && !without.contains("Whom an alarm"), "{without}");
}

#[test]
fn how_a_region_s_health_is_told_is_on_the_page() {
    assert!(!explained(|_| {}).markdown().contains("Whether a Region is healthy"));
    let page = explained(|plan| {
        plan["health"] =
            json!({"every": "30s", "checks": ["all"], "failuresInARow": 4, "limits": {"latency": "500ms"}});
    });
    let page = page.markdown();
    for says in [
        "us-east-1 is looked at from us-west-2",
        "each 30s: 1 check (of `all`)",
        "1 of 1 checks pass; 4 in a row",
        "2m after the first at worst",
        "a round trip takes more than 500ms",
        "nothing is moved by it",
    ] {
        assert!(page.contains(says), "{says}: {page}");
    }
}

#[test]
fn what_only_people_can_answer_is_asked_where_the_plan_gives_reason_to() {
    let asked = |change: &dyn Fn(&mut Value), question: &str| {
        let explanation = explained(|plan| change(plan));
        explanation.questions.iter().any(|asked| asked.contains(question))
    };
    let nobody = "For `database`, `zone`, `region` it waits for nobody.";
    assert!(asked(&|_| {}, nobody));
    let by_people = |plan: &mut Value| {
        for class in ["database", "zone", "region"] {
            plan["failover"]["policy"][class] = json!("approval");
        }
    };
    assert!(!asked(&by_people, "waits for nobody"));
    let first = "Is it meant that `database`, `zone` asks a person first, while `region`";
    let only_the_region = |plan: &mut Value| {
        by_people(plan);
        plan["failover"]["policy"]["region"] = json!("automatic");
    };
    assert!(asked(&only_the_region, first));
    assert!(!asked(&|_| {}, "asks a person first") && !asked(&by_people, "asks a person first"));
    let points = "comes back as of any time for 1d only";
    let of_a_day = |plan: &mut Value| plan["components"][0]["pointInTime"] = json!("1d");
    assert!(asked(&of_a_day, points), "its backups reach back for years");
    assert!(!asked(&|_| {}, "comes back as of any time"));
    let of_two_days = |plan: &mut Value| {
        of_a_day(plan);
        plan["backups"][0]["retention"] = json!({"within": "1d"});
    };
    assert!(!asked(&of_two_days, points), "no backup is older");
}

#[test]
fn what_a_failover_is_expected_to_take_is_on_the_page_where_the_plan_says_it() {
    let page = |expected: Value| explained(|plan| plan["failover"]["expected"] = expected.clone()).markdown();
    assert!(
        page(json!("10m")).contains("A failover is expected to take 10m, from its start"),
        "{}",
        page(json!("10m"))
    );
    assert!(!page(Value::Null).contains("is expected to take"));
}

#[test]
fn a_further_recovery_region_is_on_the_page_with_the_one_that_it_comes_after() {
    let page = explained(|plan| plan["regions"]["next"] = json!(["eu-west-1", "eu-west-2"])).markdown();
    for says in [
        "a person restores the backups in eu-west-1, then eu-west-2: nothing goes there by itself",
        "| eu-west-1 | a third place to look from, and a further recovery Region |",
        "| eu-west-2 | a further recovery Region |",
    ] {
        assert!(page.contains(says), "{says}: {page}");
    }
}

#[test]
fn the_resolvers_that_are_asked_are_on_the_page() {
    let page = explained(|plan| plan["traffic"][0]["resolvers"] = json!(["9.9.9.9", "1.1.1.1"])).markdown();
    assert!(page.contains("these resolvers are asked as well") && page.contains("1.1.1.1, 9.9.9.9."), "{page}");
}

#[test]
fn one_failure_that_is_seen_at_different_times_is_asked_about() {
    let asked = |alarms: Value| {
        let explanation = explained(|plan| plan["alarms"] = alarms.clone());
        let about = explanation.questions.into_iter().filter(|asked| asked.contains("at different times"));
        about.collect::<Vec<_>>()
    };
    assert_eq!(asked(json!([])), [""; 0]);
    let one = asked(json!([{"name": "down", "watch": "primary-down", "for": "2m"}]));
    assert!(one.len() == 1 && one[0].ends_with("; by the alarm `down`, after 2m?"), "{one:?}");
    assert_eq!(asked(json!([{"name": "moved", "watch": "dns-moved", "for": "2m"}])), [""; 0], "it sees another thing");
}
