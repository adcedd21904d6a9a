//! What the steps after the judgement need, looked at before anything is changed.

use serde::Serialize;

use super::api::ApiSeen;
use crate::{
    component::PostgresPair,
    failover::run::Run,
    watch::instance_status::InstanceStatus,
    words::id::{Generation, SqlName},
};

/// What the fence, the promotion and the switch will need. What could not be looked at does not object: the step itself
/// will see.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fitness {
    /// The application's roles, as the replica has them: a fence takes their login, a promotion gives it back.
    pub roles: Vec<(SqlName, RoleSeen)>,
    /// The highest generation whose promotion is written down in the database.
    pub promoted: Option<Generation>,
    /// The generation that moved the traffic's name last.
    pub moved: Option<Generation>,
    /// RDS's word for the replica.
    pub replica_api: ApiSeen,
}

/// A role of the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum RoleSeen {
    /// We may take its login and give it back.
    Ours,
    /// It exists, and we may not change it.
    NotOurs,
    /// There is none of this name.
    Missing,
}

/// Why RDS would not promote the replica now, if it would not, and whether that passes by itself. The fence comes before
/// the promotion: better now than with nobody served.
pub(super) fn unpromotable(fitness: &Fitness, pair: &PostgresPair) -> Option<(bool, String)> {
    // Where RDS does not say how it is, the promotion will see.
    let ApiSeen::Status(status) = &fitness.replica_api else { return None };
    let passes = match InstanceStatus::of(status) {
        InstanceStatus::Works => return None,
        InstanceStatus::BackingUp | InstanceStatus::BeingChanged => true,
        InstanceStatus::PutAway | InstanceStatus::Other => false,
    };
    Some((passes, format!("RDS promotes only an available replica, and `{}` is {status}", pair.replica.instance)))
}

/// Why a later step could not be done, if it could not.
pub(super) fn objection(fitness: &Fitness, run: &Run, pair: &PostgresPair) -> Option<String> {
    let unfit = fitness.roles.iter().find_map(|(role, seen)| match seen {
        RoleSeen::Ours => None,
        RoleSeen::NotOurs => Some(format!(
            "role `{role}` of `{}` may not be changed by Lifeboat's own: grant it `{role}` with admin option, and CREATEROLE",
            pair.name
        )),
        RoleSeen::Missing => Some(format!(
            "role `{role}` does not exist in `{}`: correct the plan's applicationRoles, for what is not named there is not shut out",
            pair.name
        )),
    });
    let newest = fitness.promoted.max(fitness.moved).filter(|newest| *newest > run.generation);
    let older = newest.map(|newest| {
        format!(
            "generation {newest} has moved this primary already, and this run is generation {}: its steps would be refused. \
             The lease was set back; RUNBOOK.md, \"Correcting the lease\"",
            run.generation
        )
    });
    // A run that goes on where another stopped has no way back: each step says itself what it lacks.
    unfit.filter(|_| !run.finishes()).or(older)
}
