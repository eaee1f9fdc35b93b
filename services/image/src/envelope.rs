//! How the image service writes a fault: as Glance does, a little HTML page, or JSON for clients that want no HTML.

use fault::{Fault, Kind};
use serde_json::json;
use web::{Answer, Cx};

/// Writes a fault.
pub fn envelope(fault: &Fault, cx: &Cx) -> Answer {
    let (code, title) = match fault.kind {
        Kind::BadInput => (400, "Bad Request"),
        Kind::Unauthenticated => (401, "Unauthorized"),
        Kind::Forbidden => (403, "Forbidden"),
        Kind::NotFound => (404, "Not Found"),
        Kind::MethodNotAllowed => (405, "Method Not Allowed"),
        Kind::VersionUnsupported => (406, "Not Acceptable"),
        Kind::Conflict => (409, "Conflict"),
        Kind::Gone => (410, "Gone"),
        Kind::PreconditionFailed => (412, "Precondition Failed"),
        Kind::OverQuota | Kind::TooLarge => (413, "Request Entity Too Large"),
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
    let answer = if wants_json(&cx.accept) {
        let message = format!("{said}<br /><br />\n\n\n");
        Answer::json(code, &json!({"message": message, "code": format!("{code} {title}"), "title": title}))
    } else {
        let said = escaped(said);
        let page = format!(
            "<html>\n <head>\n  <title>{code} {title}</title>\n </head>\n <body>\n  <h1>{code} {title}</h1>\n  \
             {said}<br /><br />\n\n\n </body>\n</html>"
        );
        Answer::bytes(code, "text/html; charset=UTF-8", page)
    };
    match code {
        401 => {
            let identity = cx.base.trim_end_matches("/image");
            answer.with("www-authenticate", &format!("Keystone uri=\"{identity}/identity\""))
        }
        415 => answer.with(
            "accept-patch",
            "application/openstack-images-v2.1-json-patch, application/openstack-images-v2.0-json-patch",
        ),
        _ => answer,
    }
}

fn wants_json(accept: &str) -> bool {
    accept.contains("application/json") && !accept.contains("text/html") && !accept.contains("*/*")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#x27;")
}

/// What the image service says when a rule forbids.
pub fn refusal(rule: &str) -> Fault {
    Fault::forbidden(format!("You are not authorized to complete {rule} action."))
}
