//! The application in front of a plan's database: a small HTTP server on each side, which answers whether it can write.
//!
//! It is there where the plan's checks ask for it, or its traffic has names of the application. Like its clients, it finds the database by the plan's record; like an
//! application in production, it is asked by HTTPS, with a certificate that names the host.

mod authority;
mod serving;
mod visitor;

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use domain::plan::{Check, Plan, Traffic};
use reqwest::Url;
use tokio_rustls::TlsAcceptor;

use serving::Served;

use crate::workload::{Access, Place};

pub(crate) use authority::{Authority, AuthorityError};
pub(crate) use visitor::Visitor;

/// Where the application is asked by its own names, whatever the plan's checks ask.
const PORT: u16 = 8080;

/// What the application does at each question.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    /// Which side it is on, told with each answer.
    pub(crate) side: &'static str,
    /// How it logs in.
    pub(crate) access: Access,
    /// The database's name.
    pub(crate) database: Place,
    /// Its port.
    pub(crate) port: u16,
}

/// What is asked of an application, by the plan's checks.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// By which names.
    pub(crate) hosts: BTreeSet<String>,
    /// On which ports, and whether by HTTPS.
    ports: BTreeSet<(u16, bool)>,
}

/// A server of the application, which can be stopped and started. It ends when this is dropped.
pub(crate) struct Application {
    ports: Vec<(SocketAddr, Option<TlsAcceptor>)>,
    work: Arc<Work>,
    serving: Mutex<Vec<Served>>,
}

impl std::fmt::Debug for Application {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Application").field("work", &self.work).finish_non_exhaustive()
    }
}

/// Why it cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum ApplicationError {
    /// Its certificate.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// Its port.
    #[error(
        "the application cannot listen on {listen}; only root may take ports below 1024 unless \
         `sysctl net.ipv4.ip_unprivileged_port_start=53` lets everybody"
    )]
    Listen {
        /// Where.
        listen: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The slot's addresses.
    #[error("the lab has no address left for another application")]
    NoAddress,
}

impl Asked {
    /// What a plan's checks ask of its application, and those who follow its names.
    pub(crate) fn by(plan: &Plan) -> Self {
        let mut asked = Self::default();
        let urls = plan.verify.iter().filter_map(|check| match check {
            Check::Http(check) => Url::parse(&check.url).ok(),
            Check::Sql(_) => None,
        });
        for url in urls {
            let (Some(host), Some(port)) = (url.domain(), url.port_or_known_default()) else { continue };
            asked.hosts.insert(host.to_owned());
            asked.ports.insert((port, url.scheme() == "https"));
        }
        for name in plan.traffic.iter().flat_map(Traffic::application) {
            asked.hosts.insert(name.name.to_string());
            asked.ports.insert((PORT, false));
        }
        for (name, checks) in plan.traffic.iter().flat_map(Traffic::routed) {
            asked.hosts.insert(name.name.to_string());
            asked.ports.extend(checks.each().map(|(_, check)| (check.port, true)));
        }
        asked
    }

    /// Whether nothing is.
    pub(crate) fn is_empty(&self) -> bool {
        self.hosts.is_empty()
    }
}

impl Application {
    /// Serves at an address what is asked.
    pub(crate) async fn serve(
        address: IpAddr,
        asked: &Asked,
        authority: &Authority,
        work: Work,
    ) -> Result<Self, ApplicationError> {
        let acceptor = authority.acceptor(&asked.hosts)?;
        let tls = |by_https: bool| by_https.then(|| acceptor.clone());
        let ports = asked.ports.iter().map(|(port, by_https)| (SocketAddr::new(address, *port), tls(*by_https)));
        let application = Self { ports: ports.collect(), work: Arc::new(work), serving: Mutex::default() };
        application.start().await?;
        Ok(application)
    }

    /// Serves again, where it was stopped.
    pub(crate) async fn start(&self) -> Result<(), ApplicationError> {
        let mut serving = Vec::new();
        for (listen, tls) in &self.ports {
            serving.push(serving::serve(*listen, tls.clone(), Arc::clone(&self.work)).await?);
        }
        *self.serving.lock().unwrap_or_else(PoisonError::into_inner) = serving;
        Ok(())
    }

    /// Ends its servers, and the connections to them: who asks is refused.
    pub(crate) async fn stop(&self) {
        let serving = std::mem::take(&mut *self.serving.lock().unwrap_or_else(PoisonError::into_inner));
        futures::future::join_all(serving.into_iter().map(Served::end)).await;
    }
}

#[cfg(test)]
mod tests {
    use domain::plan_file;

    use super::*;

    #[test]
    fn what_is_asked_of_an_application_is_what_the_plan_s_checks_ask() {
        let text = include_str!("../../../plans/progressive-framework.yaml");
        let asked = Asked::by(&plan_file::read(text, "plan").unwrap());
        let hosts = ["agents.progressive.example.com", "api.progressive.example.com", "progressive.example.com"];
        assert_eq!(asked.hosts, hosts.map(str::to_owned).into());
        assert_eq!(asked.ports, [(443, true), (PORT, false)].into(), "it has a name of its own");
        assert!(Asked::by(&plan_file::read(include_str!("../../../plans/lab.yaml"), "plan").unwrap()).is_empty());
    }
}
