//! How a person talks to a lab that is up.

use lab::{Lab, pager::NOTICES};

use crate::refusal::Refusal;

/// How a person talks to a lab that is up: lines for a shell.
pub(super) fn how_to_talk_to(lab: &Lab) -> Result<Vec<String>, Refusal> {
    let (aws, system) = (&lab.aws, &lab.system);
    let unwritable = |error: std::io::Error| {
        Refusal::failed(format!("the lab's folder cannot be written: {error}"), "Look at the disk's room and rights.")
    };
    let logins = system.write_logins(&aws.folder).map_err(unwritable)?;
    let (endpoint, resolver) = (aws.gateway.endpoint(), aws.resolver());
    let (regions, plan, name) = (&system.plan.regions, &system.plan.plan, &system.plan.traffic.record.name);
    let (recovery, primary) = (&regions.recovery, &regions.primary);
    let dig = format!("dig +short @{} -p {}", resolver.ip(), resolver.port());
    let address = format!("$({dig} {name} | tail -1)");
    let psql = |user: &str| {
        format!(
            "  PGPASSFILE={} psql \"host={name} hostaddr={address} port={} dbname={} user={user} sslmode=require\"",
            logins.display(),
            system.pair.primary.port,
            system.pair.database
        )
    };
    let mut lines = vec![
        format!("the lab is up in slot {} and stays up until Ctrl-C, which ends all of it", aws.slot),
        format!("  AWS      {endpoint}, every service in every Region"),
        format!("  DNS      {resolver}"),
        format!("  notices  {}", aws.folder.join(NOTICES).display()),
        "to talk to it, in another shell:".to_owned(),
        format!("  export AWS_ENDPOINT_URL={endpoint} AWS_REGION={recovery} LIFEBOAT_RESOLVER={resolver}"),
        "  export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test".to_owned(),
        format!("  cargo lifeboat status {plan}"),
        format!("  aws --endpoint-url $AWS_ENDPOINT_URL rds describe-db-instances --region {primary}"),
        format!("  {dig} {name}"),
        "as the application, through the name:".to_owned(),
    ];
    lines.extend(system.pair.application_roles.iter().take(1).map(|role| psql(role.as_str())));
    lines.push("as the database's owner:".to_owned());
    lines.push(psql(system.owner()));
    Ok(lines)
}
