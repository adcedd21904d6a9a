//! Where a function runs, from its environment. Nothing else reads the environment.

use std::net::SocketAddr;

use domain::words::failure::Failure;

/// The bucket of the function's own Region: plans, leases, evidence.
///
/// # Errors
/// `InvalidInput` when the template did not set it.
pub fn bucket() -> Result<String, Failure> {
    required("LIFEBOAT_BUCKET")
}

/// The topic that people listen to.
///
/// # Errors
/// `InvalidInput` when the template did not set it.
pub fn topic() -> Result<String, Failure> {
    required("LIFEBOAT_TOPIC")
}

/// The probe's function in the witness Region.
///
/// # Errors
/// `InvalidInput` when the template did not set it.
pub fn witness_function() -> Result<String, Failure> {
    required("LIFEBOAT_WITNESS_FUNCTION")
}

/// The judge's function, in the function's own Region.
///
/// # Errors
/// `InvalidInput` when the template did not set it.
pub fn judge_function() -> Result<String, Failure> {
    required("LIFEBOAT_JUDGE_FUNCTION")
}

/// The function that switches traffic, in the function's own Region.
///
/// # Errors
/// `InvalidInput` when the template did not set it.
pub fn dns_switch_function() -> Result<String, Failure> {
    required("LIFEBOAT_DNS_SWITCH_FUNCTION")
}

/// The failover's state machine, in the function's own Region.
///
/// # Errors
/// `InvalidInput` when the template did not set it.
pub fn failover_machine() -> Result<String, Failure> {
    required("LIFEBOAT_FAILOVER_MACHINE")
}

/// The functions that a failover will need, to be woken at a primary's first failed sample; none where the template set none.
#[must_use]
pub fn wakes() -> Vec<String> {
    let text = variable("LIFEBOAT_WAKES").unwrap_or_default();
    text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// The queue that wakes the probe for its next sample; `None` where the template set none.
#[must_use]
pub fn naps() -> Option<String> {
    variable("LIFEBOAT_NAPS")
}

/// The function's own Region.
///
/// # Errors
/// `InvalidInput` when the runtime did not set it.
pub fn region() -> Result<String, Failure> {
    required("AWS_REGION").or_else(|_| required("AWS_DEFAULT_REGION"))
}

/// Resolvers to ask instead of the system's; empty for the system's.
///
/// # Errors
/// `InvalidInput` when one is not an address and a port.
pub fn resolvers() -> Result<Vec<SocketAddr>, Failure> {
    addresses("LIFEBOAT_RESOLVER")
}

/// Authoritative servers to ask instead of the zone's own; empty for the zone's own.
///
/// # Errors
/// `InvalidInput` when one is not an address and a port.
pub fn name_servers() -> Result<Vec<SocketAddr>, Failure> {
    addresses("LIFEBOAT_NAME_SERVERS")
}

/// From which level on a function logs, as Lambda's logging controls have it.
pub(crate) fn log_level() -> Option<String> {
    variable("AWS_LAMBDA_LOG_LEVEL")
}

/// Whether a function logs JSON, as Lambda's logging controls have it.
pub(crate) fn logs_json() -> bool {
    variable("AWS_LAMBDA_LOG_FORMAT").is_some_and(|format| format.eq_ignore_ascii_case("json"))
}

fn required(name: &str) -> Result<String, Failure> {
    variable(name).ok_or_else(|| {
        Failure::InvalidInput(format!("the environment variable {name} is not set: the engine's template sets it"))
    })
}

fn addresses(name: &str) -> Result<Vec<SocketAddr>, Failure> {
    let text = variable(name).unwrap_or_default();
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| {
            part.parse().map_err(|_| {
                Failure::InvalidInput(format!("{name}: `{part}` is not an address and a port, as 192.0.2.1:53"))
            })
        })
        .collect()
}

#[expect(clippy::disallowed_methods, reason = "this module is where the environment is read")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
