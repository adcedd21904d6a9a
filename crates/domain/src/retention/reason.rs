//! Why a backup stays, and why it goes.

use std::fmt;

/// Why a backup stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It is on legal hold.
    Held,
    /// It is the newest whose restore was tried and queried.
    LastVerified,
    /// It is one of the newest few.
    Floor,
    /// It is being made.
    Making,
    /// Nobody here knows its state.
    StateUnknown,
    /// Its clock is not to be trusted.
    DatedInTheFuture,
    /// By `last`.
    Last,
    /// By `within`.
    Within,
    /// By `onDay`.
    OnDay,
    /// By `hourly`.
    Hourly,
    /// By `daily`.
    Daily,
    /// By `weekly`.
    Weekly,
    /// By `monthly`.
    Monthly,
    /// By `yearly`.
    Yearly,
}

impl Reason {
    /// Every one, the strongest first.
    pub const ALL: [Self; 14] = [
        Self::Held,
        Self::LastVerified,
        Self::Floor,
        Self::Making,
        Self::StateUnknown,
        Self::DatedInTheFuture,
        Self::Last,
        Self::Within,
        Self::OnDay,
        Self::Hourly,
        Self::Daily,
        Self::Weekly,
        Self::Monthly,
        Self::Yearly,
    ];

    fn words(self) -> &'static str {
        match self {
            Self::Held => "legal hold",
            Self::LastVerified => "the newest verified",
            Self::Floor => "the floor",
            Self::Making => "being made",
            Self::StateUnknown => "in a state that is not understood",
            Self::DatedInTheFuture => "dated in the future",
            Self::Last => "last",
            Self::Within => "within",
            Self::OnDay => "its day of the week",
            Self::Hourly => "hourly",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::Yearly => "yearly",
        }
    }

    fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// Every reason for which a backup stays, in two bytes: a series may have a million.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reasons(u16);

impl Reasons {
    pub(super) fn add(&mut self, reason: Reason) {
        self.0 |= reason.bit();
    }

    pub(super) fn add_if(&mut self, reason: Reason, holds: bool) {
        if holds {
            self.add(reason);
        }
    }

    /// Whether this is one of them.
    #[must_use]
    pub fn has(self, reason: Reason) -> bool {
        self.0 & reason.bit() != 0
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for Reasons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = Reason::ALL.into_iter().filter(|reason| self.has(*reason)).map(Reason::words);
        f.write_str(&words.collect::<Vec<_>>().join(", "))
    }
}

/// Why a backup goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because {
    /// It is older than every rule reaches, or another stands for its time.
    NoRuleKeepsIt,
    /// It was never completed: nothing can be restored from it.
    Failed,
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoRuleKeepsIt => "no rule keeps it",
            Self::Failed => "it failed: nothing can be restored from it",
        })
    }
}
