//! How this service writes a fault: `{"NeutronError": {"type", "message", "detail"}}`.

use fault::{Fault, Kind};
use serde_json::json;
use web::{Answer, Cx};

/// Writes a fault as Neutron does.
#[deny(clippy::wildcard_enum_match_arm, clippy::match_wildcard_for_single_variants)]
pub fn envelope(fault: &Fault, cx: &Cx) -> Answer {
    let (status, name, sentence) = match fault.kind {
        Kind::Unauthenticated => return unauthenticated(cx),
        Kind::BadInput | Kind::VersionUnsupported => (400, "HTTPBadRequest", ""),
        Kind::Forbidden => (403, "PolicyNotAuthorized", ""),
        Kind::NotFound => (404, "HTTPNotFound", "The resource could not be found."),
        Kind::MethodNotAllowed => (
            405,
            "HTTPMethodNotAllowed",
            "The server could not comply with the request since it is either malformed or otherwise incorrect.",
        ),
        Kind::Conflict => (409, "HTTPConflict", ""),
        Kind::OverQuota => (409, "OverQuota", ""),
        Kind::Gone => (410, "HTTPGone", ""),
        Kind::PreconditionFailed => (412, "HTTPPreconditionFailed", ""),
        Kind::TooLarge => (413, "HTTPRequestEntityTooLarge", ""),
        Kind::UnsupportedMedia => (415, "HTTPUnsupportedMediaType", ""),
        Kind::RangeUnsatisfiable => (416, "HTTPRequestRangeNotSatisfiable", ""),
        Kind::Busy => (429, "HTTPTooManyRequests", ""),
        Kind::Bug => (
            500,
            "HTTPInternalServerError",
            "Request Failed: internal server error while processing your request.",
        ),
        Kind::NotImplemented => (501, "HTTPNotImplemented", ""),
        Kind::Unavailable => (503, "ServiceUnavailable", ""),
    };
    let unrouted = fault.code == "no-route";
    let name = if fault.code.is_empty() || unrouted { name } else { fault.code };
    let own =
        matches!(fault.kind, Kind::Bug | Kind::MethodNotAllowed) || unrouted || fault.public().is_empty();
    let sentence = if own { sentence } else { fault.public() };
    Answer::json(status, &json!({"NeutronError": {"type": name, "message": sentence, "detail": ""}}))
}

/// The middleware in front of Neutron answers this, in its own form.
fn unauthenticated(cx: &Cx) -> Answer {
    let message = "The request you have made requires authentication.";
    let site = cx.base.strip_suffix("/network").unwrap_or(&cx.base);
    Answer::json(401, &json!({"error": {"code": 401, "title": "Unauthorized", "message": message}}))
        .with("www-authenticate", &format!("Keystone uri=\"{site}/identity\""))
}

/// What is said when a rule forbids.
pub fn refusal(rule: &str) -> Fault {
    crate::model::faults::disallowed(format!("rule:{rule}"))
}
