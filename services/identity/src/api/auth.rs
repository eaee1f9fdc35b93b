//! Tokens on the wire: how one is asked for, shown and revoked, and what its owner can ask about itself.

use super::oauth1::signed;
use super::{expected, here, list, unfit_at, yes_or_no};
use crate::Identity;
use crate::model::oauth1;
use crate::ops::proof::{Named, NamedCredential, Proof};
use crate::ops::token::{Granted, Token, Wish, unauthenticated};
use crate::rules;
use fault::Fault;
use policy::Target;
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
                "properties": {
                    "project": scoped, "domain": domain, "system": {"type": "object"},
                    "OS-TRUST:trust": {"type": "object", "properties": {"id": text}},
                },
            },
        },
        "required": ["identity"],
    }))
});

/// Where a receipt is given out, and shown.
const RECEIPT: &str = "openstack-auth-receipt";

/// `POST /v3/auth/tokens`
pub async fn token_create(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let mut said = super::body(&mut ask).await?;
    let auth = Some(said["auth"].take())
        .filter(|auth| !auth.is_null())
        .ok_or_else(|| expected("auth", "request body"))?;
    TOKEN.check(&auth).map_err(unfit_at)?;
    check_named(&auth)?;
    let (proof, wish) = (proof(&ask, &auth["identity"])?, wish(auth.get("scope"))?);
    let granted = identity.token_create(proof, receipt(&ask), wish).await?;
    given(&identity, &ask, granted).await
}

/// The receipt that the caller shows.
pub(super) fn receipt(ask: &Ask) -> Option<String> {
    Some(ask.header(RECEIPT).to_owned()).filter(|receipt| !receipt.is_empty())
}

/// What somebody gets who logs in.
pub(super) async fn given(identity: &Identity, ask: &Ask, granted: Granted) -> Result<Answer, Fault> {
    match granted {
        Granted::Token(text, token) => {
            let body = identity.token_body(&token, with_catalog(ask)).await?;
            Ok(Answer::json(201, &body).with("x-subject-token", &text))
        }
        Granted::Receipt(begun) => Ok(Answer::json(401, &begun.body()).with(RECEIPT, &begun.text)),
    }
}

/// `GET /v3/auth/tokens`
pub async fn token_show(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let text = ask.header("x-subject-token").to_owned();
    let asked = identity.token_for(&ask.cx, &text, &rules::VALIDATE_TOKEN, late(&ask)).await?;
    check_understood(&ask, &asked.token)?;
    let told = identity.token_told(&asked, with_catalog(&ask)).await?;
    Ok(Answer::bytes(200, "application/json", told).with("x-subject-token", &text))
}

/// `HEAD /v3/auth/tokens`
pub async fn token_check(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let text = ask.header("x-subject-token").to_owned();
    let asked = identity.token_for(&ask.cx, &text, &rules::CHECK_TOKEN, late(&ask)).await?;
    check_understood(&ask, &asked.token)?;
    Ok(Answer::bytes(200, "application/json", "").with("x-subject-token", &text))
}

/// A service that does not know of access rules would take a token for more than it is good for.
fn check_understood(ask: &Ask, token: &Token) -> Result<(), Fault> {
    let known =
        ask.header("openstack-identity-access-rules").parse::<f64>().is_ok_and(|version| version >= 1.0);
    if known || token.access().is_none() { Ok(()) } else { Err(Fault::not_found("Failed to validate token")) }
}

/// Whether the caller takes a token that has ended, too.
fn late(ask: &Ask) -> bool {
    ask.query.get("allow_expired").and_then(yes_or_no).unwrap_or(false)
}

/// `DELETE /v3/auth/tokens`
pub async fn token_delete(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let chain = ask.query.get("cascade").and_then(yes_or_no).unwrap_or(true);
    identity.token_revoke(&ask.cx, ask.header("x-subject-token"), chain).await?;
    Ok(Answer::empty(204))
}

/// `GET /v3/auth/catalog`
pub async fn catalog_show(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    ask.cx.may(&rules::GET_AUTH_CATALOG, &Target::none())?;
    let who = &ask.cx.who;
    if who.project_id.is_none() {
        return Err(Fault::forbidden("You are not authorized to perform the requested action."));
    }
    let catalog = identity.token_catalog(who.project_id.clone(), who.user_id.clone()).await?;
    Ok(Answer::ok(&json!({"catalog": catalog, "links": {"self": here(&ask)}})))
}

/// `GET /v3/auth/projects`
pub async fn project_list(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    ask.cx.may(&rules::GET_AUTH_PROJECTS, &Target::none())?;
    let all = identity.own_scopes(&ask.cx, false).await?;
    Ok(list(&ask, "projects", all.iter().map(|project| project.body(&ask.cx.base)), &["name", "domain_id"]))
}

/// `GET /v3/auth/domains`
pub async fn domain_list(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    ask.cx.may(&rules::GET_AUTH_DOMAINS, &Target::none())?;
    let all = identity.own_scopes(&ask.cx, true).await?;
    Ok(list(&ask, "domains", all.iter().map(|domain| domain.domain_body(&ask.cx.base)), &["name"]))
}

/// `GET /v3/auth/system`
pub async fn system_list(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    ask.cx.may(&rules::GET_AUTH_SYSTEM, &Target::none())?;
    let system = if identity.own_system(&ask.cx).await? { vec![json!({"all": true})] } else { Vec::new() };
    Ok(Answer::ok(&json!({"system": system, "links": {"self": here(&ask)}})))
}

/// Whether the caller wants to be told the catalog, too.
pub(super) fn with_catalog(ask: &Ask) -> bool {
    !ask.query.has("nocatalog")
}

/// Whoever and whatever is named has an id or a name.
fn check_named(auth: &Value) -> Result<(), Fault> {
    for path in [
        "identity/password/user",
        "identity/password/user/domain",
        "scope/project",
        "scope/project/domain",
        "scope/domain",
    ] {
        let found = path.split('/').try_fold(auth, |value, step| value.get(step));
        if found.is_some_and(|thing| thing.get("id").is_none() && thing.get("name").is_none()) {
            return Err(Fault::bad_input(format!(
                "Invalid input for field {path}: id or name must be present."
            )));
        }
    }
    Ok(())
}

fn proof(ask: &Ask, identity: &Value) -> Result<Proof, Fault> {
    let mut methods: Vec<String> = Vec::new();
    for method in identity["methods"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !methods.iter().any(|other| other == method) {
            methods.push(method.to_owned());
        }
    }
    if methods.is_empty() {
        return Err(unauthenticated());
    }
    if let Some(method) = methods.iter().find(|method| !identity[method.as_str()].is_object()) {
        return Err(expected(method, "identity"));
    }
    let has = |name: &str| methods.iter().any(|method| method == name);
    let password = if has("password") { Some(password(&identity["password"])?) } else { None };
    let totp = if has("totp") { Some(passcode(&identity["totp"])?) } else { None };
    let credential = if has(CREDENTIAL) { Some(credential(&identity[CREDENTIAL])?) } else { None };
    let token = identity["token"]["id"].as_str().map(str::to_owned);
    let signed = if has(oauth1::METHOD) { Some(signed(ask)?) } else { None };
    let address = ask.cx.peer.clone();
    Ok(Proof { methods, password, totp, token, credential, address, signed })
}

const CREDENTIAL: &str = "application_credential";

fn credential(given: &Value) -> Result<(NamedCredential, Zeroizing<String>), Fault> {
    let credential = match (given["id"].as_str(), given["name"].as_str()) {
        (Some(id), _) => NamedCredential::Id(id.to_owned()),
        (None, Some(name)) => {
            let user = given.get("user").ok_or_else(|| expected("user", "application credential"))?;
            NamedCredential::Of(named(user, "user")?, name.to_owned())
        }
        (None, None) => return Err(expected("name or ID", "application credential")),
    };
    let secret = given["secret"].as_str().ok_or_else(unauthenticated)?;
    Ok((credential, Zeroizing::new(secret.to_owned())))
}

fn password(given: &Value) -> Result<(Named, Zeroizing<String>), Fault> {
    let user = given.get("user").ok_or_else(|| expected("user", "None"))?;
    let named = named(user, "user")?;
    let password = user["password"].as_str().ok_or_else(unauthenticated)?;
    Ok((named, Zeroizing::new(password.to_owned())))
}

fn passcode(given: &Value) -> Result<(Named, String), Fault> {
    let user = given.get("user").ok_or_else(|| expected("user", "totp"))?;
    let passcode = user["passcode"].as_str().ok_or_else(unauthenticated)?;
    Ok((named(user, "user")?, passcode.to_owned()))
}

/// The kinds of scope.
const SCOPES: [&str; 5] = ["system", "project", "domain", "OS-TRUST:trust", "unscoped"];

fn wish(scope: Option<&Value>) -> Result<Wish, Fault> {
    let Some(scope) = scope else { return Ok(Wish::Default) };
    let asked = SCOPES.into_iter().filter(|kind| scope.get(kind).is_some() || scope == kind);
    match asked.collect::<Vec<_>>().as_slice() {
        ["unscoped"] => Ok(Wish::Unscoped),
        ["project"] => Ok(Wish::Project(named(&scope["project"], "project")?)),
        ["domain"] => Ok(Wish::Domain(domain(&scope["domain"])?)),
        ["OS-TRUST:trust"] => match scope["OS-TRUST:trust"]["id"].as_str() {
            Some(id) if !id.is_empty() => Ok(Wish::Trust(id.to_owned())),
            _ => Err(expected("trust_id", "trust")),
        },
        ["system"] if scope["system"]["all"] == true => Ok(Wish::System),
        ["system"] => Err(unauthenticated()),
        _ => Err(expected("system, project, domain, OS-TRUST:trust or unscoped", "scope")),
    }
}

/// A user or project: by name in a domain, or by id. With both it is the name that counts.
fn named(thing: &Value, noun: &str) -> Result<Named, Fault> {
    match (thing["id"].as_str(), told_name(thing)) {
        (_, Some(name)) if thing["domain"].is_object() => {
            Ok(Named::In(name.to_owned(), Box::new(domain(&thing["domain"])?)))
        }
        (_, Some(_)) => Err(expected("domain", noun)),
        (Some(id), None) => Ok(Named::Id(id.to_owned())),
        (None, None) => Err(expected("id or name", noun)),
    }
}

fn domain(domain: &Value) -> Result<Named, Fault> {
    let by_name = told_name(domain).map(|name| Named::Domain(name.to_owned()));
    let by_id = || domain["id"].as_str().map(|id| Named::Id(id.to_owned()));
    by_name.or_else(by_id).ok_or_else(|| expected("id or name", "domain"))
}

fn told_name(thing: &Value) -> Option<&str> {
    thing["name"].as_str().filter(|name| !name.is_empty())
}
