//! Of each of the five documents: signs in, class and answer out, by the numbers of its own plan.

use super::*;
use crate::{
    component::ActiveSide,
    plan::{Plan, Policy},
    plan_file,
};

/// A packet takes a millisecond longer there and back than ci-failure-agent allows.
const SLOW: Signs = Signs { round_trip: 501, ..WELL };
/// One connection of six lost a packet.
const LOSSY: Signs = Signs { lost: 1, ..WELL };

/// What is seen, each 30 s, and what follows: nothing where the Region is healthy, or nobody can tell.
type Row = (&'static str, Vec<Signs>, RegionCondition, Option<Disaster>, Option<Answer>);

const UNHEALTHY: RegionCondition = RegionCondition::Unhealthy;
const HEALTHY: RegionCondition = RegionCondition::Healthy;
const AUTOMATIC: Option<Answer> = Some(Answer::Probe(Policy::Automatic));
const APPROVAL: Option<Answer> = Some(Answer::Probe(Policy::Approval));
const REPAIR: Option<Answer> = Some(Answer::Repair);

fn plan(text: &str) -> Plan {
    plan_file::read(text, "plan").unwrap()
}

fn hold(plan: &Plan, rows: &[Row]) {
    let health = plan.health.as_ref().unwrap();
    for (what, signs, condition, class, answered) in rows {
        let judged = judged(health, signs);
        assert_eq!((judged.condition, judged.points_to), (*condition, *class), "{what}: {}", judged.because);
        let follows = (judged.condition == UNHEALTHY).then(|| answer(plan, ActiveSide::Primary, judged.points_to));
        assert_eq!(follows, *answered, "{what}");
        // Of the other side nothing is ever failed over.
        assert!(!matches!(answer(plan, ActiveSide::Replica, judged.points_to), Answer::Probe(_)), "{what}");
    }
}

/// health_thresholds, and a score of 0.8; its policy by levels.
#[test]
fn leanvibe() {
    let late = Signs { took: 5_001, ..WELL };
    let of_three = Signs { passed: 2, failed: 1, ..WELL };
    hold(
        &plan(include_str!("../../../../../../plans/leanvibe.yaml")),
        &[
            ("all well", after(20, WELL, 0), HEALTHY, None, None),
            ("two of three are 0.67", after(0, of_three, 3), UNHEALTHY, Some(Disaster::Application), REPAIR),
            ("the first failed look is below no limit yet", after(19, UNUSABLE, 1), HEALTHY, None, None),
            ("6.7 % errors", after(18, UNUSABLE, 2), UNHEALTHY, Some(Disaster::Application), REPAIR),
            ("slow answers", after(10, late, 2), UNHEALTHY, None, Some(Answer::Look)),
            ("its database", after(5, DATABASE, 3), UNHEALTHY, Some(Disaster::Database), APPROVAL),
            ("its zone", after(5, ZONE, 3), UNHEALTHY, Some(Disaster::Zone), APPROVAL),
            ("its Region", after(5, GONE, 3), UNHEALTHY, Some(Disaster::Region), AUTOMATIC),
        ],
    );
}

/// Network Failure Playbook: more than 500 ms, more than 1 %; a connection's time-out of 30 s pages.
#[test]
fn ci_failure_agent() {
    hold(
        &plan(include_str!("../../../../../../plans/ci-failure-agent.yaml")),
        &[
            ("latency", after(0, SLOW, 10), UNHEALTHY, Some(Disaster::Network), REPAIR),
            ("latency at its limit", after(10, Signs { round_trip: 500, ..WELL }, 10), HEALTHY, None, None),
            ("loss", after(18, LOSSY, 2), UNHEALTHY, Some(Disaster::Network), REPAIR),
            ("one packet is no loss", after(19, LOSSY, 1), HEALTHY, None, None),
            (
                "a slow network makes checks fail",
                after(0, Signs { passed: 0, failed: 3, ..SLOW }, 10),
                UNHEALTHY,
                Some(Disaster::Network),
                REPAIR,
            ),
            ("no connection for 30 s", after(5, GONE, 1), UNHEALTHY, Some(Disaster::Region), AUTOMATIC),
            ("its database", after(5, DATABASE, 10), UNHEALTHY, Some(Disaster::Database), AUTOMATIC),
            ("its application", after(5, UNUSABLE, 10), UNHEALTHY, Some(Disaster::Application), REPAIR),
        ],
    );
}

/// check_system_health, classify_disaster, and the flags of auto_failover.
#[test]
fn itdo_erp() {
    hold(
        &plan(include_str!("../../../../../../plans/itdo-erp.yaml")),
        &[
            ("its database", after(5, DATABASE, 3), UNHEALTHY, Some(Disaster::Database), APPROVAL),
            ("its zone", after(5, ZONE, 3), UNHEALTHY, Some(Disaster::Zone), AUTOMATIC),
            ("its Region", after(5, GONE, 3), UNHEALTHY, Some(Disaster::Region), APPROVAL),
            ("its application", after(5, UNUSABLE, 3), UNHEALTHY, Some(Disaster::Application), REPAIR),
            ("nothing could be asked", after(5, OURS, 3), RegionCondition::Unknown, None, None),
        ],
    );
}

/// Automated Failover: more than 5 minutes.
#[test]
fn agentaskit() {
    hold(
        &plan(include_str!("../../../../../../plans/agentaskit.yaml")),
        &[
            ("nine in a row", after(3, GONE, 9), HEALTHY, None, None),
            ("ten in a row", after(3, GONE, 10), UNHEALTHY, Some(Disaster::Region), AUTOMATIC),
            ("its database", after(3, DATABASE, 10), UNHEALTHY, Some(Disaster::Database), AUTOMATIC),
            ("its application", after(3, UNUSABLE, 10), UNHEALTHY, Some(Disaster::Application), REPAIR),
        ],
    );
}

/// PrimarySiteDown: for 2 minutes. Its plan says nothing of health, so that the looks are these.
#[test]
fn progressive_framework() {
    let mut plan = plan(include_str!("../../../../../../plans/progressive-framework.yaml"));
    plan.health = Some(health(json!({"failuresInARow": 4})));
    hold(
        &plan,
        &[
            ("a minute and a half", after(3, GONE, 3), HEALTHY, None, None),
            ("two minutes", after(3, GONE, 4), UNHEALTHY, Some(Disaster::Region), AUTOMATIC),
            ("well again", [after(3, GONE, 4), after(1, WELL, 0)].concat(), HEALTHY, None, None),
            ("its database", after(3, DATABASE, 4), UNHEALTHY, Some(Disaster::Database), APPROVAL),
            ("its application", after(3, UNUSABLE, 4), UNHEALTHY, Some(Disaster::Application), REPAIR),
        ],
    );
}
