//! The plan's HTTP checks.

use domain::{plan::HttpCheck, run::verification::Finding};

/// Asks an address. Redirects are not followed: the plan names the address that must answer.
pub async fn check(check: &HttpCheck) -> Finding {
    let client = match reqwest::Client::builder()
        .timeout(check.within.duration())
        .redirect(reqwest::redirect::Policy::none())
        .build()
    {
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
