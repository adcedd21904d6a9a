//! How much faster than AWS a lab is.

use std::{fmt, str::FromStr};

/// How many seconds a second of AWS takes here.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale(pub(super) f64);

/// A text that is not a scale.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a scale: a scale is from 1/1000 to 1, such as 1/60 or 0.1, and says what a second of AWS takes")]
pub struct BadScale(String);

impl Scale {
    /// Minutes as seconds.
    pub const USUAL: Self = Self(1.0 / 60.0);
}

impl Default for Scale {
    fn default() -> Self {
        Self::USUAL
    }
}

impl FromStr for Scale {
    type Err = BadScale;

    fn from_str(text: &str) -> Result<Self, BadScale> {
        let number = |text: &str| text.trim().parse::<f64>().ok();
        let scale = match text.split_once('/') {
            Some((one, many)) => number(one).zip(number(many)).map(|(one, many)| one / many),
            None => number(text),
        };
        let scale = scale.filter(|scale| (0.001..=1.0).contains(scale)).map(Self);
        scale.ok_or_else(|| BadScale(text.chars().take(40).collect()))
    }
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
