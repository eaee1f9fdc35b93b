//! Security groups for old clients, in the form that they had when compute owned them.

use super::form::{self, text, wrapped};
use super::{Answered, page};
use crate::{Compute, versions};
use fault::Fault;
use ipnet::IpNet;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use web::{Answer, Ask, Version};

/// Names and owners of groups by id, for rules that refer to them.
type Known = HashMap<String, (String, String)>;

fn owner(group: &Value) -> String {
    text(&group["project_id"]).or_else(|| text(&group["tenant_id"])).unwrap_or_default()
}

fn known(groups: &[Value]) -> Known {
    let one = |group: &Value| Some((text(&group["id"])?, (text(&group["name"])?, owner(group))));
    groups.iter().filter_map(one).collect()
}

fn shown(group: &Value, known: &Known) -> Value {
    let rules = group["security_group_rules"].as_array().into_iter().flatten();
    let ingress = rules.filter(|rule| rule["direction"] == "ingress");
    let rules: Vec<Value> = ingress.filter_map(|rule| rule_shown(rule, known)).collect();
    json!({"id": group["id"], "description": group["description"], "name": group["name"], "tenant_id": owner(group),
        "rules": rules})
}

/// A rule; `None` when it refers to a group that is not known here.
fn rule_shown(rule: &Value, known: &Known) -> Option<Value> {
    let protocol = text(&rule["protocol"]);
    let (mut from, mut to) = (rule["port_range_min"].clone(), rule["port_range_max"].clone());
    if let (Some(protocol), true, true) = (&protocol, from.is_null(), to.is_null()) {
        let ported = protocol.eq_ignore_ascii_case("tcp") || protocol.eq_ignore_ascii_case("udp");
        (from, to) = if ported { (json!(1), json!(65535)) } else { (json!(-1), json!(-1)) };
    }
    let (group, range) = match text(&rule["remote_group_id"]) {
        Some(id) => {
            let (name, tenant) = known.get(&id)?;
            (json!({"name": name, "tenant_id": tenant}), json!({}))
        }
        None => {
            let cidr = text(&rule["remote_ip_prefix"]).unwrap_or_else(|| "0.0.0.0/0".to_owned());
            (json!({}), json!({"cidr": cidr}))
        }
    };
    Some(json!({"id": rule["id"], "parent_group_id": rule["security_group_id"], "ip_protocol": protocol,
        "from_port": from, "to_port": to, "group": group, "ip_range": range}))
}

fn sorted(groups: &[Value], known: &Known) -> Vec<Value> {
    let mut all: Vec<Value> = groups.iter().map(|group| shown(group, known)).collect();
    let key = |group: &Value| (text(&group["tenant_id"]), text(&group["name"]));
    all.sort_by_key(key);
    all
}

/// `GET /os-security-groups`
pub async fn list(compute: Arc<Compute>, ask: Ask) -> Answered {
    let groups = compute.group_rules_list(&ask.cx).await?;
    let number = |name: &str| ask.query.get(name).and_then(|text| text.parse::<usize>().ok());
    let limit = number("limit").filter(|limit| *limit > 0).unwrap_or(page::MOST as usize);
    let chosen: Vec<Value> = groups.iter().skip(number("offset").unwrap_or(0)).take(limit).cloned().collect();
    Ok(Answer::ok(&json!({"security_groups": sorted(&chosen, &known(&groups))})))
}

fn checked_id(ask: &Ask) -> Result<String, Fault> {
    let id = ask.id("id").to_owned();
    if uuid::Uuid::try_parse(&id).is_err() {
        return Err(Fault::bad_input("Security group id should be uuid"));
    }
    Ok(id)
}

/// Everything that rules of this project may refer to.
async fn all_known(compute: &Arc<Compute>, ask: &Ask) -> Result<Known, Fault> {
    Ok(known(&compute.group_rules_list(&ask.cx).await?))
}

/// `GET /os-security-groups/{id}`
pub async fn show(compute: Arc<Compute>, ask: Ask) -> Answered {
    let group = compute.group_rules_show(&ask.cx, &checked_id(&ask)?).await?;
    let known = all_known(&compute, &ask).await?;
    Ok(Answer::ok(&json!({"security_group": shown(&group, &known)})))
}

fn group_form(_: Version) -> Value {
    let word = json!({"type": "string", "minLength": 0, "maxLength": 255});
    let inner = json!({"type": "object", "properties": {"name": word, "description": word}, "required": ["name", "description"],
        "additionalProperties": true});
    let mut form = wrapped("security_group", inner);
    form["additionalProperties"] = json!(true);
    form
}

fn plain(body: &Value) -> Value {
    let asked = &body["security_group"];
    json!({"name": asked["name"], "description": asked["description"]})
}

/// `POST /os-security-groups`
pub async fn create(compute: Arc<Compute>, mut ask: Ask) -> Answered {
    let body = form::body(&mut ask, "security_group", group_form).await?;
    let group = compute.group_rules_create(&ask.cx, plain(&body)).await?;
    let known = all_known(&compute, &ask).await?;
    Ok(Answer::ok(&json!({"security_group": shown(&group, &known)})))
}

/// `PUT /os-security-groups/{id}`
pub async fn update(compute: Arc<Compute>, mut ask: Ask) -> Answered {
    let body = form::body(&mut ask, "security_group", group_form).await?;
    let group = compute.group_rules_update(&ask.cx, &checked_id(&ask)?, plain(&body)).await?;
    let known = all_known(&compute, &ask).await?;
    Ok(Answer::ok(&json!({"security_group": shown(&group, &known)})))
}

/// `DELETE /os-security-groups/{id}`
pub async fn delete(compute: Arc<Compute>, ask: Ask) -> Answered {
    compute.group_rules_delete(&ask.cx, &checked_id(&ask)?).await?;
    Ok(Answer::empty(202))
}

fn rule_form(_: Version) -> Value {
    let properties = json!({
        "group_id": {"type": ["string", "null"], "format": "uuid"}, "parent_group_id": {"type": "string", "format": "uuid"},
        "to_port": {}, "from_port": {}, "ip_protocol": {}, "cidr": {},
    });
    let inner = json!({"type": "object", "properties": properties, "required": ["parent_group_id"], "additionalProperties": true});
    let mut form = wrapped("security_group_rule", inner);
    form["additionalProperties"] = json!(true);
    form
}

/// `POST /os-security-group-rules`
pub async fn rule_create(compute: Arc<Compute>, mut ask: Ask) -> Answered {
    let body = form::body(&mut ask, "security_group_rule", rule_form).await?;
    let asked = &body["security_group_rule"];
    let parent = text(&asked["parent_group_id"]).unwrap_or_default();
    compute.group_rules_show(&ask.cx, &parent).await?;
    if let Some(group) = text(&asked["group_id"]) {
        compute.group_rules_show(&ask.cx, &group).await?;
    }
    let rule = compute.group_rule_create(&ask.cx, rule_of(asked, &parent)?).await?;
    let known = all_known(&compute, &ask).await?;
    Ok(Answer::ok(&json!({"security_group_rule": rule_shown(&rule, &known)})))
}

/// The rule that the network service is asked for.
fn rule_of(asked: &Value, parent: &str) -> Result<Value, Fault> {
    let group = text(&asked["group_id"]);
    let cidr = match &group {
        Some(_) => None,
        None => Some(range(asked)?),
    };
    let mut rule = Map::new();
    let mut put = |name: &str, value: Value| drop(rule.insert(name.to_owned(), value));
    put("security_group_id", json!(parent));
    put("direction", json!("ingress"));
    let v6 = cidr.as_ref().is_some_and(|cidr| cidr.contains(':'));
    put("ethertype", json!(if v6 { "IPv6" } else { "IPv4" }));
    put("remote_group_id", json!(group));
    put("remote_ip_prefix", json!(cidr));
    let protocol = text(&asked["ip_protocol"]);
    match ports(asked, protocol.as_deref(), group.is_some())? {
        Some((from, to)) => {
            put("protocol", json!(protocol));
            for (name, port) in [("port_range_min", from), ("port_range_max", to)] {
                if port != -1 {
                    put(name, json!(port));
                }
            }
        }
        None if group.is_none() => {
            return Err(Fault::bad_input("Not enough parameters to build a valid rule."));
        }
        None => {}
    }
    Ok(Value::Object(rule))
}

fn range(asked: &Value) -> Result<String, Fault> {
    let Some(cidr) = text(&asked["cidr"]).filter(|cidr| !cidr.is_empty()) else {
        return Ok("0.0.0.0/0".to_owned());
    };
    let net: IpNet =
        cidr.parse().map_err(|_| Fault::bad_input(format!("{cidr} is not a valid IP network.")))?;
    if net.prefix_len() == 0 && !net.addr().is_unspecified() {
        return Err(Fault::bad_input(format!("Bad prefix for network in cidr {cidr}")));
    }
    Ok(cidr)
}

/// Ports (or ICMP type and code); `None` when protocol or ports are not said.
fn ports(asked: &Value, protocol: Option<&str>, of_group: bool) -> Result<Option<(i64, i64)>, Fault> {
    let said = |name: &str| Some(&asked[name]).filter(|value| !value.is_null());
    let Some(protocol) = protocol else { return Ok(None) };
    let upper = protocol.to_uppercase();
    let (from, to) = match (said("from_port"), said("to_port")) {
        (Some(from), Some(to)) => (form::int(from), form::int(to)),
        (None, None) if of_group && upper == "ICMP" => (Some(-1), Some(-1)),
        (None, None) if of_group && matches!(upper.as_str(), "TCP" | "UDP") => (Some(1), Some(65535)),
        _ => return Ok(None),
    };
    let (Some(from), Some(to)) = (from, to) else {
        let why = if upper == "ICMP" {
            "Type and Code must be integers for ICMP protocol type"
        } else {
            "To and From ports must be integers"
        };
        return Err(Fault::bad_input(format!("Invalid input received: {why}")));
    };
    let wrong = |why: &str| Err(Fault::bad_input(format!("Invalid port range {from}:{to}. {why}")));
    match upper.as_str() {
        "TCP" | "UDP" if from > to => wrong("Former value cannot be greater than the later"),
        "TCP" | "UDP" if from < 1 || to > 65535 => {
            wrong(&format!("Valid {upper} ports should be between 1-65535"))
        }
        "ICMP" if !(-1..=255).contains(&from) || !(-1..=255).contains(&to) => {
            wrong("For ICMP, the type:code must be valid")
        }
        "TCP" | "UDP" | "ICMP" => Ok(Some((from, to))),
        _ => Err(Fault::bad_input(format!("Invalid IP protocol {protocol}"))),
    }
}

/// `DELETE /os-security-group-rules/{id}`
pub async fn rule_delete(compute: Arc<Compute>, ask: Ask) -> Answered {
    compute.group_rule_delete(&ask.cx, &checked_id(&ask)?).await?;
    Ok(Answer::empty(202))
}

/// `GET /servers/{id}/os-security-groups`
pub async fn of_server(compute: Arc<Compute>, ask: Ask) -> Answered {
    page::check(&ask, &[], versions::STRICT_EVERYWHERE)?;
    let groups = compute.group_rules_of(&ask.cx, ask.id("id")).await?;
    Ok(Answer::ok(&json!({"security_groups": sorted(&groups, &known(&groups))})))
}
