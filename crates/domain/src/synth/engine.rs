//! The engine of a Region as a plan's stack knows it: by the names of its exports. A contract test holds them to
//! `infra/engine.yaml`.

use serde_json::{Value, json};

use crate::state_machine::StateMachine;

/// The export that says which version of the plan language the engine understands: [`super::Language`].
pub const LANGUAGE: &str = "lifeboat-language";

/// The export that names its bucket.
pub const BUCKET: &str = "lifeboat-bucket";

/// What a plan's stack imports from its Region's engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Export {
    /// The topic that people listen to.
    Topic,
    /// The function that watches.
    HealthProbe,
    /// The function that keeps an old primary out.
    GuardPrimary,
    /// The function that starts a failover again.
    StartFailover,
    /// The function that looks whether the next failover would go through.
    CheckReadiness,
    /// The function that looks at a Region's health.
    CheckHealth,
    /// The function that tells people.
    Notify,
    /// A state machine.
    Machine(StateMachine),
    /// What lets a rule start a failover.
    StartFailoverRole,
    /// What lets a schedule start a backup, the proof of one or a cleanup.
    ScheduleRole,
    /// Where EventBridge keeps what it could not hand over.
    LostEvents,
}

impl Export {
    /// Every one.
    pub fn all() -> impl Iterator<Item = Self> {
        let others = [
            Self::Topic,
            Self::HealthProbe,
            Self::GuardPrimary,
            Self::StartFailover,
            Self::CheckReadiness,
            Self::CheckHealth,
            Self::Notify,
            Self::StartFailoverRole,
            Self::ScheduleRole,
            Self::LostEvents,
        ];
        others.into_iter().chain(StateMachine::ALL.iter().copied().map(Self::Machine))
    }

    /// Its name in the account and Region.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Topic => "lifeboat-topic".to_owned(),
            Self::HealthProbe => "lifeboat-health-probe-function".to_owned(),
            Self::GuardPrimary => "lifeboat-guard-primary-function".to_owned(),
            Self::StartFailover => "lifeboat-start-failover-function".to_owned(),
            Self::CheckReadiness => "lifeboat-check-readiness-function".to_owned(),
            Self::CheckHealth => "lifeboat-check-health-function".to_owned(),
            Self::Notify => "lifeboat-notify-function".to_owned(),
            Self::Machine(machine) => format!("{}-state-machine", machine.name()),
            Self::StartFailoverRole => "lifeboat-start-failover-role".to_owned(),
            Self::ScheduleRole => "lifeboat-schedule-role".to_owned(),
            Self::LostEvents => "lifeboat-lost-events".to_owned(),
        }
    }

    /// Its value, in a template: the ARN.
    #[must_use]
    pub fn import(self) -> Value {
        json!({ "Fn::ImportValue": self.name() })
    }
}
