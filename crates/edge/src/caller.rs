//! Who gives an order, by AWS's word: a question to STS that they sign, and that the engine asks.
//!
//! The order carries the parts of the signature and nothing of the address: whom the engine asks is its own Region's STS, or
//! what its configuration names instead.

use std::time::SystemTime;

use aws_config::SdkConfig;
use aws_sdk_s3::config::ProvideCredentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign as sign_request},
    sign::v4,
};
use domain::{
    failover::caller::{Caller, GOOD_FOR, HEADER, Proof},
    words::{failure::Failure, id::Region},
};
use reqwest::redirect::Policy;

use crate::{aws, http, patience::AWS_TRY};

/// What is asked.
const QUESTION: [(&str, &str); 2] = [("Action", "GetCallerIdentity"), ("Version", "2011-06-15")];

/// Who can say whose proof it is.
pub trait Callers {
    /// Asks AWS who signed a proof that is bound to this order.
    fn ask(&self, proof: &Proof, bound: &str) -> impl Future<Output = Result<Caller, Failure>>;
}

/// STS of the configuration's Region.
#[derive(Debug, Clone)]
pub struct Sts {
    config: SdkConfig,
}

impl Sts {
    /// STS as the environment says.
    pub async fn from_env() -> Self {
        Self { config: aws::config(None).await }
    }

    /// STS as a configuration says.
    #[must_use]
    pub fn with(config: &SdkConfig) -> Self {
        Self { config: config.clone() }
    }
}

/// Proves who we are, for one order.
///
/// # Errors
/// `InvalidInput` without a Region, `AwsTransient` without credentials.
pub async fn prove(config: &SdkConfig, bound: &str) -> Result<Proof, Failure> {
    let cannot = |why: String| Failure::InvalidInput(format!("who orders cannot be proved: {why}"));
    let without = |source: Option<domain::words::failure::Source>| Failure::AwsTransient {
        what: "there are no credentials to sign with".to_owned(),
        source,
    };
    let provider = config.credentials_provider().ok_or_else(|| without(None))?;
    let credentials = provider.provide_credentials().await.map_err(|error| without(Some(error.into())))?;
    let region = config.region().map(ToString::to_string).unwrap_or_default();
    let url = format!("{}/?{}", endpoint(config)?, query(&[]));
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(GOOD_FOR.duration());
    let identity = credentials.into();
    let parameters = v4::SigningParams::builder().identity(&identity).region(&region).name("sts");
    let parameters = parameters.time(SystemTime::from(crate::clock::now())).settings(settings).build();
    let parameters = parameters.map_err(|error| cannot(error.to_string()))?;
    let headers = std::iter::once((HEADER, bound));
    let request = SignableRequest::new("GET", url.as_str(), headers, SignableBody::Bytes(&[]));
    let request = request.map_err(|error| cannot(error.to_string()))?;
    let signed = sign_request(request, &parameters.into()).map_err(|error| cannot(error.to_string()))?;
    let (instructions, _) = signed.into_parts();
    let part = |name: &str| {
        let mut named = instructions.params().iter().filter(|(known, _)| *known == name);
        named.next().map(|(_, value)| value.to_string())
    };
    let of = |name: &str| part(name).ok_or_else(|| cannot(format!("the signature has no {name}")));
    for (name, value) in frame() {
        if part(name).as_deref() != Some(&*value) {
            return Err(cannot(format!("{name} is not {value}")));
        }
    }
    let token = part("X-Amz-Security-Token");
    Proof::of(of("X-Amz-Credential")?, of("X-Amz-Date")?, token, of("X-Amz-Signature")?)
        .map_err(|error| cannot(error.to_string()))
}

impl Callers for Sts {
    async fn ask(&self, proof: &Proof, bound: &str) -> Result<Caller, Failure> {
        // An address would be told with its signature.
        let silent = |error: reqwest::Error| Failure::AwsTransient {
            what: "STS did not say who gave the order".to_owned(),
            source: Some(error.without_url().into()),
        };
        let frame = frame();
        let signed: Vec<(&str, &str)> =
            frame.iter().map(|(name, value)| (*name, value.as_str())).chain(proof.parameters()).collect();
        let url = format!("{}/?{}", endpoint(&self.config)?, query(&signed));
        let client = http::client().timeout(AWS_TRY).redirect(Policy::none()).build().map_err(silent)?;
        let mut answer = client.get(url).header(HEADER, bound).send().await.map_err(silent)?;
        let (status, mut text) = (answer.status().as_u16(), Vec::new());
        while let Some(part) = answer.chunk().await.map_err(silent)? {
            text.extend_from_slice(&part);
            if text.len() > LONGEST_ANSWER {
                break;
            }
        }
        told(status, &String::from_utf8_lossy(&text))
    }
}

/// The longest answer that is read; STS's are below 1 KB.
const LONGEST_ANSWER: usize = 16 * 1024;

/// What STS's answer means.
fn told(status: u16, text: &str) -> Result<Caller, Failure> {
    if status == 200 {
        let arn = within(text, "Arn").and_then(|arn| arn.parse().ok());
        return Ok(arn.map_or_else(|| Caller::Unproved("STS named nobody".to_owned()), Caller::Proved));
    }
    let code = within(text, "Code");
    let shown = format!("STS answered {status} {}", code.unwrap_or_default());
    let what = "STS did not say who gave the order".to_owned();
    let failed = aws::failure(what, code, Some(status), shown.trim().into());
    if (400..500).contains(&status) && !matches!(failed, Failure::AwsTransient { .. }) {
        return Ok(Caller::Unproved(format!("STS does not accept its proof ({})", code.unwrap_or("no code"))));
    }
    Err(failed)
}

/// What stands in an element that is there once.
fn within<'t>(text: &'t str, element: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(&format!("<{element}>"))?;
    let (inner, after) = rest.split_once(&format!("</{element}>"))?;
    (!after.contains(&format!("<{element}>"))).then_some(inner)
}

/// What is the same in each signature.
fn frame() -> [(&'static str, String); 3] {
    [
        ("X-Amz-Algorithm", "AWS4-HMAC-SHA256".to_owned()),
        ("X-Amz-Expires", GOOD_FOR.duration().as_secs().to_string()),
        ("X-Amz-SignedHeaders", format!("host;{HEADER}")),
    ]
}

fn query(more: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(QUESTION).extend_pairs(more);
    query.finish()
}

/// STS of a Region, or what stands for AWS. The Region is one: it becomes part of a host's name.
fn endpoint(config: &SdkConfig) -> Result<String, Failure> {
    if let Some(url) = config.endpoint_url() {
        return Ok(url.trim_end_matches('/').to_owned());
    }
    let region = config.region().map(ToString::to_string).unwrap_or_default();
    let region: Region = region.parse().map_err(|error| Failure::InvalidInput(format!("STS: {error}")))?;
    match region.as_str() {
        iso if iso.contains("-iso") => {
            Err(Failure::InvalidInput(format!("how STS in {iso} is named is not known here")))
        }
        cn if cn.starts_with("cn-") => Ok(format!("https://sts.{cn}.amazonaws.com.cn")),
        region => Ok(format!("https://sts.{region}.amazonaws.com")),
    }
}

/// Everybody is who a test says.
#[cfg(feature = "fake")]
pub mod fake {
    use domain::{
        failover::caller::{Caller, Proof},
        words::failure::Failure,
    };

    use super::Callers;

    /// What STS says of each proof that is bound to this; of every other one that it does not fit.
    #[derive(Debug, Clone)]
    pub struct Knows {
        /// To what.
        pub bound: String,
        /// What is said; `None` where STS does not answer.
        pub says: Option<Caller>,
    }

    impl Callers for Knows {
        async fn ask(&self, _: &Proof, bound: &str) -> Result<Caller, Failure> {
            let silent = || Failure::AwsTransient { what: "STS is silent".into(), source: None };
            if self.says.is_some() && bound != self.bound {
                return Ok(Caller::Unproved(format!("signed for another order than {bound}")));
            }
            self.says.clone().ok_or_else(silent)
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_config::{BehaviorVersion, Region};
    use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    fn config(region: &str, endpoint: Option<&str>) -> SdkConfig {
        let keys = Credentials::new("ASIAEXAMPLEEXAMPLE00", "a test's", Some("se+s/s=".into()), None, "test");
        let mut config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .credentials_provider(SharedCredentialsProvider::new(keys));
        config.set_endpoint_url(endpoint.map(str::to_owned));
        config.build()
    }

    #[test]
    fn only_sts_of_a_region_is_asked() {
        let named = |region: &str| endpoint(&config(region, None)).ok();
        assert_eq!(named("us-west-2").as_deref(), Some("https://sts.us-west-2.amazonaws.com"));
        assert_eq!(named("cn-north-1").as_deref(), Some("https://sts.cn-north-1.amazonaws.com.cn"));
        assert_eq!(named("us-gov-west-1").as_deref(), Some("https://sts.us-gov-west-1.amazonaws.com"));
        for none in ["us-iso-east-1", "example.com/", "", "us-west-2.example.com"] {
            assert_eq!(named(none), None, "{none}");
        }
    }

    #[test]
    fn an_answer_names_somebody_or_says_why_not() {
        let named = "<GetCallerIdentityResult><Arn>arn:aws:sts::000000000000:assumed-role/dba/anna</Arn></GetCallerIdentityResult>";
        assert!(matches!(told(200, named), Ok(Caller::Proved(who)) if who.role() == Some("dba")));
        for nobody in ["", "<Arn>x</Arn>", "<Arn>arn:aws:sts::000000000000:assumed-role/dba/anna</Arn><Arn>x</Arn>"] {
            assert!(matches!(told(200, nobody), Ok(Caller::Unproved(_))), "{nobody}");
        }
        let code = |code: &str| format!("<Error><Code>{code}</Code></Error>");
        for (status, code, unproved) in [
            (403, code("SignatureDoesNotMatch"), true),
            (403, code("ExpiredToken"), true),
            (400, code("IncompleteSignature"), true),
            (403, String::new(), true),
            (400, code("Throttling"), false),
            (503, String::new(), false),
            (302, String::new(), false),
        ] {
            let said = told(status, &code);
            assert_eq!(matches!(said, Ok(Caller::Unproved(_))), unproved, "{status} {code}: {said:?}");
            assert!(unproved || said.is_err());
        }
    }

    /// Answers one request, and tells it.
    async fn serve_once(answer: &'static str) -> (String, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = format!("http://{}", listener.local_addr().unwrap());
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
            while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                let read = stream.read(&mut buffer).await.unwrap();
                request.extend_from_slice(&buffer[..read]);
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8(request).unwrap()
        });
        (at, served)
    }

    #[tokio::test]
    async fn what_is_signed_is_what_is_asked() {
        let (at, served) = serve_once(
            "HTTP/1.1 200 OK\r\nContent-Length: 56\r\nConnection: close\r\n\r\n<Arn>arn:aws:sts::000000000000:assumed-role/dba/a</Arn>\n",
        )
        .await;
        let config = config("us-west-2", Some(&at));
        let bound = "run/lab/arn:aws:states:us-west-2:000000000000:execution:lifeboat-failover:a/0a";
        let proof = prove(&config, bound).await.unwrap();
        assert_eq!(proof.check("us-west-2", crate::clock::now()), Ok(()));
        let said = Sts { config }.ask(&proof, bound).await.unwrap();
        assert!(matches!(said, Caller::Proved(who) if who.role() == Some("dba")));
        let request = served.await.unwrap();
        for part in [
            "GET /?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=300",
            "X-Amz-SignedHeaders=host%3Bx-lifeboat-order",
            "X-Amz-Credential=ASIAEXAMPLEEXAMPLE00%2F",
            "%2Fus-west-2%2Fsts%2Faws4_request",
            "X-Amz-Security-Token=se%2Bs%2Fs%3D",
            "X-Amz-Signature=",
            &format!("{HEADER}: {bound}"),
        ] {
            assert!(request.contains(part), "{part} is not in {request}");
        }
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed_and_a_silent_sts_is_told_without_the_signature() {
        let elsewhere =
            "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        let (at, served) = serve_once(elsewhere).await;
        let config = config("us-west-2", Some(&at));
        let proof = prove(&config, "a").await.unwrap();
        let failed = Sts { config: config.clone() }.ask(&proof, "a").await.unwrap_err();
        assert!(failed.chain().contains("302"), "{}", failed.chain());
        served.await.unwrap();
        // Nobody listens any more.
        let failed = Sts { config }.ask(&proof, "a").await.unwrap_err();
        assert_eq!(failed.name(), "AwsTransient");
        assert!(!failed.chain().contains("X-Amz"), "{}", failed.chain());
    }
}
