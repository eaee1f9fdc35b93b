//! Users on the wire.

use super::{
    below, check_query, flag_or_word, flags, given, id, list, name, narrow, one, options, or_null, paged,
    unfit_at,
};
use crate::Identity;
use crate::model::user::{Group, User};
use crate::ops::no_timestamp;
use fault::Fault;
use kernel::Micros;
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};
use web::schema::Schema;
use web::{Answer, Ask};
use zeroize::Zeroizing;

/// What lists of users can be narrowed by, beside the ends of passwords.
pub(super) const FILTERS: &[&str] = &["domain_id", "enabled", "name"];

/// What can be set for a user as a flag.
const OPTIONS: &[&str] = &[
    "ignore_change_password_upon_first_use",
    "ignore_password_expiry",
    "ignore_lockout_failure_attempts",
    "lock_password",
    "ignore_user_inactivity",
    "multi_factor_auth_enabled",
];

fn attributes() -> Value {
    let mut options = options(OPTIONS);
    let rule = json!({"type": "array", "items": {"type": "string"}, "minItems": 1, "uniqueItems": true});
    options["properties"]["multi_factor_auth_rules"] =
        json!({"type": ["array", "null"], "items": rule, "uniqueItems": true});
    json!({
        "name": name(255), "domain_id": id(), "default_project_id": {"type": ["string", "null"]}, "enabled": flag_or_word(),
        "description": or_null(json!({"type": "string"})), "password": {"type": ["string", "null"]},
        "options": options,
    })
}

static CREATE: LazyLock<Schema> = LazyLock::new(|| below("user", &["name"], attributes()));
static UPDATE: LazyLock<Schema> = LazyLock::new(|| below("user", &[], attributes()));
static QUERY: LazyLock<Schema> = LazyLock::new(|| flags(&["enabled"]));
static PASSWORD: LazyLock<Schema> = LazyLock::new(|| {
    let text = json!({"type": "string"});
    let both = json!({"original_password": text, "password": text});
    Schema::new(json!({"type": "object", "properties": both, "required": ["original_password", "password"]}))
});

/// `GET /v3/users`
pub async fn list_all(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    check_query(&ask, &QUERY)?;
    let mut all = identity.user_list(&ask.cx, ask.query.get("domain_id"), narrow(&ask)).await?;
    let by = ["idp_id", "protocol_id", "unique_id"].map(|name| ask.query.get(name));
    if by.iter().any(Option::is_some) {
        let vouched = identity.users_vouched_for(by).await?;
        all.retain(|user| vouched.contains(&user.id));
    }
    paged(&ask, "users", bodies(&ask, all)?, FILTERS)
}

/// Users as lists have them, if their passwords end when the query says.
pub(super) fn bodies(ask: &Ask, mut users: Vec<User>) -> Result<Vec<Value>, Fault> {
    for (_, asked) in ask.query.pairs().filter(|(name, _)| *name == "password_expires_at") {
        let expires = expiry(asked)?;
        users.retain(|user| user.password_expires_at.is_some_and(&expires));
    }
    Ok(users.iter().map(|user| user.body(&ask.cx.base)).collect())
}

/// What is asked of the end of a password: `lt:2030-01-01T00:00:00Z`, or a time alone.
fn expiry(asked: &str) -> Result<impl Fn(Micros) -> bool + use<>, Fault> {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let (operator, time) =
        asked.split_once(':').filter(|(word, _)| matches!(word.len(), 2 | 3)).unwrap_or(("eq", asked));
    let time = Micros::parse(time).ok_or_else(no_timestamp)?;
    let fitting: &[std::cmp::Ordering] = match operator {
        "lt" => &[Less],
        "lte" => &[Less, Equal],
        "eq" => &[Equal],
        "gte" => &[Greater, Equal],
        "gt" => &[Greater],
        "neq" => &[Less, Greater],
        other => {
            return Err(Fault::bad_input(format!(
                "The given operator {other} is not valid. It must be one of the following: 'eq', 'neq', 'lt', 'lte', 'gt', or \
                 'gte'."
            )));
        }
    };
    Ok(move |end: Micros| fitting.contains(&end.cmp(&time)))
}

/// `POST /v3/users`
pub async fn create(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = given(&mut ask, "user", &CREATE).await?;
    let user = identity.user_create(&ask.cx, given).await?;
    Ok(one(201, "user", user.body(&ask.cx.base)))
}

/// `GET /v3/users/{id}`
pub async fn show(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let user = identity.user_show(&ask.cx, ask.id("id")).await?;
    shown(&identity, &ask, &user).await
}

/// A user, and who vouches for it.
async fn shown(identity: &Identity, ask: &Ask, user: &User) -> Result<Answer, Fault> {
    let (mut body, federated) = (user.body(&ask.cx.base), identity.user_federated(&user.id).await?);
    if !federated.is_null() {
        body["federated"] = federated;
    }
    Ok(one(200, "user", body))
}

/// `PATCH /v3/users/{id}`
pub async fn update(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = given(&mut ask, "user", &UPDATE).await?;
    let user = identity.user_update(&ask.cx, ask.id("id"), given).await?;
    shown(&identity, &ask, &user).await
}

/// `DELETE /v3/users/{id}`
pub async fn delete(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    identity.user_delete(&ask.cx, ask.id("id")).await?;
    Ok(Answer::empty(204))
}

/// `DELETE /v3/users/{id}/tokens`
pub async fn tokens_revoke(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    identity.user_tokens_revoke(&ask.cx, ask.id("id")).await?;
    Ok(Answer::empty(204))
}

/// `POST /v3/users/{id}/password`
pub async fn password(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = super::body(&mut ask).await?["user"].take();
    PASSWORD.check(&given).map_err(unfit_at)?;
    let secret = |name: &str| Zeroizing::new(given[name].as_str().unwrap_or_default().to_owned());
    identity.password_change(&ask.cx, ask.id("id"), secret("original_password"), secret("password")).await?;
    Ok(Answer::empty(204))
}

/// `GET /v3/users/{id}/projects`
pub async fn projects(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let all = identity.user_projects(&ask.cx, ask.id("id")).await?;
    Ok(list(
        &ask,
        "projects",
        all.iter().map(|project| project.body(&ask.cx.base)),
        &["domain_id", "enabled", "name"],
    ))
}

/// `GET /v3/users/{id}/groups`
pub async fn groups(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let all = identity.group_list_of_user(&ask.cx, ask.id("id")).await?;
    // Memberships that end come with federation; others do not end.
    let body = |(group, end): &(Group, Option<Micros>)| {
        let mut body = group.body(&ask.cx.base);
        body["membership_expires_at"] = json!(end.map(Micros::micros_naked));
        body
    };
    Ok(list(&ask, "groups", all.iter().map(body), &["name"]))
}
