//! The body of a create request, version by version.

use super::form::{self, boolean, flag, int, ip, object, text, texts, wrapped};
use super::server::hostname_form;
use super::{Answered, page};
use crate::model::network::{Asked, AskedPort};
use crate::ops::server_create::NewServer;
use crate::{Compute, versions};
use fault::Fault;
use serde_json::{Value, json};
use std::sync::Arc;
use web::{Answer, Ask, Cx, Version};

fn network_form(version: Version) -> Value {
    let uuid = if version >= versions::NETWORKS_REQUIRED {
        json!({"type": "string", "format": "uuid"})
    } else {
        json!({"type": "string"})
    };
    let mut properties = json!({
        "fixed_ip": form::address(),
        "port": {"type": ["string", "null"], "format": "uuid"},
        "uuid": uuid,
    });
    let tagged = version == versions::DEVICE_TAGS
        || (version >= versions::NETWORK_TAGS && version < versions::NETWORKS_REQUIRED)
        || version >= versions::DEVICE_TAGS_AGAIN;
    if tagged {
        properties["tag"] = form::tag();
    }
    let list = json!({"type": "array", "items": object(properties, &[])});
    if version < versions::NETWORKS_REQUIRED {
        return list;
    }
    json!({"oneOf": [list, {"type": "string", "enum": ["none", "auto"]}]})
}

fn old_mapping() -> Value {
    json!({
        "virtual_name": {"type": "string", "maxLength": 255},
        "volume_id": {"type": "string", "format": "uuid"},
        "snapshot_id": {"type": "string", "format": "uuid"},
        "volume_size": {"type": ["integer", "string"], "pattern": "^[0-9]+$", "minimum": 1, "maximum": 0x7fff_ffff},
        "device_name": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[a-zA-Z0-9._/-]*$"},
        "delete_on_termination": boolean(),
        "no_device": {},
        "connection_info": {"type": "string", "maxLength": 16_777_215},
    })
}

fn mapping_form(version: Version) -> Value {
    let mut properties = old_mapping();
    let word = || json!({"type": "string", "maxLength": 255});
    properties["source_type"] = json!({"type": "string", "enum": ["volume", "image", "snapshot", "blank"]});
    properties["uuid"] =
        json!({"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[a-zA-Z0-9._-]*$"});
    properties["image_id"] = json!({"type": "string", "format": "uuid"});
    properties["destination_type"] = json!({"type": "string", "enum": ["local", "volume"]});
    properties["guest_format"] = word();
    properties["device_type"] = word();
    properties["disk_bus"] = word();
    properties["boot_index"] = json!({"type": ["integer", "string", "null"], "pattern": "^-?[0-9]+$"});
    if version == versions::DEVICE_TAGS || version >= versions::DEVICE_TAGS_AGAIN {
        properties["tag"] = form::tag();
    }
    if version >= versions::VOLUME_TYPE {
        properties["volume_type"] = json!({"type": ["string", "null"], "minLength": 0, "maxLength": 255});
    }
    object(properties, &[])
}

fn hints_form() -> Value {
    let uuid = || json!({"type": "string", "format": "uuid"});
    json!({"type": "object", "properties": {
        "group": {"oneOf": [{"type": "array", "items": uuid()}, uuid()]},
        "different_host": {"oneOf": [uuid(), {"type": "array", "items": uuid()}]},
        "same_host": {"type": ["string", "array"], "items": uuid()},
        "query": {"type": ["string", "object"]},
        "target_cell": form::name(),
        "different_cell": {"type": ["string", "array"], "items": {"type": "string"}},
        "build_near_host_ip": form::address(),
        "cidr": {"type": "string", "pattern": "^/[0-9a-f.:]+$"},
    }, "additionalProperties": true})
}

fn create_form(version: Version) -> Value {
    let mut server = json!({
        "name": form::name(),
        "imageRef": {"oneOf": [{"type": "string", "format": "uuid"}, {"type": "string", "maxLength": 0}]},
        "flavorRef": {"type": ["string", "integer"], "minLength": 1},
        "adminPass": {"type": "string"},
        "metadata": form::pairs(),
        "networks": network_form(version),
        "OS-DCF:diskConfig": {"type": "string", "enum": ["AUTO", "MANUAL"]},
        "accessIPv4": {"type": "string", "format": "ipv4"},
        "accessIPv6": {"type": "string", "format": "ipv6"},
        "availability_zone": form::name(),
        "block_device_mapping": {"type": "array", "items": object(old_mapping(), &[])},
        "block_device_mapping_v2": {"type": "array", "items": mapping_form(version)},
        "config_drive": boolean(),
        "key_name": form::name(),
        "min_count": form::positive(),
        "max_count": form::positive(),
        "return_reservation_id": boolean(),
        "security_groups": {"type": "array", "items": object(json!({"name": form::name()}), &[])},
        "user_data": form::user_data(false),
    });
    if version < versions::FILES_GONE {
        server["personality"] = form::personality();
    }
    if version >= versions::DESCRIPTION {
        server["description"] = form::description();
    }
    if version >= versions::CREATE_TAGS {
        server["tags"] = json!({"type": "array", "items": form::tag(), "maxItems": 50});
    }
    if version >= versions::TRUSTED_CERTS {
        server["trusted_image_certificates"] = certificates();
    }
    if version >= versions::ASKED_HOST {
        server["host"] = form::fqdn();
        server["hypervisor_hostname"] = form::fqdn();
    }
    if version >= versions::HOSTNAME {
        server["hostname"] = hostname_form(version);
    }
    let required: &[&str] = if version >= versions::NETWORKS_REQUIRED {
        &["name", "flavorRef", "networks"]
    } else {
        &["name", "flavorRef"]
    };
    let mut body = wrapped("server", object(server, required));
    body["properties"]["os:scheduler_hints"] = hints_form();
    body["properties"]["OS-SCH-HNT:scheduler_hints"] = hints_form();
    body
}

/// Ids of certificates, or null.
pub fn certificates() -> Value {
    json!({"type": ["array", "null"], "minItems": 1, "maxItems": 50, "uniqueItems": true,
        "items": {"type": "string", "minLength": 1}})
}

/// `POST /servers`
pub async fn create(compute: Arc<Compute>, mut ask: Ask) -> Answered {
    let body = form::body(&mut ask, "server_create", create_form).await?;
    let asked = &body["server"];
    let new = decoded(&ask.cx, &body, compute.entropy_password())?;
    let password = new.admin_password.clone();
    let created = compute.server_create(&ask.cx, new).await?;
    if flag(&asked["return_reservation_id"]) == Some(true) {
        return Ok(Answer::json(202, &json!({"reservation_id": created.reservation_id})));
    }
    let server = &created.server;
    let links = page::links(&ask.cx, "servers", &server.id);
    let groups = asked.get("security_groups").cloned().unwrap_or_else(|| json!([{"name": "default"}]));
    let config = if server.auto_disk { "AUTO" } else { "MANUAL" };
    let [own, _] = &links;
    let location = own.href.clone();
    let shown = json!({"id": server.id, "links": links, "OS-DCF:diskConfig": config, "security_groups": groups,
        "adminPass": password});
    Ok(Answer::json(202, &json!({"server": shown})).with("location", &location))
}

fn decoded(cx: &Cx, body: &Value, password: String) -> Result<NewServer, Fault> {
    let asked = &body["server"];
    let name = asked["name"].as_str().unwrap_or_default().trim().to_owned();
    let least = int(&asked["min_count"]).unwrap_or(1);
    let most = int(&asked["max_count"]).unwrap_or(least);
    if least > most {
        return Err(Fault::bad_input("min_count must be <= max_count"));
    }
    let (zone, forced_host) = zone_and_host(text(&asked["availability_zone"]).as_deref())?;
    let asked_host = text(&asked["host"]).or_else(|| text(&asked["hypervisor_hostname"]));
    if asked_host.is_some() && forced_host.is_some() {
        return Err(Fault::bad_input(
            "One mechanism with host and/or hypervisor_hostname and another mechanism with zone:host:node are mutually exclusive.",
        ));
    }
    let volume = mapped_volume(asked)?;
    let image_id = text(&asked["imageRef"]).unwrap_or_default();
    if image_id.is_empty() && volume.is_none() {
        return Err(Fault::bad_input("Missing imageRef attribute"));
    }
    let (networks, networks_auto) = networks(asked)?;
    let mut groups: Vec<String> = Vec::new();
    for group in
        asked["security_groups"].as_array().into_iter().flatten().filter_map(|group| text(&group["name"]))
    {
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    let hints = body.get("os:scheduler_hints").or_else(|| body.get("OS-SCH-HNT:scheduler_hints"));
    Ok(NewServer {
        // Before descriptions existed the name was one.
        description: if cx.has(versions::DESCRIPTION) {
            text(&asked["description"])
        } else {
            Some(name.clone())
        },
        hostname: text(&asked["hostname"]),
        image_id,
        flavor_id: form::reference(&asked["flavorRef"]),
        admin_password: text(&asked["adminPass"]).unwrap_or(password),
        metadata: texts(&asked["metadata"]),
        networks,
        networks_auto,
        auto_disk: text(&asked["OS-DCF:diskConfig"]).map(|config| config == "AUTO"),
        access_v4: text(&asked["accessIPv4"]),
        access_v6: form::address_v6(&asked["accessIPv6"]),
        files: files(asked),
        zone,
        forced_host,
        asked_host,
        config_drive: flag(&asked["config_drive"]).unwrap_or(false),
        key_name: text(&asked["key_name"]),
        min_count: u32::try_from(least).unwrap_or(u32::MAX),
        max_count: u32::try_from(most).unwrap_or(u32::MAX),
        security_groups: groups,
        user_data: text(&asked["user_data"]),
        tags: asked["tags"].as_array().into_iter().flatten().filter_map(text).collect(),
        hints: hints.cloned().unwrap_or_else(|| json!({})),
        volume,
        name,
    })
}

/// Files to inject: path and content.
pub fn files(asked: &Value) -> Vec<(String, String)> {
    let all = asked["personality"].as_array().into_iter().flatten();
    all.map(|file| (text(&file["path"]).unwrap_or_default(), text(&file["contents"]).unwrap_or_default()))
        .collect()
}

/// `zone`, `zone:host`, `zone:host:node` or `zone::node`.
fn zone_and_host(text: Option<&str>) -> Result<(Option<String>, Option<String>), Fault> {
    let Some(text) = text else { return Ok((None, None)) };
    let parts: Vec<&str> = text.split(':').collect();
    let (zone, host) = match parts.as_slice() {
        [zone] => (*zone, ""),
        [zone, host] => (*zone, *host),
        [zone, "", node] => (*zone, *node),
        [zone, host, _] => (*zone, *host),
        _ => return Err(Fault::bad_input("Invalid input received: Unable to parse availability_zone")),
    };
    let named = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Ok((named(zone), named(host)))
}

/// Disks that are mapped: the image to the root disk is what happens anyway, empty ones are the flavor's. The first that
/// needs a volume is answered.
fn mapped_volume(asked: &Value) -> Result<Option<String>, Fault> {
    let old = asked["block_device_mapping"].as_array().cloned().unwrap_or_default();
    let new = asked["block_device_mapping_v2"].as_array().cloned().unwrap_or_default();
    if !old.is_empty() && !new.is_empty() {
        return Err(Fault::bad_input(
            "Using different block_device_mapping syntaxes is not allowed in the same request.",
        ));
    }
    if let Some(first) = old.first() {
        let id = text(&first["volume_id"]).or_else(|| text(&first["snapshot_id"]));
        return Ok(Some(id.unwrap_or_default()));
    }
    let with_image = asked["imageRef"].as_str().is_some_and(|image| !image.is_empty());
    for mapping in &new {
        if let Some(volume) = needs_volume(mapping, with_image)? {
            return Ok(Some(volume));
        }
    }
    Ok(None)
}

fn needs_volume(mapping: &Value, with_image: bool) -> Result<Option<String>, Fault> {
    let wrong = |why: &str| Err(Fault::bad_input(format!("Block Device Mapping is Invalid: {why}")));
    if mapping.get("no_device").is_some_and(|value| !value.is_null()) {
        return Ok(None);
    }
    let (source, destination) = (text(&mapping["source_type"]), text(&mapping["destination_type"]));
    let uuid = text(&mapping["uuid"]);
    match (source.as_deref(), &uuid) {
        (Some("blank"), Some(_)) => return wrong("Invalid device UUID."),
        (Some("blank"), None) => {}
        (_, None) => return wrong("Missing device UUID."),
        (_, Some(_)) => {}
    }
    let local = destination.as_deref() == Some("local");
    if source.as_deref() == Some("image") && local {
        let first = int(&mapping["boot_index"]).unwrap_or(-1) == 0;
        return if with_image && first {
            Ok(None)
        } else {
            wrong("Mapping image to local is not supported.")
        };
    }
    if local && mapping["volume_type"].is_string() {
        return wrong("Specifying a volume_type with destination_type=local is not supported.");
    }
    Ok(if local { None } else { Some(uuid.unwrap_or_default()) })
}

/// What is asked for, and whether `auto` was said.
fn networks(asked: &Value) -> Result<(Option<Asked>, bool), Fault> {
    let list = match &asked["networks"] {
        Value::String(word) if word == "none" => return Ok((Some(Asked::None), false)),
        Value::String(_) => return Ok((Some(Asked::Auto), true)),
        Value::Array(list) => list,
        _ => return Ok((None, false)),
    };
    let mut ports: Vec<AskedPort> = Vec::new();
    for network in list {
        let port = AskedPort {
            network_id: text(&network["uuid"]),
            port_id: text(&network["port"]),
            fixed_ip: ip(&network["fixed_ip"]),
            tag: text(&network["tag"]),
        };
        match (&port.port_id, &port.network_id) {
            (Some(id), _) => {
                if ports.iter().any(|other| other.port_id.as_ref() == Some(id)) {
                    return Err(Fault::bad_input(format!(
                        "Port ID '{id}' was specified twice: you cannot attach a port multiple times."
                    )));
                }
                if let Some(address) = port.fixed_ip {
                    return Err(Fault::bad_input(format!(
                        "Specified Fixed IP '{address}' cannot be used with port '{id}': the two cannot be specified together."
                    )));
                }
            }
            (None, None) => return Err(Fault::bad_input("Bad network format: missing 'uuid'")),
            (None, Some(id)) if uuid::Uuid::try_parse(id).is_err() => {
                return Err(Fault::bad_input(format!(
                    "Bad networks format: network uuid is not in proper format ({id})"
                )));
            }
            (None, Some(_)) => {}
        }
        // With a port its network goes without saying.
        ports.push(if port.port_id.is_some() { AskedPort { network_id: None, ..port } } else { port });
    }
    Ok((Some(Asked::These(ports)), false))
}

impl Compute {
    /// A password for a guest's administrator: twelve characters that are not mistaken for each other.
    pub(crate) fn entropy_password(&self) -> String {
        let alphabet: Vec<char> =
            "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz".chars().collect();
        let draw = |_| usize::try_from(self.db.entropy().below(alphabet.len() as u64)).unwrap_or(0);
        (0..12).map(draw).map(|at| alphabet.get(at).copied().unwrap_or('x')).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_and_hosts_come_apart() {
        let read = |text: &str| zone_and_host(Some(text)).unwrap();
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(read("nova"), (some("nova"), None));
        assert_eq!(read("nova:one"), (some("nova"), some("one")));
        assert_eq!(read("nova::one"), (some("nova"), some("one")));
        assert_eq!(read(":one"), (None, some("one")));
        assert!(zone_and_host(Some("a:b:c:d")).is_err());
    }

    #[test]
    fn the_image_may_be_mapped_to_the_root_disk_and_nothing_else() {
        let mapping =
            json!({"uuid": "x", "boot_index": 0, "source_type": "image", "destination_type": "local"});
        assert_eq!(needs_volume(&mapping, true).unwrap(), None);
        assert!(needs_volume(&mapping, false).is_err());
        let volume = json!({"uuid": "v", "source_type": "volume", "destination_type": "volume"});
        assert_eq!(needs_volume(&volume, true).unwrap().as_deref(), Some("v"));
    }
}
