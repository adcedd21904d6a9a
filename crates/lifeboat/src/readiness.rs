//! `lifeboat readiness`: checks everything that the next failover needs.

use std::{process::ExitCode, time::Duration};

use clap::Args;
use domain::{
    failover::run::RunKind,
    readiness::{Finding, Readiness, State},
    run::step::Step,
    words::id::PlanName,
};
use edge::{aws, function};
use serde_json::json;

use crate::{engine::Engine, output::Output, pair, refusal::Refusal};

/// Checks everything that the next failover needs.
#[derive(Debug, Args)]
#[command(after_help = "\
It asks the engine's own function, with its roles and from its networks: replica and lag, logins, the write that proves a
promotion (made and rolled back), instances and security groups by RDS, quotas, keys, the record, every function, other
plans. The engine looks by itself each half hour; the alarm lifeboat-PLAN-not-ready tells. Nothing is changed.

Examples:
  lifeboat readiness lab --region us-west-2
  lifeboat readiness lab --region us-west-2 --json

Exit codes: 0 ready; 1 not ready, or it could not be looked at; 2 wrong command line.")]
pub(crate) struct Command {
    /// The plan's name.
    #[arg(value_name = "PLAN")]
    plan: PlanName,
    /// The plan's recovery Region.
    #[arg(long)]
    region: Option<String>,
    /// Prints one JSON object.
    #[arg(long)]
    json: bool,
}

/// How long the function may take: its own time limit.
const PATIENCE: Duration = Duration::from_secs(110);

const FUNCTION: &str = "lifeboat-check-readiness";

impl Command {
    pub(crate) async fn run(self, output: &mut Output) -> Result<ExitCode, Refusal> {
        let engine = Engine::of(RunKind::Failover.machine(), self.region.as_deref()).await?;
        let plan = pair::named(&engine, &self.plan).await?.plan;
        output.remark("checking everything that the next failover needs");
        let config = aws::config_for_the_far_side(&engine.region, PATIENCE).await;
        let request = json!({ "plan": plan, "quietly": true });
        let asked: Result<Step<Readiness>, String> = function::ask(&config, FUNCTION, &request).await;
        let step = asked.map_err(|why| {
            Refusal::failed(
                format!("`{FUNCTION}` in {} could not be asked: {why}", engine.region),
                "Give the plan's recovery Region, and see that its engine is deployed.",
            )
        })?;
        let readiness = step.did.ok_or_else(|| Refusal::failed(step.because, "Look at the function's log."))?;
        if self.json {
            output.json(&readiness)?;
        } else {
            for line in lines(&readiness) {
                output.line(&line);
            }
        }
        Ok(if readiness.ready { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn lines(readiness: &Readiness) -> Vec<String> {
    let head = match readiness.lacking().count() {
        0 => format!("`{}` is ready: a failover has all that it needs", readiness.plan),
        1 => format!("`{}` is NOT READY: one thing is not as it must be", readiness.plan),
        lacking => format!("`{}` is NOT READY: {lacking} things are not as they must be", readiness.plan),
    };
    // What is to be done comes first.
    let mut findings: Vec<&Finding> = readiness.findings.iter().collect();
    findings.sort_by_key(|finding| finding.state == State::Ready);
    std::iter::once(head).chain(findings.into_iter().flat_map(told)).collect()
}

fn told(finding: &Finding) -> Vec<String> {
    let mark = match finding.state {
        State::Ready => "ready",
        State::NotReady => "NOT READY",
        State::Unknown => "UNKNOWN",
    };
    let line = format!("{mark:>9}  {:<16} {}", finding.need.to_string(), finding.because);
    std::iter::once(line).chain(finding.remedy.iter().map(|remedy| format!("{:>28}{remedy}", ""))).collect()
}

#[cfg(test)]
mod tests {
    use domain::readiness::Need;

    use super::*;

    #[test]
    fn what_is_to_be_done_comes_first() {
        let finding = |need, state, remedy: Option<&str>| Finding {
            need,
            state,
            because: "so it is".into(),
            remedy: remedy.map(str::to_owned),
        };
        let findings = vec![
            finding(Need::Functions, State::Ready, None),
            finding(Need::Keys, State::NotReady, Some("Enable it.")),
        ];
        let looked_at = jiff::Timestamp::UNIX_EPOCH;
        let readiness = Readiness { plan: "lab".parse().unwrap(), looked_at, ready: false, findings };
        let lines = lines(&readiness);
        assert_eq!(lines[0], "`lab` is NOT READY: one thing is not as it must be");
        assert_eq!(lines[1], "NOT READY  keys             so it is");
        assert_eq!(lines[2].trim(), "Enable it.");
        assert_eq!(lines[3], "    ready  functions        so it is");
    }
}
