//! Faults as Nova writes them: `{"badRequest": {"code": 400, "message": …}}`.

use fault::{Fault, Kind};
use serde_json::json;
use web::{Answer, Cx};

/// What the caller reads of a bug.
const BUG: &str = "Unexpected API Error. Please report this at http://bugs.launchpad.net/nova/ and attach the Nova API \
                   log if possible.";

/// Writes a fault.
pub fn written(fault: &Fault, cx: &Cx) -> Answer {
    let (code, name) = match fault.kind {
        Kind::BadInput => (400, "badRequest"),
        Kind::Unauthenticated => return unauthenticated(fault, cx),
        Kind::Forbidden | Kind::OverQuota => (403, "forbidden"),
        Kind::NotFound => (404, "itemNotFound"),
        Kind::MethodNotAllowed => (405, "badMethod"),
        Kind::VersionUnsupported => (406, "computeFault"),
        Kind::Conflict => (409, "conflictingRequest"),
        Kind::Gone => (410, "computeFault"),
        Kind::PreconditionFailed => (412, "computeFault"),
        Kind::TooLarge => (413, "overLimit"),
        Kind::UnsupportedMedia => (415, "badMediaType"),
        Kind::RangeUnsatisfiable => (416, "computeFault"),
        Kind::Busy => (429, "overLimit"),
        Kind::Bug => (500, "computeFault"),
        Kind::NotImplemented => (501, "notImplemented"),
        Kind::Unavailable => (503, "serviceUnavailable"),
    };
    let message = if fault.kind == Kind::Bug { BUG } else { fault.public() };
    let mut body = serde_json::Map::new();
    body.insert(name.to_owned(), json!({"code": code, "message": message}));
    Answer::json(code, &body)
}

/// The middleware in front of Nova writes this one, not Nova.
fn unauthenticated(fault: &Fault, cx: &Cx) -> Answer {
    let error = json!({"error": {"code": 401, "title": "Unauthorized", "message": fault.public()}});
    let root = cx.base.rsplit_once('/').map_or("", |(root, _)| root);
    Answer::json(401, &error).with("www-authenticate", &format!("Keystone uri=\"{root}/identity\""))
}

/// What Nova says of an operation that a rule forbids.
pub fn refusal(rule: &str) -> Fault {
    Fault::forbidden(format!("Policy doesn't allow {rule} to be performed."))
}
