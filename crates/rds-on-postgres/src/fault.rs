//! What the endpoint answers when it refuses: AWS's error codes, with their HTTP statuses.

use std::fmt::Display;

/// An error code of the RDS API, or one common to all AWS Query APIs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    DbClusterAlreadyExists,
    DbClusterNotFound,
    DbClusterSnapshotAlreadyExists,
    DbClusterSnapshotNotFound,
    DbInstanceAlreadyExists,
    DbInstanceAutomatedBackupNotFound,
    DbInstanceNotFound,
    DbSnapshotAlreadyExists,
    DbSnapshotNotFound,
    InsufficientDbInstanceCapacity,
    InstanceQuotaExceeded,
    InternalFailure,
    InvalidAction,
    InvalidDbClusterSnapshotState,
    InvalidDbClusterState,
    InvalidDbInstanceAutomatedBackupState,
    InvalidDbInstanceState,
    InvalidDbSnapshotState,
    InvalidParameterCombination,
    InvalidParameterValue,
    KmsKeyNotAccessible,
    MalformedQueryString,
    MissingAction,
    MissingAuthenticationToken,
    MissingParameter,
    PointInTimeRestoreNotEnabled,
    RequestEntityTooLarge,
    SnapshotQuotaExceeded,
}

impl Code {
    /// The code as it stands in the answer.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::DbClusterAlreadyExists => "DBClusterAlreadyExistsFault",
            Self::DbClusterNotFound => "DBClusterNotFoundFault",
            Self::DbClusterSnapshotAlreadyExists => "DBClusterSnapshotAlreadyExistsFault",
            Self::DbClusterSnapshotNotFound => "DBClusterSnapshotNotFoundFault",
            Self::DbInstanceAlreadyExists => "DBInstanceAlreadyExists",
            Self::DbInstanceAutomatedBackupNotFound => "DBInstanceAutomatedBackupNotFound",
            Self::DbInstanceNotFound => "DBInstanceNotFound",
            Self::DbSnapshotAlreadyExists => "DBSnapshotAlreadyExists",
            Self::DbSnapshotNotFound => "DBSnapshotNotFound",
            Self::InsufficientDbInstanceCapacity => "InsufficientDBInstanceCapacity",
            Self::InstanceQuotaExceeded => "InstanceQuotaExceeded",
            Self::InternalFailure => "InternalFailure",
            Self::InvalidAction => "InvalidAction",
            Self::InvalidDbClusterSnapshotState => "InvalidDBClusterSnapshotStateFault",
            Self::InvalidDbClusterState => "InvalidDBClusterStateFault",
            Self::InvalidDbInstanceAutomatedBackupState => "InvalidDBInstanceAutomatedBackupState",
            Self::InvalidDbInstanceState => "InvalidDBInstanceState",
            Self::InvalidDbSnapshotState => "InvalidDBSnapshotState",
            Self::InvalidParameterCombination => "InvalidParameterCombination",
            Self::InvalidParameterValue => "InvalidParameterValue",
            Self::KmsKeyNotAccessible => "KMSKeyNotAccessibleFault",
            Self::MalformedQueryString => "MalformedQueryString",
            Self::MissingAction => "MissingAction",
            Self::MissingAuthenticationToken => "MissingAuthenticationToken",
            Self::MissingParameter => "MissingParameter",
            Self::PointInTimeRestoreNotEnabled => "PointInTimeRestoreNotEnabled",
            Self::RequestEntityTooLarge => "RequestEntityTooLarge",
            Self::SnapshotQuotaExceeded => "SnapshotQuotaExceeded",
        }
    }

    /// The HTTP status that goes with the code, as in AWS's model of the service.
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::DbClusterNotFound
            | Self::DbClusterSnapshotNotFound
            | Self::DbInstanceAutomatedBackupNotFound
            | Self::DbInstanceNotFound
            | Self::DbSnapshotNotFound => 404,
            Self::InternalFailure => 500,
            Self::MissingAuthenticationToken => 403,
            Self::RequestEntityTooLarge => 413,
            Self::DbClusterAlreadyExists
            | Self::DbClusterSnapshotAlreadyExists
            | Self::DbInstanceAlreadyExists
            | Self::DbSnapshotAlreadyExists
            | Self::InsufficientDbInstanceCapacity
            | Self::InstanceQuotaExceeded
            | Self::InvalidAction
            | Self::InvalidDbClusterSnapshotState
            | Self::InvalidDbClusterState
            | Self::InvalidDbInstanceAutomatedBackupState
            | Self::InvalidDbInstanceState
            | Self::InvalidDbSnapshotState
            | Self::InvalidParameterCombination
            | Self::InvalidParameterValue
            | Self::KmsKeyNotAccessible
            | Self::MalformedQueryString
            | Self::MissingAction
            | Self::MissingParameter
            | Self::PointInTimeRestoreNotEnabled
            | Self::SnapshotQuotaExceeded => 400,
        }
    }
}

/// A refusal: a code and a sentence for whoever called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", code.name())]
pub(crate) struct Fault {
    pub(crate) code: Code,
    pub(crate) message: String,
}

impl Fault {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// A value that AWS would not accept for the parameter, and what it would.
    pub(crate) fn value(parameter: &str, value: impl Display, expected: &str) -> Self {
        Self::new(Code::InvalidParameterValue, format!("Invalid value {value} for {parameter}: it must be {expected}."))
    }

    /// Two parameters, or one and the state of things, that do not go together.
    pub(crate) fn combination(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidParameterCombination, message)
    }

    pub(crate) fn instance_state(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidDbInstanceState, message)
    }
}
