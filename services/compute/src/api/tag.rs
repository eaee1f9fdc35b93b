//! Tags of servers.

use super::form::{self, object, text};
use super::{Answered, page};
use crate::ops::tag::MOST;
use crate::{Compute, versions};
use fault::Fault;
use serde_json::json;
use std::sync::Arc;
use web::{Answer, Ask, Version};

/// `GET /servers/{id}/tags`
pub async fn list(compute: Arc<Compute>, ask: Ask) -> Answered {
    page::check(&ask, &[], versions::STRICT_EVERYWHERE)?;
    let tags = compute.tag_list(&ask.cx, ask.id("id")).await?;
    Ok(Answer::ok(&json!({"tags": tags})))
}

/// `GET /servers/{id}/tags/{tag}`
pub async fn show(compute: Arc<Compute>, ask: Ask) -> Answered {
    page::check(&ask, &[], versions::STRICT_EVERYWHERE)?;
    compute.tag_show(&ask.cx, ask.id("id"), ask.id("tag")).await?;
    Ok(Answer::empty(204))
}

/// `PUT /servers/{id}/tags/{tag}`
pub async fn add(compute: Arc<Compute>, mut ask: Ask) -> Answered {
    let body = ask.bytes(web::ask::LARGEST_JSON).await?;
    if !body.is_empty() && body.as_ref() != b"null" {
        let value: serde_json::Value =
            serde_json::from_slice(&body).map_err(|_| Fault::bad_input(form::MALFORMED))?;
        return Err(Fault::bad_input(format!("{} is not of type 'null'", web::schema::python(&value))));
    }
    let (id, tag) = (ask.id("id"), ask.id("tag"));
    if !compute.tag_add(&ask.cx, id, tag).await? {
        return Ok(Answer::empty(204));
    }
    let location = ask.cx.url(&format!("/v2.1/servers/{id}/tags/{}", web::ask::encoded(tag)));
    Ok(Answer::empty(201).with("location", &location))
}

/// `PUT /servers/{id}/tags`
pub async fn replace(compute: Arc<Compute>, mut ask: Ask) -> Answered {
    let make = |_: Version| {
        object(json!({"tags": {"type": "array", "items": form::tag(), "maxItems": MOST}}), &["tags"])
    };
    let body = form::body(&mut ask, "tags", make).await?;
    let tags = body["tags"].as_array().into_iter().flatten().filter_map(text).collect();
    let tags = compute.tag_replace(&ask.cx, ask.id("id"), tags).await?;
    Ok(Answer::ok(&json!({"tags": tags})))
}

/// `DELETE /servers/{id}/tags/{tag}`
pub async fn remove(compute: Arc<Compute>, ask: Ask) -> Answered {
    compute.tag_remove(&ask.cx, ask.id("id"), ask.id("tag")).await?;
    Ok(Answer::empty(204))
}

/// `DELETE /servers/{id}/tags`
pub async fn clear(compute: Arc<Compute>, ask: Ask) -> Answered {
    compute.tag_clear(&ask.cx, ask.id("id")).await?;
    Ok(Answer::empty(204))
}
