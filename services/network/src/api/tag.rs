//! Tags of things.

use super::resource;
use crate::Network;
use crate::model::check::Check;
use crate::model::faults;
use crate::ops::tag::Retag;
use fault::Fault;
use serde_json::{Value, json};
use std::sync::Arc;
use web::{Answer, Ask};

/// `GET /v2.0/{things}/{id}/tags`
pub async fn list(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    Ok(Answer::ok(&json!({"tags": read(network, ask).await?})))
}

/// `GET /v2.0/{things}/{id}/tags/{tag}`
pub async fn show(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    let tag = ask.id("tag").to_owned();
    if read(network, ask).await?.contains(&tag) {
        return Ok(Answer::empty(204));
    }
    Err(faults::missing("TagNotFound", format!("Tag {tag} could not be found.")))
}

/// `PUT /v2.0/{things}/{id}/tags`
pub async fn set(network: Arc<Network>, mut ask: Ask) -> Result<Answer, Fault> {
    let tags = tags(resource::json(&mut ask).await?)?;
    Ok(Answer::ok(&json!({"tags": retag(network, ask, Retag::Set(tags)).await?})))
}

/// `POST /v2.0/{things}/{id}/tags`
pub async fn add_many(network: Arc<Network>, mut ask: Ask) -> Result<Answer, Fault> {
    let tags = tags(resource::json(&mut ask).await?)?;
    retag(network, ask, Retag::Add(tags.clone())).await?;
    Ok(Answer::ok(&json!({"tags": tags})))
}

/// `PUT /v2.0/{things}/{id}/tags/{tag}`
pub async fn add(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    let tag = ask.id("tag").to_owned();
    if let Some(reason) = Check::Text(255).refuses(&Value::from(tag.as_str()))? {
        return Err(faults::invalid(reason));
    }
    retag(network, ask, Retag::AddOne(tag)).await?;
    Ok(Answer::json(201, &Value::Null))
}

/// `DELETE /v2.0/{things}/{id}/tags/{tag}`
pub async fn delete(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    let tag = ask.id("tag").to_owned();
    retag(network, ask, Retag::Drop(tag)).await?;
    Ok(Answer::empty(204))
}

/// `DELETE /v2.0/{things}/{id}/tags`
pub async fn clear(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    retag(network, ask, Retag::Clear).await?;
    Ok(Answer::empty(204))
}

fn tags(body: Value) -> Result<Vec<String>, Fault> {
    let tags = body.get("tags").ok_or_else(|| faults::invalid("Invalid tags body"))?;
    match Check::UniqueTexts(255).refuses(tags)? {
        Some(reason) => Err(faults::invalid(reason)),
        None => Ok(tags
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|tag| tag.as_str().map(str::to_owned))
            .collect()),
    }
}

async fn read(network: Arc<Network>, ask: Ask) -> Result<Vec<String>, Fault> {
    let (service, things, id) = (network.clone(), things(&ask), ask.id("id").to_owned());
    network.db.read(move |tx| service.tags(tx, &ask.cx, &things, &id)).await
}

async fn retag(network: Arc<Network>, ask: Ask, how: Retag) -> Result<Vec<String>, Fault> {
    let (service, things, id) = (network.clone(), things(&ask), ask.id("id").to_owned());
    network.db.write(move |tx| service.retag(tx, &ask.cx, &things, &id, &how)).await
}

/// The sort of thing, by its name in the path.
fn things(ask: &Ask) -> String {
    ask.path.split('/').nth(2).unwrap_or_default().to_owned()
}
