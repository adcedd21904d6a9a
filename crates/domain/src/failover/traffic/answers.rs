//! Whether a change has reached the servers that answer for a name.

use std::net::Ipv4Addr;

use crate::{plan::Target, words::id::HostName};

/// What is answered for a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answers {
    /// By each authoritative server.
    Each(Vec<ServerAnswer>),
    /// By nobody that a function outside the zone's networks could ask: the zone is private.
    Private,
}

/// What an authoritative server says of a name, or why it says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAnswer {
    /// The server.
    pub server: String,
    /// Its answer.
    pub told: Result<Told, String>,
}

/// What a name is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// The host that it is an alias of.
    Host,
    /// Its addresses.
    Addresses,
}

/// What a name is said to lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// A host.
    Host(HostName),
    /// Addresses, in any order.
    Addresses(Vec<Ipv4Addr>),
}

impl Told {
    /// Whether it leads where another one does: a load balancer answers with some of its addresses, now these and now those.
    #[must_use]
    pub fn leads_to(&self, wanted: &Self) -> bool {
        match (self, wanted) {
            (Self::Host(told), Self::Host(wanted)) => told == wanted,
            (Self::Addresses(told), Self::Addresses(wanted)) => told.iter().any(|address| wanted.contains(address)),
            (Self::Host(_), Self::Addresses(_)) | (Self::Addresses(_), Self::Host(_)) => false,
        }
    }
}

impl std::fmt::Display for Told {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Host(host) => write!(to, "`{host}`"),
            Self::Addresses(addresses) => {
                let all: Vec<String> = addresses.iter().map(|address| format!("`{address}`")).collect();
                to.write_str(&all.join(", "))
            }
        }
    }
}

impl Target {
    /// What a name that leads to it is asked for.
    #[must_use]
    pub fn asked(&self) -> Asked {
        match self {
            Self::Host(_) => Asked::Host,
            Self::Address(_) | Self::LoadBalancer(_) => Asked::Addresses,
        }
    }

    /// What a name that leads to it answers. Of a load balancer that depends on its own addresses: its name is given back.
    ///
    /// # Errors
    /// The load balancer's name.
    pub fn told(&self) -> Result<Told, &HostName> {
        match self {
            Self::Host(host) => Ok(Told::Host(host.clone())),
            Self::Address(address) => Ok(Told::Addresses(vec![address.ip()])),
            Self::LoadBalancer(balancer) => Err(&balancer.host),
        }
    }
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
    /// How far a change of a name to its target is: `wanted` is what is answered then. `is_insync` is whether Route 53 says
    /// so of the change.
    #[must_use]
    pub fn spread(&self, name: &HostName, target: &Target, wanted: &Result<Told, String>, is_insync: bool) -> Spread {
        let answers = match self {
            Self::Each(answers) => answers,
            Self::Private if is_insync => {
                return Spread::Everywhere(format!(
                    "`{name}` leads to `{target}` on all of Route 53's servers; its zone is private: the checks look it up from inside"
                ));
            }
            Self::Private => return Spread::Untold(format!("`{name}` is written; its zone is private")),
        };
        let wanted = match wanted {
            Ok(wanted) => wanted,
            Err(why) => return Spread::NotYet(format!("where `{name}` is to lead is not known: {why}")),
        };
        let is_there = |answer: &&ServerAnswer| answer.told.as_ref().is_ok_and(|told| told.leads_to(wanted));
        if let Some(behind) = answers.iter().find(|answer| !is_there(answer)) {
            let answer = behind.told.as_ref().map_or_else(Clone::clone, ToString::to_string);
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
        let silent = answers.iter().find_map(|answer| Some((&answer.server, answer.told.as_ref().err()?)));
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
