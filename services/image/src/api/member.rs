//! Members on the wire.

use crate::ImageService;
use crate::model::member::Member;
use fault::Fault;
use serde_json::{Value, json};
use std::sync::Arc;
use web::{Answer, Ask};

/// `GET /v2/images/{id}/members`
pub async fn member_list(images: Arc<ImageService>, ask: Ask) -> Result<Answer, Fault> {
    let all = images.member_list(&ask.cx, ask.id("id")).await?;
    let bodies: Vec<Value> = all.iter().map(Member::body).collect();
    Ok(Answer::ok(&json!({"members": bodies, "schema": "/v2/schemas/members"})))
}

/// `POST /v2/images/{id}/members`
pub async fn member_create(images: Arc<ImageService>, mut ask: Ask) -> Result<Answer, Fault> {
    let body = ask.json_or("Malformed JSON in request body.").await?;
    let member = body["member"].as_str().filter(|member| !member.is_empty());
    let member = member.ok_or_else(|| Fault::bad_input("Member to be added not specified"))?.to_owned();
    Ok(Answer::ok(&images.member_create(&ask.cx, ask.id("id"), &member).await?.body()))
}

/// `GET /v2/images/{id}/members/{member}`
pub async fn member_show(images: Arc<ImageService>, ask: Ask) -> Result<Answer, Fault> {
    Ok(Answer::ok(&images.member_show(&ask.cx, ask.id("id"), ask.id("member")).await?.body()))
}

/// `PUT /v2/images/{id}/members/{member}`
pub async fn member_update(images: Arc<ImageService>, mut ask: Ask) -> Result<Answer, Fault> {
    let body = ask.json_or("Malformed JSON in request body.").await?;
    let status = body["status"].as_str().ok_or_else(|| Fault::bad_input("Status not specified"))?;
    if !["pending", "accepted", "rejected"].contains(&status) {
        return Err(Fault::bad_input(format!("Invalid status: {status}")));
    }
    let status = status.to_owned();
    Ok(Answer::ok(&images.member_update(&ask.cx, ask.id("id"), ask.id("member"), &status).await?.body()))
}

/// `DELETE /v2/images/{id}/members/{member}`
pub async fn member_delete(images: Arc<ImageService>, ask: Ask) -> Result<Answer, Fault> {
    images.member_delete(&ask.cx, ask.id("id"), ask.id("member")).await?;
    Ok(Answer::empty(204))
}
