//! An answer to a question, as it is sent back.

use hickory_server::proto::op::ResponseCode;
use hickory_server::proto::rr::Record;

/// What is sent back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) code: ResponseCode,
    pub(super) authoritative: bool,
    pub(super) records: Vec<Record>,
    /// Sent beside an answer without records, so that the client knows how long to believe it.
    pub(super) soa: Option<Record>,
}

impl Answer {
    pub(super) fn empty(code: ResponseCode) -> Self {
        Self { code, authoritative: false, records: Vec::new(), soa: None }
    }
}
