//! How placement writes a fault: `{"errors": [{"status", "title", "detail", "code", "request_id"}]}`.

use fault::Fault;
use serde_json::json;
use web::{Answer, Cx, status_and_title};

/// Writes a fault.
pub fn envelope(fault: &Fault, cx: &Cx) -> Answer {
    let (status, title) = status_and_title(fault.kind);
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
