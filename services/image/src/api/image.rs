//! Images on the wire.

use crate::ImageService;
use crate::model::image::Image;
use crate::model::patch;
use crate::ops::image::Asked;
use ::store::list::Direction;
use fault::{Fault, Kind};
use serde_json::{Value, json};
use std::sync::Arc;
use web::{Answer, Ask};

/// How many images a page has unless the client asks for fewer or more.
const PAGE: u32 = 25;
/// The most images of a page.
const LONGEST_PAGE: u32 = 1000;

/// `GET /v2/images`
pub async fn image_list(images: Arc<ImageService>, ask: Ask) -> Result<Answer, Fault> {
    let asked = asked(&ask)?;
    let page = images.image_list(&ask.cx, asked).await?;
    let bodies: Vec<_> = page.images.iter().map(Image::body).collect();
    let mut body = json!({"images": bodies, "first": link(&ask, None), "schema": "/v2/schemas/images"});
    if let Some(last) = page.images.last().filter(|_| page.full) {
        body["next"] = json!(link(&ask, Some(&last.id)));
    }
    Ok(Answer::ok(&body))
}

fn link(ask: &Ask, marker: Option<&str>) -> String {
    let kept = ask.query.pairs().filter(|(name, _)| *name != "marker");
    let all = kept.chain(marker.map(|marker| ("marker", marker)));
    let query: Vec<String> =
        all.map(|(name, value)| format!("{name}={}", web::ask::encoded(value))).collect();
    if query.is_empty() { "/v2/images".to_owned() } else { format!("/v2/images?{}", query.join("&")) }
}

fn asked(ask: &Ask) -> Result<Asked, Fault> {
    let mut asked = Asked { limit: PAGE, ..Asked::default() };
    let mut keys: Vec<String> = Vec::new();
    let mut directions: Vec<Direction> = Vec::new();
    for (name, value) in ask.query.pairs() {
        match name {
            "limit" => asked.limit = limit(value)?,
            "marker" => asked.marker = Some(value.to_owned()),
            "tag" => asked.tags.push(value.to_owned()),
            "sort_key" => keys.push(value.to_owned()),
            "sort_dir" => directions.push(direction(value)?),
            "sort" => {
                for one in value.split(',') {
                    let (key, way) = one.split_once(':').unwrap_or((one, "desc"));
                    asked.sort.push((key.trim().to_owned(), direction(way)?));
                }
            }
            "changes-since" => {}
            _ => asked.filters.push(filter(name, value)?),
        }
    }
    for (number, key) in keys.into_iter().enumerate() {
        let way = directions.get(number).or(directions.last()).copied().unwrap_or(Direction::Desc);
        asked.sort.push((key, way));
    }
    if asked.sort.is_empty() && !directions.is_empty() {
        asked.sort.push(("created_at".to_owned(), directions[0]));
    }
    Ok(asked)
}

fn limit(value: &str) -> Result<u32, Fault> {
    let number: i64 = value.parse().map_err(|_| Fault::bad_input("limit param must be an integer"))?;
    if number < 0 {
        return Err(Fault::bad_input("limit param must be positive"));
    }
    Ok(u32::try_from(number).unwrap_or(LONGEST_PAGE).min(LONGEST_PAGE))
}

fn direction(value: &str) -> Result<Direction, Fault> {
    match value {
        "asc" => Ok(Direction::Asc),
        "desc" => Ok(Direction::Desc),
        other => Err(Fault::bad_input(format!("Invalid sort direction: {other}"))),
    }
}

fn filter(name: &str, value: &str) -> Result<(String, String), Fault> {
    let bad = |what: &str| Err(Fault::bad_input(format!("Invalid {what} value: {value}")));
    match name {
        "visibility" if !["public", "private", "shared", "community", "all"].contains(&value) => {
            bad("visibility")
        }
        "member_status" if !["pending", "accepted", "rejected", "all"].contains(&value) => bad("status"),
        "size_min" | "size_max" if value.parse::<u64>().is_err() => Err(Fault::bad_input(format!(
            "Unable to filter by range with {name} {value}: it is not a whole number."
        ))),
        "protected" | "os_hidden" if !["true", "false"].contains(&value.to_ascii_lowercase().as_str()) => {
            bad(name)
        }
        "created_at" | "updated_at" => {
            let moment = value.split_once(':').map_or(value, |(_, moment)| moment);
            if kernel::Micros::parse(moment).is_none() && kernel::Micros::parse(value).is_none() {
                return bad(name);
            }
            Ok((name.to_owned(), value.to_owned()))
        }
        _ => Ok((name.to_owned(), value.to_owned())),
    }
}

/// `POST /v2/images`
pub async fn image_create(images: Arc<ImageService>, mut ask: Ask) -> Result<Answer, Fault> {
    let body = ask.json_or("JSON unsupported.").await?;
    let Value::Object(body) = body else { return Err(Fault::bad_input("Malformed JSON in request body.")) };
    let image = images.image_create(&ask.cx, body.into_iter().collect()).await?;
    Ok(Answer::json(201, &image.body()).with("location", &ask.cx.url(&format!("/v2/images/{}", image.id))))
}

/// `GET /v2/images/{id}`
pub async fn image_show(images: Arc<ImageService>, ask: Ask) -> Result<Answer, Fault> {
    Ok(Answer::ok(&images.image_show(&ask.cx, ask.id("id")).await?.body()))
}

/// `PATCH /v2/images/{id}`
pub async fn image_update(images: Arc<ImageService>, mut ask: Ask) -> Result<Answer, Fault> {
    let content_type = ask.header("content-type").split(';').next().unwrap_or_default().trim().to_owned();
    let old_dialect = match content_type.as_str() {
        "application/openstack-images-v2.1-json-patch" => false,
        "application/openstack-images-v2.0-json-patch" => true,
        _ => {
            return Err(Fault::new(
                Kind::UnsupportedMedia,
                format!(
                    "The request body has the content type '{content_type}', which cannot change an image."
                ),
            ));
        }
    };
    let changes = patch::changes(&ask.json_or("Malformed JSON in request body.").await?, old_dialect)?;
    Ok(Answer::ok(&images.image_update(&ask.cx, ask.id("id"), changes).await?.body()))
}

/// `DELETE /v2/images/{id}`
pub async fn image_delete(images: Arc<ImageService>, ask: Ask) -> Result<Answer, Fault> {
    images.image_delete(&ask.cx, ask.id("id")).await?;
    Ok(Answer::empty(204))
}

/// `POST /v2/images/{id}/actions/deactivate`
pub async fn image_deactivate(images: Arc<ImageService>, ask: Ask) -> Result<Answer, Fault> {
    images.image_activate(&ask.cx, ask.id("id"), false).await?;
    Ok(Answer::empty(204))
}

/// `POST /v2/images/{id}/actions/reactivate`
pub async fn image_reactivate(images: Arc<ImageService>, ask: Ask) -> Result<Answer, Fault> {
    images.image_activate(&ask.cx, ask.id("id"), true).await?;
    Ok(Answer::empty(204))
}

/// `PUT /v2/images/{id}/tags/{tag}`
pub async fn tag_add(images: Arc<ImageService>, ask: Ask) -> Result<Answer, Fault> {
    images.image_tag(&ask.cx, ask.id("id"), ask.id("tag"), true).await?;
    Ok(Answer::empty(204))
}

/// `DELETE /v2/images/{id}/tags/{tag}`
pub async fn tag_remove(images: Arc<ImageService>, ask: Ask) -> Result<Answer, Fault> {
    images.image_tag(&ask.cx, ask.id("id"), ask.id("tag"), false).await?;
    Ok(Answer::empty(204))
}
