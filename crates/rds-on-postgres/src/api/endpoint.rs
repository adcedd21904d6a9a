//! The HTTP endpoint: reads a request of the Query protocol, answers XML.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use tracing::{debug, error};

use crate::api::actions::{self, Call};
use crate::api::answer::NAMESPACE;
use crate::api::query::Query;
use crate::api::xml::Xml;
use crate::fault::{Code, Fault};
use crate::postgres::ingress::ClosedGroups;
use crate::resources::name::is_region;
use crate::service::{Service, random};

/// The longest request; AWS's limits allow far less.
const BODY_AT_MOST: usize = 256 * 1024;
/// Names the security groups of the request's Region that do not let everybody in.
const CLOSED_GROUPS: &str = "x-lab-closed-groups";

/// Names the KMS keys of the request's Region that can be used: ids, ARNs, aliases.
const KMS_KEYS: &str = "x-lab-kms-keys";

/// The service's endpoint.
pub(crate) fn router(service: Arc<Service>) -> Router {
    Router::new().fallback(respond).with_state(service)
}

async fn respond(State(service): State<Arc<Service>>, request: Request<Body>) -> Response<Body> {
    let id = random(16).unwrap_or_default();
    let (status, xml) = match answer(&service, request).await {
        Ok((action, result)) => (200, success(&action, result, &id)),
        Err(fault) => {
            if fault.code == Code::InternalFailure {
                error!(%fault, request.id = id, "could not answer a request");
            } else {
                debug!(%fault, request.id = id, "refused a request");
            }
            (fault.code.status(), failure(&fault, &id))
        }
    };
    let mut response = Response::new(Body::from(xml));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-amzn-requestid", id);
    }
    response
}

async fn answer(service: &Arc<Service>, request: Request<Body>) -> Result<(String, Xml), Fault> {
    let (head, body) = request.into_parts();
    let region = region(&head.headers)?;
    let form = match head.method {
        Method::GET => head.uri.query().unwrap_or_default().as_bytes().to_vec(),
        _ => to_bytes(body, BODY_AT_MOST)
            .await
            .map_err(|_| {
                Fault::new(Code::RequestEntityTooLarge, format!("A request may have {BODY_AT_MOST} bytes at most."))
            })?
            .to_vec(),
    };
    let query = Query::parse(&form)?;
    if let Some(closed) = head.headers.get(CLOSED_GROUPS) {
        service.inventory().close_groups(&region, closed_groups(closed)?);
    }
    let keys = head.headers.get(KMS_KEYS).map(kms_keys).transpose()?;
    let call = Call { service, region: &region, query: &query, keys: keys.as_ref() };
    Ok((query.action()?.to_owned(), actions::perform(&call)?))
}

/// The Region in the scope of the request's signature, which whoever forwarded it has verified.
fn region(headers: &HeaderMap) -> Result<String, Fault> {
    let missing = || {
        let message = "The request must be signed: its Authorization header has no credential scope of a Region.";
        Fault::new(Code::MissingAuthenticationToken, message)
    };
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).ok_or_else(missing)?;
    let (_, scope) = authorization.split_once("Credential=").ok_or_else(missing)?;
    let region = scope.split('/').nth(2).filter(|region| is_region(region)).ok_or_else(missing)?;
    Ok(region.to_owned())
}

fn closed_groups(header: &HeaderValue) -> Result<ClosedGroups, Fault> {
    let text = header.to_str().map_err(|_| Fault::value(CLOSED_GROUPS, "of the header", "a list of names"))?;
    Ok(ClosedGroups::parse(text))
}

fn kms_keys(header: &HeaderValue) -> Result<BTreeSet<String>, Fault> {
    let text = header.to_str().map_err(|_| Fault::value(KMS_KEYS, "of the header", "a list of keys"))?;
    Ok(text.split(',').map(str::trim).filter(|key| !key.is_empty()).map(str::to_owned).collect())
}

fn success(action: &str, result: Xml, id: &str) -> String {
    let mut xml = Xml::default();
    xml.raw(format_args!("<{action}Response xmlns=\"{NAMESPACE}\">"));
    xml.element(&format!("{action}Result"), |xml| {
        xml.raw(result.finish());
    });
    xml.element("ResponseMetadata", |xml| {
        xml.text("RequestId", id);
    });
    xml.raw(format_args!("</{action}Response>"));
    xml.finish()
}

fn failure(fault: &Fault, id: &str) -> String {
    let mut xml = Xml::default();
    let fault_of = if fault.code.status() < 500 { "Sender" } else { "Receiver" };
    xml.raw(format_args!("<ErrorResponse xmlns=\"{NAMESPACE}\">"));
    xml.element("Error", |xml| {
        xml.text("Type", fault_of).text("Code", fault.code.name()).text("Message", &fault.message);
    });
    xml.text("RequestId", id).raw("</ErrorResponse>");
    xml.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(authorization: &'static str) -> HeaderMap {
        [(header::AUTHORIZATION, HeaderValue::from_static(authorization))].into_iter().collect()
    }

    #[test]
    fn the_region_is_that_of_the_signature() {
        let scope = "AWS4-HMAC-SHA256 Credential=test/20260101/eu-central-1/rds/aws4_request, SignedHeaders=host";
        assert_eq!(region(&signed(scope)).unwrap(), "eu-central-1");
    }

    #[test]
    fn a_request_without_a_region_is_refused() {
        for unsigned in ["", "Basic x", "AWS4 Credential=test/20260101", "AWS4 Credential=t/1/../rds/x"] {
            assert_eq!(region(&signed(unsigned)).unwrap_err().code, Code::MissingAuthenticationToken, "{unsigned}");
        }
    }
}
