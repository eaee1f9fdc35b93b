//! EC2 keys on the wire, and tokens for what was signed with them.

use super::{list, one};
use crate::Identity;
use crate::model::ec2::{METHOD, Signed, body};
use crate::ops::ec2::Form;
use crate::ops::token::unauthenticated;
use fault::Fault;
use serde_json::Value;
use std::sync::Arc;
use web::{Answer, Ask};

/// A token that answers a signature is good for other services, and asks nothing here.
pub fn refused(ask: &Ask) -> Result<(), Fault> {
    if ask.cx.who.methods.iter().any(|method| method == METHOD) {
        return Err(Fault::forbidden("You are not authorized to perform the requested action."));
    }
    Ok(())
}

/// `GET /v3/users/{id}/credentials/OS-EC2`
pub async fn list_all(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let all = identity.ec2_key_list(&ask.cx, ask.id("id")).await?;
    Ok(list(&ask, "credentials", all.iter().map(|key| body(key, &ask.cx.base)), &[]))
}

/// `POST /v3/users/{id}/credentials/OS-EC2`
pub async fn create(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = super::body(&mut ask).await?;
    let project_id = given["tenant_id"].as_str().unwrap_or("None");
    let made = identity.ec2_key_create(&ask.cx, ask.id("id"), project_id).await?;
    Ok(one(201, "credential", body(&made, &ask.cx.base)))
}

/// `GET /v3/users/{id}/credentials/OS-EC2/{access}`
pub async fn show(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let key = identity.ec2_key_show(&ask.cx, ask.id("id"), ask.id("access")).await?;
    Ok(one(200, "credential", body(&key, &ask.cx.base)))
}

/// `DELETE /v3/users/{id}/credentials/OS-EC2/{access}`
pub async fn delete(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    identity.ec2_key_delete(&ask.cx, ask.id("id"), ask.id("access")).await?;
    Ok(Answer::empty(204))
}

/// `POST /v3/ec2tokens`
pub async fn token_create(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let (text, answer) = token(identity, ask, Form::Ec2).await?;
    Ok(answer.with("x-subject-token", &text))
}

/// `POST /v3/s3tokens`
pub async fn s3_token_create(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    token(identity, ask, Form::S3).await.map(|(_, answer)| answer)
}

async fn token(identity: Arc<Identity>, mut ask: Ask, form: Form) -> Result<(String, Answer), Fault> {
    let given = super::body(&mut ask).await?;
    if given.as_object().is_none_or(serde_json::Map::is_empty) {
        return Err(Fault::bad_input("request must include a request body"));
    }
    let names = ["credentials", "credential", "ec2Credentials"];
    let signed = names.into_iter().find_map(|name| given[name].as_object().filter(|given| !given.is_empty()));
    let signed = signed.filter(|signed| signed.get("access").is_some_and(Value::is_string));
    let signed = Signed::of(signed.ok_or_else(unauthenticated)?);
    let (text, token) = identity.ec2_token_create(&ask.cx, signed, form).await?;
    let body = identity.token_body(&token, super::auth::with_catalog(&ask)).await?;
    Ok((text, Answer::ok(&body)))
}
