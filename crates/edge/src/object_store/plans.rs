//! Plans, and the plan of one of their pairs, as they are read for whoever needs them.

use domain::{
    plan::{PairPlan, Plan},
    plan_file,
    words::{failure::Failure, id::PlanName},
};

use super::{ObjectStore, keys::plan_key};

/// Reads a plan, and the version that was read.
///
/// # Errors
/// `NotFound` where there is none, `InvalidInput` where it is broken or only a pair of one is named.
pub async fn read_plan(store: &impl ObjectStore, name: &PlanName) -> Result<(Plan, String), Failure> {
    if name.is_of_a_pair() {
        let whole = name.whole();
        return Err(Failure::InvalidInput(format!("`{name}` is one pair of plan `{whole}`: name the plan, `{whole}`")));
    }
    read_whole(store, name).await
}

/// Reads the plan of one pair, and the version that was read.
///
/// # Errors
/// `NotFound` where there is no such plan, or it has no such pair; `InvalidInput` where it is broken.
pub async fn read_pair(store: &impl ObjectStore, name: &PlanName) -> Result<(PairPlan, String), Failure> {
    let (plan, version) = read_whole(store, &name.whole()).await?;
    let pair = plan.pair_plan(name).ok_or_else(|| {
        let (whole, known) = (&plan.plan, plan.pair_names());
        Failure::NotFound(format!("plan `{whole}` has no pair `{name}`; it has: {known}"))
    })?;
    Ok((pair, version))
}

async fn read_whole(store: &impl ObjectStore, name: &PlanName) -> Result<(Plan, String), Failure> {
    let key = plan_key(name);
    let object = store.get(&key).await?.ok_or_else(|| {
        Failure::NotFound(format!(
            "there is no plan `{name}`: this Region's bucket has no object `{key}`; upload it, or correct the name"
        ))
    })?;
    let plan = plan_file::read(&object.text, &key).map_err(|error| Failure::InvalidInput(error.to_string()))?;
    if plan.plan != *name {
        return Err(Failure::InvalidInput(format!("{key}: the plan inside is named `{}`", plan.plan)));
    }
    Ok((plan, object.version.unwrap_or(object.etag)))
}

/// Reads a plan for a `noun` that is begun by this Region's engine.
///
/// # Errors
/// As [`read_plan`]; `InvalidInput` where the plan is recovered from another Region.
pub async fn read_plan_here(
    store: &impl ObjectStore,
    name: &PlanName,
    here: &str,
    noun: &str,
) -> Result<(Plan, String), Failure> {
    let (plan, version) = read_plan(store, name).await?;
    recovered_here(&plan, here, noun)?;
    Ok((plan, version))
}

/// Reads the plan of one pair for a `noun` that is begun by this Region's engine.
///
/// # Errors
/// As [`read_pair`]; `InvalidInput` where the plan is recovered from another Region.
pub async fn read_pair_here(
    store: &impl ObjectStore,
    name: &PlanName,
    here: &str,
    noun: &str,
) -> Result<(PairPlan, String), Failure> {
    let (plan, version) = read_pair(store, name).await?;
    recovered_here(&plan, here, noun)?;
    Ok((plan, version))
}

fn recovered_here<T>(plan: &Plan<T>, here: &str, noun: &str) -> Result<(), Failure> {
    let (name, recovery) = (&plan.plan, &plan.regions.recovery);
    if recovery.as_str() == here {
        return Ok(());
    }
    Err(Failure::InvalidInput(format!(
        "plan `{name}` recovers in {recovery}, this engine runs in {here}: start the {noun} there, or correct the plan"
    )))
}
