//! A request that another Region makes on our behalf.
//!
//! RDS copies a snapshot of a DocumentDB cluster from another Region only with the URL of the same request there, signed by
//! whoever asks. For other engines it takes the URL, and has no use for it outside GovCloud.
//! <https://docs.aws.amazon.com/documentdb/latest/developerguide/API_CopyDBClusterSnapshot.html>

use std::time::{Duration, SystemTime};

use aws_sdk_rds::config::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign},
    sign::v4,
};
use domain::{
    backup::Snapshot,
    words::{
        failure::Failure,
        id::{KmsKeyId, Region},
    },
};

/// How long the URL is good for: as long as AWS's own tools sign it.
const GOOD_FOR: Duration = Duration::from_secs(3600);

/// The Region of a snapshot, by its ARN.
pub(super) fn region_of(snapshot: &Snapshot) -> Option<&str> {
    snapshot.arn.split(':').nth(3).filter(|region| !region.is_empty())
}

/// The URL of the copy of a cluster's snapshot, as a request of the Region that it is in.
pub(super) fn copy_of(
    snapshot: &Snapshot,
    to: &Region,
    key: Option<&KmsKeyId>,
    credentials: Credentials,
    now: SystemTime,
) -> Result<String, Failure> {
    let failed = |why: String| Failure::InvalidInput(format!("the copy of `{}` cannot be signed: {why}", snapshot.arn));
    let region = region_of(snapshot).ok_or_else(|| failed("its ARN names no Region".to_owned()))?;
    let domain = match region {
        _ if region.contains("-iso") => return Err(failed(format!("how RDS in {region} is named is not known here"))),
        _ if region.starts_with("cn-") => "amazonaws.com.cn",
        _ => "amazonaws.com",
    };
    let mut query = form_urlencoded::Serializer::new(String::new());
    query
        .append_pair("Action", "CopyDBClusterSnapshot")
        .append_pair("DestinationRegion", to.as_str())
        .append_pair("SourceDBClusterSnapshotIdentifier", &snapshot.arn)
        .append_pair("TargetDBClusterSnapshotIdentifier", &snapshot.name)
        .append_pair("Version", "2014-10-31");
    if let Some(key) = key {
        query.append_pair("KmsKeyId", key.as_str());
    }
    let url = format!("https://rds.{region}.{domain}/?{}", query.finish());
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(GOOD_FOR);
    let identity = credentials.into();
    let parameters = v4::SigningParams::builder().identity(&identity).region(region).name("rds").time(now);
    let parameters = parameters.settings(settings).build().map_err(|error| failed(error.to_string()))?;
    let request = SignableRequest::new("GET", url.as_str(), std::iter::empty(), SignableBody::Bytes(&[]));
    let request = request.map_err(|error| failed(error.to_string()))?;
    let signed = sign(request, &parameters.into()).map_err(|error| failed(error.to_string()))?;
    let (instructions, _) = signed.into_parts();
    let mut signature = form_urlencoded::Serializer::new(String::new());
    for (name, value) in instructions.params() {
        signature.append_pair(name, value);
    }
    Ok(format!("{url}&{}", signature.finish()))
}

#[cfg(test)]
mod tests {
    use domain::{backup::Marks, component::SnapshotKind};

    use super::*;

    fn snapshot(region: &str) -> Snapshot {
        Snapshot {
            kind: SnapshotKind::Cluster,
            name: "lifeboat-reports".into(),
            arn: format!("arn:aws:rds:{region}:000000000000:cluster-snapshot:lifeboat-reports"),
            taken_at: None,
            marks: Marks::default(),
            status: "available".into(),
            percent: 100,
            allocated_gib: None,
            encrypted: true,
            of: None,
            label: Err("none".into()),
            carried: Vec::new(),
        }
    }

    #[test]
    fn the_url_is_the_same_request_of_the_source_s_region() {
        let key = "alias/backups".parse().unwrap();
        for (region, host) in [
            ("us-east-1", "https://rds.us-east-1.amazonaws.com/?"),
            ("cn-north-1", "https://rds.cn-north-1.amazonaws.com.cn/?"),
        ] {
            let credentials = Credentials::new("AKIDEXAMPLE", "a test's", Some("session".into()), None, "test");
            let to = "us-west-2".parse().unwrap();
            let url = copy_of(&snapshot(region), &to, Some(&key), credentials, SystemTime::UNIX_EPOCH).unwrap();
            assert!(url.starts_with(host), "{url}");
            for part in [
                "Action=CopyDBClusterSnapshot",
                "DestinationRegion=us-west-2",
                &format!(
                    "SourceDBClusterSnapshotIdentifier=arn%3Aaws%3Ards%3A{region}%3A000000000000%3Acluster-snapshot%3Alifeboat-reports"
                ),
                "TargetDBClusterSnapshotIdentifier=lifeboat-reports",
                "KmsKeyId=alias%2Fbackups",
                &format!("X-Amz-Credential=AKIDEXAMPLE%2F19700101%2F{region}%2Frds%2Faws4_request"),
                "X-Amz-Expires=3600",
                "X-Amz-Security-Token=session",
                "X-Amz-Signature=",
            ] {
                assert!(url.contains(part), "{part} is not in {url}");
            }
        }
        let nowhere = Snapshot { arn: "lifeboat-reports".into(), ..snapshot("us-east-1") };
        for unknown in [nowhere, snapshot("us-iso-east-1")] {
            let credentials = Credentials::new("AKIDEXAMPLE", "a test's", None, None, "test");
            let to = "us-west-2".parse().unwrap();
            assert!(copy_of(&unknown, &to, None, credentials, SystemTime::UNIX_EPOCH).is_err());
        }
    }
}
