//! Projects, domains and tags on the wire.

use super::{below, boolean, flag, given, id, list, name, one, options, or_null};
use crate::Identity;
use crate::model::project::Project;
use crate::rules;
use fault::Fault;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};
use web::schema::Schema;
use web::{Answer, Ask};

fn attributes() -> Value {
    json!({
        "name": name(64), "description": or_null(json!({"type": "string"})), "enabled": boolean(),
        "domain_id": or_null(id()), "parent_id": or_null(id()), "is_domain": boolean(), "tags": tags(),
        "options": options(),
    })
}

fn tag() -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[^,/]*$"})
}

fn tags() -> Value {
    json!({"type": "array", "items": tag(), "maxItems": 80, "uniqueItems": true})
}

static PROJECT_CREATE: LazyLock<Schema> = LazyLock::new(|| below("project", &["name"], attributes()));
static PROJECT_UPDATE: LazyLock<Schema> = LazyLock::new(|| below("project", &[], attributes()));
static DOMAIN_CREATE: LazyLock<Schema> = LazyLock::new(|| below("domain", &["name"], attributes()));
static DOMAIN_UPDATE: LazyLock<Schema> = LazyLock::new(|| below("domain", &[], attributes()));
static TAGS: LazyLock<Schema> = LazyLock::new(|| {
    Schema::new(json!({"type": "object", "properties": {"tags": tags()}, "required": ["tags"]}))
});
static TAG: LazyLock<Schema> = LazyLock::new(|| Schema::new(tag()));

/// `GET /v3/projects`
pub async fn project_list(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let domains = flag(&ask, "is_domain");
    let all = identity.project_list(&ask.cx, domains).await?;
    let kept = all.into_iter().filter(|project| tagged(&ask, project));
    let filters = ["domain_id", "enabled", "name", "parent_id"];
    Ok(list(&ask, "projects", kept.map(|project| project.body(&ask.cx.base)), &filters))
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
    let project = identity.project_show(&ask.cx, ask.id("id"), false).await?;
    let mut body = project.body(&ask.cx.base);
    let asked = ["parents_as_list", "parents_as_ids", "subtree_as_list", "subtree_as_ids"].map(|name| ask.query.has(name));
    if asked.contains(&true) {
        for (pair, [first, second]) in [("parents", [asked[0], asked[1]]), ("subtree", [asked[2], asked[3]])] {
            if first && second {
                let said = format!("Cannot use {pair}_as_list and {pair}_as_ids query params at the same time.");
                return Err(Fault::bad_input(said));
            }
        }
        let (above, under) = identity.project_family(&project.id).await?;
        let wrapped = |all: &[Project]| -> Value { all.iter().map(|one| json!({"project": one.body(&ask.cx.base)})).collect() };
        if asked[0] {
            body["parents"] = wrapped(&above);
        }
        if asked[1] {
            body["parents"] = above.iter().rev().fold(Value::Null, |inner, one| json!({ one.id.as_str(): inner }));
        }
        if asked[2] {
            body["subtree"] = wrapped(&under);
        }
        if asked[3] {
            body["subtree"] = tree(&project.id, &under);
        }
    }
    Ok(one(200, "project", body))
}

fn tree(id: &str, all: &[Project]) -> Value {
    let children: Map<String, Value> =
        all.iter().filter(|one| one.parent_id == id).map(|one| (one.id.clone(), tree(&one.id, all))).collect();
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
    let all = identity.project_list(&ask.cx, true).await?;
    Ok(list(&ask, "domains", all.iter().map(|domain| domain.body(&ask.cx.base)), &["enabled", "name"]))
}

/// `POST /v3/domains`
pub async fn domain_create(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = given(&mut ask, "domain", &DOMAIN_CREATE).await?;
    let domain = identity.domain_create(&ask.cx, given).await?;
    Ok(one(201, "domain", domain.body(&ask.cx.base)))
}

/// `GET /v3/domains/{id}`
pub async fn domain_show(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let domain = identity.project_show(&ask.cx, ask.id("id"), true).await?;
    Ok(one(200, "domain", domain.body(&ask.cx.base)))
}

/// `PATCH /v3/domains/{id}`
pub async fn domain_update(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let given = given(&mut ask, "domain", &DOMAIN_UPDATE).await?;
    let domain = identity.project_update(&ask.cx, ask.id("id"), true, given).await?;
    Ok(one(200, "domain", domain.body(&ask.cx.base)))
}

/// `DELETE /v3/domains/{id}`
pub async fn domain_delete(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    identity.project_delete(&ask.cx, ask.id("id"), true).await?;
    Ok(Answer::empty(204))
}

/// `GET /v3/projects/{id}/tags`
pub async fn tag_list(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let tags = identity.project_show(&ask.cx, ask.id("id"), false).await?.tags;
    Ok(Answer::ok(&json!({"tags": tags, "links": {"self": ask.cx.url(&ask.path)}})))
}

/// `PUT /v3/projects/{id}/tags`
pub async fn tag_replace(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let body = ask.json().await?;
    TAGS.check(&body).map_err(|wrong| Fault::bad_input(wrong.message))?;
    let new: Vec<String> = body["tags"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    let replace = move |tags: &mut Vec<String>| {
        tags.clone_from(&new);
        Ok(())
    };
    let tags = identity.project_tags(&ask.cx, ask.id("id"), &rules::UPDATE_PROJECT_TAGS, replace).await?;
    Ok(Answer::ok(&json!({"tags": tags, "links": {"self": ask.cx.url(&ask.path)}})))
}

/// `DELETE /v3/projects/{id}/tags`
pub async fn tag_clear(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let clear = |tags: &mut Vec<String>| {
        tags.clear();
        Ok(())
    };
    identity.project_tags(&ask.cx, ask.id("id"), &rules::DELETE_PROJECT_TAGS, clear).await?;
    Ok(Answer::empty(204))
}

/// `GET /v3/projects/{id}/tags/{tag}`
pub async fn tag_check(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let project = identity.project_show(&ask.cx, ask.id("id"), false).await?;
    if project.tags.iter().any(|tag| tag == ask.id("tag")) { Ok(Answer::empty(204)) } else { Err(no_tag(ask.id("tag"))) }
}

/// `PUT /v3/projects/{id}/tags/{tag}`
pub async fn tag_add(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let tag = ask.id("tag").to_owned();
    TAG.check(&json!(tag)).map_err(|wrong| Fault::bad_input(wrong.message))?;
    let add = move |tags: &mut Vec<String>| {
        if tags.len() >= 80 && !tags.contains(&tag) {
            return Err(Fault::bad_input("A project has at most 80 tags."));
        }
        tags.push(tag.clone());
        Ok(())
    };
    identity.project_tags(&ask.cx, ask.id("id"), &rules::CREATE_PROJECT_TAG, add).await?;
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
    identity.project_tags(&ask.cx, ask.id("id"), &rules::DELETE_PROJECT_TAG, remove).await?;
    Ok(Answer::empty(204))
}

fn no_tag(tag: &str) -> Fault {
    Fault::not_found(format!("Could not find project tag: {tag}."))
}
