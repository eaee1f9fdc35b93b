//! Consoles, and passwords that guests store.

use super::form::{self, object, text, wrapped};
use super::{Answered, page};
use crate::{Compute, versions};
use fault::{Fault, Kind};
use serde_json::{Value, json};
use std::sync::Arc;
use web::{Answer, Ask, Version};

fn create_form(version: Version) -> Value {
    let mut protocols = vec!["vnc", "spice", "serial", "rdp"];
    let mut types = vec!["novnc", "xvpvnc", "spice-html5", "serial", "rdp-html5"];
    if version >= versions::CONSOLE_MKS {
        protocols.push("mks");
        types.push("webmks");
    }
    if version >= versions::SPICE_DIRECT {
        types.push("spice-direct");
    }
    let properties =
        json!({"protocol": {"type": "string", "enum": protocols}, "type": {"type": "string", "enum": types}});
    wrapped("remote_console", object(properties, &["protocol", "type"]))
}

/// `POST /servers/{id}/remote-consoles`
pub async fn create(compute: Arc<Compute>, mut ask: Ask) -> Answered {
    let body = form::body(&mut ask, "console_create", create_form).await?;
    let asked = &body["remote_console"];
    let protocol = text(&asked["protocol"]).unwrap_or_default();
    let kind = text(&asked["type"]).unwrap_or_default();
    match protocol.as_str() {
        "vnc" => {}
        "mks" => {
            return Err(Fault::new(Kind::NotImplemented, "The requested functionality is not supported."));
        }
        _ => {
            // A stranger's server is unknown, whatever console is asked for.
            compute.server_visible(&ask.cx, ask.id("id"), false).await?;
            let what = if protocol == "rdp" { &protocol } else { &kind };
            return Err(Fault::bad_input(format!("Unavailable console type {what}.")));
        }
    }
    let url = compute.console_create(&ask.cx, ask.id("id"), &kind).await?;
    Ok(Answer::ok(&json!({"remote_console": {"protocol": protocol, "type": kind, "url": url}})))
}

/// `GET /servers/{id}/os-server-password`
pub async fn password_show(compute: Arc<Compute>, ask: Ask) -> Answered {
    page::check(&ask, &[], versions::STRICT_EVERYWHERE)?;
    let password = compute.password_show(&ask.cx, ask.id("id")).await?;
    Ok(Answer::ok(&json!({"password": password})))
}

/// `DELETE /servers/{id}/os-server-password`
pub async fn password_clear(compute: Arc<Compute>, ask: Ask) -> Answered {
    compute.password_clear(&ask.cx, ask.id("id")).await?;
    Ok(Answer::empty(204))
}
