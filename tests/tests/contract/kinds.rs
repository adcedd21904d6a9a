//! What a component is, is known to its room; everything else asks what it can.

use tests::repository::{rust_files, text};

/// Where a component is matched on outside of its rooms: the adapters, and what the lab makes of each kind.
const KNOWING: [&str; 2] = ["crates/edge/src/component.rs", "crates/lab/src/system/components.rs"];

/// Whether a text names a kind, as `Component::Cluster`.
fn names_a_kind(text: &str) -> bool {
    let mut after = text.match_indices("Component::").map(|(at, word)| &text[at + word.len()..]);
    after.any(|rest| rest.starts_with(|letter: char| letter.is_ascii_uppercase()))
}

#[test]
fn only_the_adapters_and_the_lab_match_on_what_a_component_is() {
    let all = ["crates", "functions"].into_iter().flat_map(rust_files);
    let product = all.filter(|file| !file.contains("/tests/") && !file.ends_with("/tests.rs"));
    let knowing: Vec<String> =
        product.filter(|file| names_a_kind(text(file).split("#[cfg(test)]").next().unwrap_or_default())).collect();
    assert_eq!(knowing, KNOWING, "everything else asks a component's kind what it can");
}
