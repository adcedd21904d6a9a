//! The known name that a misspelt one probably means.

/// Names longer than this are not compared: nobody misspells that much.
const LONGEST: usize = 64;

/// The candidate nearest to `name`, if one is near: at most a third of its letters differ. Case, hyphens and
/// underscores do not count.
pub(super) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > LONGEST {
        return None;
    }
    let name = letters(name);
    candidates
        .into_iter()
        .map(|candidate| (distance(&name, &letters(candidate)), candidate))
        .filter(|(distance, candidate)| distance * 3 <= candidate.len())
        .min()
        .map(|(_, candidate)| candidate)
}

fn letters(name: &str) -> Vec<char> {
    name.chars().filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect()
}

/// Levenshtein's distance: how many letters to insert, delete or change.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let changed = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_a_stranger_is_not() {
        let known = ["primary", "recovery", "witness", "failuresInARow", "ttl"];
        for (name, meant) in [
            ("recovry", Some("recovery")),
            ("failures_in_a_row", Some("failuresInARow")),
            ("TTL", Some("ttl")),
            ("witnes", Some("witness")),
            ("ttk", Some("ttl")),
            ("password", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, known), meant, "{name}");
        }
        assert_eq!(nearest(&"x".repeat(100_000), known), None);
    }
}
