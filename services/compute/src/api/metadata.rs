//! Metadata of servers.

use super::form::{self, texts, wrapped};
use super::{Answered, page};
use crate::ops::metadata::How;
use crate::{Compute, versions};
use fault::Fault;
use serde_json::{Value, json};
use std::sync::Arc;
use web::{Answer, Ask, Version};

fn form_of(_: Version) -> Value {
    wrapped("metadata", form::pairs())
}

/// `GET /servers/{id}/metadata`
pub async fn list(compute: Arc<Compute>, ask: Ask) -> Answered {
    page::check(&ask, &[], versions::STRICT_EVERYWHERE)?;
    let pairs = compute.metadata_list(&ask.cx, ask.id("id")).await?;
    Ok(Answer::ok(&json!({"metadata": pairs})))
}

/// `GET /servers/{id}/metadata/{key}`
pub async fn show(compute: Arc<Compute>, ask: Ask) -> Answered {
    page::check(&ask, &[], versions::STRICT_EVERYWHERE)?;
    let key = ask.id("key");
    let value = compute.metadata_show(&ask.cx, ask.id("id"), key).await?;
    Ok(Answer::ok(&json!({"meta": {key: value}})))
}

/// `POST /servers/{id}/metadata`
pub async fn create(compute: Arc<Compute>, mut ask: Ask) -> Answered {
    let body = form::body(&mut ask, "metadata", form_of).await?;
    let all = compute.metadata_set(&ask.cx, ask.id("id"), texts(&body["metadata"]), How::Add).await?;
    Ok(Answer::ok(&json!({"metadata": all})))
}

/// `PUT /servers/{id}/metadata`
pub async fn replace(compute: Arc<Compute>, mut ask: Ask) -> Answered {
    let body = form::body(&mut ask, "metadata", form_of).await?;
    let all = compute.metadata_set(&ask.cx, ask.id("id"), texts(&body["metadata"]), How::Replace).await?;
    Ok(Answer::ok(&json!({"metadata": all})))
}

/// `PUT /servers/{id}/metadata/{key}`
pub async fn update(compute: Arc<Compute>, mut ask: Ask) -> Answered {
    let make = |_: Version| {
        let mut one = form::pairs();
        one["minProperties"] = json!(1);
        one["maxProperties"] = json!(1);
        wrapped("meta", one)
    };
    let body = form::body(&mut ask, "metadata_one", make).await?;
    let pairs = texts(&body["meta"]);
    if !pairs.contains_key(ask.id("key")) {
        return Err(Fault::bad_input("Request body and URI mismatch"));
    }
    compute.metadata_set(&ask.cx, ask.id("id"), pairs, How::One).await?;
    Ok(Answer::ok(&json!({"meta": body["meta"]})))
}

/// `DELETE /servers/{id}/metadata/{key}`
pub async fn delete(compute: Arc<Compute>, ask: Ask) -> Answered {
    compute.metadata_delete(&ask.cx, ask.id("id"), ask.id("key")).await?;
    Ok(Answer::empty(204))
}
