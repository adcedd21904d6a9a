//! Whether a change has reached the servers that answer for a name.

use crate::words::id::HostName;

/// What is answered for a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answers {
    /// By each authoritative server.
    Each(Vec<ServerAnswer>),
    /// By nobody that a function outside the zone's networks could ask: the zone is private.
    Private,
}

/// What an authoritative server says that a name is an alias of, or why it says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAnswer {
    /// The server.
    pub server: String,
    /// Its answer.
    pub alias: Result<HostName, String>,
}

/// How far a change is, in a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spread {
    /// Every server has it.
    Everywhere(String),
    /// One that has it not is named.
    NotYet(String),
    /// Nobody can tell: its servers cannot be asked, and no change is known that Route 53 could be asked for. Written again
    /// as it is, the record has one.
    Untold(String),
}

impl Answers {
    /// How far a change of a name to its target is. `is_insync` is whether Route 53 says so of the change.
    #[must_use]
    pub fn spread(&self, name: &HostName, target: &HostName, is_insync: bool) -> Spread {
        let answers = match self {
            Self::Each(answers) => answers,
            Self::Private if is_insync => {
                return Spread::Everywhere(format!(
                    "`{name}` leads to `{target}` on all of Route 53's servers; its zone is private: the checks look it up from inside"
                ));
            }
            Self::Private => return Spread::Untold(format!("`{name}` is written; its zone is private")),
        };
        if let Some(behind) = answers.iter().find(|answer| answer.alias.as_ref() != Ok(target)) {
            let answer = behind.alias.as_ref().map_or_else(Clone::clone, |elsewhere| format!("`{elsewhere}`"));
            return Spread::NotYet(format!(
                "`{}`, an authoritative server of `{name}`, does not answer `{target}` yet: {answer}",
                behind.server
            ));
        }
        if answers.is_empty() {
            return Spread::NotYet(nobody(name));
        }
        Spread::Everywhere(format!("`{name}` leads to `{target}` on {} authoritative servers", answers.len()))
    }

    /// What a rehearsal answers, which changes nothing: whether a change could be seen to arrive.
    ///
    /// # Errors
    /// Why it could not.
    pub fn rehearsed(&self, name: &HostName) -> Result<String, String> {
        let answers = match self {
            Self::Each(answers) if answers.is_empty() => return Err(nobody(name)),
            Self::Each(answers) => answers,
            Self::Private => {
                return Ok(format!(
                    "`{name}` could be moved now; its zone is private: Route 53 says when all of its servers have it"
                ));
            }
        };
        let silent = answers.iter().find_map(|answer| Some((&answer.server, answer.alias.as_ref().err()?)));
        match silent {
            Some((server, why)) => {
                Err(format!("`{server}`, an authoritative server of `{name}`, does not answer: {why}"))
            }
            None => Ok(format!("`{name}` could be moved now; {} authoritative servers answer for it", answers.len())),
        }
    }
}

fn nobody(name: &HostName) -> String {
    format!("no authoritative server of `{name}` is known")
}
