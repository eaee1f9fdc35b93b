//! How identity writes a fault: `{"error": {"code", "message", "title"}}`, as Keystone does.

use fault::Fault;
use serde_json::json;
use web::{Answer, Cx, status_and_title};

/// Writes a fault.
pub fn envelope(fault: &Fault, cx: &Cx) -> Answer {
    let (code, title) = status_and_title(fault.kind);
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
