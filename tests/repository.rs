//! The repository: where its files are and what they hold.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

/// Every function: a folder under `functions/`.
pub const FUNCTIONS: [&str; 20] = [
    "check-health",
    "check-readiness",
    "cleanup",
    "close-backup",
    "close-run",
    "dns-switch",
    "drain-primary",
    "fence-primary",
    "guard-primary",
    "harden-primary",
    "health-probe",
    "judge-failover",
    "notify",
    "open-backup",
    "open-run",
    "promote-replica",
    "restore",
    "snapshot",
    "start-failover",
    "verify",
];

/// The repository's root.
#[must_use]
pub fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests).to_owned()
}

/// A file's text.
///
/// # Panics
/// When it cannot be read.
#[must_use]
pub fn text(path: &str) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A file of JSON.
///
/// # Panics
/// When it cannot be read or is not JSON.
#[must_use]
pub fn json(path: &str) -> Value {
    serde_json::from_str(&text(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The names in a folder, sorted; a folder that is not there is empty.
#[must_use]
pub fn names_in(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The folders in a folder, sorted.
#[must_use]
pub fn folders_in(folder: &str) -> Vec<String> {
    names_in(folder).into_iter().filter(|name| root().join(folder).join(name).is_dir()).collect()
}

/// Every Rust file under a folder, with its path from the root.
#[must_use]
pub fn rust_files(folder: &str) -> Vec<String> {
    let mut files = Vec::new();
    for name in names_in(folder) {
        let path = format!("{folder}/{name}");
        if root().join(&path).is_dir() {
            files.extend(rust_files(&path));
        } else if name.ends_with(".rs") {
            files.push(path);
        }
    }
    files
}

/// `PromoteReplica` as `promote-replica`.
#[must_use]
pub fn kebab(pascal: &str) -> String {
    let mut kebab = String::new();
    for letter in pascal.chars() {
        if letter.is_ascii_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.push(letter.to_ascii_lowercase());
    }
    kebab
}

/// `promote-replica` as `PromoteReplica`.
#[must_use]
pub fn pascal(kebab: &str) -> String {
    kebab
        .split('-')
        .flat_map(|word| {
            word.chars()
                .enumerate()
                .map(|(place, letter)| if place == 0 { letter.to_ascii_uppercase() } else { letter })
        })
        .collect()
}
