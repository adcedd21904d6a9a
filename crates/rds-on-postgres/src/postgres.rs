//! PostgreSQL on this machine: its programs, and servers on addresses of their own.

pub(crate) mod authority;
pub(crate) mod damage;
pub(crate) mod error;
pub(crate) mod folder;
pub(crate) mod ingress;
pub(crate) mod installation;
pub(crate) mod login;
pub(crate) mod pid_file;
pub(crate) mod secrets;
pub(crate) mod server;
pub(crate) mod settings;
pub(crate) mod slots;
