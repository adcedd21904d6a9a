//! Plans of a real size: samples up to half a minute apart, hold-downs that outlast windows of the watch, answers that
//! people take their time for. Nothing is scaled, and no window is skipped.
//!
//! `cargo drill host-lost --plan FILE` plays a drill on any other plan, and `cargo drill approval --answer-after 10m` waits
//! ten minutes for an answer.

use std::time::Instant;

use domain::{plan::Plan, plan_file, words::time_span::TimeSpan};
use lab::{
    Settings,
    drill::{Drills, Scenario},
    report::DrillResult,
};
use serde_json::{Value, json};
use tests::{
    labs,
    listener::{Listener, tell},
    repository,
};

/// A plan's size, and what is played on it.
struct Size {
    claim: &'static str,
    /// `probe.interval`, `timeout`, `failuresInARow`, `holdDown`.
    probe: (&'static str, &'static str, u32, &'static str),
    /// `objectives.rto` and `rpo`.
    objectives: (&'static str, &'static str),
    scenario: Scenario,
    /// When people answer.
    answer_after: TimeSpan,
}

const AT_ONCE: TimeSpan = TimeSpan::seconds(0);

/// The longest first: each begins as soon as its lab is there.
const SIZES: [Size; 5] = [
    Size {
        claim: "samples every 10 s, approved after more than two windows",
        probe: ("10s", "5s", 3, "30s"),
        objectives: ("10m", "15s"),
        scenario: Scenario::Approval,
        answer_after: TimeSpan::seconds(130),
    },
    Size {
        claim: "samples every 10 s, a hold-down of more than two windows",
        probe: ("10s", "5s", 3, "150s"),
        objectives: ("5m", "15s"),
        scenario: Scenario::HostLost,
        answer_after: AT_ONCE,
    },
    Size {
        claim: "samples every 30 s, a hold-down of one window",
        probe: ("30s", "10s", 2, "1m"),
        objectives: ("4m", "45s"),
        scenario: Scenario::PrimaryKilled,
        answer_after: AT_ONCE,
    },
    Size {
        claim: "samples every 5 s",
        probe: ("5s", "2s", 3, "20s"),
        objectives: ("2m", "10s"),
        scenario: Scenario::PrimaryKilled,
        answer_after: AT_ONCE,
    },
    Size {
        claim: "samples every second",
        probe: ("1s", "800ms", 3, "5s"),
        objectives: ("1m", "5s"),
        scenario: Scenario::PrimaryKilled,
        answer_after: AT_ONCE,
    },
];

#[tokio::test(flavor = "multi_thread")]
async fn plans_of_a_real_size_fail_over() {
    let played = futures::future::join_all(SIZES.iter().map(play)).await;
    let broken = played.into_iter().flatten().collect::<Vec<_>>();
    assert!(broken.is_empty(), "{} of {} plans:\n{}", broken.len(), SIZES.len(), broken.join("\n"));
}

/// Plays a scenario on a plan; gives what was not as it must be. It takes no turn: for minutes it waits.
async fn play(size: &Size) -> Option<String> {
    let (told, plan) = (Listener::default(), size.plan());
    let (lab, _place) = labs::start_waiting(&plan, Settings::default(), &told).await.unwrap();
    let mut drills = Drills::on(lab);
    drills.answer_after(size.answer_after);
    let began = Instant::now();
    let result = drills.run(size.scenario, "cargo test --test on_labs sizes", &told).await;
    drills.shut_down().await;
    let shown = |wrong: &str| format!("{}: {wrong}\n{:#?}", size.claim, told.told());
    let result = match result {
        Ok(result) => result,
        Err(error) => return Some(shown(&domain::words::failure::chain(&error))),
    };
    let (took, name) = (began.elapsed().as_secs_f64(), size.scenario.name());
    tell(&format!("{took:>5.1} s  {}, {name}: {}", size.claim, result.headline()));
    let mut wrong = result.shortcomings();
    wrong.extend(size.too_early(&result));
    (!wrong.is_empty()).then(|| shown(&format!("{wrong:?}")))
}

impl Size {
    fn plan(&self) -> Plan {
        let mut plan: Value = serde_saphyr::from_str(&repository::text("plans/lab.yaml")).unwrap();
        let (interval, timeout, failures, hold_down) = self.probe;
        plan["probe"] =
            json!({"interval": interval, "timeout": timeout, "failuresInARow": failures, "holdDown": hold_down});
        let (rto, rpo) = self.objectives;
        plan["objectives"] = json!({"rto": rto, "rpo": rpo});
        plan["traffic"][0]["record"]["ttl"] = json!("5s");
        plan_file::read(&plan.to_string(), self.claim).unwrap()
    }

    /// What was moved before the plan allows it.
    fn too_early(&self, result: &DrillResult) -> Option<String> {
        let evidence = result.runs.last()?.evidence.as_ref()?;
        let since = evidence.record.judgement.as_ref()?.did.as_ref()?.failing_since;
        let fenced =
            evidence.timeline.iter().find(|moment| moment.state == domain::state_machine::StateName::FencePrimary)?;
        let waited = TimeSpan::between(since, fenced.entered_at);
        let hold_down = result.plan.probe.hold_down;
        (waited < hold_down).then(|| format!("fenced {waited} after the first failure, the hold-down is {hold_down}"))
    }
}
