//! What the health checkers have seen so far, and what follows from it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::info;

use super::zones::CheckConfig;

/// Calculated checks may have calculated children; a deeper nesting is a loop.
const DEEPEST: usize = 4;

/// What Route 53 uses where a check does not say.
const INTERVAL_SECONDS: u64 = 30;
const THRESHOLD: u32 = 3;

/// What the checkers have seen so far.
#[derive(Debug, Default)]
pub(super) struct Checks(Mutex<HashMap<String, Observed>>);

#[derive(Debug)]
struct Observed {
    config: CheckConfig,
    due: Instant,
    /// Passing or failing, once known.
    passing: Option<bool>,
    /// Looks in a row that said the opposite.
    against: u32,
}

impl Checks {
    /// A check's verdict, inversion included. One that knows nothing yet, or is disabled, is healthy.
    pub(super) fn is_healthy(&self, id: &str, configs: &HashMap<String, CheckConfig>) -> bool {
        self.verdict(id, configs, DEEPEST)
    }

    fn verdict(&self, id: &str, configs: &HashMap<String, CheckConfig>, depth: usize) -> bool {
        let Some(config) = configs.get(id) else { return true };
        if config.disabled || depth == 0 {
            return true;
        }
        if config.r#type == "CALCULATED" {
            let well =
                config.child_health_checks.iter().filter(|child| self.verdict(child, configs, depth - 1)).count();
            // A threshold above the number of children is never reached: unhealthy, as on AWS.
            return (well >= config.health_threshold.unwrap_or(0)) != config.inverted;
        }
        let observed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        observed.get(id).and_then(|seen| seen.passing).is_none_or(|passing| passing != config.inverted)
    }

    /// Takes the checks that are due, and forgets those that are gone.
    pub(super) fn due(&self, configs: &HashMap<String, CheckConfig>) -> Vec<(String, CheckConfig)> {
        let now = Instant::now();
        let mut observed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        observed.retain(|id, seen| configs.get(id) == Some(&seen.config));
        let mut due = Vec::new();
        for (id, config) in configs {
            if config.disabled || config.r#type == "CALCULATED" {
                continue;
            }
            let seen = observed.entry(id.clone()).or_insert_with(|| Observed {
                config: config.clone(),
                due: now,
                passing: None,
                against: 0,
            });
            if seen.due <= now {
                seen.due = now + Duration::from_secs(config.request_interval.unwrap_or(INTERVAL_SECONDS));
                due.push((id.clone(), config.clone()));
            }
        }
        due
    }

    pub(super) fn record(&self, id: &str, passes: bool) {
        let mut observed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(seen) = observed.get_mut(id) else { return };
        if seen.passing == Some(passes) {
            seen.against = 0;
            return;
        }
        seen.against += 1;
        // The first look decides alone; later ones must agree as often as the threshold says.
        if seen.passing.is_none() || seen.against >= seen.config.failure_threshold.unwrap_or(THRESHOLD) {
            seen.passing = Some(passes);
            seen.against = 0;
            info!(check.id = id, passes, "a Route 53 health check changed");
        }
    }
}
