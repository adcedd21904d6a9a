//! A figure in large letters, with what it is judged by.

use std::fmt::{self, Write};

use super::text::text;

/// The longest detail in a table.
pub(super) const DETAIL_CHARS: usize = 500;

/// The class of a figure: whether it is held to anything, and is good.
pub(super) fn judged(held: bool, good: bool) -> &'static str {
    match (held, good) {
        (false, _) => "plain",
        (true, true) => "good",
        (true, false) => "bad",
    }
}

/// One figure.
pub(super) fn card(out: &mut String, name: &str, value: &str, class: &str, note: &str) -> fmt::Result {
    writeln!(
        out,
        "<div class=\"card {class}\"><p class=\"name\">{}</p><p class=\"value\">{}</p><p class=\"note\">{}</p></div>",
        text(name),
        text(value),
        text(note)
    )
}
