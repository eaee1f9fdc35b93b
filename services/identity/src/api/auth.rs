//! Tokens on the wire: how one is asked for, shown and revoked, and what its owner can ask about itself.

use super::{links, list};
use crate::Identity;
use crate::ops::token::{Named, Proof, Token, Wish};
use crate::rules;
use fault::{Fault, Kind};
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};
use web::schema::Schema;
use web::{Answer, Ask};
use zeroize::Zeroizing;

static TOKEN: LazyLock<Schema> = LazyLock::new(|| {
    let text = json!({"type": "string"});
    let domain = json!({"type": "object", "properties": {"id": text, "name": text}});
    let scoped = json!({"type": "object", "properties": {"id": text, "name": text, "domain": domain}});
    let user = json!({"type": "object", "properties": {"id": text, "name": text, "password": text, "domain": domain}});
    Schema::new(json!({
        "type": "object",
        "properties": {"auth": {
            "type": "object",
            "properties": {
                "identity": {
                    "type": "object",
                    "properties": {
                        "methods": {"type": "array", "items": text},
                        "password": {"type": "object", "properties": {"user": user}},
                        "token": {"type": "object", "properties": {"id": text}, "required": ["id"]},
                    },
                    "required": ["methods"],
                },
                "scope": {
                    "type": ["object", "string"],
                    "properties": {"project": scoped, "domain": domain, "system": {"type": "object"}},
                },
            },
            "required": ["identity"],
        }},
        "required": ["auth"],
    }))
});

/// `POST /v3/auth/tokens`
pub async fn token_create(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let auth = super::given(&mut ask, "auth", &TOKEN).await?;
    let (proof, wish) = (proof(&auth["identity"])?, wish(auth.get("scope"))?);
    let (text, token) = identity.token_create(proof, wish).await?;
    let body = body(&identity, &ask, &token).await?;
    Ok(Answer::json(201, &body).with("x-subject-token", &text).with("vary", "X-Auth-Token"))
}

/// `GET /v3/auth/tokens`
pub async fn token_show(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let text = ask.header("x-subject-token").to_owned();
    let token = identity.token_for(&ask.cx, &text, &rules::VALIDATE_TOKEN).await?;
    let body = body(&identity, &ask, &token).await?;
    Ok(Answer::ok(&body).with("x-subject-token", &text).with("vary", "X-Auth-Token"))
}

/// `HEAD /v3/auth/tokens`
pub async fn token_check(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let text = ask.header("x-subject-token").to_owned();
    identity.token_for(&ask.cx, &text, &rules::CHECK_TOKEN).await?;
    Ok(Answer::empty(200).with("x-subject-token", &text).with("vary", "X-Auth-Token"))
}

/// `DELETE /v3/auth/tokens`
pub async fn token_delete(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    identity.token_revoke(&ask.cx, ask.header("x-subject-token")).await?;
    Ok(Answer::empty(204))
}

/// `GET /v3/auth/catalog`
pub async fn catalog_show(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let who = &ask.cx.who;
    if who.project_id.is_none() && who.domain_id.is_none() && !who.system {
        return Err(Fault::forbidden("A catalog is only available with a scoped token."));
    }
    let catalog = identity.token_catalog(who.project_id.clone(), who.user_id.clone()).await?;
    Ok(Answer::ok(&json!({"catalog": catalog, "links": links(&ask)})))
}

/// `GET /v3/auth/projects`
pub async fn project_list(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let all = identity.own_scopes(&ask.cx, false).await?;
    Ok(list(&ask, "projects", all.iter().map(|project| project.body(&ask.cx.base)), &["name", "domain_id"]))
}

/// `GET /v3/auth/domains`
pub async fn domain_list(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let all = identity.own_scopes(&ask.cx, true).await?;
    Ok(list(&ask, "domains", all.iter().map(|domain| domain.body(&ask.cx.base)), &["name"]))
}

/// `GET /v3/auth/system`
pub async fn system_list(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let system = if identity.own_system(&ask.cx).await? { vec![json!({"all": true})] } else { Vec::new() };
    Ok(Answer::ok(&json!({"system": system, "links": links(&ask)})))
}

async fn body(identity: &Identity, ask: &Ask, token: &Token) -> Result<Value, Fault> {
    let mut body = token.body();
    let who = token.who();
    let scoped = who.project_id.is_some() || who.domain_id.is_some() || who.system;
    if scoped && !ask.query.has("nocatalog") {
        body["catalog"] = identity.token_catalog(who.project_id, who.user_id).await?;
    }
    Ok(json!({"token": body}))
}

fn proof(identity: &Value) -> Result<Proof, Fault> {
    let methods: Vec<String> =
        identity["methods"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    for method in &methods {
        if matches!(method.as_str(), "password" | "token") && !identity[method].is_object() {
            return Err(expected(method, "identity"));
        }
    }
    if methods.is_empty() {
        return Err(Fault::new(Kind::Unauthenticated, "The request you have made requires authentication."));
    }
    let user = &identity["password"]["user"];
    let password = match (methods.iter().any(|method| method == "password"), user["password"].as_str()) {
        (true, Some(password)) => Some((named(user, "user")?, Zeroizing::new(password.to_owned()))),
        (true, None) => return Err(expected("password", "user")),
        (false, _) => None,
    };
    Ok(Proof { methods, password, token: identity["token"]["id"].as_str().map(str::to_owned) })
}

fn wish(scope: Option<&Value>) -> Result<Wish, Fault> {
    let Some(scope) = scope else { return Ok(Wish::Default) };
    if scope.as_str() == Some("unscoped") || scope.get("unscoped").is_some() {
        return Ok(Wish::Unscoped);
    }
    let asked = ["project", "domain", "system"].into_iter().filter(|kind| scope.get(kind).is_some());
    match asked.collect::<Vec<_>>().as_slice() {
        ["project"] => Ok(Wish::Project(named(&scope["project"], "project")?)),
        ["domain"] => Ok(Wish::Domain(domain(&scope["domain"])?)),
        ["system"] if scope["system"]["all"] == true => Ok(Wish::System),
        _ => Err(expected("project, domain, or system", "scope")),
    }
}

/// A user or project: by id, or by name in a domain.
fn named(thing: &Value, noun: &str) -> Result<Named, Fault> {
    match (thing["id"].as_str(), thing["name"].as_str()) {
        (Some(id), _) => Ok(Named::Id(id.to_owned())),
        (None, Some(name)) if thing["domain"].is_object() => {
            Ok(Named::In(name.to_owned(), Box::new(domain(&thing["domain"])?)))
        }
        (None, Some(_)) => Err(expected("domain", noun)),
        (None, None) => Err(expected("id or name", noun)),
    }
}

fn domain(domain: &Value) -> Result<Named, Fault> {
    let by_name = || domain["name"].as_str().map(|name| Named::Domain(name.to_owned()));
    let by_id = domain["id"].as_str().map(|id| Named::Id(id.to_owned()));
    by_id.or_else(by_name).ok_or_else(|| expected("id or name", "domain"))
}

fn expected(attribute: &str, target: &str) -> Fault {
    Fault::bad_input(format!(
        "Expecting to find {attribute} in {target}. The server could not comply with the request since it is either \
         malformed or otherwise incorrect. The client is assumed to be in error."
    ))
}
