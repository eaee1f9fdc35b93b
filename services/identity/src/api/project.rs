//! Projects, domains and tags on the wire.

use super::{
    below, below_any, check_query, flag, flag_or_word, flags, given, id, name, narrow, one, options, or_null,
    paged, truth, unfit,
};
use crate::Identity;
use crate::model::narrow::Narrow;
use crate::model::project::Project;
use crate::ops::project::Family;
use crate::rules;
use fault::Fault;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};
use web::schema::Schema;
use web::{Answer, Ask};

fn attributes() -> Value {
    json!({
        "name": name(64), "description": or_null(json!({"type": "string"})), "enabled": flag_or_word(),
        "domain_id": or_null(id()), "parent_id": or_null(id()), "is_domain": flag_or_word(), "tags": tags(),
        "options": options(&["immutable"]),
    })
}

fn tag() -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[^,/]*$"})
}

fn tags() -> Value {
    json!({"type": "array", "items": tag(), "maxItems": 80, "uniqueItems": true})
}

static PROJECT_CREATE: LazyLock<Schema> = LazyLock::new(|| below("project", &["name"], attributes()));
static PROJECT_UPDATE: LazyLock<Schema> = LazyLock::new(|| below_any("project", attributes()));
static QUERY: LazyLock<Schema> = LazyLock::new(|| flags(&["enabled", "is_domain"]));
static DOMAIN_CREATE: LazyLock<Schema> = LazyLock::new(|| below("domain", &["name"], attributes()));
static DOMAIN_UPDATE: LazyLock<Schema> = LazyLock::new(|| below("domain", &[], attributes()));
static TAGS: LazyLock<Schema> = LazyLock::new(|| {
    Schema::new(
        json!({"type": "object", "properties": {"tags": tags()}, "required": ["tags"], "additionalProperties": false}),
    )
});
static TAG: LazyLock<Schema> = LazyLock::new(|| Schema::new(tag()));

/// `GET /v3/projects`
pub async fn project_list(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    check_query(&ask, &QUERY)?;
    let domains = ask.query.get("is_domain").is_some_and(truth);
    let all = identity.project_list(&ask.cx, domains, narrow(&ask)).await?;
    let kept = all.into_iter().filter(|project| tagged(&ask, project));
    let bodies = kept.map(|project| project.body(&ask.cx.base)).collect();
    paged(&ask, "projects", bodies, &["domain_id", "enabled", "name", "parent_id"])
}

fn tagged(ask: &Ask, project: &Project) -> bool {
    let own: BTreeSet<&str> = project.tags.iter().map(String::as_str).collect();
    ask.query.pairs().all(|(asked, value)| {
        let mut wanted = value.split(',');
        match asked {
            "tags" => wanted.all(|tag| own.contains(tag)),
            "tags-any" => wanted.any(|tag| own.contains(tag)),
            "not-tags" => !wanted.all(|tag| own.contains(tag)),
            "not-tags-any" => !wanted.any(|tag| own.contains(tag)),
            _ => true,
        }
    })
}

/// `POST /v3/projects`
pub async fn project_create(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = given(&mut ask, "project", &PROJECT_CREATE).await?;
    let project = identity.project_create(&ask.cx, given).await?;
    Ok(one(201, "project", project.body(&ask.cx.base)))
}

/// `GET /v3/projects/{id}`
pub async fn project_show(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let project = identity.project_show(&ask.cx, ask.id("id"), &rules::GET_PROJECT).await?;
    let mut body = project.body(&ask.cx.base);
    for part in ["parents", "subtree"] {
        if let Some(form) = form(&ask, part)? {
            let limits = flag(&ask, "include_limits");
            let family = identity.project_family(&ask.cx, &project.id, limits).await?;
            body[part] = relatives(&ask, &project, &family, part, form);
        }
    }
    Ok(one(200, "project", body))
}

/// How the relatives of a project are told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Each in full; only those on which the caller has a role.
    List,
    /// Ids in each other.
    Ids,
}

fn form(ask: &Ask, part: &str) -> Result<Option<Form>, Fault> {
    match [format!("{part}_as_list"), format!("{part}_as_ids")].map(|name| flag(ask, &name)) {
        [true, true] => Err(Fault::bad_input(format!(
            "Cannot use {part}_as_list and {part}_as_ids query params at the same time."
        ))),
        [true, false] => Ok(Some(Form::List)),
        [false, true] => Ok(Some(Form::Ids)),
        [false, false] => Ok(None),
    }
}

fn relatives(ask: &Ask, project: &Project, family: &Family, part: &str, form: Form) -> Value {
    let all = if part == "parents" { &family.above } else { &family.below };
    match form {
        Form::List => {
            let own = all.iter().filter(|one| family.own.contains(&one.id));
            own.map(|one| json!({"project": relative(ask, one, family)})).collect()
        }
        Form::Ids if part == "parents" => {
            all.iter().rev().fold(Value::Null, |inner, one| json!({ one.id.as_str(): inner }))
        }
        Form::Ids => tree(&project.id, all),
    }
}

/// A relative in full, with its own limits if they were asked for.
fn relative(ask: &Ask, project: &Project, family: &Family) -> Value {
    let mut body = project.body(&ask.cx.base);
    if let Some(limits) = &family.limits {
        let own = limits.iter().filter(|limit| limit.holder.project_id() == Some(project.id.as_str()));
        let bare = own.map(|limit| {
            let mut body = limit.body(&ask.cx.base);
            body.as_object_mut().map(|body| body.remove("links"));
            body
        });
        body["limits"] = bare.collect();
    }
    body
}

fn tree(id: &str, all: &[Project]) -> Value {
    let children: Map<String, Value> = all
        .iter()
        .filter(|one| one.parent_id == id)
        .map(|one| (one.id.clone(), tree(&one.id, all)))
        .collect();
    if children.is_empty() { Value::Null } else { Value::Object(children) }
}

/// `PATCH /v3/projects/{id}`
pub async fn project_update(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = given(&mut ask, "project", &PROJECT_UPDATE).await?;
    let project = identity.project_update(&ask.cx, ask.id("id"), false, given).await?;
    Ok(one(200, "project", project.body(&ask.cx.base)))
}

/// `DELETE /v3/projects/{id}`
pub async fn project_delete(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    identity.project_delete(&ask.cx, ask.id("id"), false).await?;
    Ok(Answer::empty(204))
}

/// `GET /v3/domains`
pub async fn domain_list(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    check_query(&ask, &QUERY)?;
    let all = identity.project_list(&ask.cx, true, Narrow { domain_id: None, ..narrow(&ask) }).await?;
    let bodies = all.iter().map(|domain| domain.domain_body(&ask.cx.base)).collect();
    paged(&ask, "domains", bodies, &["enabled", "name"])
}

/// `POST /v3/domains`
pub async fn domain_create(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = given(&mut ask, "domain", &DOMAIN_CREATE).await?;
    let domain = identity.domain_create(&ask.cx, given).await?;
    Ok(one(201, "domain", domain.domain_body(&ask.cx.base)))
}

/// `GET /v3/domains/{id}`
pub async fn domain_show(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let domain = identity.domain_show(&ask.cx, ask.id("id")).await?;
    Ok(one(200, "domain", domain.domain_body(&ask.cx.base)))
}

/// `PATCH /v3/domains/{id}`
pub async fn domain_update(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = given(&mut ask, "domain", &DOMAIN_UPDATE).await?;
    let domain = identity.project_update(&ask.cx, ask.id("id"), true, given).await?;
    Ok(one(200, "domain", domain.domain_body(&ask.cx.base)))
}

/// `DELETE /v3/domains/{id}`
pub async fn domain_delete(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    identity.project_delete(&ask.cx, ask.id("id"), true).await?;
    Ok(Answer::empty(204))
}

/// `GET /v3/projects/{id}/tags`
pub async fn tag_list(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let tags = identity.project_show(&ask.cx, ask.id("id"), &rules::LIST_PROJECT_TAGS).await?.tags;
    Ok(Answer::ok(&json!({"tags": tags, "links": {"self": ask.cx.url(&ask.path)}})))
}

/// `PUT /v3/projects/{id}/tags`
pub async fn tag_replace(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let body = super::body(&mut ask).await?;
    TAGS.check(&body).map_err(unfit)?;
    let new: Vec<String> = body["tags"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(|tag| tag.trim().to_owned())
        .collect();
    let replace = move |tags: &mut Vec<String>| {
        tags.clone_from(&new);
        Ok(())
    };
    let tags =
        identity.project_tags(&ask.cx, ask.id("id"), &rules::UPDATE_PROJECT_TAGS, "update", replace).await?;
    Ok(Answer::ok(&json!({"tags": tags, "links": {"self": ask.cx.url(&ask.path)}})))
}

/// `DELETE /v3/projects/{id}/tags`
pub async fn tag_clear(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let clear = |tags: &mut Vec<String>| {
        tags.clear();
        Ok(())
    };
    identity.project_tags(&ask.cx, ask.id("id"), &rules::DELETE_PROJECT_TAGS, "update", clear).await?;
    Ok(Answer::empty(204))
}

/// `GET /v3/projects/{id}/tags/{tag}`
pub async fn tag_check(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let project = identity.project_show(&ask.cx, ask.id("id"), &rules::GET_PROJECT_TAG).await?;
    if project.tags.iter().any(|tag| tag == ask.id("tag")) {
        Ok(Answer::empty(204))
    } else {
        Err(no_tag(ask.id("tag")))
    }
}

/// `PUT /v3/projects/{id}/tags/{tag}`
pub async fn tag_add(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let tag = ask.id("tag").to_owned();
    TAG.check(&json!(tag)).map_err(unfit)?;
    let tag = tag.trim().to_owned();
    let add = move |tags: &mut Vec<String>| {
        if tags.len() >= 80 && !tags.contains(&tag) {
            return Err(Fault::bad_input("A project has at most 80 tags."));
        }
        tags.push(tag.clone());
        Ok(())
    };
    identity.project_tags(&ask.cx, ask.id("id"), &rules::CREATE_PROJECT_TAG, "create", add).await?;
    Ok(Answer::empty(201).with("location", &ask.cx.url(&ask.path)))
}

/// `DELETE /v3/projects/{id}/tags/{tag}`
pub async fn tag_remove(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let tag = ask.id("tag").to_owned();
    let remove = move |tags: &mut Vec<String>| {
        let place = tags.iter().position(|own| *own == tag).ok_or_else(|| no_tag(&tag))?;
        tags.remove(place);
        Ok(())
    };
    identity.project_tags(&ask.cx, ask.id("id"), &rules::DELETE_PROJECT_TAG, "delete", remove).await?;
    Ok(Answer::empty(204))
}

fn no_tag(tag: &str) -> Fault {
    Fault::not_found(format!("Could not find project tag: {tag}."))
}
