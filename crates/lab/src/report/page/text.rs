//! Escaped text.

use std::fmt::{self, Display, Formatter, Write};

/// The longest text that is shown.
const LONGEST_CHARS: usize = 20_000;

/// Shows a text as it is, whatever it holds: no markup, no control characters, nothing that turns the direction of
/// what follows.
pub(super) fn text(text: &str) -> Escaped<'_> {
    Escaped { text, most: LONGEST_CHARS }
}

/// The same, cut after some characters.
pub(super) fn short(text: &str, most: usize) -> Escaped<'_> {
    Escaped { text, most }
}

pub(super) struct Escaped<'a> {
    text: &'a str,
    most: usize,
}

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for c in self.text.chars().take(self.most) {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\n' => f.write_char('\n')?,
                '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => f.write_char('\u{fffd}')?,
                c if c.is_control() => f.write_char('\u{fffd}')?,
                c => f.write_char(c)?,
            }
        }
        if self.text.chars().nth(self.most).is_some() { f.write_char('…') } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_to_a_browser_is_escaped_and_the_rest_is_kept() {
        assert_eq!(
            text("<a href=\"x\" b='y'>&amp;").to_string(),
            "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;amp;"
        );
        assert_eq!(text("Übung\n→ 1\t\u{0}").to_string(), "Übung\n→ 1\u{fffd}\u{fffd}");
        assert_eq!(short("abcdef", 3).to_string(), "abc…");
        assert_eq!(short("abc", 3).to_string(), "abc");
    }
}
