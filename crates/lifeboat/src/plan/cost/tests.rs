use clap::Parser;

use super::*;

/// The command without what is around it.
#[derive(Debug, Parser)]
struct Shell {
    #[command(flatten)]
    cost: Cost,
}

const LAB: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../plans/lab.yaml");

fn asked(options: &[&str]) -> Result<Cost, String> {
    let words = ["cost", LAB].into_iter().chain(options.iter().copied());
    Shell::try_parse_from(words).map(|shell| shell.cost).map_err(|error| error.to_string())
}

fn reckoned(options: &[&str]) -> Result<cost::Cost, Refusal> {
    let command = asked(options).unwrap();
    let plan = usable(&command.file)?;
    Ok(cost::reckon(&plan, &command.given(&plan)?, &Prices::list().unwrap()))
}

#[test]
fn the_table_is_read_at_a_glance() {
    let lines = table(&reckoned(&["--size-gb", "100"]).unwrap());
    assert_eq!(lines[0], "plan `lab`: an idle month of 730 h at list prices of us-east-1 as of 2026-11-28, in USD");
    let dollars = |row: &str| {
        let line = lines.iter().find(|line| line.starts_with(row)).unwrap_or_else(|| panic!("no {row}: {lines:#?}"));
        line[row.len()..].split_whitespace().next().unwrap().parse::<f64>().unwrap()
    };
    let parts = ["engine", "storage", "between Regions", "networks"].map(dollars);
    assert!((parts.iter().sum::<f64>() - dollars("total")).abs() < 0.02, "{parts:?}");
    assert!(parts[0] > 1.0 && parts[1] > 1.0 && parts[3] == 0.0, "{parts:?}");
    let watch = lines.iter().find(|line| line.starts_with("  Lambda, the watch")).unwrap();
    assert!(watch.contains(" at 0.0000133334 per GB-s: 43,800 × "), "{watch}");
    assert!(lines.iter().any(|line| line.starts_with("  each under a cent")));
    assert!(lines.iter().any(|line| line == "not included:"));
}

#[test]
fn the_json_has_the_shape_that_the_help_tells() {
    let json = serde_json::to_value(reckoned(&["--network", "nat"]).unwrap()).unwrap();
    let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let whole = ["plan", "currency", "hours", "pricesOf", "pricesAsOf", "parts", "dollars", "notIncluded"];
    assert_eq!(keys(&json), named(&whole));
    assert_eq!((&json["pricesOf"], &json["pricesAsOf"]), (&"us-east-1".into(), &"2026-11-28".into()));
    let parts = json["parts"].as_array().unwrap();
    let names: Vec<_> = parts.iter().map(|part| part["part"].as_str().unwrap()).collect();
    assert_eq!(names, ["engine", "storage", "between-regions", "networks"]);
    assert_eq!(keys(&parts[0]), named(&["part", "lines", "dollars"]));
    let line = ["what", "quantity", "unit", "unitDollars", "dollars", "because"];
    assert_eq!(keys(&parts[0]["lines"][0]), named(&line));
    let help = <Shell as clap::CommandFactory>::command().get_after_help().unwrap().to_string();
    assert!(whole.iter().chain(&line).all(|name| help.contains(name)), "{help}");
}

#[test]
fn a_size_that_is_none_is_refused_with_the_limits() {
    for bad in ["ten", "", "0", "-5", "nan", "inf", "262145", "1e300", "orders=", "orders=0", "=5", "Orders=5", "a=b=5"]
    {
        let told = asked(&["--size-gb", bad]).unwrap_err();
        assert!(told.contains("at most 262,144") || told.contains("a component's name"), "{bad}: {told}");
    }
    for good in ["100", "0.5", "262144", "orders=100"] {
        assert!(asked(&["--size-gb", good]).is_ok(), "{good}");
    }
    for bad in ["101", "-1", "nan", "half"] {
        let told = asked(&["--size-gb", "1", "--changed-percent", bad]).unwrap_err();
        assert!(told.contains("0 to 100"), "{bad}: {told}");
    }
    assert!(asked(&["--changed-percent", "5"]).unwrap_err().contains("--size-gb"));
}

#[test]
fn what_contradicts_the_plan_or_itself_is_refused_with_a_remedy() {
    for (options, what, remedy) in [
        (&["--size-gb", "reports=5"][..], "no schedule of plan `lab` backs that up", "Name one of: orders."),
        (&["--size-gb", "5", "--size-gb", "6"], "twice for all components", "once"),
        (&["--size-gb", "orders=5", "--size-gb", "orders=5"], "twice for `orders`", "once"),
        (&["--zones", "2"], "--zones needs --network", "nat or endpoints"),
    ] {
        let refusal = reckoned(options).unwrap_err();
        assert!(matches!(refusal, Refusal::Usage { .. }), "{options:?}");
        let told = refusal.to_string();
        assert!(told.contains(what) && told.contains(remedy), "{told}");
    }
    for bad in ["0", "7", "two"] {
        assert!(asked(&["--network", "nat", "--zones", bad]).is_err(), "{bad}");
    }
}

#[test]
fn a_file_that_is_not_there_and_a_plan_that_is_broken_are_told_as_the_other_commands_tell_them() {
    let missing = usable("nowhere.yaml").unwrap_err();
    assert!(matches!(missing, Refusal::Usage { .. }) && missing.to_string().contains("nowhere.yaml"), "{missing}");
    let broken = usable(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).unwrap_err();
    assert!(matches!(broken, Refusal::Failed { .. }) && broken.to_string().contains("plan check"), "{broken}");
}
