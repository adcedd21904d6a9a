//! Deploys a SAM template as `sam package` and `sam deploy` do, to several Regions at once.
//!
//! - [`Package::gather`] reads the template, keeps every function's program, zips a `bootstrap` that becomes it, and
//!   reads every state machine's definition;
//! - [`Package::deploy`] uploads them to a Region's own artifacts bucket, writes their places into
//!   the template's text and creates or updates the stack.

mod artifact;
mod stack;
mod template;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use futures::future;

use crate::gateway::{ACCOUNT, Gateway};

use artifact::Artifact;
use template::Template;

/// A stack's outputs by their keys.
pub type Outputs = BTreeMap<String, String>;

/// Where and with what a package is deployed.
#[derive(Clone, Debug)]
pub struct Target {
    /// The Region.
    pub region: String,
    /// The stack's name.
    pub stack: String,
    /// Values of the template's parameters; those left out take their defaults.
    pub parameters: BTreeMap<String, String>,
}

/// Why a deployment failed.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// A file could not be read or zipped.
    #[error("{what} {path}")]
    File {
        /// What was attempted.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The template is not one that can be packaged.
    #[error("{path}:{line}: {what}")]
    Template {
        /// The template.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong and what was expected.
        what: String,
    },
    /// An artifact could not be uploaded.
    #[error("uploading to the bucket {bucket} in {region} failed: {cause}")]
    Upload {
        /// The bucket.
        bucket: String,
        /// Its Region.
        region: String,
        /// What S3 said.
        cause: String,
    },
    /// CloudFormation refused the stack.
    #[error("CloudFormation refused the stack {stack} in {region}: {cause}")]
    Refused {
        /// The stack.
        stack: String,
        /// Its Region.
        region: String,
        /// What it said.
        cause: String,
    },
    /// The stack did not come up.
    #[error("the stack {stack} in {region} ended as {status}: {}", reasons.join("; "))]
    Failed {
        /// The stack.
        stack: String,
        /// Its Region.
        region: String,
        /// Its status.
        status: String,
        /// The failed resources, each with its reason.
        reasons: Vec<String>,
    },
    /// The stack is still under way.
    #[error("the stack {stack} in {region} is still {status} after {limit_seconds} s")]
    Late {
        /// The stack.
        stack: String,
        /// Its Region.
        region: String,
        /// Its status.
        status: String,
        /// How long was waited.
        limit_seconds: u64,
    },
}

/// A template with all that it refers to, ready to be deployed anywhere.
#[derive(Debug)]
pub struct Package {
    template: Template,
    /// By the template's line that refers to it.
    artifacts: BTreeMap<usize, Artifact>,
}

impl Package {
    /// Reads the template at `path` and everything it refers to.
    ///
    /// `bootstrap` answers where the built program of a function is, by its name in the template's
    /// `BuildProperties: Binary:`. It is kept in `code`, which must stay as long as what is deployed.
    ///
    /// # Errors
    /// [`DeployError::Template`] and [`DeployError::File`].
    pub fn gather(path: &Path, code: &Path, bootstrap: &(dyn Fn(&str) -> PathBuf + Sync)) -> Result<Self, DeployError> {
        let template = Template::read(path)?;
        let gathered = template.references.iter().map(|reference| {
            Ok((reference.line, Artifact::gather(&reference.source, &template.folder, code, bootstrap)?))
        });
        let artifacts = gathered.collect::<Result<_, DeployError>>()?;
        Ok(Self { template, artifacts })
    }

    /// Deploys to every target at once; the outputs are in the targets' order.
    ///
    /// # Errors
    /// The first [`DeployError`]; stacks already under way elsewhere go on.
    pub async fn deploy(&self, gateway: &Gateway, targets: &[Target]) -> Result<Vec<Outputs>, DeployError> {
        future::try_join_all(targets.iter().map(|target| self.deploy_to(gateway, target))).await
    }

    async fn deploy_to(&self, gateway: &Gateway, target: &Target) -> Result<Outputs, DeployError> {
        let bucket = format!("lifeboat-artifacts-{ACCOUNT}-{}", target.region);
        let s3 = gateway.s3(&target.region);
        let failed =
            |cause: String| DeployError::Upload { bucket: bucket.clone(), region: target.region.clone(), cause };
        make_bucket(&s3, &bucket, &target.region).await.map_err(failed)?;
        let uploads = self.artifacts.values().map(|artifact| upload(&s3, &bucket, artifact));
        future::try_join_all(uploads).await.map_err(failed)?;
        let body = self
            .template
            .with_places(|line| self.artifacts.get(&line).map(|artifact| format!("s3://{bucket}/{}", artifact.key)));
        // As `sam deploy` does: a request takes 51,200 bytes of a template, an object of S3 a megabyte.
        let template = Artifact::template(&target.stack, body);
        upload(&s3, &bucket, &template).await.map_err(failed)?;
        let url = format!("https://s3.{}.amazonaws.com/{bucket}/{}", target.region, template.key);
        stack::put(&gateway.sdk_config(&target.region), target, &url).await
    }
}

/// Makes a bucket, unless it is there.
pub(crate) async fn make_bucket(s3: &aws_sdk_s3::Client, bucket: &str, region: &str) -> Result<(), String> {
    // S3 wants no location for its home Region, and one for every other.
    let place = (region != "us-east-1").then(|| {
        CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::from(region)).build()
    });
    match s3.create_bucket().bucket(bucket).set_create_bucket_configuration(place).send().await {
        Ok(_) => Ok(()),
        Err(error) if error.code() == Some("BucketAlreadyOwnedByYou") => Ok(()),
        Err(error) => Err(said(&error)),
    }
}

/// Uploads unless the very same is there: the key is made from the content.
async fn upload(s3: &aws_sdk_s3::Client, bucket: &str, artifact: &Artifact) -> Result<(), String> {
    if s3.head_object().bucket(bucket).key(&artifact.key).send().await.is_ok() {
        return Ok(());
    }
    let body = ByteStream::from(artifact.content.clone());
    let put = s3.put_object().bucket(bucket).key(&artifact.key).body(body).send().await;
    put.map(|_| ()).map_err(|error| format!("{}: {}", artifact.key, said(&error)))
}

/// An SDK error in a few words: AWS's code and message, or else what went wrong on the way.
fn said<E>(error: &E) -> String
where
    E: ProvideErrorMetadata + std::error::Error,
{
    match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        (None, _) => {
            let mut text = error.to_string();
            let mut source = error.source();
            while let Some(cause) = source {
                text = format!("{text}: {cause}");
                source = cause.source();
            }
            text
        }
    }
}
