//! Inside a crate, the modules of one folder use each other one way: what two of them need lies below both. A folder counts
//! with all that is in it.

use std::collections::BTreeSet;

use tests::{modules, repository};

#[test]
fn no_circle_of_modules() {
    let mut circles = Vec::new();
    let below = |folder: &str| {
        let paths = repository::folders_in(folder).into_iter().map(|name| format!("{folder}/{name}"));
        paths.collect::<Vec<_>>()
    };
    for folder in below("crates").into_iter().chain(below("functions")) {
        let uses = modules::uses(&folder);
        let parents: BTreeSet<&[String]> =
            uses.keys().flat_map(|path| (0..path.len()).map(|length| &path[..length])).collect();
        for parent in parents {
            let circle = modules::circle(&modules::siblings(&uses, parent));
            circles.extend(circle.map(|circle| format!("{folder}: {circle}")));
        }
    }
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

#[test]
fn what_a_function_does_lies_above_what_it_does_it_with() {
    let functions = repository::folders_in("functions").into_iter().map(|name| format!("functions/{name}"));
    let circles: Vec<String> = functions
        .filter_map(|folder| Some(format!("{folder}: {}", modules::circle(&modules::uses(&folder))?)))
        .collect();
    assert!(circles.is_empty(), "with the root, too: {}", circles.join("\n"));
}

#[test]
fn what_each_area_of_the_domain_uses_is_seen() {
    let uses = modules::uses("crates/domain");
    let level = modules::siblings(&uses, &[]);
    let names = |area: &str| -> Vec<String> {
        level.get(&vec![area.to_owned()]).into_iter().flat_map(|used| used.keys().flatten().cloned()).collect()
    };
    assert_eq!(names("words"), [""; 0], "the words lie at the bottom");
    assert_eq!(names("component"), ["words"]);
    assert!(names("failover").contains(&"plan".to_owned()), "{:?}", names("failover"));
}
