//! The schemas that the API tells of itself: clients take from them which attributes are the image's own properties.

use crate::ImageService;
use crate::model::image::{CONTAINER_FORMATS, DISK_FORMATS, READ_ONLY};
use fault::Fault;
use serde_json::{Value, json};
use std::sync::Arc;
use web::{Answer, Ask};

fn image() -> Value {
    let text = || json!({"type": ["null", "string"], "maxLength": 255});
    let count = || json!({"type": ["null", "integer"]});
    let mut properties = json!({
        "id": {"type": "string", "description": "An identifier for the image"},
        "name": text(), "owner": text(),
        "status": {"type": "string", "enum": ["queued", "saving", "active", "killed", "deleted", "uploading", "importing", "pending_delete", "deactivated"]},
        "visibility": {"type": "string", "enum": ["community", "public", "private", "shared"]},
        "protected": {"type": "boolean"}, "os_hidden": {"type": "boolean"},
        "checksum": text(), "os_hash_algo": text(), "os_hash_value": text(),
        "size": count(), "virtual_size": count(),
        "container_format": {"type": ["null", "string"], "enum": nullable(CONTAINER_FORMATS)},
        "disk_format": {"type": ["null", "string"], "enum": nullable(DISK_FORMATS)},
        "created_at": {"type": "string"}, "updated_at": {"type": "string"},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 255}},
        "direct_url": {"type": "string"},
        "min_ram": {"type": "integer"}, "min_disk": {"type": "integer"},
        "self": {"type": "string"}, "file": {"type": "string"}, "schema": {"type": "string"},
    });
    for (name, property) in properties.as_object_mut().into_iter().flatten() {
        if READ_ONLY.contains(&name.as_str()) && name != "id" {
            property["readOnly"] = json!(true);
        }
    }
    let links = json!([
        {"rel": "self", "href": "{self}"}, {"rel": "enclosure", "href": "{file}"}, {"rel": "describedby", "href": "{schema}"},
    ]);
    json!({"name": "image", "properties": properties, "additionalProperties": {"type": "string"}, "links": links})
}

fn nullable(all: &[&str]) -> Vec<Value> {
    std::iter::once(Value::Null).chain(all.iter().map(|one| json!(one))).collect()
}

fn member() -> Value {
    let text = || json!({"type": "string"});
    json!({"name": "member", "properties": {
        "created_at": text(), "image_id": text(), "member_id": text(), "schema": {"type": "string", "readOnly": true},
        "status": {"type": "string", "enum": ["pending", "accepted", "rejected"]}, "updated_at": text(),
    }})
}

fn collection(name: &str, item: &Value) -> Value {
    let text = || json!({"type": "string"});
    json!({
        "name": name,
        "properties": {name: {"type": "array", "items": item}, "first": text(), "next": text(), "schema": text()},
        "links": [{"rel": "first", "href": "{first}"}, {"rel": "next", "href": "{next}"}, {"rel": "describedby", "href": "{schema}"}],
    })
}

/// `GET /v2/schemas/image`
pub async fn image_schema(_: Arc<ImageService>, _: Ask) -> Result<Answer, Fault> {
    Ok(Answer::ok(&image()))
}

/// `GET /v2/schemas/images`
pub async fn images_schema(_: Arc<ImageService>, _: Ask) -> Result<Answer, Fault> {
    Ok(Answer::ok(&collection("images", &image())))
}

/// `GET /v2/schemas/member`
pub async fn member_schema(_: Arc<ImageService>, _: Ask) -> Result<Answer, Fault> {
    Ok(Answer::ok(&member()))
}

/// `GET /v2/schemas/members`
pub async fn members_schema(_: Arc<ImageService>, _: Ask) -> Result<Answer, Fault> {
    Ok(Answer::ok(&collection("members", &member())))
}
