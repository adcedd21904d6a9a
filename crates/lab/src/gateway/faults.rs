//! Faults injected into calls of AWS, and the record of the calls that were made.
//!
//! The gateway's side of it is `python/seams/faults.py`.

use serde::Deserialize;

use super::fault::{Call, Fault, InForce};

/// Where faults are set and calls are read.
#[derive(Clone, Debug)]
pub struct Faults {
    base: String,
    http: reqwest::Client,
}

/// Why a fault could not be injected, or the record could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FaultsError {
    /// The gateway did not answer.
    #[error("the gateway did not answer {request}; is the lab still up?")]
    Unanswered {
        /// What was asked.
        request: String,
        /// Why nothing came.
        source: reqwest::Error,
    },
    /// The gateway refused.
    #[error("the gateway refused {request} with {status}: {why}")]
    Refused {
        /// What was asked.
        request: String,
        /// The answer's status.
        status: u16,
        /// The answer's text.
        why: String,
    },
}

impl Faults {
    pub(super) fn at(endpoint: &str) -> Self {
        edge::tls::cryptography();
        Self { base: format!("{endpoint}/_lab"), http: reqwest::Client::new() }
    }

    /// Puts a fault in force; gives its number.
    ///
    /// # Errors
    /// [`FaultsError`], also when the gateway refuses this fault.
    pub async fn set(&self, fault: &Fault) -> Result<u64, FaultsError> {
        #[derive(Deserialize)]
        struct Set {
            id: u64,
        }
        let set: Set = self.ask(self.http.put(format!("{}/faults", self.base)).json(fault)).await?;
        Ok(set.id)
    }

    /// The faults in force.
    ///
    /// # Errors
    /// [`FaultsError`].
    pub async fn in_force(&self) -> Result<Vec<InForce>, FaultsError> {
        #[derive(Deserialize)]
        struct Listed {
            faults: Vec<InForce>,
        }
        let listed: Listed = self.ask(self.http.get(format!("{}/faults", self.base))).await?;
        Ok(listed.faults)
    }

    /// Ends every fault.
    ///
    /// # Errors
    /// [`FaultsError`].
    pub async fn heal(&self) -> Result<(), FaultsError> {
        self.ask::<serde_json::Value>(self.http.delete(format!("{}/faults", self.base))).await.map(drop)
    }

    /// The calls that functions and Step Functions made since they were last forgotten; at most the newest 20,000.
    ///
    /// # Errors
    /// [`FaultsError`].
    pub async fn calls(&self) -> Result<Vec<Call>, FaultsError> {
        #[derive(Deserialize)]
        struct Listed {
            calls: Vec<Call>,
        }
        let listed: Listed = self.ask(self.http.get(format!("{}/calls", self.base))).await?;
        Ok(listed.calls)
    }

    /// Forgets the calls so far.
    ///
    /// # Errors
    /// [`FaultsError`].
    pub async fn forget_calls(&self) -> Result<(), FaultsError> {
        self.ask::<serde_json::Value>(self.http.delete(format!("{}/calls", self.base))).await.map(drop)
    }

    /// Makes EventBridge start what is due up to this many seconds late, at random; fewer than 60.
    ///
    /// # Errors
    /// [`FaultsError`].
    pub async fn start_schedules_within(&self, seconds: u64) -> Result<(), FaultsError> {
        let request =
            self.http.put(format!("{}/schedules", self.base)).json(&serde_json::json!({ "seconds": seconds }));
        self.ask::<serde_json::Value>(request).await.map(drop)
    }

    /// Ends the functions' idle processes, so that the next invocation of each is a cold start.
    ///
    /// # Errors
    /// [`FaultsError`].
    pub async fn end_idle_environments(&self) -> Result<(), FaultsError> {
        self.ask::<serde_json::Value>(self.http.delete(format!("{}/environments", self.base))).await.map(drop)
    }

    /// Ends every process of a function, busy ones too: their callers get an error.
    ///
    /// # Errors
    /// [`FaultsError`].
    pub async fn end_environments_of(&self, function: &str) -> Result<(), FaultsError> {
        let processes = format!("{}/environments/{function}", self.base);
        self.ask::<serde_json::Value>(self.http.delete(processes)).await.map(drop)
    }

    async fn ask<T: serde::de::DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> Result<T, FaultsError> {
        let (_, request) = request.build_split();
        let request = request.map_err(|source| FaultsError::Unanswered { request: self.base.clone(), source })?;
        let named = format!("{} {}", request.method(), request.url());
        let unanswered = |source| FaultsError::Unanswered { request: named.clone(), source };
        let answer = self.http.execute(request).await.map_err(unanswered)?;
        let status = answer.status();
        if !status.is_success() {
            let why = answer.text().await.unwrap_or_default();
            return Err(FaultsError::Refused { request: named.clone(), status: status.as_u16(), why });
        }
        answer.json().await.map_err(unanswered)
    }
}
