//! The extensions of the API.

use crate::Network;
use crate::model::extension::{EXTENSIONS, Extension};
use crate::model::faults;
use fault::Fault;
use serde_json::{Value, json};
use std::sync::Arc;
use web::{Answer, Ask};

fn body((alias, name, description, updated): &Extension) -> Value {
    json!({"name": name, "alias": alias, "description": description, "updated": updated, "links": []})
}

/// `GET /v2.0/extensions`
pub async fn list(_: Arc<Network>, _: Ask) -> Result<Answer, Fault> {
    Ok(Answer::ok(&json!({"extensions": EXTENSIONS.iter().map(body).collect::<Vec<_>>()})))
}

/// `GET /v2.0/extensions/{alias}`
pub async fn show(_: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    let alias = ask.id("id");
    match EXTENSIONS.iter().find(|(own, ..)| *own == alias) {
        Some(extension) => Ok(Answer::ok(&json!({"extension": body(extension)}))),
        None => Err(faults::missing("HTTPNotFound", format!("Extension with alias {alias} does not exist"))),
    }
}
