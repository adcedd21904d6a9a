//! The plan's HTTP checks.

use domain::{plan::HttpCheck, run::verification::Finding};

use crate::tls;

/// A client to be made: the only way to one, for it chooses the cryptography.
pub fn client() -> reqwest::ClientBuilder {
    tls::cryptography();
    reqwest::Client::builder()
}

/// Asks an address. Redirects are not followed: the plan names the address that must answer.
pub async fn check(check: &HttpCheck) -> Finding {
    let client = client().timeout(check.within.duration()).redirect(reqwest::redirect::Policy::none()).build();
    let client = match client {
        Ok(client) => client,
        Err(error) => return Finding::Unanswered(domain::words::failure::chain(&error)),
    };
    match client.get(&check.url).send().await {
        Ok(answer) if answer.status().as_u16() == check.status => Finding::Passed,
        Ok(answer) => Finding::Failed {
            expected: format!("status {}", check.status),
            got: format!("status {}", answer.status().as_u16()),
        },
        Err(error) => Finding::Unanswered(domain::words::failure::chain(&error)),
    }
}
