//! What an alarm or a dashboard names is a metric that a function writes, and may write.

use std::collections::BTreeSet;

use domain::{
    plan::{Plan, Watched},
    synth::{
        Place,
        metric::{Metric, NAMESPACE},
        synth,
    },
    watch::region,
};
use serde_json::{Value, json};
use tests::repository::{self, FUNCTIONS};

use crate::{engine, lab_plan, resource_of};

/// The lab's plan with an alarm of each kind.
fn alarmed() -> Plan {
    let mut plan = serde_json::to_value(lab_plan()).unwrap_or_default();
    let alarms = Watched::ALL.iter().enumerate().map(|(index, watch)| {
        let mut alarm = json!({"name": format!("a{index}"), "watch": watch});
        if watch.has_a_threshold() {
            alarm["above"] = json!(1);
        }
        if *watch == Watched::Metric {
            alarm["metric"] = json!({"namespace": "Shop", "name": "Errors"});
        }
        alarm
    });
    plan["alarms"] = alarms.collect();
    plan["health"] = json!({
        "every": "30s",
        "checks": ["all"],
        "limits": {
            "errorsPercent": 5, "response": "5s", "availabilityPercent": 95, "latency": "400ms", "lossPercent": 1, "connect": "30s"
        },
    });
    serde_json::from_value(plan).unwrap_or_else(|error| panic!("{error}"))
}

/// Each metric of ours that is named below a value: as an alarm does, or as a dashboard does.
fn named(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            if fields.get("Namespace").is_some_and(|namespace| namespace == NAMESPACE) {
                names.extend(fields["MetricName"].as_str().map(str::to_owned));
            }
            fields.values().for_each(|value| named(value, names));
        }
        Value::Array(values) => {
            if values.first().is_some_and(|first| first == NAMESPACE) {
                names.extend(values[1].as_str().map(str::to_owned));
            }
            values.iter().for_each(|value| named(value, names));
        }
        // A dashboard is a text of JSON.
        Value::String(text) if text.starts_with('{') => {
            named(&serde_json::from_str(text).unwrap_or_default(), names);
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[test]
fn every_metric_that_an_alarm_or_a_dashboard_names_is_one_that_is_written() {
    let mut names = BTreeSet::new();
    named(&engine().json, &mut names);
    for place in Place::ALL {
        named(&synth(&alarmed(), place).unwrap_or_default(), &mut names);
    }
    let of_regions = region::RegionMetric::ALL.iter().map(|metric| metric.name().to_owned());
    let known: BTreeSet<String> = Metric::ALL.iter().map(|metric| metric.name().to_owned()).chain(of_regions).collect();
    assert_eq!(names, known, "each is drawn or watched, and none that is not there");
    let written = repository::text("crates/edge/src/metrics.rs");
    for metric in Metric::ALL {
        assert!(written.contains(&format!("Metric::{metric:?}")), "nothing writes {metric:?}");
    }
}

#[test]
fn every_metric_is_written_by_a_function_whose_role_may() {
    let written = repository::text("crates/edge/src/metrics.rs");
    let (product, _) = written.split_once("#[cfg(test)]").unwrap_or((&written, ""));
    let methods: Vec<&str> = product
        .split("pub async fn ")
        .skip(1)
        .filter_map(|rest| rest.split_once('(').map(|(name, _)| name))
        .filter(|name| *name != "from_env")
        .collect();
    assert!(methods.len() >= 6, "{methods:?}: are they still found?");
    let template = engine();
    for method in methods {
        let calls = |function: &&&str| {
            let files = repository::rust_files(&format!("functions/{function}/src"));
            let product = files.iter().filter(|file| !file.contains("tests"));
            product.into_iter().any(|file| repository::text(file).contains(&format!(".{method}(")))
        };
        let callers: Vec<&&str> = FUNCTIONS.iter().filter(calls).collect();
        assert!(!callers.is_empty(), "no function calls {method}");
        for function in callers {
            let actions = template.actions(&resource_of(function));
            assert!(actions.contains("cloudwatch:PutMetricData"), "{function} calls {method}");
        }
    }
}
