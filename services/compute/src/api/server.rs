//! Servers: how they are shown, changed and deleted.

use super::Answered;
use super::form::{self, object, text, wrapped};
use super::page;
use super::server_view::{SHOW, View, addresses, changed};
use crate::model::spec::ordered;
use crate::ops::server::ServerUpdate;
use crate::ops::target;
use crate::{Compute, rules, versions};
use contract::network::PortShown;
use fault::Fault;
use policy::Target;
use serde_json::{Value, json};
use std::sync::Arc;
use web::{Answer, Ask, Version};

/// `GET /servers/{id}`
pub async fn show(compute: Arc<Compute>, ask: Ask) -> Answered {
    page::check(&ask, &[], versions::STRICT_EVERYWHERE)?;
    let shown = compute.server_show(&ask.cx, ask.id("id")).await?;
    Ok(Answer::ok(&json!({"server": View::new(&ask.cx, &shown, SHOW)})))
}

fn update_form(version: Version) -> Value {
    let mut properties = json!({
        "name": form::name(),
        "OS-DCF:diskConfig": {"type": "string", "enum": ["AUTO", "MANUAL"]},
        "accessIPv4": {"type": "string", "format": "ipv4"},
        "accessIPv6": {"type": "string", "format": "ipv6"},
    });
    if version >= versions::DESCRIPTION {
        properties["description"] = form::description();
    }
    if version >= versions::HOSTNAME {
        properties["hostname"] = hostname_form(version);
    }
    if version >= versions::PIN_ZONE {
        properties["pinned_availability_zone"] = name_or_none();
    }
    wrapped("server", object(properties, &[]))
}

/// A name, or null.
pub fn name_or_none() -> Value {
    json!({"oneOf": [{"type": "string", "minLength": 1, "maxLength": 255}, {"type": "null"}]})
}

/// A host name, with domain from 2.94 on.
pub fn hostname_form(version: Version) -> Value {
    if version >= versions::HOSTNAME_FQDN {
        return form::fqdn();
    }
    json!({"type": "string", "pattern": "^[a-zA-Z0-9]+[a-zA-Z0-9-]*[a-zA-Z0-9]+$", "minLength": 2, "maxLength": 63})
}

/// The parts that update and rebuild share.
pub fn change_of(asked: &Value) -> ServerUpdate {
    ServerUpdate {
        name: text(&asked["name"]).map(|name| name.trim().to_owned()),
        description: asked.get("description").map(text),
        hostname: text(&asked["hostname"]),
        access_v4: text(&asked["accessIPv4"]),
        access_v6: form::address_v6(&asked["accessIPv6"]),
        auto_disk: text(&asked["OS-DCF:diskConfig"]).map(|config| config == "AUTO"),
        pinned_zone: asked.get("pinned_availability_zone").map(text),
    }
}

/// `PUT /servers/{id}`
pub async fn update(compute: Arc<Compute>, mut ask: Ask) -> Answered {
    let body = form::body(&mut ask, "server_update", update_form).await?;
    let shown = compute.server_update(&ask.cx, ask.id("id"), change_of(&body["server"])).await?;
    Ok(Answer::ok(&json!({"server": View::new(&ask.cx, &shown, changed(&ask.cx))})))
}

/// `DELETE /servers/{id}`
pub async fn delete(compute: Arc<Compute>, ask: Ask) -> Answered {
    compute.server_delete(&ask.cx, ask.id("id"), false).await?;
    Ok(Answer::empty(204))
}

/// `GET /servers/{id}/ips`
pub async fn ips(compute: Arc<Compute>, ask: Ask) -> Answered {
    page::check(&ask, &[], versions::STRICT_EVERYWHERE)?;
    let ports = ports(&compute, &ask, &rules::IPS_INDEX).await?;
    Ok(Answer::ok(&json!({"addresses": addresses(&ports, false)})))
}

/// `GET /servers/{id}/ips/{network}`
pub async fn ips_of(compute: Arc<Compute>, ask: Ask) -> Answered {
    page::check(&ask, &[], versions::STRICT_EVERYWHERE)?;
    let ports = ports(&compute, &ask, &rules::IPS_SHOW).await?;
    let network = ask.id("network");
    let all = addresses(&ports, false);
    let own =
        all.on(network).ok_or_else(|| Fault::not_found("Instance is not a member of specified network"))?;
    Ok(Answer::ok(&json!({network: own})))
}

async fn ports(compute: &Arc<Compute>, ask: &Ask, rule: &policy::Rule) -> Result<Vec<PortShown>, Fault> {
    let shown = compute.server_visible(&ask.cx, ask.id("id"), false).await?;
    ask.cx.may(rule, &target(&shown))?;
    compute
        .read(&ask.cx, move |compute, tx, _| {
            let ports = compute.networks.ports_shown(tx, std::slice::from_ref(&shown.id))?;
            Ok(ordered(&shown, ports, |port| &port.id))
        })
        .await
}

/// `GET /servers/{id}/diagnostics`
pub async fn diagnostics(compute: Arc<Compute>, ask: Ask) -> Answered {
    let server = compute.server_visible(&ask.cx, ask.id("id"), false).await?;
    ask.cx.may(&rules::SERVER_DIAGNOSTICS, &target(&server))?;
    Err(Fault::new(fault::Kind::NotImplemented, "The requested functionality is not supported."))
}

/// `GET /servers/{id}/os-volume_attachments`: none, since there is no block storage.
pub async fn volumes(compute: Arc<Compute>, ask: Ask) -> Answered {
    let server = compute.server_visible(&ask.cx, ask.id("id"), false).await?;
    ask.cx.may(&rules::VOLUMES_ATTACHMENTS_INDEX, &target(&server))?;
    Ok(Answer::ok(&json!({"volumeAttachments": []})))
}

/// `GET /servers/{id}/migrations`: none, since servers do not move yet.
pub async fn migrations_of(compute: Arc<Compute>, ask: Ask) -> Answered {
    let server = compute.server_visible(&ask.cx, ask.id("id"), false).await?;
    ask.cx.may(&rules::SERVER_MIGRATIONS_INDEX, &target(&server))?;
    Ok(Answer::ok(&json!({"migrations": []})))
}

/// `GET /os-migrations`: none, since servers do not move yet.
pub async fn migrations(_: Arc<Compute>, ask: Ask) -> Answered {
    let own = Target::own(&ask.cx.who);
    ask.cx.may(&rules::MIGRATIONS_INDEX, &own)?;
    if ask.query.get("project_id") != Some(ask.cx.who.project()) {
        ask.cx.may(&rules::MIGRATIONS_INDEX_ALL_PROJECTS, &own)?;
    }
    Ok(Answer::ok(&json!({"migrations": []})))
}
