//! The command that follows a run again, once its watching has stopped.

use domain::words::id::ExecutionArn;

/// How a run is followed again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Again {
    /// By the same command: while the run goes on, it is joined.
    SameWords,
    /// By the same command and these arguments, which the run has now.
    With(Vec<String>),
    /// Not by this command, whose every call starts a run of its own.
    Never,
}

impl Again {
    /// What the person is told.
    pub(super) fn told(self, execution: &ExecutionArn, region: &str) -> String {
        let more = match self {
            Self::SameWords => Vec::new(),
            Self::With(words) => words,
            Self::Never => {
                return format!(
                    "The same words would start another. See it with: aws stepfunctions describe-execution --region {region} \
                     --execution-arn {execution}"
                );
            }
        };
        format!("While it runs, these words watch it again: {}", line(std::env::args().chain(more)))
    }
}

/// Words as a shell takes them.
fn line(words: impl Iterator<Item = String>) -> String {
    words.map(|word| quoted(&word)).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_@%+=:,./-".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_as_a_shell_takes_them() {
        let words = ["lifeboat", "failover", "--by", "anna@example.com", "--why", "it's down; rm -rf $HOME", ""];
        assert_eq!(
            line(words.into_iter().map(str::to_owned)),
            r"lifeboat failover --by anna@example.com --why 'it'\''s down; rm -rf $HOME' ''"
        );
    }

    #[test]
    fn a_run_that_no_words_find_again_is_told_with_its_execution() {
        let execution: ExecutionArn =
            "arn:aws:states:us-west-2:000000000000:execution:lifeboat-cleanup:by-hand".parse().unwrap();
        let told = Again::Never.told(&execution, "us-west-2");
        assert!(told.contains("describe-execution") && told.contains(execution.as_str()), "{told}");
        let told = Again::With(vec!["--at".into(), "2026-11-21T02:00:00Z".into()]).told(&execution, "us-west-2");
        assert!(told.ends_with(" --at 2026-11-21T02:00:00Z"), "{told}");
    }
}
