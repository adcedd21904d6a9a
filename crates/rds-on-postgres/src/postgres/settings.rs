//! PostgreSQL's settings as the lab's instances run with them.

use std::fmt::Write;
use std::net::Ipv4Addr;
use std::path::Path;

use jiff::Timestamp;

use crate::postgres::ingress::Ingress;
use crate::postgres::secrets::{ADMIN, REPLICATOR};

/// Where a standby reads its stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Upstream {
    pub(crate) host_name: String,
    pub(crate) address: Ipv4Addr,
    pub(crate) port: u16,
    pub(crate) slot: String,
    /// The stream is cut: the standby gets nothing until it is restored.
    pub(crate) cut: bool,
}

/// What a server does when it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Accepts writes.
    Primary,
    /// Follows another server.
    Standby(Upstream),
    /// Replays another server's archive, up to a time or to its end, and then accepts writes.
    Restoring { archive: std::path::PathBuf, until: Option<Timestamp> },
}

/// What the settings are made from.
#[derive(Debug)]
pub(crate) struct Site<'s> {
    pub(crate) address: Ipv4Addr,
    pub(crate) port: u16,
    pub(crate) name: &'s str,
    pub(crate) archive: &'s Path,
    pub(crate) ca: &'s Path,
    pub(crate) passwords: &'s Path,
    /// No session may write unless it asks to.
    pub(crate) read_only: bool,
}

/// The whole `postgresql.conf`.
pub(crate) fn postgresql_conf(site: &Site<'_>, role: &Role) -> String {
    let mut conf = String::from("# Written by the lab at each start; changes are lost.\n");
    let mut set = |name: &str, value: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(conf, "{name} = '{}'", value.replace('\\', "\\\\").replace('\'', "''"));
    };
    for (name, value) in FIXED {
        set(name, value);
    }
    set("listen_addresses", &site.address.to_string());
    set("port", &site.port.to_string());
    set("cluster_name", site.name);
    set("archive_command", &archive_command(site.archive));
    if site.read_only {
        set("default_transaction_read_only", "on");
    }
    match role {
        Role::Primary => {}
        Role::Standby(upstream) if upstream.cut => set("primary_slot_name", &upstream.slot),
        Role::Standby(upstream) => {
            set("primary_conninfo", &primary_conninfo(site, upstream));
            set("primary_slot_name", &upstream.slot);
        }
        Role::Restoring { archive, until } => {
            set("restore_command", &restore_command(archive));
            set("recovery_target_action", "promote");
            if let Some(until) = until {
                set("recovery_target_time", &until.strftime("%Y-%m-%d %H:%M:%S%.6f+00").to_string());
            }
        }
    }
    conf
}

const FIXED: [(&str, &str); 23] = [
    // A path to a socket may be too long, and a host's clients come by its address.
    ("unix_socket_directories", ""),
    ("ssl", "on"),
    ("ssl_cert_file", "server.crt"),
    ("ssl_key_file", "server.key"),
    ("password_encryption", "scram-sha-256"),
    // A killed process loses nothing that it gave to the kernel; only the machine's own death
    // would, and the lab does not survive that.
    ("fsync", "off"),
    ("shared_buffers", "32MB"),
    ("max_connections", "100"),
    ("wal_level", "replica"),
    ("hot_standby", "on"),
    // What a replica leaves on a primary that is dead when it goes takes a place for a while: many runs on one pair need room.
    ("max_wal_senders", "64"),
    ("max_replication_slots", "64"),
    ("wal_keep_size", "64MB"),
    // With the default of 5 s, a promotion right after the primary's death sleeps up to 5 s.
    ("wal_retrieve_retry_interval", "100ms"),
    ("wal_receiver_status_interval", "1s"),
    ("archive_mode", "on"),
    // Shared memory as files in the data directory: a killed server leaves none behind elsewhere.
    ("dynamic_shared_memory_type", "mmap"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("lc_messages", "C"),
    ("log_line_prefix", "%m [%p] %q%u@%d "),
    ("log_checkpoints", "off"),
    ("logging_collector", "off"),
];

/// The whole `pg_hba.conf`. The first line that fits decides. A closed ingress refuses everyone but
/// the service itself, as a security group without an ingress rule does.
pub(crate) fn pg_hba_conf(ingress: Ingress) -> String {
    let others = match ingress {
        Ingress::Everybody => "host all         all 0.0.0.0/0 scram-sha-256\n",
        Ingress::Functions => {
            "host all         +pg_monitor 0.0.0.0/0 scram-sha-256\nhost all         all 0.0.0.0/0 reject\n"
        }
        Ingress::Nobody => "host all         all 0.0.0.0/0 reject\n",
    };
    format!(
        "# Written by the lab; changes are lost.\n\
         host all         {ADMIN} 127.0.0.0/8 scram-sha-256\n\
         host replication {REPLICATOR} 127.0.0.0/8 scram-sha-256\n\
         {others}"
    )
}

fn primary_conninfo(site: &Site<'_>, upstream: &Upstream) -> String {
    let quoted = |path: &Path| path.display().to_string().replace('\\', "\\\\").replace('\'', "\\'");
    format!(
        "host={} hostaddr={} port={} user={REPLICATOR} application_name={} passfile='{}' sslmode=verify-full \
         sslrootcert='{}' connect_timeout=3",
        upstream.host_name,
        upstream.address,
        upstream.port,
        site.name,
        quoted(site.passwords),
        quoted(site.ca),
    )
}

/// Copies under another name first: a segment is in the archive whole, or not at all.
fn archive_command(archive: &Path) -> String {
    let archive = in_command(archive);
    format!("cp \"%p\" {archive}/.%f && mv {archive}/.%f {archive}/%f")
}

fn restore_command(archive: &Path) -> String {
    format!("cp {}/%f \"%p\"", in_command(archive))
}

/// A path as one word of a shell command in which PostgreSQL replaces `%`.
fn in_command(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', "'\\''").replace('%', "%%"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> Site<'static> {
        Site {
            address: Ipv4Addr::new(127, 77, 1, 100),
            port: 5432,
            name: "orders",
            archive: Path::new("/a b/it's 100%/wal"),
            ca: Path::new("/ca.pem"),
            passwords: Path::new("/pgpass"),
            read_only: false,
        }
    }

    fn upstream(cut: bool) -> Role {
        Role::Standby(Upstream {
            host_name: "orders.example".to_owned(),
            address: Ipv4Addr::new(127, 77, 1, 101),
            port: 5432,
            slot: "s".to_owned(),
            cut,
        })
    }

    #[test]
    fn a_path_with_quotes_and_percent_signs_survives_the_shell_and_the_settings() {
        let conf = postgresql_conf(&site(), &Role::Primary);
        assert!(conf.contains(r"''/a b/it''\\''''s 100%%/wal''/.%f"), "{conf}");
    }

    #[test]
    fn a_server_that_refuses_writes_does_so_in_every_role() {
        for role in [Role::Primary, upstream(false)] {
            let refuses = |read_only| {
                postgresql_conf(&Site { read_only, ..site() }, &role).contains("default_transaction_read_only = 'on'")
            };
            assert!(refuses(true) && !refuses(false), "{role:?}");
        }
    }

    #[test]
    fn a_cut_stream_keeps_its_slot_and_names_no_primary() {
        let conf = postgresql_conf(&site(), &upstream(true));
        assert!(!conf.contains("primary_conninfo") && conf.contains("primary_slot_name"));
        assert!(postgresql_conf(&site(), &upstream(false)).contains("hostaddr=127.77.1.101"));
    }

    #[test]
    fn a_closed_ingress_still_lets_the_service_in_first() {
        let closed = pg_hba_conf(Ingress::Nobody);
        let line = |text: &str| closed.lines().position(|line| line.contains(text));
        assert!(line(ADMIN) < line("reject") && line(REPLICATOR) < line("reject"));
        assert!(!pg_hba_conf(Ingress::Everybody).contains("reject"));
        let functions = pg_hba_conf(Ingress::Functions);
        assert!(functions.find("+pg_monitor") < functions.find("reject"));
    }
}
