//! How the image service writes a fault: as Glance does, a little HTML page, or JSON for clients that want no HTML.

use fault::{Fault, Kind};
use serde_json::json;
use web::{Answer, Cx, status_and_title};

/// Writes a fault.
pub fn envelope(fault: &Fault, cx: &Cx) -> Answer {
    let (code, title) = match fault.kind {
        Kind::OverQuota => status_and_title(Kind::TooLarge),
        kind => status_and_title(kind),
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
