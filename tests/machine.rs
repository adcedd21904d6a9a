//! A state machine's definition as a graph.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    failover::run::RunKind,
    state_machine::{StateMachine, StateName},
};
use serde_json::Value;

use crate::repository;

/// A state machine.
#[derive(Debug)]
pub struct Machine {
    /// Which one.
    pub of: StateMachine,
    /// Its name, as its file has it: `failover`.
    pub name: &'static str,
    /// The first state.
    pub start: StateName,
    /// The states by their names, those inside a `Map` among them: it goes on to its first state as well as to the next,
    /// and whatever ends in it goes on as it does itself.
    pub states: BTreeMap<StateName, State>,
    /// How long an execution may take.
    pub timeout_seconds: u64,
    /// The definition's text.
    pub text: String,
}

/// A state.
#[derive(Debug)]
pub struct State {
    /// `Task`, `Choice`, `Wait`, `Pass`, `Map`, `Succeed` or `Fail`.
    pub kind: String,
    /// Where it may go on.
    pub edges: Vec<Edge>,
    /// The state as it is written.
    pub json: Value,
}

/// A way from one state to another.
#[derive(Debug, Clone)]
pub struct Edge {
    /// The next state.
    pub to: StateName,
    /// When it is taken: a choice's condition; empty where it needs none.
    pub condition: String,
    /// The errors that lead there; empty where none does.
    pub errors: Vec<String>,
    /// The variables that it sets.
    pub assigns: BTreeMap<String, Value>,
}

impl Machine {
    /// Every state machine.
    #[must_use]
    pub fn all() -> Vec<Self> {
        StateMachine::ALL.iter().copied().map(Self::read).collect()
    }

    /// Those that move a primary.
    #[must_use]
    pub fn moving() -> Vec<Self> {
        RunKind::ALL.map(RunKind::machine).into_iter().map(Self::read).collect()
    }

    /// Where variables get their first values: the first state, and the first state inside each `Map`.
    pub fn beginnings(&self) -> impl Iterator<Item = &State> {
        let inside = self.of_kind("Map").map(|(_, map)| name(&map.json["ItemProcessor"]["StartAt"]));
        std::iter::once(self.start.clone()).chain(inside).map(|name| &self.states[&name])
    }

    /// The states inside each `Map`.
    #[must_use]
    pub fn in_turns(&self) -> BTreeSet<StateName> {
        let maps = self.of_kind("Map").filter_map(|(_, map)| map.json["ItemProcessor"]["States"].as_object());
        maps.flat_map(|states| states.keys().map(|name| name.as_str().into())).collect()
    }

    /// Reads its file under `statemachines/`.
    ///
    /// # Panics
    /// When it is not a state machine.
    #[must_use]
    pub fn read(of: StateMachine) -> Self {
        let path = format!("statemachines/{}.asl.json", of.slug());
        let json = repository::json(&path);
        let mut states = BTreeMap::new();
        gather(&json, None, &mut states);
        Self {
            of,
            name: of.slug(),
            start: name(&json["StartAt"]),
            states,
            timeout_seconds: json["TimeoutSeconds"].as_u64().unwrap_or_else(|| panic!("{path}: no TimeoutSeconds")),
            text: repository::text(&path),
        }
    }

    /// The states of a kind, by name.
    pub fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = (&'a StateName, &'a State)> {
        self.states.iter().filter(move |(_, state)| state.kind == kind)
    }

    /// The tasks that call a function, by name.
    pub fn calls(&self) -> impl Iterator<Item = (&StateName, &State)> {
        self.of_kind("Task").filter(|(_, state)| state.calls_a_function())
    }

    /// Every state that can be reached from `from`, itself included, over edges that `open` lets pass.
    #[must_use]
    pub fn reached(&self, from: &StateName, open: &dyn Fn(&StateName, &Edge) -> bool) -> BTreeSet<StateName> {
        let mut reached = BTreeSet::new();
        let mut ahead = vec![from.clone()];
        while let Some(name) = ahead.pop() {
            if !reached.insert(name.clone()) {
                continue;
            }
            let edges = self.states.get(&name).map(|state| state.edges.as_slice()).unwrap_or_default();
            ahead.extend(edges.iter().filter(|edge| open(&name, edge)).map(|edge| edge.to.clone()));
        }
        reached
    }
}

/// Reads the states of a definition, and of what is inside them. What ends there goes on to `next`.
fn gather(definition: &Value, next: Option<&Value>, states: &mut BTreeMap<StateName, State>) {
    for (name, json) in definition["States"].as_object().into_iter().flatten() {
        let mut state = State::read(json);
        if let (true, Some(next)) = (json["End"] == true, next) {
            state.edges.push(Edge::to(next, &json["Assign"]));
        }
        if json["Type"] == "Map" {
            gather(&json["ItemProcessor"], Some(&json["Next"]), states);
            state.edges.insert(0, Edge::to(&json["ItemProcessor"]["StartAt"], &Value::Null));
        }
        assert!(states.insert(name.as_str().into(), state).is_none(), "two states are named {name}");
    }
}

impl State {
    fn read(json: &Value) -> Self {
        let mut edges = Vec::new();
        for choice in list(&json["Choices"]) {
            edges
                .push(Edge { condition: string(&choice["Condition"]), ..Edge::to(&choice["Next"], &choice["Assign"]) });
        }
        for key in ["Next", "Default"] {
            if !json[key].is_null() {
                edges.push(Edge::to(&json[key], &json["Assign"]));
            }
        }
        for catch in list(&json["Catch"]) {
            let errors = list(&catch["ErrorEquals"]).iter().map(string).collect();
            edges.push(Edge { errors, ..Edge::to(&catch["Next"], &catch["Assign"]) });
        }
        Self { kind: string(&json["Type"]), edges, json: json.clone() }
    }

    /// Whether an execution ends here.
    #[must_use]
    pub fn is_end(&self) -> bool {
        matches!(self.kind.as_str(), "Succeed" | "Fail")
    }

    /// Whether it is a task that calls a function.
    #[must_use]
    pub fn calls_a_function(&self) -> bool {
        self.json["Resource"].as_str().is_some_and(|resource| resource.starts_with("arn:aws:states:::lambda:"))
    }

    /// The error names that its retries and catchers wait for.
    #[must_use]
    pub fn awaited_errors(&self) -> Vec<String> {
        let handlers = list(&self.json["Retry"]).iter().chain(list(&self.json["Catch"]));
        handlers.flat_map(|handler| list(&handler["ErrorEquals"])).map(string).collect()
    }
}

impl Edge {
    fn to(next: &Value, assigns: &Value) -> Self {
        let assigns = assigns.as_object().map(|map| map.clone().into_iter().collect()).unwrap_or_default();
        Self { to: name(next), condition: String::new(), errors: Vec::new(), assigns }
    }

    /// The most times it is taken in a row, where its condition counts: `$asked < 60`.
    #[must_use]
    pub fn bound(&self) -> Option<u64> {
        self.count().map(|(_, bound)| bound)
    }

    /// Whether it goes on to the next one of a list: its index rises by one and ends with the list, whose length the plan's
    /// check bounds.
    #[must_use]
    pub fn walks_a_list(&self) -> bool {
        self.condition.contains("$at + 1 < $count(") && self.assigns.get("at").is_some_and(|at| at == "{% $at + 1 %}")
    }

    /// What counts it, and up to how many.
    #[must_use]
    pub fn count(&self) -> Option<(&'static str, u64)> {
        ["asked", "gone", "waited"].into_iter().find_map(|count| {
            let (_, rest) = self.condition.split_once(&format!("${count} < "))?;
            Some((count, rest.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()?))
        })
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn name(value: &Value) -> StateName {
    value.as_str().unwrap_or_default().into()
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
