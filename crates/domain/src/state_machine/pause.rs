//! How long is waited before a step is asked again, by how often it was asked.

/// The distances between asks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pause {
    first: Distance,
    /// After so many asks, every so many seconds.
    later: Option<(u32, u32)>,
    /// Not beyond this time, as JSONata.
    until: Option<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Distance {
    /// Always as long.
    Every { seconds: u32 },
    /// Asked at once so often, then after 1 s, 2 s, up to so many.
    Rising { at_once: u32, longest: u32 },
    /// A second longer after every so many asks, up to so many.
    Steps { of: u32, longest: u32 },
    /// Each time so much longer.
    Growing { by: f64 },
}

impl Pause {
    /// Always as long.
    pub(super) const fn every(seconds: u32) -> Self {
        Self { first: Distance::Every { seconds }, later: None, until: None }
    }

    /// 1 s, 2 s, up to so many.
    pub(super) const fn rising_to(longest: u32) -> Self {
        Self { first: Distance::Rising { at_once: 0, longest }, later: None, until: None }
    }

    /// The same, after so many asks at once.
    pub(super) const fn at_once_then_rising_to(at_once: u32, longest: u32) -> Self {
        Self { first: Distance::Rising { at_once, longest }, later: None, until: None }
    }

    /// At once, a second longer after every so many asks, up to so many seconds.
    pub(super) const fn in_steps_of(of: u32, longest: u32) -> Self {
        Self { first: Distance::Steps { of, longest }, later: None, until: None }
    }

    /// 1 s, and each time so much longer.
    pub(super) const fn growing_by(by: f64) -> Self {
        Self { first: Distance::Growing { by }, later: None, until: None }
    }

    /// After so many asks, every so many seconds.
    pub(super) const fn then_every(self, after_asks: u32, seconds: u32) -> Self {
        Self { later: Some((after_asks, seconds)), ..self }
    }

    /// Not beyond a time: the last distance ends then.
    pub(super) const fn until(self, time: &'static str) -> Self {
        Self { until: Some(time), ..self }
    }

    /// As JSONata, by the count so far; a number where it is always the same.
    pub(super) fn seconds(self, count: &str) -> serde_json::Value {
        let first = match self.first {
            Distance::Every { seconds } => return seconds.into(),
            Distance::Rising { at_once: 0, longest } => format!("$min([{longest}, ${count} + 1])"),
            Distance::Rising { at_once, longest } => {
                format!("$max([0, $min([{longest}, ${count} - {}])])", at_once - 1)
            }
            Distance::Steps { of, longest } => format!("$min([{longest}, $floor(${count} / {of})])"),
            Distance::Growing { by } => format!("$floor($power({by}, ${count}))"),
        };
        let distance = match self.later {
            Some((after, seconds)) => format!("${count} < {after} ? {first} : {seconds}"),
            None => first,
        };
        match self.until {
            Some(time) => format!("$max([1, $min([{distance}, $ceil(($toMillis({time}) - $millis()) / 1000)])])"),
            None => distance,
        }
        .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_distance_is_an_expression_of_its_count() {
        for (pause, expression) in [
            (Pause::rising_to(15), "$min([15, $asked + 1])"),
            (Pause::at_once_then_rising_to(5, 10), "$max([0, $min([10, $asked - 4])])"),
            (Pause::in_steps_of(5, 5).then_every(150, 15), "$asked < 150 ? $min([5, $floor($asked / 5)]) : 15"),
            (Pause::growing_by(1.22), "$floor($power(1.22, $asked))"),
            (
                Pause::growing_by(1.22).until("$backup.until"),
                "$max([1, $min([$floor($power(1.22, $asked)), $ceil(($toMillis($backup.until) - $millis()) / 1000)])])",
            ),
        ] {
            assert_eq!(pause.seconds("asked"), expression);
        }
        assert_eq!(Pause::every(60).seconds("gone"), 60);
    }
}
