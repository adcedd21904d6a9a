//! Replication slots: one for each replica, on its source.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::postgres::error::PostgresError;
use crate::postgres::login::literal;
use crate::postgres::server::Server;

/// The slot that a replica reads.
pub(crate) fn slot_of(resource_id: &str) -> String {
    format!("rds_{}", resource_id.to_ascii_lowercase().replace('-', "_"))
}

/// Drops the slots of replicas that do not read them any more.
pub(crate) async fn drop_except(server: &Server, used: &BTreeSet<String>) -> Result<(), PostgresError> {
    // A slot is held until its reader's connection is noticed to be gone.
    const TRIES: usize = 20;
    let login = server.login("postgres").await?;
    for _ in 0..TRIES {
        let slots =
            login.query("SELECT slot_name::text FROM pg_replication_slots WHERE slot_name LIKE 'rds\\_db\\_%'").await?;
        let unused: Vec<String> =
            slots.iter().filter_map(|row| row.try_get(0).ok()).filter(|slot| !used.contains(slot)).collect();
        if unused.is_empty() {
            return Ok(());
        }
        for slot in unused.iter().map(|slot| literal(slot)) {
            login.query(&format!("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = {slot} AND active")).await?;
            login.query(&format!("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = {slot} AND NOT active")).await?;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}
