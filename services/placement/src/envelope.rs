//! How placement writes a fault: `{"errors": [{"status", "title", "detail", "code", "request_id"}]}`.

use fault::{Fault, Kind};
use serde_json::json;
use web::{Answer, Cx};

/// Writes a fault.
pub fn envelope(fault: &Fault, cx: &Cx) -> Answer {
    let (status, title) = match fault.kind {
        Kind::BadInput => (400, "Bad Request"),
        Kind::Unauthenticated => (401, "Unauthorized"),
        Kind::Forbidden | Kind::OverQuota => (403, "Forbidden"),
        Kind::NotFound => (404, "Not Found"),
        Kind::MethodNotAllowed => (405, "Method Not Allowed"),
        Kind::VersionUnsupported => (406, "Not Acceptable"),
        Kind::Conflict => (409, "Conflict"),
        Kind::Gone => (410, "Gone"),
        Kind::PreconditionFailed => (412, "Precondition Failed"),
        Kind::TooLarge => (413, "Request Entity Too Large"),
        Kind::UnsupportedMedia => (415, "Unsupported Media Type"),
        Kind::RangeUnsatisfiable => (416, "Requested Range Not Satisfiable"),
        Kind::Busy => (429, "Too Many Requests"),
        Kind::Bug => (500, "Internal Server Error"),
        Kind::NotImplemented => (501, "Not Implemented"),
        Kind::Unavailable => (503, "Service Unavailable"),
    };
    let said = match fault.public() {
        "" => "The server has either erred or is incapable of performing the requested operation.",
        said => said,
    };
    let code = if fault.code.starts_with("placement.") { fault.code } else { "placement.undefined_code" };
    let error = json!({
        "status": status, "title": title, "detail": format!("{said}\n\n  "), "code": code, "request_id": &*cx.request_id,
    });
    Answer::json(status, &json!({"errors": [error]}))
}

/// What placement says when a rule forbids.
pub fn refusal(rule: &str) -> Fault {
    Fault::forbidden(format!("Access was denied to this resource. {rule} does not allow it."))
}
