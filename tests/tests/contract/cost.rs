//! What an idle plan is said to cost, checked against the template and the state machines that it is computed from.

use std::collections::BTreeSet;

use domain::{
    component::{Component, Credential},
    cost::{
        self, Given, Part, Prices, Subtotal,
        deployment::{Alarms, SCHEDULES, WOKEN, WOKEN_WITH_LOGIN, alarms_of_the_engine},
        upkeep::{self, TASKS, Way},
    },
    plan::Plan,
    state_machine::StateName,
    synth::{Place, synth},
    words::time_span::TimeSpan,
};
use tests::{
    machine::Machine,
    repository::{self, FUNCTIONS},
    template::Template,
};

use crate::{engine, function_of, lab_plan, resource_of};

/// Whether what a resource is made on holds in a place.
fn is_made(condition: &serde_json::Value, place: Place) -> bool {
    match condition.as_str() {
        None => true,
        Some("RunsRecovery") => place != Place::Witness,
        Some(other) => panic!("{other}: say here where it holds"),
    }
}

#[test]
fn each_region_s_alarms_are_counted_as_the_template_makes_them() {
    let template = engine();
    for place in Place::ALL {
        let alarms = template.of_type("AWS::CloudWatch::Alarm");
        let made = alarms.filter(|(_, alarm)| is_made(&alarm["Condition"], place));
        let counted = made.fold(Alarms::default(), |Alarms { standard, high_resolution }, (name, alarm)| {
            let period = alarm["Properties"]["Period"].as_u64().unwrap_or_else(|| panic!("{name}: no period"));
            let short = u32::from(period < 60);
            Alarms { standard: standard + 1 - short, high_resolution: high_resolution + short }
        });
        assert_eq!(alarms_of_the_engine(place), counted, "{}", place.name());
    }
}

#[test]
fn each_function_s_memory_is_the_template_s() {
    let template = engine();
    let usual = &template.json["Globals"]["Function"]["MemorySize"];
    for function in FUNCTIONS {
        let own = &template.properties(&resource_of(function))["MemorySize"];
        let memory = if own.is_null() { usual } else { own };
        assert_eq!(Some(cost::memory::memory_megabytes(function).into()), memory.as_u64(), "{function}");
    }
}

#[test]
fn what_is_started_by_itself_is_started_as_often_as_the_template_says() {
    let template = Template::of(synth(&lab_plan(), Place::Recovery).unwrap_or_default());
    let rules = template.of_type("AWS::Events::Rule");
    let scheduled: BTreeSet<(String, String)> = rules
        .filter_map(|(_, rule)| {
            let properties = &rule["Properties"];
            let rate = properties["ScheduleExpression"].as_str()?;
            Some((properties["Targets"][0]["Id"].as_str()?.to_owned(), rate.to_owned()))
        })
        .collect();
    let rate = |every: TimeSpan| match every.duration().as_secs() / 60 {
        1 => "rate(1 minute)".to_owned(),
        minutes => format!("rate({minutes} minutes)"),
    };
    let reckoned: BTreeSet<_> = SCHEDULES.into_iter().map(|(name, every)| (name.to_owned(), rate(every))).collect();
    assert_eq!(reckoned, scheduled);
}

#[test]
fn a_look_at_readiness_wakes_whom_the_template_names_and_logs_in_where_the_function_does() {
    let template = engine();
    let variables = &template.properties("CheckReadinessFunction")["Environment"]["Variables"];
    let named = variables["LIFEBOAT_WAKES"].as_str().unwrap_or_default();
    let named: BTreeSet<&str> = named.split(',').map(|name| name.trim().trim_start_matches("lifeboat-")).collect();
    assert_eq!(BTreeSet::from(WOKEN), named);
    let reads_login = |function: &&str| {
        repository::text(&format!("functions/{function}/src/main.rs")).contains("edge::serve_waking(")
    };
    assert_eq!(BTreeSet::from(WOKEN_WITH_LOGIN), FUNCTIONS.iter().copied().filter(reads_login).collect());
}

#[test]
fn an_execution_that_goes_well_goes_the_way_that_is_reckoned() {
    for way in [upkeep::BACKUP, upkeep::INTEGRITY, upkeep::RESTORE_TEST, upkeep::CLEANUP] {
        let Way { machine, before, turn, polls, after } = way;
        let machine = Machine::read(machine);
        let name = machine.name;
        let states: Vec<StateName> = [before, turn, after].concat();
        assert_eq!(Some(&machine.start), states.first(), "{name}");
        assert_eq!(states.last().map(|end| machine.states[end].kind.as_str()), Some("Succeed"), "{name}");
        connected(&machine, &states);
        for poll in polls {
            let [wait, .., question] = poll.states else { panic!("{name}: {poll:?}") };
            let around: Vec<StateName> = [question].into_iter().chain(poll.states).cloned().collect();
            connected(&machine, &around);
            let seconds = machine.states[wait].json["Seconds"].as_str().unwrap_or_default();
            assert!(seconds.contains(&format!("$floor($power({}, $asked))", poll.growth)), "{wait}: {seconds}");
            let most =
                machine.states[question].edges.iter().find(|edge| edge.to == *wait).and_then(|edge| edge.bound());
            assert!(
                most.is_some_and(|most| u64::from(poll.asks()) <= most),
                "{wait}: {} asks of {most:?}",
                poll.asks()
            );
        }
        for state in states.iter().chain(polls.iter().flat_map(|poll| poll.states)) {
            let task = TASKS.iter().find(|task| task.state == *state);
            assert_eq!(task.is_some(), machine.states[state].kind == "Task", "{name}: {state}");
            assert!(task.is_none_or(|task| task.function == function_of(state)), "{name}: {state}");
        }
    }
}

/// Each state leads to the next.
fn connected(machine: &Machine, states: &[StateName]) {
    for pair in states.windows(2) {
        let state = machine.states.get(&pair[0]).unwrap_or_else(|| panic!("{}: no state {}", machine.name, pair[0]));
        assert!(
            state.edges.iter().any(|edge| edge.to == pair[1]),
            "{}: {} does not lead to {}",
            machine.name,
            pair[0],
            pair[1]
        );
    }
}

/// Rows as `| 1s | 12.34 | 11.03 | 0.12 | alarms 2.60, … |`: the interval, the engine, the same where the login is by token,
/// what is sent between Regions, the engine's three largest lines.
#[test]
fn the_figures_in_the_documents_are_those_of_the_command() {
    let page = repository::text("docs/cost.md");
    let (_, section) = page.split_once("# What an idle plan costs").expect("docs/cost.md has no such heading");
    let section = section.split("\n#").next().unwrap_or_default();
    let readme = repository::text("README.md");
    let prices = Prices::list().unwrap();
    assert!(section.contains(&prices.date.to_string()), "the prices are of {}", prices.date);
    let mut engines = Vec::new();
    for row in section.lines() {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [interval, ..] = cells[..] else { continue };
        let Ok(interval) = TimeSpan::try_from(interval.to_owned()) else { continue };
        let mut plan = lab_plan();
        plan.probe.interval = interval;
        let reckoned = |plan: &Plan| cost::reckon(plan, &Given::default(), &prices).parts;
        let part =
            |parts: &[Subtotal], part: Part| parts.iter().find(|subtotal| subtotal.part == part).cloned().unwrap();
        let parts = reckoned(&plan);
        let (engine, sent) = (part(&parts, Part::Engine), part(&parts, Part::BetweenRegions));
        for component in &mut plan.components {
            let Component::PostgresPair(pair) = component else { continue };
            pair.login.from = Credential::IamToken { user: "lifeboat".parse().unwrap() };
        }
        let by_token = part(&reckoned(&plan), Part::Engine);
        let largest: Vec<String> =
            engine.lines.iter().take(3).map(|line| format!("{} {:.2}", line.what, line.dollars)).collect();
        let told = format!(
            "| {interval} | {:.2} | {:.2} | {:.2} | {} |",
            engine.dollars,
            by_token.dollars,
            sent.dollars,
            largest.join(", ")
        );
        assert_eq!(row, told, "docs/cost.md");
        engines.push((interval, engine.dollars));
    }
    assert!(engines.len() >= 3, "{} rows: are they still found?", engines.len());
    let ((shortest, most), (longest, least)) = (engines[0], engines[engines.len() - 1]);
    let told = format!(
        "costs {most:.2} US dollars a month with a sample every {shortest}, {least:.2} with one every {longest}."
    );
    assert!(readme.contains(&told), "README.md does not say that an idle plan {told}");
}
