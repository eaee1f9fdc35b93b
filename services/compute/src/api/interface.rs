//! Interfaces of servers.

use super::form::{self, ip, object, text};
use super::{Answered, page};
use crate::ops::interface::NewInterface;
use crate::{Compute, versions};
use contract::network::PortFacts;
use fault::Fault;
use serde_json::{Value, json};
use std::sync::Arc;
use web::{Answer, Ask, Cx, Version};

fn shown(cx: &Cx, port: &PortFacts, tag: Option<&String>) -> Value {
    let address = |(subnet, address): &(String, std::net::IpAddr)| json!({"subnet_id": subnet, "ip_address": address.to_string()});
    let fixed: Vec<Value> = port.fixed_ips.iter().map(address).collect();
    let mut body = json!({"net_id": port.wiring.network_id, "port_id": port.id, "mac_addr": port.wiring.mac,
        "port_state": port.status, "fixed_ips": fixed});
    if cx.has(versions::INTERFACE_TAGS) {
        body["tag"] = json!(tag);
    }
    body
}

/// `GET /servers/{id}/os-interface`
pub async fn list(compute: Arc<Compute>, ask: Ask) -> Answered {
    page::check(&ask, &[], versions::STRICT_EVERYWHERE)?;
    let all = compute.interface_list(&ask.cx, ask.id("id")).await?;
    let all: Vec<Value> = all.iter().map(|(port, tag)| shown(&ask.cx, port, tag.as_ref())).collect();
    Ok(Answer::ok(&json!({"interfaceAttachments": all})))
}

/// `GET /servers/{id}/os-interface/{port}`
pub async fn show(compute: Arc<Compute>, ask: Ask) -> Answered {
    page::check(&ask, &[], versions::STRICT_EVERYWHERE)?;
    let (port, tag) = compute.interface_show(&ask.cx, ask.id("id"), ask.id("port")).await?;
    Ok(Answer::ok(&json!({"interfaceAttachment": shown(&ask.cx, &port, tag.as_ref())})))
}

fn create_form(version: Version) -> Value {
    let uuid = || json!({"type": "string", "format": "uuid"});
    let mut properties = json!({"net_id": uuid(), "port_id": uuid(), "fixed_ips": {
        "type": "array", "minItems": 1, "maxItems": 1,
        "items": object(json!({"ip_address": form::address()}), &["ip_address"])}});
    if version >= versions::ATTACH_TAGS {
        properties["tag"] = form::tag();
    }
    object(json!({"interfaceAttachment": object(properties, &[])}), &[])
}

/// `POST /servers/{id}/os-interface`
pub async fn create(compute: Arc<Compute>, mut ask: Ask) -> Answered {
    let body = form::body(&mut ask, "interface_create", create_form).await?;
    let asked = &body["interfaceAttachment"];
    let new = NewInterface {
        network_id: text(&asked["net_id"]),
        port_id: text(&asked["port_id"]),
        fixed_ip: ip(&asked["fixed_ips"][0]["ip_address"]),
        tag: text(&asked["tag"]),
    };
    if new.network_id.is_some() && new.port_id.is_some() {
        return Err(Fault::bad_input("Must not input both network_id and port_id"));
    }
    if new.fixed_ip.is_some() && new.network_id.is_none() {
        return Err(Fault::bad_input("Must input network_id when request IP address"));
    }
    let (port, tag) = compute.interface_attach(&ask.cx, ask.id("id"), new).await?;
    Ok(Answer::ok(&json!({"interfaceAttachment": shown(&ask.cx, &port, tag.as_ref())})))
}

/// `DELETE /servers/{id}/os-interface/{port}`
pub async fn delete(compute: Arc<Compute>, ask: Ask) -> Answered {
    compute.interface_detach(&ask.cx, ask.id("id"), ask.id("port")).await?;
    Ok(Answer::empty(202))
}
