//! Route 53's zones as the gateway mirrors them, read again whenever the file has changed.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use hickory_server::proto::rr::{Name, RecordType};
use serde::Deserialize;
use tracing::warn;

/// What a record without a TTL gets; Route 53 demands one, but an alias has none of its own.
const ALIAS_TTL_SECONDS: u32 = 60;

/// Everything that names are answered from, at one moment.
#[derive(Debug, Default)]
pub(super) struct Zones {
    pub(super) zones: Vec<Zone>,
    pub(super) checks: HashMap<String, CheckConfig>,
}

#[derive(Debug)]
pub(super) struct Zone {
    pub(super) name: Name,
    pub(super) sets: Vec<RecordSet>,
}

/// One of Route 53's resource record sets.
#[derive(Clone, Debug)]
pub(super) struct RecordSet {
    pub(super) name: Name,
    pub(super) kind: RecordType,
    pub(super) ttl_seconds: u32,
    pub(super) values: Vec<String>,
    pub(super) routing: Routing,
    pub(super) check: Option<String>,
    pub(super) alias: Option<Name>,
}

/// How a set is chosen among those of its name and type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Routing {
    Simple,
    Primary,
    Secondary,
    Weighted(u32),
}

/// A health check's configuration, in Route 53's words.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct CheckConfig {
    pub(super) r#type: String,
    #[serde(rename = "IPAddress")]
    pub(super) ip_address: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) fully_qualified_domain_name: Option<String>,
    pub(super) resource_path: Option<String>,
    pub(super) search_string: Option<String>,
    pub(super) request_interval: Option<u64>,
    pub(super) failure_threshold: Option<u32>,
    pub(super) inverted: bool,
    pub(super) disabled: bool,
    pub(super) health_threshold: Option<usize>,
    pub(super) child_health_checks: Vec<String>,
}

/// The file, and what it held when it was last read.
#[derive(Debug)]
pub(super) struct ZonesFile {
    path: PathBuf,
    read: Mutex<(Option<Stamp>, Arc<Zones>)>,
}

/// Tells two contents of the file apart: it is replaced, never written in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    seconds: i64,
    nanoseconds: i64,
    size: u64,
}

impl ZonesFile {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, read: Mutex::default() }
    }

    /// The zones as they are now. An unreadable file leaves those of before.
    pub(super) fn current(&self) -> Arc<Zones> {
        let stamp = fs::metadata(&self.path).ok().map(|file| Stamp {
            inode: file.ino(),
            seconds: file.mtime(),
            nanoseconds: file.mtime_nsec(),
            size: file.size(),
        });
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if stamp.is_some() && read.0 != stamp {
            match fs::read_to_string(&self.path).map_err(|error| error.to_string()).and_then(|text| Zones::parse(&text))
            {
                Ok(zones) => *read = (stamp, Arc::new(zones)),
                Err(error) => warn!(file = %self.path.display(), %error, "Route 53's zones could not be read"),
            }
        }
        Arc::clone(&read.1)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mirror {
    zones: Vec<Entry<MirroredZone>>,
    records: Vec<Entry<Vec<MirroredSet>>>,
    health_checks: Vec<Entry<MirroredCheck>>,
}

#[derive(Deserialize)]
struct Entry<T> {
    key: String,
    value: T,
}

#[derive(Deserialize)]
struct MirroredZone {
    name: String,
}

#[derive(Deserialize)]
struct MirroredCheck {
    config: CheckConfig,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MirroredSet {
    name: String,
    r#type: String,
    #[serde(rename = "TTL")]
    ttl: Option<String>,
    #[serde(default)]
    resource_records: Vec<String>,
    failover: Option<String>,
    weight: Option<u32>,
    health_check_id: Option<String>,
    alias_target: Option<MirroredAlias>,
}

#[derive(Deserialize)]
struct MirroredAlias {
    #[serde(rename = "DNSName")]
    dns_name: String,
}

impl Zones {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mirror: Mirror = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let mut records: HashMap<String, Vec<MirroredSet>> =
            mirror.records.into_iter().map(|entry| (entry.key, entry.value)).collect();
        let mut zones = Vec::new();
        for Entry { key, value } in mirror.zones {
            let name = parse_name(&value.name)?;
            let mut sets = Vec::new();
            for set in records.remove(&key).unwrap_or_default() {
                sets.push(set.try_into()?);
            }
            zones.push(Zone { name, sets });
        }
        // The longest name first: it is the one that is responsible.
        zones.sort_by_key(|zone| std::cmp::Reverse(zone.name.num_labels()));
        let checks = mirror.health_checks.into_iter().map(|entry| (entry.key, entry.value.config)).collect();
        Ok(Self { zones, checks })
    }

    /// The zone that is responsible for `name`.
    pub(super) fn responsible(&self, name: &Name) -> Option<&Zone> {
        self.zones.iter().find(|zone| zone.name.zone_of(name))
    }
}

impl TryFrom<MirroredSet> for RecordSet {
    type Error = String;

    fn try_from(set: MirroredSet) -> Result<Self, String> {
        let routing = match (set.failover.as_deref(), set.weight) {
            (Some("PRIMARY"), _) => Routing::Primary,
            (Some(_), _) => Routing::Secondary,
            (None, Some(weight)) => Routing::Weighted(weight),
            (None, None) => Routing::Simple,
        };
        let ttl_seconds = match set.ttl {
            Some(text) => text.parse().map_err(|_| format!("{}: TTL {text:?} is not a number", set.name))?,
            None => ALIAS_TTL_SECONDS,
        };
        Ok(Self {
            name: parse_name(&set.name)?,
            kind: RecordType::from_str(&set.r#type).map_err(|_| format!("{}: type {:?}", set.name, set.r#type))?,
            ttl_seconds,
            values: set.resource_records,
            routing,
            check: set.health_check_id,
            alias: set.alias_target.map(|alias| parse_name(&alias.dns_name)).transpose()?,
        })
    }
}

/// A name as Route 53 keeps it, lower-cased: names are compared without regard to case.
fn parse_name(text: &str) -> Result<Name, String> {
    let mut name = Name::from_ascii(text.replace("\\052", "*")).map_err(|error| format!("{text}: {error}"))?;
    name.set_fqdn(true);
    Ok(name.to_lowercase())
}
