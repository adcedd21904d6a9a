//! What became of each Region's turn.

use serde::{Deserialize, Serialize};

use crate::{state_machine::LastWord, words::id::Region};

/// How a Region's turn ended, as the state machine tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegionTurn {
    /// Where.
    pub region: Region,
    /// Whether the Region was looked at and all that was to go is gone.
    pub whole: bool,
    /// The last word of the step that cleans.
    pub word: LastWord,
}

/// Why a cleanup ended as it did, turn by turn.
#[must_use]
pub fn because(turns: &[RegionTurn]) -> String {
    let each: Vec<String> = turns.iter().map(|turn| turn.word.because()).collect();
    each.join("; ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_region_s_turn_is_told_whether_it_was_answered_or_not() {
        let answer = json!({ "step": "Pending", "because": "us-east-1: 20 deleted, 40 to go" });
        let turns: Vec<RegionTurn> = serde_json::from_value(json!([
            { "region": "us-east-1", "whole": false, "word": {
                "state": "Cleanup", "notDone": "not finished", "asks": 121, "answer": answer,
            } },
            { "region": "us-west-2", "whole": false, "word": {
                "state": "Cleanup", "error": { "Error": "AwsDenied", "Cause": "rds:DescribeDBSnapshots" },
            } },
        ]))
        .unwrap();
        assert_eq!(
            because(&turns),
            "not finished after 121 asks: us-east-1: 20 deleted, 40 to go; \
             Cleanup ended with AwsDenied: rds:DescribeDBSnapshots"
        );
    }
}
