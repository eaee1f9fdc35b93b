//! How identity writes a fault: `{"error": {"code", "message", "title"}}`, as Keystone does.

use fault::{Fault, Kind};
use serde_json::json;
use web::{Answer, Cx};

/// Writes a fault.
pub fn envelope(fault: &Fault, cx: &Cx) -> Answer {
    let (code, title) = match fault.kind {
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
    let message = match fault.public() {
        "" => "An unexpected error prevented the server from fulfilling your request.",
        said => said,
    };
    let answer = Answer::json(code, &json!({"error": {"code": code, "message": message, "title": title}}));
    let answer = answer.with("vary", "X-Auth-Token");
    match code {
        401 => answer.with("www-authenticate", &format!("Keystone uri=\"{}/v3\"", cx.base)),
        429 => answer.with("retry-after", "5"),
        _ => answer,
    }
}

/// What identity says when a rule forbids.
pub fn refusal(rule: &str) -> Fault {
    Fault::forbidden(format!("You are not authorized to perform the requested action: {rule}."))
}
