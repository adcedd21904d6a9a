//! Waking the functions of a failover before they are needed. A cold start takes a good part of a second and reading a
//! credential another: at a primary's first failed sample there is time for both, before its alarm has risen.

use domain::words::id::PlanName;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The event that wakes a function. Whatever the function is, it does nothing else with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wake {
    /// For what.
    pub wake: For,
}

/// For which plan a function is woken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct For {
    /// The plan.
    pub plan: PlanName,
}

impl Wake {
    /// The event that wakes a function for a plan.
    #[must_use]
    pub fn of(plan: &PlanName) -> Self {
        Self { wake: For { plan: plan.clone() } }
    }

    /// Reads an event; `None` where it is another one.
    #[must_use]
    pub fn read(event: &Value) -> Option<Self> {
        event.get("wake")?;
        Self::deserialize(event).ok()
    }
}

#[cfg(feature = "postgres")]
pub(crate) use ready::ready;

#[cfg(feature = "postgres")]
mod ready {
    use domain::words::id::PlanName;
    use tracing::{info, warn};

    use crate::{
        object_store::{self, ObjectStore},
        patience::READ_AHEAD,
        postgres::{Postgres, Server},
    };

    /// Reads what is needed to log in to both sides of a plan's pair. What cannot be read is read again when it is needed.
    pub(crate) async fn ready(store: &impl ObjectStore, postgres: &Postgres, plan: &PlanName) {
        match tokio::time::timeout(READ_AHEAD, prepare(store, postgres, plan)).await {
            Ok(Ok(())) => info!(plan.name = %plan, "woken, with its logins"),
            Ok(Err(why)) => warn!(plan.name = %plan, why, "woken, and could not prepare its logins"),
            Err(_) => warn!(plan.name = %plan, "woken, and could not prepare its logins in time"),
        }
    }

    async fn prepare(store: &impl ObjectStore, postgres: &Postgres, plan: &PlanName) -> Result<(), String> {
        let (plan, _) = object_store::read_pair(store, plan).await.map_err(|failure| failure.chain())?;
        let pair = plan.pair().ok_or("traffic.component: names no component")?;
        let (primary, replica) = (Server::at(pair, &pair.primary), Server::at(pair, &pair.replica));
        let (primary, replica) = tokio::join!(postgres.prepare(&primary), postgres.prepare(&replica));
        primary.and(replica)
    }
}

#[cfg(feature = "lambda")]
pub use sleepers::Sleepers;

#[cfg(feature = "lambda")]
mod sleepers {
    use aws_sdk_lambda::Client;
    use domain::{
        watch::health::LookRequest,
        words::{
            failure::Failure,
            id::{PlanName, Region},
        },
    };
    use serde_json::Value;
    use tracing::{info, warn};

    use super::Wake;
    use crate::{
        aws, config, function,
        patience::{HAND_OVER, ROLL_CALL},
        witness::Ask,
    };

    /// The functions that a failover will need.
    #[derive(Debug)]
    pub struct Sleepers {
        client: Client,
        functions: Vec<String>,
        witness_function: Option<String>,
    }

    impl Sleepers {
        /// As the environment names them.
        ///
        /// # Errors
        /// `InvalidInput` when the runtime named no Region.
        pub async fn from_env() -> Result<Self, Failure> {
            let config = aws::config_for_the_far_side(&config::region()?, HAND_OVER).await;
            let witness_function = config::witness_function().ok();
            Ok(Self { client: Client::new(&config), functions: config::wakes(), witness_function })
        }

        /// Wakes them all, side by side, and the probe of the witness Region by a look of its own: so it has read the
        /// credential when the judge asks it. Whoever cannot be woken wakes when it is needed.
        pub async fn wake(&self, plan: &PlanName, witness: Option<(&Region, LookRequest)>) {
            let event = Wake::of(plan);
            let functions =
                futures::future::join_all(self.functions.iter().map(|function| self.hand_over(function, &event)));
            let (woken, ()) = tokio::join!(functions, self.wake_witness(witness));
            let woken = woken.into_iter().filter(|woken| *woken).count();
            info!(plan.name = %plan, "woke {woken} of {} functions", self.functions.len());
        }

        /// Asks each of them to wake, and the probe of the witness Region to look, and says who answered.
        pub async fn roll_call(
            &self,
            plan: &PlanName,
            witness: Option<(&Region, LookRequest)>,
        ) -> Result<Vec<(String, Result<(), String>)>, Failure> {
            let config = aws::config_for_the_far_side(&config::region()?, ROLL_CALL).await;
            let (event, config) = (&Wake::of(plan), &config);
            let called = self.functions.iter().map(|function| async move {
                let answer = function::ask::<Value>(config, function, event).await;
                (function.clone(), answer.map(drop))
            });
            let witness = async {
                let (region, look) = witness?;
                let function = self.witness_function.as_ref()?;
                let config = aws::config_for_the_far_side(region.as_str(), ROLL_CALL).await;
                let answer = function::ask::<Value>(&config, function, &Ask::to_look(&look)).await;
                Some((format!("{function} in {region}"), answer.map(drop)))
            };
            let (mut called, witness) = tokio::join!(futures::future::join_all(called), witness);
            called.extend(witness);
            Ok(called)
        }

        async fn hand_over(&self, function: &str, event: &Wake) -> bool {
            let handed = function::hand_over(&self.client, function, event).await;
            handed.inspect_err(|why| warn!(why, "could not wake `{function}`")).is_ok()
        }

        async fn wake_witness(&self, witness: Option<(&Region, LookRequest)>) {
            let (Some((region, look)), Some(function)) = (witness, &self.witness_function) else { return };
            let client = Client::new(&aws::config_for_the_far_side(region.as_str(), HAND_OVER).await);
            if let Err(why) = function::hand_over(&client, function, &Ask::to_look(&look)).await {
                warn!(why, "could not wake `{function}` in {region}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_wake_is_one() {
        let wake = json!({"wake": {"plan": "orders"}});
        assert_eq!(serde_json::to_value(Wake::of(&"orders".parse().unwrap())).unwrap(), wake);
        assert!(Wake::read(&wake).is_some());
        for other in [
            json!({"watch": {"plan": "orders"}}),
            json!({"wake": {"plan": "ORDERS"}}),
            json!({"wake": {"plan": "orders"}, "run": {}}),
            json!({"wake": {"plan": "orders", "more": 1}}),
            json!("wake"),
            json!(null),
        ] {
            assert_eq!(Wake::read(&other), None, "{other}");
        }
    }
}
