//! The documents, held to the tree: links, paths, commands, tests and scenarios that they name exist.

use std::{collections::BTreeSet, path::Path, process::Command};

use lab::{drill::Scenario, programs::Programs, setup::Silent};
use serde_json::Value;
use tests::repository;

const AT_THE_ROOT: [&str; 5] = ["README.md", "ARCHITECTURE.md", "RUNBOOK.md", "CONTRIBUTING.md", "CHANGELOG.md"];

/// README is a front door: what it opens to is in `docs`.
const MOST_LINES_OF_README: usize = 200;

/// Every document: those at the root, and those of `docs`.
fn documents() -> Vec<String> {
    AT_THE_ROOT.map(str::to_owned).into_iter().chain(subjects()).collect()
}

/// The documents of `docs`: one for each subject.
fn subjects() -> Vec<String> {
    let subjects: Vec<String> = repository::names_in("docs").iter().map(|name| format!("docs/{name}")).collect();
    assert!(subjects.len() >= 10, "{subjects:?}: are they still found?");
    subjects
}

/// A text between backticks, or a line of a block of commands.
struct Quoted {
    document: String,
    text: String,
}

#[test]
fn every_relative_link_leads_somewhere() {
    let mut looked_at = 0;
    for document in documents() {
        for link in links(&repository::text(&document)) {
            if link.contains("://") {
                continue;
            }
            looked_at += 1;
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let path = if path.is_empty() { document.clone() } else { beside(&document, path) };
            assert!(repository::root().join(&path).exists(), "{document}: {link}: no such file");
            assert!(anchor.is_empty() || anchors(&path).contains(anchor), "{document}: {link}: no such heading");
        }
    }
    assert!(looked_at > 100, "{looked_at} links: are they still found?");
}

#[test]
fn the_readme_is_a_front_door() {
    let readme = repository::text("README.md");
    let lines = readme.lines().count();
    assert!(lines <= MOST_LINES_OF_README, "README.md has {lines} lines, {MOST_LINES_OF_README} at most: see docs");
    let links = links(&readme);
    let others = AT_THE_ROOT.into_iter().skip(1).map(str::to_owned);
    for document in subjects().into_iter().chain(others) {
        assert!(links.contains(&document), "README.md does not lead to {document}");
    }
}

/// What is measured is told in `docs/figures.md`; README repeats some of it, to the letter.
#[test]
fn the_figures_of_the_readme_are_among_the_figures() {
    let (readme, figures) = (repository::text("README.md"), repository::text("docs/figures.md"));
    let (_, section) = readme.split_once("## What is measured\n").expect("README.md has no figures");
    let section = section.split("\n#").next().unwrap_or_default();
    let rows: Vec<&str> = section.lines().filter(|line| line.starts_with("| ")).collect();
    assert!(rows.len() > 5, "{rows:?}: are they still found?");
    for row in rows {
        assert!(figures.lines().any(|line| line == row), "docs/figures.md does not have: {row}");
    }
}

#[test]
fn every_subject_opens_with_one_sentence_that_says_what_it_answers() {
    for document in subjects() {
        assert!(document.ends_with(".md"), "{document} is not a document");
        let text = repository::text(&document);
        let mut paragraphs = text.split("\n\n");
        assert!(paragraphs.next().is_some_and(|title| title.starts_with("# ")), "{document} has no title");
        let opening = paragraphs.next().unwrap_or_default();
        let sentences = opening.split_inclusive(['.', '?']).filter(|sentence| !sentence.trim().is_empty()).count();
        let says = opening.starts_with("This page says ") && opening.ends_with('.') && sentences == 1;
        assert!(says, "{document} opens with: {opening}");
    }
}

#[test]
fn the_plan_that_is_shown_is_part_of_the_lab_s() {
    let page = blocks("docs/plan.md").into_iter().filter(|(kind, _)| kind.as_deref() == Some("yaml"));
    let shown: Vec<String> = page.map(|(_, line)| line).collect();
    let read = |text: &str| -> Value { serde_saphyr::from_str(text).unwrap() };
    let (shown, whole) = (read(&shown.join("\n")), read(&repository::text("plans/lab.yaml")));
    for (key, part) in shown.as_object().unwrap() {
        assert!(is_part_of(part, &whole[key]), "docs/plan.md: {key} is {part}, in plans/lab.yaml {}", whole[key]);
    }
}

/// Whether all that a value says is in another one.
fn is_part_of(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => {
            part.iter().all(|(key, part)| whole.get(key).is_some_and(|whole| is_part_of(part, whole)))
        }
        (Value::Array(part), Value::Array(whole)) => {
            part.iter().all(|part| whole.iter().any(|whole| is_part_of(part, whole)))
        }
        (part, whole) => part == whole,
    }
}

#[test]
fn a_long_document_begins_with_a_list_that_leads_to_each_of_its_headings() {
    for (document, title) in
        [("RUNBOOK.md", "## Index"), ("ARCHITECTURE.md", "## Contents"), ("docs/plan.md", "## Contents")]
    {
        let (text, headings) = (repository::text(document), headings(document));
        assert_eq!(headings.get(1).map(String::as_str), Some(title), "{document} begins with another heading");
        let (_, list) = text.split_once(&format!("\n{title}\n")).expect("it was found");
        let list = list.split("\n## ").next().unwrap_or_default();
        let outside = headings.iter().skip(2).filter(|heading| !list.contains(&format!("\n{heading}\n")));
        let due: BTreeSet<String> = outside
            .map(|heading| format!("[{}](#{})", heading.trim_start_matches('#').trim(), slug(heading)))
            .collect();
        for link in &due {
            assert!(list.contains(link), "{document}: \"{title}\" lacks {link}");
        }
        for link in links(list) {
            let leads = due.iter().any(|due| due.ends_with(&format!("]({link})")));
            assert!(leads, "{document}: \"{title}\" leads to {link}, which is no heading after it");
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

#[tokio::test]
async fn every_command_is_one_that_we_have() {
    let programs = Programs::build(&repository::root(), &Silent).await.unwrap();
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
    for document in ["docs/scenarios.md", "RUNBOOK.md"] {
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
    for document in documents() {
        let outside: Vec<String> =
            blocks(&document).into_iter().filter(|(kind, _)| kind.is_none()).map(|(_, line)| line).collect();
        let texts = outside.join("\n");
        let quoted = texts.split('`').skip(1).step_by(2);
        spans.extend(quoted.map(|text| Quoted { document: document.clone(), text: text.replace('\n', " ") }));
    }
    spans
}

/// Every command of the blocks of commands, its continued lines joined, without comments and what follows a pipe.
fn command_lines() -> Vec<Quoted> {
    let mut commands = Vec::new();
    for document in documents() {
        let lines: Vec<String> = blocks(&document)
            .into_iter()
            .filter(|(kind, _)| kind.as_deref() == Some("sh"))
            .map(|(_, line)| line)
            .collect();
        let joined = lines.join("\n").replace("\\\n", " ");
        for line in joined.lines() {
            let line = line.split(" #").next().unwrap_or_default();
            let parts = line.split("&&").flat_map(|part| part.split(['|', '>'])).map(str::trim);
            commands.extend(parts.map(|text| Quoted { document: document.clone(), text: text.to_owned() }));
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

/// Where the links of a text lead, as they are written.
fn links(text: &str) -> Vec<String> {
    text.split("](").skip(1).filter_map(|rest| rest.split(')').next()).map(str::to_owned).collect()
}

/// A relative link of a document, as a path from the root.
fn beside(document: &str, link: &str) -> String {
    let mut parts: Vec<&str> = document.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            ".." => assert!(parts.pop().is_some(), "{document}: {link} leads out of the repository"),
            "." => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// A document's headings, as they are written.
fn headings(path: &str) -> Vec<String> {
    let lines = blocks(path).into_iter().filter(|(kind, line)| kind.is_none() && line.starts_with('#'));
    lines.map(|(_, line)| line).collect()
}

/// The anchors of a document's headings, as they are linked to.
fn anchors(path: &str) -> BTreeSet<String> {
    if Path::new(path).extension().is_none_or(|extension| extension != "md") {
        return BTreeSet::new();
    }
    headings(path).iter().map(|heading| slug(heading)).collect()
}

/// A heading's anchor.
fn slug(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
    kept.chars().filter(|letter| letter.is_alphanumeric() || *letter == '-').collect()
}
