//! What a service that keeps snapshots is asked, whichever it is.

use domain::{
    backup::{Quota, Snapshot, Source},
    words::{
        failure::Failure,
        id::{KmsKeyId, PlanName},
    },
};
use futures::future::LocalBoxFuture;

/// What comes of asking a service.
pub type Answer<'a, T> = LocalBoxFuture<'a, Result<T, Failure>>;

/// What came of asking a service for something that takes its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acceptance {
    /// It is on its way, or was already.
    Begun,
    /// The service makes no further ones now: a quota is used up.
    NoRoom,
    /// What it is made of is changing: ask again.
    Busy,
}

/// One kind of snapshots in one Region. Each call fails as AWS answers.
pub trait SnapshotService {
    /// Looks for a snapshot by its name; that there is none is no error.
    fn find<'a>(&'a self, name: &'a str) -> Answer<'a, Option<Snapshot>>;

    /// Every snapshot that is tagged as this plan's; `AwsRejected` where there are more than can be looked through: of a part
    /// nothing is concluded.
    fn list<'a>(&'a self, plan: &'a PlanName) -> Answer<'a, Vec<Snapshot>>;

    /// Asks for a snapshot of this name. One that is there already is what was asked for.
    fn take<'a>(&'a self, of: &'a Source<'a>, name: &'a str, tags: &'a [(String, String)]) -> Answer<'a, Acceptance>;

    /// Asks for a copy, in this Region, of another Region's snapshot, with the tags that it carries.
    fn copy<'a>(&'a self, of: &'a Snapshot, key: Option<&'a KmsKeyId>) -> Answer<'a, Acceptance>;

    /// Deletes a snapshot. One that is gone is as it should be.
    fn delete<'a>(&'a self, name: &'a str) -> Answer<'a, ()>;

    /// How many of them the account has in the Region, and may have; `AwsRejected` where the service does not say.
    fn quota(&self) -> Answer<'_, Quota>;
}
