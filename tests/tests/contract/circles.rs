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
fn the_areas_of_the_domain_use_each_other_in_the_order_of_the_map() {
    let map = repository::text("ARCHITECTURE.md");
    let rows = map.lines().skip_while(|line| !line.starts_with("| area of `crates/domain/src`")).skip(2);
    let cells = rows.take_while(|line| line.starts_with('|')).filter_map(|row| row.split('|').nth(1));
    let areas: Vec<&str> = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    let level = modules::siblings(&modules::uses("crates/domain"), &[]);
    let mut wrong = Vec::new();
    for (user, used) in &level {
        for (of, item) in used {
            let [user, of] = [user, of].map(|path| path.join("::"));
            let place = |name: &str| areas.iter().position(|area| *area == name);
            match (place(&user), place(&of)) {
                (Some(user), Some(of)) if of < user => {}
                (Some(_), Some(_)) => wrong.push(format!("{user} uses {item}, and lies below it in the map")),
                (None, _) => wrong.push(format!("{user} is not in the map")),
                (_, None) => wrong.push(format!("{of} is not in the map")),
            }
        }
    }
    assert!(wrong.is_empty(), "ARCHITECTURE.md, The map: {}", wrong.join("\n"));
    assert_eq!(areas.len(), repository::folders_in("crates/domain/src").len(), "{areas:?}");
}
