//! Flavors, their extra specs and who may use them.

use super::Answered;
use super::form::{self, boolean, count, flag, int, name, object, text, texts, wrapped};
use super::page::{self, Form};
use crate::model::flavor::{Flavor, FlavorFacts};
use crate::ops::flavor::{FlavorQuery, no_spec};
use crate::{Compute, rules, versions};
use fault::Fault;
use policy::Target;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use web::{Answer, Ask, Cx, Version};

fn basic(cx: &Cx, flavor: &Flavor) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("id".into(), json!(flavor.facts.id));
    body.insert("name".into(), json!(flavor.facts.name));
    body.insert("links".into(), json!(page::links(cx, "flavors", &flavor.facts.id)));
    if cx.has(versions::FLAVOR_DESCRIPTION) {
        body.insert("description".into(), json!(flavor.description));
    }
    body
}

fn whole(cx: &Cx, flavor: &Flavor) -> Map<String, Value> {
    let facts = &flavor.facts;
    let mut body = basic(cx, flavor);
    let swap = match facts.swap_mib {
        0 if !cx.has(versions::STRICT) => json!(""),
        swap => json!(swap),
    };
    let mut put = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
    put("ram", json!(facts.memory_mib));
    put("disk", json!(facts.root_gib));
    put("swap", swap);
    put("OS-FLV-EXT-DATA:ephemeral", json!(facts.ephemeral_gib));
    put("vcpus", json!(facts.vcpus));
    put("os-flavor-access:is_public", json!(flavor.is_public));
    if !cx.has(versions::STRICT_EVERYWHERE) {
        put("OS-FLV-DISABLED:disabled", json!(flavor.disabled));
        put("rxtx_factor", json!(flavor.rxtx_factor));
    }
    if cx.has(versions::FLAVOR_SPECS) && cx.allows(&rules::FLAVOR_EXTRA_SPECS_INDEX, &Target::own(&cx.who)) {
        put("extra_specs", json!(facts.specs));
    }
    body
}

const SORT_KEYS: &[&str] = &[
    "created_at",
    "description",
    "disabled",
    "ephemeral_gb",
    "flavorid",
    "id",
    "is_public",
    "memory_mb",
    "name",
    "root_gb",
    "rxtx_factor",
    "swap",
    "updated_at",
    "vcpu_weight",
    "vcpus",
];
const SORT_KEYS_LATER: &[&str] = &[
    "created_at",
    "description",
    "disabled",
    "ephemeral_gb",
    "flavorid",
    "id",
    "is_public",
    "memory_mb",
    "name",
    "root_gb",
    "swap",
    "updated_at",
    "vcpu_weight",
    "vcpus",
];

fn query(ask: &Ask) -> Result<FlavorQuery, Fault> {
    let later = ask.cx.has(versions::STRICT_EVERYWHERE);
    let keys = if later { SORT_KEYS_LATER } else { SORT_KEYS };
    let mut known = vec![
        ("limit", Form::Count),
        ("marker", Form::Any),
        ("is_public", Form::Any),
        ("minRam", Form::Any),
        ("minDisk", Form::Any),
        ("sort_key", Form::One(keys)),
        ("sort_dir", Form::One(&["asc", "desc"])),
    ];
    if later {
        known.push(("name", Form::Any));
    }
    page::check(ask, &known, versions::STRICT)?;
    let (limit, marker) = page::bounds(ask)?;
    let number = |name: &str| -> Result<Option<i64>, Fault> {
        let wrong = |text: &str| Fault::bad_input(format!("Invalid {name} filter [{text}]"));
        ask.query.get(name).map(|text| text.parse().map_err(|_| wrong(text))).transpose()
    };
    let is_public = match ask.query.get("is_public").filter(|_| ask.cx.who.admin) {
        None => Some(true),
        Some(text) if text.eq_ignore_ascii_case("none") => None,
        Some(text) => {
            let wrong = || Fault::bad_input(format!("Invalid is_public filter [{text}]"));
            Some(crate::ops::server_list::truth(text).ok_or_else(wrong)?)
        }
    };
    Ok(FlavorQuery {
        is_public,
        min_ram: number("minRam")?,
        min_disk: number("minDisk")?,
        name: ask.query.get("name").filter(|_| later).map(str::to_owned),
        sort_key: ask.query.get("sort_key").unwrap_or("flavorid").to_owned(),
        descending: ask.query.get("sort_dir") == Some("desc"),
        marker,
        limit,
    })
}

async fn listed(
    compute: Arc<Compute>,
    ask: Ask,
    collection: &str,
    shown: fn(&Cx, &Flavor) -> Map<String, Value>,
) -> Answered {
    let flavors = compute.flavor_list(&ask.cx, query(&ask)?).await?;
    let all: Vec<_> = flavors.iter().map(|flavor| shown(&ask.cx, flavor)).collect();
    let mut body = json!({"flavors": all});
    if let Some(last) = flavors.last()
        && let Some(next) = page::next(&ask, collection, flavors.len(), &last.facts.id)
    {
        body["flavors_links"] = next;
    }
    Ok(Answer::ok(&body))
}

/// `GET /flavors`
pub async fn list(compute: Arc<Compute>, ask: Ask) -> Answered {
    listed(compute, ask, "flavors", basic).await
}

/// `GET /flavors/detail`
pub async fn detail(compute: Arc<Compute>, ask: Ask) -> Answered {
    listed(compute, ask, "flavors/detail", whole).await
}

/// `GET /flavors/{id}`
pub async fn show(compute: Arc<Compute>, ask: Ask) -> Answered {
    page::check(&ask, &[], versions::STRICT_EVERYWHERE)?;
    let flavor = compute.flavor_show(&ask.cx, ask.id("id")).await?;
    Ok(Answer::ok(&json!({"flavor": whole(&ask.cx, &flavor)})))
}

fn description_form() -> Value {
    json!({"type": ["string", "null"], "minLength": 0, "maxLength": 65535})
}

fn create_form(version: Version) -> Value {
    let size = |least: i64| json!({"type": ["integer", "string"], "pattern": "^[0-9]+$", "minimum": least, "maximum": 0x7fff_ffff});
    let mut properties = json!({
        "name": name(),
        "id": {"type": ["string", "number", "null"], "minLength": 1, "maxLength": 255,
            "pattern": "^[a-zA-Z0-9._\\-]([a-zA-Z0-9. _\\-]*[a-zA-Z0-9._\\-])?$"},
        "ram": size(1), "vcpus": size(1), "disk": size(0), "OS-FLV-EXT-DATA:ephemeral": size(0), "swap": size(0),
        "rxtx_factor": {"type": ["number", "string"], "pattern": "^[0-9]+(\\.[0-9]+)?$", "minimum": 1e-12, "maximum": 3.40282e38},
        "os-flavor-access:is_public": boolean(),
    });
    if version >= versions::FLAVOR_DESCRIPTION {
        properties["description"] = description_form();
    }
    if version >= versions::STRICT_EVERYWHERE
        && let Some(all) = properties.as_object_mut()
    {
        all.remove("rxtx_factor");
    }
    wrapped("flavor", object(properties, &["name", "ram", "vcpus", "disk"]))
}

/// `POST /flavors`
pub async fn create(compute: Arc<Compute>, mut ask: Ask) -> Answered {
    let body = form::body(&mut ask, "flavor_create", create_form).await?;
    let asked = &body["flavor"];
    let size = |name: &str| count(&asked[name]).unwrap_or(0);
    let facts = FlavorFacts {
        id: match &asked["id"] {
            Value::Null => String::new(),
            Value::String(id) => id.clone(),
            other => other.to_string(),
        },
        name: asked["name"].as_str().unwrap_or_default().trim().to_owned(),
        vcpus: size("vcpus"),
        memory_mib: size("ram"),
        root_gib: size("disk"),
        ephemeral_gib: size("OS-FLV-EXT-DATA:ephemeral"),
        swap_mib: size("swap"),
        specs: Default::default(),
    };
    let factor = &asked["rxtx_factor"];
    let flavor = Flavor {
        facts,
        number: 0,
        rxtx_factor: factor.as_f64().or_else(|| factor.as_str()?.parse().ok()).unwrap_or(1.0),
        is_public: flag(&asked["os-flavor-access:is_public"]).unwrap_or(true),
        disabled: false,
        description: text(&asked["description"]),
    };
    let made = compute.flavor_create(&ask.cx, flavor).await?;
    Ok(Answer::ok(&json!({"flavor": whole(&ask.cx, &made)})))
}

fn update_form(_: Version) -> Value {
    wrapped("flavor", object(json!({"description": description_form()}), &["description"]))
}

/// `PUT /flavors/{id}`
pub async fn update(compute: Arc<Compute>, mut ask: Ask) -> Answered {
    let body = form::body(&mut ask, "flavor_update", update_form).await?;
    let flavor = compute.flavor_update(&ask.cx, ask.id("id"), text(&body["flavor"]["description"])).await?;
    Ok(Answer::ok(&json!({"flavor": whole(&ask.cx, &flavor)})))
}

/// `DELETE /flavors/{id}`
pub async fn delete(compute: Arc<Compute>, ask: Ask) -> Answered {
    compute.flavor_delete(&ask.cx, ask.id("id")).await?;
    Ok(Answer::empty(202))
}

/// `GET /flavors/{id}/os-extra_specs`
pub async fn specs_list(compute: Arc<Compute>, ask: Ask) -> Answered {
    page::check(&ask, &[], versions::STRICT_EVERYWHERE)?;
    ask.cx.may(&rules::FLAVOR_EXTRA_SPECS_INDEX, &Target::own(&ask.cx.who))?;
    let flavor = compute.flavor_show(&ask.cx, ask.id("id")).await?;
    Ok(Answer::ok(&json!({"extra_specs": flavor.facts.specs})))
}

/// `GET /flavors/{id}/os-extra_specs/{key}`
pub async fn spec_show(compute: Arc<Compute>, ask: Ask) -> Answered {
    page::check(&ask, &[], versions::STRICT_EVERYWHERE)?;
    ask.cx.may(&rules::FLAVOR_EXTRA_SPECS_SHOW, &Target::own(&ask.cx.who))?;
    let (id, key) = (ask.id("id"), ask.id("key"));
    let flavor = compute.flavor_show(&ask.cx, id).await?;
    let value = flavor.facts.specs.get(key).ok_or_else(|| no_spec(id, key))?;
    Ok(Answer::ok(&json!({key: value})))
}

fn specs_form(_: Version) -> Value {
    json!({"type": "object",
        "patternProperties": {"^[a-zA-Z0-9-_:. ]{1,255}$": {"type": ["string", "number"], "maxLength": 255}},
        "additionalProperties": false})
}

/// Known extra specs have values of a known form.
fn check_specs(cx: &Cx, specs: &std::collections::BTreeMap<String, String>) -> Result<(), Fault> {
    if !cx.has(versions::SPECS_CHECKED) {
        return Ok(());
    }
    const KNOWN: &[&str] = &[
        "hw",
        "hw_rng",
        "hw_video",
        "os",
        "trait",
        "resources",
        "quota",
        "accel",
        "aggregate_instance_extra_specs",
        "capabilities",
        "hide_hypervisor_id",
        "pci_passthrough",
        "powervm",
        "vmware",
    ];
    for (key, value) in specs {
        let space = key.split_once(':').map(|(space, _)| space);
        // Numbered groups (`resources1`) belong to the space without their number; unknown spaces are free.
        let Some(space) = space.map(|space| space.trim_end_matches(|c: char| c.is_ascii_digit())) else {
            continue;
        };
        if !KNOWN.contains(&space) {
            continue;
        }
        if space == "trait" && !matches!(value.as_str(), "required" | "forbidden") {
            return Err(Fault::bad_input(format!(
                "Validation failed; extra spec '{key}' accepts values 'required', 'forbidden'; '{value}' is not valid"
            )));
        }
    }
    Ok(())
}

/// `POST /flavors/{id}/os-extra_specs`
pub async fn specs_create(compute: Arc<Compute>, mut ask: Ask) -> Answered {
    let make = |version| wrapped("extra_specs", specs_form(version));
    let body = form::body(&mut ask, "flavor_specs_create", make).await?;
    ask.cx.may(&rules::FLAVOR_EXTRA_SPECS_CREATE, &Target::none())?;
    let specs = texts(&body["extra_specs"]);
    check_specs(&ask.cx, &specs)?;
    compute.flavor_specs_set(&ask.cx, ask.id("id"), specs).await?;
    Ok(Answer::ok(&body))
}

/// `PUT /flavors/{id}/os-extra_specs/{key}`
pub async fn spec_update(compute: Arc<Compute>, mut ask: Ask) -> Answered {
    let make = |version| {
        let mut form = specs_form(version);
        form["minProperties"] = json!(1);
        form["maxProperties"] = json!(1);
        form
    };
    let body = form::body(&mut ask, "flavor_spec_update", make).await?;
    ask.cx.may(&rules::FLAVOR_EXTRA_SPECS_UPDATE, &Target::none())?;
    let specs = texts(&body);
    check_specs(&ask.cx, &specs)?;
    if !specs.contains_key(ask.id("key")) {
        return Err(Fault::bad_input("Request body and URI mismatch"));
    }
    compute.flavor_specs_set(&ask.cx, ask.id("id"), specs).await?;
    Ok(Answer::ok(&body))
}

/// `DELETE /flavors/{id}/os-extra_specs/{key}`
pub async fn spec_delete(compute: Arc<Compute>, ask: Ask) -> Answered {
    compute.flavor_spec_delete(&ask.cx, ask.id("id"), ask.id("key")).await?;
    Ok(Answer::empty(200))
}

fn access(id: &str, projects: &[String]) -> Answer {
    let all: Vec<Value> =
        projects.iter().map(|project| json!({"flavor_id": id, "tenant_id": project})).collect();
    Answer::ok(&json!({"flavor_access": all}))
}

/// `GET /flavors/{id}/os-flavor-access`
pub async fn access_list(compute: Arc<Compute>, ask: Ask) -> Answered {
    let projects = compute.flavor_access_list(&ask.cx, ask.id("id")).await?;
    Ok(access(ask.id("id"), &projects))
}

fn access_form(action: &str) -> Value {
    wrapped(
        action,
        object(json!({"tenant": {"type": "string", "minLength": 1, "maxLength": 255}}), &["tenant"]),
    )
}

/// `POST /flavors/{id}/action`
pub async fn action(compute: Arc<Compute>, mut ask: Ask) -> Answered {
    let body = ask.json_or(form::MALFORMED).await?;
    let named = body.as_object().and_then(|body| body.keys().next().cloned());
    let (cx, id) = (ask.cx.clone(), ask.id("id").to_owned());
    let projects = match named.as_deref() {
        Some("addTenantAccess") => {
            form::check(&body, "flavor_access_add", cx.version, |_| access_form("addTenantAccess"))?;
            let project = text(&body["addTenantAccess"]["tenant"]).unwrap_or_default();
            compute.flavor_access_add(&cx, &id, &project).await?
        }
        Some("removeTenantAccess") => {
            form::check(&body, "flavor_access_remove", cx.version, |_| access_form("removeTenantAccess"))?;
            let project = text(&body["removeTenantAccess"]["tenant"]).unwrap_or_default();
            compute.flavor_access_remove(&cx, &id, &project).await?
        }
        Some(other) => return Err(Fault::bad_input(format!("There is no such action: {other}"))),
        None => return Err(Fault::bad_input(form::MALFORMED)),
    };
    Ok(access(&id, &projects))
}

/// A whole number that a path names.
pub fn number(text: &str) -> Result<i64, Fault> {
    int(&Value::from(text)).ok_or_else(|| Fault::bad_input("Invalid input received: id must be an integer"))
}
