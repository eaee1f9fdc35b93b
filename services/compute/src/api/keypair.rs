//! Key pairs.

use super::Answered;
use super::form::{self, object, text, wrapped};
use super::page::{self, Form};
use crate::model::keypair::Keypair;
use crate::{Compute, versions};
use fault::Fault;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use web::{Answer, Ask, Cx, Version};

fn shown(cx: &Cx, pair: &Keypair) -> Map<String, Value> {
    let mut body = Map::new();
    if cx.has(versions::KEYPAIR_TYPE) {
        body.insert("type".into(), json!(pair.kind));
    }
    body.insert("name".into(), json!(pair.name));
    body.insert("public_key".into(), json!(pair.public_key));
    body.insert("fingerprint".into(), json!(pair.fingerprint));
    body
}

fn create_form(version: Version) -> Value {
    let later = version >= versions::IMPORT_ONLY;
    let pattern = if later { "^[_\\-\\@\\. a-zA-Z0-9]+$" } else { "^[_\\- a-zA-Z0-9]+$" };
    let name = json!({"allOf": [form::name(), {"type": "string", "pattern": pattern, "minLength": 1, "maxLength": 255}]});
    let mut properties = json!({"name": name, "public_key": {"type": "string"}});
    if version >= versions::KEYPAIR_TYPE {
        properties["type"] = json!({"type": "string", "enum": ["ssh", "x509"]});
    }
    if version >= versions::KEYPAIRS_OF_OTHERS {
        properties["user_id"] = json!({"type": "string"});
    }
    let required: &[&str] = if later { &["name", "public_key"] } else { &["name"] };
    wrapped("keypair", object(properties, required))
}

/// `POST /os-keypairs`
pub async fn create(compute: Arc<Compute>, mut ask: Ask) -> Answered {
    let body = form::body(&mut ask, "keypair_create", create_form).await?;
    let asked = &body["keypair"];
    let user =
        text(&asked["user_id"]).filter(|user| !user.is_empty()).unwrap_or_else(|| ask.cx.who.user_id.clone());
    let name = asked["name"].as_str().unwrap_or_default().trim().to_owned();
    let kind = text(&asked["type"]).unwrap_or_else(|| "ssh".to_owned());
    let made = compute.keypair_create(&ask.cx, user, name, kind, text(&asked["public_key"])).await?;
    let (pair, private_key) = made;
    let mut answer = shown(&ask.cx, &pair);
    if let Some(private_key) = private_key {
        answer.insert("private_key".into(), json!(private_key));
    }
    answer.insert("user_id".into(), json!(pair.user_id));
    let status = if ask.cx.has(versions::KEYPAIR_TYPE) { 201 } else { 200 };
    Ok(Answer::json(status, &json!({"keypair": answer})))
}

/// Whose key pairs are meant.
fn user(ask: &Ask) -> Result<String, Fault> {
    let known: &[(&str, Form)] =
        if ask.cx.has(versions::KEYPAIRS_OF_OTHERS) { &[("user_id", Form::Any)] } else { &[] };
    let asked = known.first().and_then(|(name, _)| ask.query.get(name)).filter(|user| !user.is_empty());
    Ok(asked.unwrap_or(&ask.cx.who.user_id).to_owned())
}

/// `GET /os-keypairs`
pub async fn list(compute: Arc<Compute>, ask: Ask) -> Answered {
    let paged = ask.cx.has(versions::KEYPAIR_PAGES);
    if paged {
        let known = [("user_id", Form::Any), ("limit", Form::Count), ("marker", Form::Any)];
        page::check(&ask, &known, versions::STRICT)?;
    }
    let (limit, marker) = if paged { page::bounds(&ask)? } else { (page::MOST, None) };
    let limit = if paged { i64::from(limit) } else { i64::MAX };
    let pairs = compute.keypair_list(&ask.cx, user(&ask)?, marker, limit).await?;
    let all: Vec<Value> = pairs.iter().map(|pair| json!({"keypair": shown(&ask.cx, pair)})).collect();
    let mut body = json!({"keypairs": all});
    if let Some(last) = pairs.last().filter(|_| paged)
        && let Some(next) = page::next(&ask, "os-keypairs", pairs.len(), &last.name)
    {
        body["keypairs_links"] = next;
    }
    Ok(Answer::ok(&body))
}

/// `GET /os-keypairs/{name}`
pub async fn show(compute: Arc<Compute>, ask: Ask) -> Answered {
    page::check(&ask, &[("user_id", Form::Any)], versions::STRICT)?;
    let pair = compute.keypair_show(&ask.cx, user(&ask)?, ask.id("name")).await?;
    let mut body = shown(&ask.cx, &pair);
    let mut put = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
    put("user_id", json!(pair.user_id));
    put("created_at", json!(pair.created_at.whole_seconds().micros_naked()));
    put("deleted", json!(false));
    put("deleted_at", Value::Null);
    put("id", json!(pair.number));
    put("updated_at", Value::Null);
    Ok(Answer::ok(&json!({"keypair": body})))
}

/// `DELETE /os-keypairs/{name}`
pub async fn delete(compute: Arc<Compute>, ask: Ask) -> Answered {
    page::check(&ask, &[("user_id", Form::Any)], versions::STRICT)?;
    compute.keypair_delete(&ask.cx, user(&ask)?, ask.id("name")).await?;
    Ok(Answer::empty(if ask.cx.has(versions::KEYPAIR_TYPE) { 204 } else { 202 }))
}
