//! List prices, from one file that says for which Region and which day they hold.

use jiff::civil::Date;
use serde::Deserialize;

use crate::words::{id::Region, wording};

/// The file.
const LIST: &str = include_str!("prices.yaml");

/// What AWS asks for what an engine uses, in US dollars.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Prices {
    /// The day for which they hold.
    pub date: Date,
    /// The Region for which they hold.
    pub region: Region,
    /// A function with 1 GB of memory on arm64.
    pub lambda_arm_gb_second: Price,
    /// The same on `x86_64`.
    pub lambda_x86_gb_second: Price,
    /// An invocation.
    pub lambda_request: Price,
    /// A custom metric.
    pub metric: Price,
    /// A call that sends values of metrics.
    pub metric_request: Price,
    /// An alarm on one metric.
    pub alarm: Price,
    /// An alarm with a period of less than a minute.
    pub high_resolution_alarm: Price,
    /// A dashboard.
    pub dashboard: Price,
    /// Log lines taken in.
    pub log_gb: Price,
    /// A write of an object.
    pub s3_put: Price,
    /// A read of an object, also of one that is not there.
    pub s3_get: Price,
    /// A secret in one Region.
    pub secret: Price,
    /// A read of a secret.
    pub secret_request: Price,
    /// A key of the customer's own.
    pub key: Price,
    /// A call that uses or describes one.
    pub key_request: Price,
    /// A step of a standard workflow.
    pub state_transition: Price,
    /// A start by EventBridge Scheduler.
    pub scheduled_start: Price,
    /// A call of a queue, also an empty answer.
    pub queue_request: Price,
    /// A health check of Route 53's.
    pub health_check: Price,
    /// What a health check does beyond the least.
    pub health_check_feature: Price,
    /// A question to a hosted zone.
    pub name_query: Price,
    /// A snapshot of an instance.
    pub rds_snapshot_gb: Price,
    /// A snapshot of an Aurora cluster.
    pub aurora_snapshot_gb: Price,
    /// A snapshot of a DocumentDB cluster.
    pub docdb_snapshot_gb: Price,
    /// A snapshot of a Neptune cluster.
    pub neptune_snapshot_gb: Price,
    /// What leaves a Region for another.
    pub between_regions_gb: Price,
    /// A NAT gateway that is there.
    pub nat_hour: Price,
    /// What goes through it.
    pub nat_gb: Price,
    /// An interface endpoint that is there, in one zone.
    pub endpoint_hour: Price,
    /// What goes through it.
    pub endpoint_gb: Price,
}

/// One price.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// What `per` units cost.
    pub dollars: f64,
    /// For how many units that is.
    pub per: f64,
    /// What is counted.
    pub unit: String,
    /// AWS's own page of it.
    pub source: String,
}

impl Price {
    /// What so many units cost.
    #[must_use]
    pub fn of(&self, quantity: f64) -> f64 {
        quantity / self.per * self.dollars
    }
}

impl Prices {
    /// The list that this version was made with.
    ///
    /// # Errors
    /// Says what is wrong with the file.
    pub fn list() -> Result<Self, String> {
        Self::read(LIST)
    }

    fn read(text: &str) -> Result<Self, String> {
        serde_saphyr::from_str(text).map_err(|error| wording::plain(&error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_price_is_a_number_of_its_unit_and_says_where_it_is_from() {
        let tree: serde_json::Value = serde_saphyr::from_str(LIST).unwrap();
        let prices: Vec<_> = tree.as_object().unwrap().iter().filter(|(_, price)| price.is_object()).collect();
        assert!(prices.len() > 20, "{}", prices.len());
        for (name, price) in prices {
            let price: Price = serde_json::from_value(price.clone()).unwrap();
            assert!(price.dollars.is_finite() && price.dollars > 0.0 && price.per >= 1.0, "{name}: {price:?}");
            assert!(price.source.starts_with("https://aws.amazon.com/") && price.source.ends_with('/'), "{name}");
            assert!(!price.unit.is_empty(), "{name}");
        }
    }

    #[test]
    fn a_price_that_is_unknown_missing_or_no_number_is_refused() {
        assert!(Prices::list().is_ok(), "{:?}", Prices::list());
        for (from, to, why) in [
            ("s3Get:", "s3Got:", "s3Got"),
            ("dollars: 0.20,", "dollars: cheap,", "cheap"),
            ("date: 2026-11-28", "date: soon", "soon"),
            ("region: us-east-1", "region: Virginia", "Virginia"),
            ("dollars: 0.20, per: 1000000,", "dollars: 0.20,", "per"),
        ] {
            let text = LIST.replacen(from, to, 1);
            assert_ne!(text, LIST, "{from}");
            let told = Prices::read(&text).unwrap_err();
            assert!(told.contains(why), "{from}: {told}");
        }
    }

    #[test]
    fn a_quantity_costs_its_share_of_what_the_price_is_for() {
        let price = Price { dollars: 0.40, per: 1_000_000.0, unit: "requests".into(), source: String::new() };
        assert!((price.of(2_500_000.0) - 1.0).abs() < 1e-12 && price.of(0.0) == 0.0);
    }
}
