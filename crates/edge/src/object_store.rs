//! The Region's own bucket: plans, leases, the watch, evidence. Small objects, read whole, written on a condition.

pub mod claims;
mod keys;
#[cfg(feature = "s3")]
mod listing;
mod plans;

use keys::LEASES;
pub use keys::{approval_key, health_key, lease_key, order_key, plan_key, starts_key, watch_key, windows_key};
pub use plans::{read_pair, read_pair_here, read_plan, read_plan_here};

use domain::{
    failover::{fencing::Target, lease::Lease, run::Run, succession},
    words::{failure::Failure, id::PlanName, wording},
};
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

/// An object as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its content.
    pub text: String,
    /// What a conditional write must match.
    pub etag: String,
    /// Its version, where the bucket keeps versions.
    pub version: Option<String>,
}

/// On what condition an object is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Whatever is there.
    Always,
    /// Nothing is there.
    Absent,
    /// What is there has this tag.
    Unchanged(String),
}

/// A store of small objects.
pub trait ObjectStore {
    /// Reads an object; `None` where there is none.
    fn get(&self, key: &str) -> impl Future<Output = Result<Option<Object>, Failure>>;

    /// Writes an object; `Conflict` where the condition does not hold.
    fn put(&self, key: &str, text: String, condition: Condition) -> impl Future<Output = Result<(), Failure>>;
}

/// The largest object that is read whole. A report on ten thousand backups has about 4 MB.
#[cfg(feature = "s3")]
const LARGEST_OBJECT_BYTES: i64 = 8 * 1024 * 1024;

/// Reads an object of our own making, and its tag.
///
/// # Errors
/// `InvalidInput` where it is not of that making.
pub async fn read_json<T: DeserializeOwned>(
    store: &impl ObjectStore,
    key: &str,
) -> Result<Option<(T, String)>, Failure> {
    let Some(object) = store.get(key).await? else { return Ok(None) };
    Ok(Some((parse_json(key, &object.text)?, object.etag)))
}

/// Parses the text of an object of our own making.
///
/// # Errors
/// `InvalidInput` where it is not of that making.
pub fn parse_json<T: DeserializeOwned>(key: &str, text: &str) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|error| Failure::InvalidInput(unreadable(key, &error)))
}

/// Why an object of our own making cannot be read. Without its lease a plan has no runs and no backups, so that one is
/// told with the heading that says how to fix it.
fn unreadable(key: &str, error: &serde_json::Error) -> String {
    let why = wording::plain(&error.to_string());
    match key.strip_prefix(LEASES) {
        Some(_) => format!("{key} cannot be read: {why}. RUNBOOK.md, Correcting the lease"),
        None => format!("{key}: {why}; it was not written by this version"),
    }
}

/// Writes an object of our own making.
///
/// # Errors
/// `Conflict` where the condition does not hold.
pub async fn write_json(
    store: &impl ObjectStore,
    key: &str,
    value: &impl Serialize,
    condition: Condition,
) -> Result<(), Failure> {
    let text = serde_json::to_string(value).map_err(|error| Failure::InvalidInput(format!("{key}: {error}")))?;
    store.put(key, text, condition).await
}

/// Reads a plan's lease, and its tag; `None` where no run has ever taken it.
///
/// # Errors
/// `InvalidInput` where nobody can read it.
pub async fn read_lease(store: &impl ObjectStore, plan: &PlanName) -> Result<Option<(Lease, String)>, Failure> {
    read_json(store, &lease_key(plan)).await
}

/// Reads the lease and makes sure that the run still holds it; gives the lease and its tag.
///
/// # Errors
/// `Superseded` where it does not.
pub async fn held_lease(store: &impl ObjectStore, run: &Run) -> Result<(Lease, String), Failure> {
    let read = read_lease(store, &run.plan.plan).await?;
    let lease = succession::holds(read.as_ref().map(|(lease, _)| lease), run).map_err(Failure::Superseded)?;
    Ok((lease, read.map(|(_, etag)| etag).unwrap_or_default()))
}

/// Makes sure that the run still holds its lease, and writes into it which primary it is about to shut, before it does.
/// Gives the lease as it stands then.
///
/// # Errors
/// `Superseded` where it does not hold it, `Conflict` where somebody wrote at the same time.
pub async fn shut_in_lease(
    store: &impl ObjectStore,
    run: &Run,
    target: &Target,
    network: bool,
    now: Timestamp,
) -> Result<Lease, Failure> {
    let (lease, etag) = held_lease(store, run).await?;
    let Some(shutting) = lease.shutting(run, target, network, now) else { return Ok(lease) };
    write_json(store, &lease_key(&run.plan.plan), &shutting, Condition::Unchanged(etag)).await?;
    Ok(shutting)
}

#[cfg(feature = "s3")]
pub use listing::Listed;
#[cfg(feature = "s3")]
pub use s3::Bucket;

#[cfg(feature = "s3")]
mod s3 {
    use aws_sdk_s3::{Client, primitives::ByteStream};
    use domain::words::failure::Failure;

    use super::{Condition, LARGEST_OBJECT_BYTES, Object, ObjectStore};
    use crate::{aws_failure, config};

    /// An S3 bucket.
    #[derive(Debug, Clone)]
    pub struct Bucket {
        pub(crate) client: Client,
        pub(crate) name: String,
    }

    impl Bucket {
        /// The bucket of the function's own Region.
        ///
        /// # Errors
        /// `InvalidInput` when the environment names none.
        pub fn from_env(config: &aws_config::SdkConfig) -> Result<Self, Failure> {
            Ok(Self::named(config, config::bucket()?))
        }

        /// The bucket of this name.
        #[must_use]
        pub fn named(config: &aws_config::SdkConfig, name: String) -> Self {
            // Path-style addresses need no DNS name per bucket, and S3 takes them for any bucket.
            let client = Client::from_conf(aws_sdk_s3::config::Builder::from(config).force_path_style(true).build());
            Self { client, name }
        }

        /// Takes an object away; the bucket keeps its versions.
        ///
        /// # Errors
        /// As AWS answers.
        pub async fn delete(&self, key: &str) -> Result<(), Failure> {
            let deleted = self.client.delete_object().bucket(&self.name).key(key).send().await;
            deleted.map(drop).map_err(|error| aws_failure!(self.place("cannot delete", key), error))
        }

        /// Its name.
        #[must_use]
        pub fn name(&self) -> &str {
            &self.name
        }

        pub(crate) fn place(&self, verb: &str, key: &str) -> String {
            format!("{verb} s3://{}/{key}", self.name)
        }
    }

    impl ObjectStore for Bucket {
        async fn get(&self, key: &str) -> Result<Option<Object>, Failure> {
            let answer = match self.client.get_object().bucket(&self.name).key(key).send().await {
                Ok(answer) => answer,
                Err(error) if crate::aws::code(&error).as_deref() == Some("NoSuchKey") => return Ok(None),
                Err(error) => return Err(aws_failure!(self.place("cannot read", key), error)),
            };
            if answer.content_length().is_some_and(|length| length > LARGEST_OBJECT_BYTES) {
                return Err(Failure::InvalidInput(format!(
                    "{}: larger than {LARGEST_OBJECT_BYTES} bytes",
                    self.place("cannot read", key)
                )));
            }
            let (etag, version) =
                (answer.e_tag().unwrap_or_default().to_owned(), answer.version_id().map(str::to_owned));
            let bytes = answer.body.collect().await.map_err(|error| Failure::AwsTransient {
                what: self.place("the answer broke off: cannot read", key),
                source: Some(error.into()),
            })?;
            let text = String::from_utf8(bytes.to_vec())
                .map_err(|_| Failure::InvalidInput(format!("{}: not UTF-8", self.place("cannot read", key))))?;
            Ok(Some(Object { text, etag, version }))
        }

        async fn put(&self, key: &str, text: String, condition: Condition) -> Result<(), Failure> {
            let request =
                self.client.put_object().bucket(&self.name).key(key).body(ByteStream::from(text.into_bytes()));
            let request = match condition {
                Condition::Always => request,
                Condition::Absent => request.if_none_match("*"),
                Condition::Unchanged(etag) => request.if_match(etag),
            };
            match request.send().await {
                Ok(_) => Ok(()),
                // 412 for a violated condition, 409 for a race, 404 for a condition on what was deleted.
                Err(error) if matches!(error.raw_response().map(|r| r.status().as_u16()), Some(404 | 409 | 412)) => {
                    Err(Failure::Conflict(format!(
                        "{}: someone else changed it first",
                        self.place("cannot write", key)
                    )))
                }
                Err(error) => Err(aws_failure!(self.place("cannot write", key), error)),
            }
        }
    }
}

/// A store in memory, for the tests of handlers.
#[cfg(feature = "fake")]
pub mod fake {
    use std::{cell::RefCell, collections::BTreeMap};

    use domain::{
        component::ActiveSide,
        failover::{
            lease::{Holder, Lease, Phase},
            run::Run,
        },
        words::failure::Failure,
    };

    use super::{Condition, Object, ObjectStore, lease_key};

    /// A store in memory.
    #[derive(Debug, Default)]
    pub struct Memory {
        objects: RefCell<BTreeMap<String, (u64, String)>>,
    }

    impl Memory {
        /// A store on which this run holds its plan's lease.
        #[must_use]
        pub fn held_by(run: &Run) -> Self {
            let lease = Lease {
                plan: run.plan.plan.clone(),
                component: None,
                generation: run.generation,
                holder: Some(Holder {
                    execution: run.execution.clone(),
                    phase: Phase::Opened,
                    since: run.opened_at,
                    asked: None,
                }),
                active: ActiveSide::Primary,
                last: None,
                unfinished: None,
                shut: None,
                guard: None,
            };
            let text = serde_json::to_string(&lease).unwrap_or_default();
            Self::default().with(&lease_key(&run.plan.plan), &text)
        }

        /// What is under a key.
        #[must_use]
        pub fn text(&self, key: &str) -> Option<String> {
            self.objects.borrow().get(key).map(|(_, text)| text.clone())
        }

        /// Every key.
        #[must_use]
        pub fn keys(&self) -> Vec<String> {
            self.objects.borrow().keys().cloned().collect()
        }

        /// Puts a text under a key.
        #[must_use]
        pub fn with(self, key: &str, text: &str) -> Self {
            self.objects.borrow_mut().insert(key.to_owned(), (1, text.to_owned()));
            self
        }
    }

    impl ObjectStore for Memory {
        async fn get(&self, key: &str) -> Result<Option<Object>, Failure> {
            let objects = self.objects.borrow();
            Ok(objects.get(key).map(|(tag, text)| Object {
                text: text.clone(),
                etag: tag.to_string(),
                version: Some(tag.to_string()),
            }))
        }

        async fn put(&self, key: &str, text: String, condition: Condition) -> Result<(), Failure> {
            let mut objects = self.objects.borrow_mut();
            let current = objects.get(key).map(|(tag, _)| *tag);
            let holds = match &condition {
                Condition::Always => true,
                Condition::Absent => current.is_none(),
                Condition::Unchanged(etag) => current.is_some_and(|tag| tag.to_string() == *etag),
            };
            if !holds {
                return Err(Failure::Conflict(format!("{key} changed")));
            }
            objects.insert(key.to_owned(), (current.unwrap_or(0) + 1, text));
            Ok(())
        }
    }
}
