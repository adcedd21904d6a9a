//! What a test restored, torn down once the test is over.

use domain::{
    restore::{self, RestoreRun, Teardown},
    run::step::Step,
    words::{failure::Failure, id::ComponentName},
};
use edge::rds::Acceptance;
use tracing::info;

use crate::world::BackupCatalog;

/// Deletes the instance that a run restored of a component, and no other.
pub(crate) async fn tear_down(
    catalog: &impl BackupCatalog,
    run: &RestoreRun,
    component: &ComponentName,
) -> Result<Step<()>, Failure> {
    let instance = run.instance(component)?;
    let seen = catalog.restored(&run.region, &instance).await?;
    let next = restore::tear_down(run, component, seen.as_ref());
    info!(plan.name = %run.plan.plan, execution.name = run.execution.name(), instance.id = %instance, ?seen, ?next, "planned the teardown");
    Ok(match next {
        Teardown::Gone => Step::done(format!("`{instance}` is gone"), &seen, ()),
        Teardown::Wait(why) => Step::pending(why, &seen),
        Teardown::Refuse(why) => Step::refused(why, &seen),
        Teardown::Delete => Step::pending(
            match catalog.tear_down(&run.region, &instance).await? {
                Acceptance::Begun => format!("RDS deletes `{instance}`"),
                Acceptance::Busy | Acceptance::NoRoom => {
                    format!("RDS does not delete `{instance}` yet: it is changing")
                }
            },
            &seen,
        ),
    })
}
