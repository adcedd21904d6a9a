//! The documents, held to the tree: links, paths, commands, tests and scenarios that they name exist.

use std::{collections::BTreeSet, path::Path, process::Command};

use lab::{drill::Scenario, programs::Programs};
use tests::repository;

const DOCUMENTS: [&str; 5] = ["README.md", "ARCHITECTURE.md", "RUNBOOK.md", "CONTRIBUTING.md", "CHANGELOG.md"];

/// A text between backticks, or a line of a block of commands.
struct Quoted {
    document: &'static str,
    text: String,
}

#[test]
fn every_relative_link_leads_somewhere() {
    for document in DOCUMENTS {
        let text = repository::text(document);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") {
                continue;
            }
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let path = if path.is_empty() { document } else { path };
            assert!(repository::root().join(path).exists(), "{document}: {link}: no such file");
            assert!(anchor.is_empty() || anchors(path).contains(anchor), "{document}: {link}: no such heading");
        }
    }
}

#[test]
fn every_path_of_the_tree_exists() {
    let mut looked_at = 0;
    for Quoted { document, text } in spans() {
        let of_the_tree = text
            .split_once('/')
            .is_some_and(|(first, _)| !["", "target"].contains(&first) && repository::root().join(first).is_dir());
        let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "/._-".contains(letter);
        if of_the_tree && text.chars().all(plain) {
            looked_at += 1;
            assert!(repository::root().join(&text).exists(), "{document}: `{text}` does not exist");
        }
    }
    assert!(looked_at > 30, "{looked_at} paths: are they still found?");
}

#[test]
fn every_test_that_is_named_exists() {
    let sources: String = ["crates", "functions", "tests"]
        .into_iter()
        .flat_map(repository::rust_files)
        .map(|path| repository::text(&path))
        .collect();
    let mut looked_at = 0;
    for Quoted { document, text } in spans() {
        let is_claim = text.matches('_').count() >= 3
            && text.chars().all(|letter| letter.is_ascii_lowercase() || "_0123456789".contains(letter));
        if is_claim && document == "ARCHITECTURE.md" {
            looked_at += 1;
            assert!(sources.contains(&format!("fn {text}(")), "{document}: there is no test `{text}`");
        }
    }
    assert!(looked_at > 20, "{looked_at} tests: are they still found?");
}

#[test]
fn every_command_is_one_that_we_have() {
    let programs = Programs::build(&repository::root()).unwrap();
    let lifeboat = programs.bootstrap("lifeboat");
    let mut looked_at = 0;
    for Quoted { document, text } in spans().into_iter().chain(command_lines()) {
        let Some(arguments) = of_lifeboat(&text) else { continue };
        looked_at += 1;
        // Parsed up to --help, which ends it: nothing is done.
        let told = Command::new(&lifeboat).args(arguments).arg("--help").output().unwrap();
        assert!(told.status.success(), "{document}: {text}\n{}", String::from_utf8_lossy(&told.stderr));
    }
    assert!(looked_at > 20, "{looked_at} commands: are they still found?");
}

#[test]
fn every_package_that_a_command_names_exists() {
    for Quoted { document, text } in command_lines() {
        let words: Vec<&str> = text.split_whitespace().collect();
        for pair in words.windows(2).filter(|pair| words[0] == "cargo" && pair[0] == "-p") {
            let exists = ["crates", "functions", "."]
                .iter()
                .any(|folder| repository::root().join(folder).join(pair[1]).is_dir());
            assert!(exists, "{document}: {text}: no package {}", pair[1]);
        }
    }
}

#[test]
fn every_scenario_is_described_and_the_runbook_says_what_it_teaches() {
    for document in ["README.md", "RUNBOOK.md"] {
        let text = repository::text(document);
        for scenario in Scenario::all() {
            assert!(
                text.contains(&format!("| `{}` |", scenario.name())),
                "{document} does not list {}",
                scenario.name()
            );
        }
    }
}

/// Every text between backticks, outside of blocks.
fn spans() -> Vec<Quoted> {
    let mut spans = Vec::new();
    for document in DOCUMENTS {
        let outside: Vec<String> =
            blocks(document).into_iter().filter(|(kind, _)| kind.is_none()).map(|(_, line)| line).collect();
        let texts = outside.join("\n");
        spans
            .extend(texts.split('`').skip(1).step_by(2).map(|text| Quoted { document, text: text.replace('\n', " ") }));
    }
    spans
}

/// Every command of the blocks of commands, its continued lines joined, without comments and what follows a pipe.
fn command_lines() -> Vec<Quoted> {
    let mut commands = Vec::new();
    for document in DOCUMENTS {
        let lines: Vec<String> = blocks(document)
            .into_iter()
            .filter(|(kind, _)| kind.as_deref() == Some("sh"))
            .map(|(_, line)| line)
            .collect();
        let joined = lines.join("\n").replace("\\\n", " ");
        for line in joined.lines() {
            let line = line.split(" #").next().unwrap_or_default();
            let parts = line.split("&&").flat_map(|part| part.split(['|', '>'])).map(str::trim);
            commands.extend(parts.map(|text| Quoted { document, text: text.to_owned() }));
        }
    }
    commands
}

/// A document's lines, each with the kind of the block that it is in.
fn blocks(document: &str) -> Vec<(Option<String>, String)> {
    let mut within = None;
    let mut lines = Vec::new();
    for line in repository::text(document).lines() {
        match line.trim_start().strip_prefix("```") {
            Some(_) if within.is_some() => within = None,
            Some(kind) => within = Some(kind.to_owned()),
            None => lines.push((within.clone(), line.to_owned())),
        }
    }
    lines
}

/// The arguments of a command that is ours, with something in place of what the reader fills in.
fn of_lifeboat(text: &str) -> Option<Vec<String>> {
    let words = words(text);
    // As the aliases in `.cargo/config.toml` have it.
    let (command, rest): (&[&str], _) = match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["lifeboat", ..] => (&[], &words[1..]),
        ["cargo", "lifeboat", ..] => (&[], &words[2..]),
        ["cargo", "drill", ..] => (&["lab", "drill"], &words[2..]),
        ["cargo", "lab", ..] => (&["lab", "up"], &words[2..]),
        _ => return None,
    };
    let filled = |word: &str| {
        if word.starts_with('$') || word.chars().all(|letter| letter.is_ascii_uppercase() || letter == '…') {
            "lab"
        } else {
            word
        }
        .to_owned()
    };
    Some(command.iter().map(|word| (*word).to_owned()).chain(rest.iter().map(|word| filled(word))).collect())
}

/// Words as a shell parts them, as far as the documents need it: both quotes, no escapes.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for letter in text.chars().chain([' ']) {
        match quote {
            Some(open) if letter == open => quote = None,
            None if letter == '"' || letter == '\'' => quote = Some(letter),
            None if letter.is_whitespace() => words.extend((!word.is_empty()).then(|| std::mem::take(&mut word))),
            Some(_) | None => word.push(letter),
        }
    }
    words
}

/// The anchors of a document's headings, as they are linked to.
fn anchors(path: &str) -> BTreeSet<String> {
    if Path::new(path).extension().is_none_or(|extension| extension != "md") {
        return BTreeSet::new();
    }
    let headings = blocks(path).into_iter().filter(|(kind, line)| kind.is_none() && line.starts_with('#'));
    let slug = |line: &str| {
        let kept = line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        kept.chars().filter(|letter| letter.is_alphanumeric() || *letter == '-').collect()
    };
    headings.map(|(_, line)| slug(&line)).collect()
}
