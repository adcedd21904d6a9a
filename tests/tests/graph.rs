//! The state machines as graphs: what can follow what, whatever the functions answer.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    plan_file::{MOST_BACKUP_REGIONS, MOST_COMPONENTS, MOST_PROVED},
    state_machine::{StateMachine, StateName},
};
use tests::{
    machine::{Edge, Machine},
    repository,
};

/// The most transitions that a run may cost when nothing has to be waited for.
const MOST_TRANSITIONS: usize = 60;

/// The state that undoes what was done before the point of no return, and the one that did it.
fn undone_by(machine: &Machine) -> (StateName, StateName) {
    match machine.of {
        StateMachine::Failover => (StateName::UndoFencePrimary, StateName::FencePrimary),
        StateMachine::Switchover => (StateName::UndoFencePrimary, StateName::DrainPrimary),
        StateMachine::FailoverAll | StateMachine::Backup | StateMachine::VerifyBackup | StateMachine::Cleanup => {
            panic!("{}: say here what it undoes", machine.name)
        }
    }
}

/// Whether an edge is one that a count bounds, or a list's length.
fn is_counted(edge: &Edge) -> bool {
    edge.bound().is_some() || edge.walks_a_list()
}

#[test]
fn every_transition_lands() {
    for machine in Machine::all() {
        assert!(machine.states.contains_key(&machine.start));
        for (name, state) in &machine.states {
            assert_eq!(state.edges.is_empty(), state.is_end(), "{name} must go on, or be an end");
            for edge in &state.edges {
                assert!(machine.states.contains_key(&edge.to), "{name} goes on to {}, which does not exist", edge.to);
            }
        }
    }
}

#[test]
fn every_state_is_reached() {
    for machine in Machine::all() {
        let reached = machine.reached(&machine.start, &|_, _| true);
        let all: BTreeSet<StateName> = machine.states.keys().cloned().collect();
        assert_eq!(reached, all);
    }
}

#[test]
fn from_every_state_an_end_can_be_reached() {
    for machine in Machine::all() {
        for name in machine.states.keys() {
            let reached = machine.reached(name, &|_, _| true);
            assert!(reached.iter().any(|name| machine.states[name].is_end()), "{name} leads nowhere");
        }
    }
}

#[test]
fn every_loop_is_bounded_by_its_count() {
    for machine in Machine::all() {
        let rounds: Vec<(&StateName, &Edge)> =
            machine.states.iter().flat_map(|(name, state)| state.edges.iter().map(move |edge| (name, edge))).collect();
        for (name, edge) in rounds.iter().filter(|(_, edge)| edge.bound().is_some()) {
            let wait = &machine.states[&edge.to];
            assert_eq!(wait.kind, "Wait", "{name} counts, so it must lead to a wait");
            let (count, _) = edge.count().unwrap_or_else(|| panic!("{name}"));
            assert_eq!(wait.json["Assign"][count], format!("{{% ${count} + 1 %}}"), "{} must count", edge.to);
            assert!(edge.bound().is_some_and(|bound| bound <= most_asks(&edge.to)), "{name} asks too often");
        }
        // Without the counted edges there is no way back: every state is left for good.
        for (name, edge) in &rounds {
            let ahead = machine.reached(&edge.to, &|_, edge| !is_counted(edge));
            assert!(
                is_counted(edge) || !ahead.contains(*name),
                "{name} → {} is in a loop that nothing counts",
                edge.to
            );
        }
    }
}

/// How often what a state waits for is asked at most. Route 53's control plane can be gone for hours, and RDS backs a large
/// database up for as long.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other wait has the usual limit")]
fn most_asks(wait: &StateName) -> u64 {
    match wait {
        StateName::WaitForDns | StateName::WaitForPromotion => 240,
        StateName::WaitForHardening => 200,
        _ => 120,
    }
}

#[test]
fn a_count_begins_at_zero_and_only_rises_inside_its_loop() {
    for machine in Machine::all() {
        // One that asks nothing again has nothing to count.
        let counts = machine.states.values().any(|state| state.edges.iter().any(|edge| edge.bound().is_some()));
        assert_eq!(
            machine.beginnings().filter(|state| state.json["Assign"]["asked"] == 0).count(),
            usize::from(counts),
            "{}",
            machine.name
        );
        for (name, edge) in
            machine.states.iter().flat_map(|(name, state)| state.edges.iter().map(move |edge| (name, edge)))
        {
            let goes_back = machine.reached(&edge.to, &|_, _| true).contains(name);
            if edge.assigns.get("asked").is_some_and(|count| count == 0) {
                assert!(!goes_back, "{name} → {} sets the count back inside its loop", edge.to);
            }
            // A poll that was left by Done starts the next poll from nothing.
            let count = machine.states[name].edges.iter().filter(|edge| is_counted(edge)).find_map(Edge::count);
            if let Some((count, _)) = count.filter(|_| edge.condition.contains("'Done'")) {
                assert_eq!(
                    edge.assigns.get(count).and_then(serde_json::Value::as_u64),
                    Some(0),
                    "{name} → {}",
                    edge.to
                );
            }
        }
    }
}

#[test]
fn every_path_ends_through_close_run_then_notify() {
    for machine in Machine::moving() {
        for gate in [StateName::CloseRun, StateName::Notify] {
            let around = machine.reached(&machine.start, &|_, edge| edge.to != gate);
            let ends: Vec<&StateName> = around.iter().filter(|name| machine.states[*name].is_end()).collect();
            assert!(ends.is_empty(), "{ends:?} can be reached without {gate}");
        }
    }
}

#[test]
fn all_pairs_are_judged_before_the_first_is_moved_and_only_an_order_that_is_done_is_silent() {
    let machine = Machine::read(StateMachine::FailoverAll);
    for gate in [StateName::OpenPairs, StateName::JudgePairs, StateName::AreAllFailures] {
        let around = machine.reached(&machine.start, &|_, edge| edge.to != gate);
        assert!(!around.contains(&StateName::MovePair), "a pair can be moved without {gate}");
    }
    let fits = &machine.states[&StateName::AreAllFailures].edges[0];
    assert!(fits.to == StateName::MovePair && fits.condition.contains("= $count($opened.pairs)"), "{fits:?}");
    let unheard = machine.reached(&machine.start, &|_, edge| edge.to != StateName::Notify);
    let ends: Vec<&StateName> = unheard.iter().filter(|name| machine.states[*name].is_end()).collect();
    assert_eq!(ends, [&StateName::FailoverAllDone]);
}

#[test]
fn a_backup_is_silent_only_where_it_is_complete_and_has_its_manifest() {
    let machine = Machine::read(StateMachine::Backup);
    let unheard = machine.reached(&machine.start, &|_, edge| edge.to != StateName::Notify);
    let ends: Vec<&StateName> = unheard.iter().filter(|name| machine.states[*name].is_end()).collect();
    assert_eq!(ends, [&StateName::BackupComplete]);
    let unwritten = machine.reached(&machine.start, &|_, edge| edge.to != StateName::CloseBackup);
    assert!(!unwritten.contains(&StateName::BackupComplete), "a backup without its manifest is complete");
}

#[test]
fn one_components_failure_is_no_others_and_one_regions_neither() {
    for (machine, task, end) in [
        (StateMachine::Backup, StateName::Snapshot, StateName::EndPart),
        (StateMachine::Cleanup, StateName::Cleanup, StateName::EndRegion),
    ] {
        let machine = Machine::read(machine);
        for edge in machine.states[&task].edges.iter().filter(|edge| !edge.errors.is_empty()) {
            assert_eq!(edge.to, end, "an error of {task} ends every turn");
        }
    }
}

#[test]
fn a_cleanup_is_silent_only_where_it_is_done() {
    let machine = Machine::read(StateMachine::Cleanup);
    let unheard = machine.reached(&machine.start, &|_, edge| edge.to != StateName::Notify);
    let ends: Vec<&StateName> = unheard.iter().filter(|name| machine.states[*name].is_end()).collect();
    assert_eq!(ends, [&StateName::CleanupComplete]);
}

#[test]
fn every_task_catches_everything() {
    for machine in Machine::all() {
        for (name, state) in machine.of_kind("Task") {
            let last = state.edges.last().map(|edge| edge.errors.clone()).unwrap_or_default();
            assert_eq!(last, ["States.ALL"], "{name} must catch what nobody thought of, last");
        }
    }
}

#[test]
fn nothing_retries_every_error() {
    for machine in Machine::all() {
        for (name, state) in machine.of_kind("Task") {
            let retries = state.json["Retry"].as_array().cloned().unwrap_or_default();
            for retry in &retries {
                assert!(!retry["ErrorEquals"].to_string().contains("States.ALL"), "{name} retries States.ALL");
                assert!(
                    !retry["ErrorEquals"].to_string().contains("States.TaskFailed"),
                    "{name} retries States.TaskFailed"
                );
                let attempts = retry["MaxAttempts"].as_u64();
                assert!(
                    attempts.is_some_and(|attempts| (1..=20).contains(&attempts)),
                    "{name} retries without a limit"
                );
                let grows = retry["BackoffRate"].as_f64().is_some_and(|rate| rate > 1.0);
                assert_eq!(grows, retry["MaxDelaySeconds"].is_u64(), "{name}: a growing delay needs its limit");
            }
        }
    }
}

#[test]
fn one_state_is_the_point_of_no_return_and_it_is_the_promotion() {
    for machine in Machine::moving() {
        let marked: Vec<&StateName> = machine
            .states
            .iter()
            .filter(|(_, state)| {
                state.json["Comment"].as_str().is_some_and(|comment| comment.starts_with("Point of no return."))
            })
            .map(|(name, _)| name)
            .collect();
        assert_eq!(marked, [&StateName::PromoteReplica]);
    }
}

#[test]
fn what_was_done_is_undone_only_where_nothing_was_promoted() {
    for machine in Machine::moving() {
        let (undo, done) = undone_by(&machine);
        for (name, state) in &machine.states {
            for edge in state.edges.iter().filter(|edge| edge.to == undo) {
                let before = !machine.reached(&StateName::PromoteReplica, &|_, _| true).contains(name);
                let refused = edge.condition == "{% $states.input.step = 'Refused' %}";
                assert!(before || refused, "{name} leads to {undo} though a replica may have been promoted");
            }
        }
        // Once promoted, there is no way back at all.
        let after = machine.reached(&StateName::DnsSwitch, &|_, _| true);
        for early in [undo, done, StateName::PromoteReplica, StateName::JudgeFailover] {
            assert!(!after.contains(&early), "{}: {early} can follow DnsSwitch", machine.name);
        }
    }
}

#[test]
fn nothing_is_promoted_before_it_was_judged_or_rehearsed_and_the_old_primary_refuses_writes() {
    for machine in Machine::moving() {
        let gates: &[StateName] = match machine.of {
            StateMachine::Failover => &[StateName::JudgeFailover, StateName::FencePrimary],
            StateMachine::FailoverAll
            | StateMachine::Switchover
            | StateMachine::Backup
            | StateMachine::VerifyBackup
            | StateMachine::Cleanup => &[
                StateName::RehearsePromoteReplica,
                StateName::RehearseDnsSwitch,
                StateName::RehearseDrainPrimary,
                StateName::DrainPrimary,
            ],
        };
        for gate in gates {
            let around = machine.reached(&machine.start, &|_, edge| edge.to != *gate);
            assert!(!around.contains(&StateName::PromoteReplica), "PromoteReplica can be reached without {gate}");
        }
        let around = machine.reached(&machine.start, &|_, edge| edge.to != StateName::PromoteReplica);
        assert!(!around.contains(&StateName::DnsSwitch), "traffic can be moved without a promotion");
    }
}

#[test]
fn a_switchover_changes_nothing_before_its_rehearsals_and_fences_before_it_is_done() {
    let machine = Machine::read(StateMachine::Switchover);
    for gate in [StateName::RehearsePromoteReplica, StateName::RehearseDnsSwitch, StateName::RehearseDrainPrimary] {
        let around = machine.reached(&machine.start, &|_, edge| edge.to != gate);
        assert!(!around.contains(&StateName::DrainPrimary), "the primary can be drained without {gate}");
        let no = machine.reached(&gate, &|_, edge| !edge.condition.contains("'Done'"));
        assert!(!no.contains(&StateName::DrainPrimary), "{gate} says no, and that is all");
    }
    let around = machine.reached(&machine.start, &|_, edge| edge.to != StateName::FencePrimary);
    assert!(!around.contains(&StateName::Verify), "the old primary can be left unfenced");
}

#[test]
fn an_error_of_the_promotion_is_never_undone() {
    for machine in Machine::moving() {
        let errors = machine.states[&StateName::PromoteReplica].edges.iter().filter(|edge| !edge.errors.is_empty());
        for edge in errors {
            assert_eq!(edge.assigns["outcome"], "needs-a-person");
            assert_eq!(edge.to, StateName::CloseRun);
        }
    }
}

#[test]
fn done_is_said_only_after_the_checks_passed() {
    for machine in Machine::moving() {
        let is_done = |outcome: &serde_json::Value| outcome == "done" || outcome == "degraded";
        let says_done = |edge: &Edge| edge.assigns.get("outcome").is_some_and(is_done);
        let sayers: Vec<&StateName> = machine
            .states
            .iter()
            .filter(|(_, state)| state.edges.iter().any(says_done))
            .map(|(name, _)| name)
            .collect();
        assert_eq!(sayers, [&StateName::IsVerified]);
    }
}

#[test]
fn every_way_to_close_run_names_its_outcome_and_its_reason() {
    for machine in Machine::moving() {
        for (name, edge) in
            machine.states.iter().flat_map(|(name, state)| state.edges.iter().map(move |edge| (name, edge)))
        {
            // What is owed is opened first; else the way goes on as it came.
            if (edge.to == StateName::CloseRun && *name != StateName::OwesAnUndo) || edge.to == StateName::OwesAnUndo {
                let outcome = edge.assigns.get("outcome").and_then(|outcome| outcome.as_str());
                assert!(
                    outcome.is_some_and(
                        |outcome| ["done", "degraded", "refused", "undone", "needs-a-person"].contains(&outcome)
                    ),
                    "{name}"
                );
                // A run that undoes keeps the reason for which it was given up; how that went is in its record.
                let undoes = [StateName::UndoFencePrimary, StateName::IsUndone].contains(name);
                assert!(edge.assigns.contains_key("stopped") || undoes, "{name} gives no reason");
            }
        }
    }
}

#[test]
fn a_name_says_what_a_state_is() {
    for machine in Machine::all() {
        for (name, state) in &machine.states {
            let fits = match state.kind.as_str() {
                "Choice" => name.as_str().ends_with('?'),
                "Wait" => name.as_str().starts_with("WaitFor"),
                "Succeed" | "Fail" => name.as_str().starts_with(machine.of.title()),
                "Task" | "Pass" | "Map" => name.as_str().chars().all(|letter| letter.is_ascii_alphanumeric()),
                other => panic!("{name}: a state of type {other}"),
            };
            assert!(fits, "{name} is no name for a {}", state.kind);
            if state.kind == "Fail" {
                assert_eq!(state.json["Error"], name.as_str(), "an end's error is its name");
            }
        }
    }
}

#[test]
fn every_state_says_why_it_is_there() {
    for machine in Machine::all() {
        for (name, state) in &machine.states {
            assert!(state.json["Comment"].as_str().is_some_and(|comment| comment.len() > 40), "{name}: no Comment");
        }
    }
}

#[test]
fn a_variable_is_given_its_first_value_before_it_is_read() {
    for machine in Machine::all() {
        let first: BTreeMap<String, serde_json::Value> = machine
            .beginnings()
            .flat_map(|state| state.json["Assign"].as_object().cloned().unwrap_or_default())
            .collect();
        let mut read = BTreeSet::new();
        for word in machine.text.split('$').skip(1) {
            let name: String = word.chars().take_while(char::is_ascii_alphanumeric).collect();
            let calls = word[name.len()..].starts_with('(');
            if !calls && !name.is_empty() && name != "states" {
                read.insert(name);
            }
        }
        for name in &read {
            assert!(first.contains_key(name), "${name} is read, but the first state does not assign it");
        }
        for name in first.keys() {
            assert!(read.contains(name), "${name} is never read");
        }
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "the figure is to be read, not only kept below its limit")]
fn a_run_that_waits_for_nothing_costs_at_most_60_transitions() {
    for machine in Machine::all() {
        let longest = longest(&machine, &machine.start, 1, &mut BTreeMap::new());
        println!("{}: {longest} transitions on the longest way where nothing has to be waited for", machine.name);
        assert!(longest <= MOST_TRANSITIONS, "{longest} transitions");
    }
    for machine in Machine::moving() {
        let happy = transitions_when_all_is_done(&machine);
        println!("{}: {happy} transitions where every step is done at once", machine.name);
    }
}

/// The states on the longest way to an end that no count leads along. `depth` states led here.
fn longest(machine: &Machine, from: &StateName, depth: usize, known: &mut BTreeMap<StateName, usize>) -> usize {
    if let Some(&length) = known.get(from) {
        return length;
    }
    assert!(depth <= machine.states.len(), "{from} is in a loop that nothing counts");
    let ahead = machine.states[from].edges.iter().filter(|edge| !is_counted(edge));
    let length = 1 + ahead.map(|edge| longest(machine, &edge.to, depth + 1, known)).max().unwrap_or(0);
    known.insert(from.clone(), length);
    length
}

/// The states of a run, automatic where it is a failover, whose every step answers Done the first time.
fn transitions_when_all_is_done(machine: &Machine) -> usize {
    let mut name = &machine.start;
    let mut count = 1;
    while !machine.states[name].is_end() && count < 1_000 {
        let edges = &machine.states[name].edges;
        let done =
            |edge: &&Edge| ["'Done'", "'automatic'", "= 'done'"].iter().any(|word| edge.condition.contains(word));
        let next = edges
            .iter()
            .find(done)
            .or_else(|| edges.iter().find(|edge| edge.condition.is_empty() && edge.errors.is_empty()));
        name = next.map(|edge| &edge.to).unwrap_or_else(|| panic!("{name} goes nowhere"));
        count += 1;
    }
    assert_eq!(name.as_str(), format!("{}Done", machine.of.title()));
    count
}

#[test]
fn a_machine_has_time_for_all_its_waits() {
    const HOUR: u64 = 3_600;
    // What each machine's Comment promises of its waits, of how many other machines' ends it waits for, and what it has beyond:
    // for the work itself, the tries of a Route 53 that is gone among it, and for an approval.
    for machine in Machine::all() {
        let name = machine.of;
        let (waits, runs, beyond) = match name {
            StateMachine::Backup => (53 * HOUR, 1, HOUR),
            StateMachine::Cleanup => (HOUR, 0, HOUR),
            StateMachine::Failover => (15 * HOUR, 0, 21 * HOUR),
            StateMachine::Switchover => (15 * HOUR, 0, 13 * HOUR),
            // Of a component; twenty of them take four turns of five at once.
            StateMachine::VerifyBackup => (27 * HOUR, 0, 93 * HOUR),
            // One for each pair.
            StateMachine::FailoverAll => (HOUR, 20, 3 * HOUR),
        };
        let waited_for = machine.states.values().filter_map(|state| run_seconds(state.json.as_object()?)).sum::<u64>();
        assert_eq!(machine.timeout_seconds, waits + runs * waited_for + beyond, "{name}");
        let edges = machine.states.values().flat_map(|state| &state.edges);
        // Where two edges lead to one wait, they have one count.
        let counted: BTreeMap<&StateName, u64> = edges.filter_map(|edge| Some((&edge.to, edge.bound()?))).collect();
        let asked: u64 = counted.iter().map(|(wait, bound)| longest_wait(&machine, wait, *bound)).sum();
        assert!(asked <= waits, "{name}: {asked} s of waits");
    }
}

/// How long a state waits at most for another machine's end; `None` of one that waits for none.
fn run_seconds(state: &serde_json::Map<String, serde_json::Value>) -> Option<u64> {
    let resource = state.get("Resource")?.as_str()?;
    resource.contains("startExecution.sync").then(|| state.get("TimeoutSeconds")?.as_u64()).flatten()
}

#[test]
fn another_machine_s_end_is_waited_for_longer_than_that_one_has() {
    let longest = |of: StateMachine| Machine::read(of).timeout_seconds;
    let all = Machine::read(StateMachine::FailoverAll);
    let moved = all.states[&StateName::MovePair].json.as_object().and_then(run_seconds);
    assert!(moved.is_some_and(|seconds| seconds > longest(StateMachine::Failover)), "{moved:?}");
}

/// How long a state waits at most for so many asks: each as long as its cap says, which may be another one after so many.
fn longest_wait(machine: &Machine, wait: &StateName, bound: u64) -> u64 {
    let seconds = machine.states[wait].json["Seconds"].to_string();
    let number = |text: &str| -> Option<u64> {
        let digits: String = text.trim_start().chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    };
    if let Some((_, rest)) = seconds.split_once("$power(") {
        let (by, _) = rest.split_once(',').unwrap_or_else(|| panic!("{wait}: {seconds}"));
        let by: f64 = by.parse().unwrap_or_else(|error| panic!("{wait}: {seconds}: {error}"));
        return (0..bound).map(|asked| by.powi(i32::try_from(asked).unwrap_or(i32::MAX)).floor() as u64).sum();
    }
    let after = |text: &str| seconds.split_once(text).and_then(|(_, rest)| number(rest));
    let cap = after("$min([").or_else(|| number(&seconds)).unwrap_or_else(|| panic!("{wait}: {seconds} has no cap"));
    match (after("$asked < "), after(" : ")) {
        (Some(often), Some(seldom)) => often * cap + (bound - often) * seldom,
        _ => bound * cap,
    }
}

/// The most events that Step Functions keeps of an execution, which fails at the next one.
/// <https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html>
const MOST_EVENTS: u64 = 25_000;

/// Of a task that is asked, the choice after it and the wait before the next ask: each state is entered and left, and a
/// task is scheduled, started and answered.
const EVENTS_OF_AN_ASK: u64 = 5 + 2 + 2;

/// The most that any other state takes, a task's retries left out.
const EVENTS_OF_A_STATE: u64 = 5;

#[test]
#[expect(clippy::print_stdout, reason = "the figure is to be read, not only kept below its limit")]
fn the_history_of_an_execution_holds_all_that_a_plan_may_have() {
    // How many turns a Map takes at most: a plan's components, those that one schedule proves, a plan's Regions.
    for machine in Machine::all() {
        let name = machine.of;
        let turns = match name {
            StateMachine::Backup => MOST_COMPONENTS,
            StateMachine::VerifyBackup => MOST_PROVED,
            StateMachine::Cleanup => MOST_BACKUP_REGIONS,
            StateMachine::FailoverAll => 20,
            StateMachine::Failover | StateMachine::Switchover => 1,
        };
        let edges = machine.states.values().flat_map(|state| &state.edges);
        let counted: BTreeMap<&StateName, u64> = edges.filter_map(|edge| Some((&edge.to, edge.bound()?))).collect();
        // What is inside a Map is gone through in each of its turns, what is outside once.
        let in_turns = machine.in_turns();
        let of = |name: &StateName| {
            let asks = counted.get(name).map_or(0, |bound| (bound + 1) * EVENTS_OF_AN_ASK);
            (asks + EVENTS_OF_A_STATE) * if in_turns.contains(name) { turns } else { 1 }
        };
        let events: u64 = machine.states.keys().map(of).sum();
        println!("{name}: {events} events of {turns} turns in the worst case");
        // A tenth is for the retries of tasks.
        assert!(events * 10 <= MOST_EVENTS * 9, "{name}: {events} events of {turns} turns");
    }
}

#[test]
fn every_state_machine_is_looked_at_here() {
    let files: BTreeSet<String> =
        StateMachine::ALL.iter().map(|machine| format!("{}.asl.json", machine.slug())).collect();
    assert_eq!(repository::names_in("statemachines"), files.into_iter().collect::<Vec<String>>());
}
