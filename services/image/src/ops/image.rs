//! Images: who sees which, what can be said of them, and what cannot be changed any more.

use crate::ImageService;
use crate::model::image::{BASE, CONTAINER_FORMATS, DISK_FORMATS, Image, READ_ONLY, RESERVED, Status};
use crate::model::patch::{Change, Verb};
use crate::rules;
use crate::store::{image::*, member};
use ::store::list::{Direction, List, ListError, Operator};
use ::store::{Tx, params};
use fault::Fault;
use policy::{Rule, Target, Who};
use serde_json::Value;
use std::collections::BTreeMap;
use web::Cx;

/// The most properties that an image can have (Glance's `image_property_quota`).
const MOST_PROPERTIES: usize = 128;
/// The most tags (`image_tag_quota`).
const MOST_TAGS: usize = 128;

/// Which images a list shows.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// `name=x`, `size_min=1`, a property: in the order of the query.
    pub filters: Vec<(String, String)>,
    /// Tags that all must be there.
    pub tags: Vec<String>,
    /// Sort keys with directions.
    pub sort: Vec<(String, Direction)>,
    /// The last image of the page before.
    pub marker: Option<String>,
    /// The most images to show.
    pub limit: u32,
}

/// A page of a list.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its images.
    pub images: Vec<Image>,
    /// There may be more after it.
    pub full: bool,
}

/// `No image found with ID …`
pub(super) fn missing(id: &str) -> Fault {
    Fault::not_found(format!("No image found with ID {id}"))
}

/// Whether `who` sees the image at all.
pub(crate) fn sees(tx: &Tx, who: &Who, image: &Image) -> Result<bool, Fault> {
    if who.admin
        || image.owner == who.project()
        || matches!(image.visibility.as_str(), "public" | "community")
    {
        return Ok(true);
    }
    Ok(image.visibility == "shared" && member::member_by_id(tx, &image.id, who.project())?.is_some())
}

/// What rules may ask of an image: all that is said of it, and its own properties, none of which stands for the former.
/// Whoever sees an image that is shared and not his own is a member of it.
pub(crate) fn image_target(who: &Who, image: &Image) -> Target {
    let lent = image.visibility == "shared" && image.owner != who.project();
    let member = if lent { who.project() } else { "None" };
    owned(Target::none().with_body(&image.body()), &image.owner)
        .with("image_id", &image.id)
        .with("member", member)
        .with("member_id", member)
}

/// What rules may ask of an image that is not there yet. One of which nothing is said of who may see it is private to them.
fn wished_target(owner: &str, given: &[(String, Value)]) -> Target {
    let said = given.iter().find(|(name, _)| name == "visibility").and_then(|(_, value)| value.as_str());
    owned(Target::none(), owner).with("visibility", said.unwrap_or("private"))
}

/// The target with whose it is.
fn owned(target: Target, owner: &str) -> Target {
    let owner = if owner.is_empty() { "None" } else { owner };
    target.and(Target::project(owner)).with("owner", owner)
}

/// The image, if the caller knows of it: a stranger's image does not exist.
pub(super) fn image_known(tx: &Tx, cx: &Cx, id: &str) -> Result<Image, Fault> {
    let image = image_by_id(tx, id)?.ok_or_else(|| missing(id))?;
    if sees(tx, &cx.who, &image)? { Ok(image) } else { Err(missing(id)) }
}

/// The image, if the caller may do `rule` to it.
pub(super) fn image_for(tx: &Tx, cx: &Cx, id: &str, rule: &Rule) -> Result<Image, Fault> {
    let image = image_known(tx, cx, id)?;
    may(cx, rule, &image)?;
    Ok(image)
}

/// Refuses what a rule does not allow. Where the caller may not even see the image, there is none.
pub(super) fn may(cx: &Cx, rule: &Rule, image: &Image) -> Result<(), Fault> {
    let target = image_target(&cx.who, image);
    cx.may(rule, &target).map_err(|refused| match cx.allows(&rules::GET_IMAGE, &target) {
        true => refused,
        false => Fault::not_found("The resource could not be found."),
    })
}

impl ImageService {
    /// The images that the caller sees, as asked: a page of those that he knows of, without those that a rule hides.
    pub async fn image_list(&self, cx: &Cx, asked: Asked) -> Result<Page, Fault> {
        cx.may(&rules::GET_IMAGES, &Target::own(&cx.who))?;
        let cx = cx.clone();
        self.db
            .read(move |tx| {
                let list = list(&cx.who, &asked).map_err(bad_list)?;
                let rows = list.rows(tx, SELECT).map_err(bad_list)?;
                let mut images = rows.iter().map(|row| image(tx, row)).collect::<Result<Vec<_>, _>>()?;
                images.retain(|image| cx.allows(&rules::GET_IMAGE, &image_target(&cx.who, image)));
                Ok(Page { images, full: asked.limit > 0 && rows.len() == asked.limit as usize })
            })
            .await
    }

    /// One image.
    pub async fn image_show(&self, cx: &Cx, id: &str) -> Result<Image, Fault> {
        let (cx, id) = (cx.clone(), id.to_owned());
        self.db.read(move |tx| image_for(tx, &cx, &id, &rules::GET_IMAGE)).await
    }

    /// Makes an image without data.
    pub async fn image_create(&self, cx: &Cx, given: Vec<(String, Value)>) -> Result<Image, Fault> {
        let cx = cx.clone();
        self.db
            .write(move |tx| {
                let mut image = blank(tx, &cx);
                for (name, value) in &given {
                    if name == "id" {
                        image.id = value.as_str().unwrap_or_default().to_owned();
                        continue;
                    }
                    forbid(name)?;
                    set(&mut image, name, value)?;
                }
                cx.may(&rules::ADD_IMAGE, &wished_target(&image.owner, &given))?;
                check_visibility(&cx, &image, "shared")?;
                check(&image)?;
                if !image_insert(tx, &image)? {
                    return Err(Fault::conflict(format!("Image ID {} already exists!", image.id)));
                }
                Ok(image)
            })
            .await
    }

    /// Changes an image.
    pub async fn image_update(&self, cx: &Cx, id: &str, changes: Vec<Change>) -> Result<Image, Fault> {
        let (cx, id) = (cx.clone(), id.to_owned());
        self.db
            .write(move |tx| {
                let mut image = image_for(tx, &cx, &id, &rules::MODIFY_IMAGE)?;
                let before = image.visibility.clone();
                for change in &changes {
                    apply(&cx, &mut image, change)?;
                }
                check_visibility(&cx, &image, &before)?;
                check(&image)?;
                image_update(tx, &image)?;
                image_by_id(tx, &id)?.ok_or_else(|| missing(&id))
            })
            .await
    }

    /// Deletes an image. Its data goes after the commit; what a crash leaves goes at the next start.
    pub async fn image_delete(&self, cx: &Cx, id: &str) -> Result<(), Fault> {
        let (cx, gone) = (cx.clone(), id.to_owned());
        self.db
            .write(move |tx| {
                let image = image_for(tx, &cx, &gone, &rules::DELETE_IMAGE)?;
                if image.protected {
                    return Err(Fault::forbidden(format!(
                        "Image {gone} is protected and cannot be deleted."
                    )));
                }
                image_delete(tx, &gone)?;
                reconcile::want(tx, contract::image::COPIES, &gone)
            })
            .await?;
        let _elsewhere = self.db.clock().elsewhere();
        self.data.remove(id).await;
        Ok(())
    }

    /// Takes an image out of use, or puts it into use again.
    pub async fn image_activate(&self, cx: &Cx, id: &str, active: bool) -> Result<(), Fault> {
        let (cx, id) = (cx.clone(), id.to_owned());
        self.db
            .write(move |tx| {
                let rule = if active { &rules::REACTIVATE } else { &rules::DEACTIVATE };
                let mut image = image_for(tx, &cx, &id, rule)?;
                let (to, verb) = if active {
                    (Status::Active, "reactivated")
                } else {
                    (Status::Deactivated, "deactivated")
                };
                if !matches!(image.status, Status::Active | Status::Deactivated) {
                    return Err(Fault::forbidden(format!(
                        "Not allowed: image {id} with status '{}' cannot be {verb}.",
                        image.status.word()
                    )));
                }
                image.status = to;
                image_update(tx, &image)
            })
            .await
    }

    /// Adds a tag, or takes it away.
    pub async fn image_tag(&self, cx: &Cx, id: &str, tag: &str, on: bool) -> Result<(), Fault> {
        if tag.chars().count() > 255 {
            return Err(Fault::bad_input(format!(
                "Provided object does not match schema 'image': '{tag}' is too long"
            )));
        }
        let (cx, id, tag) = (cx.clone(), id.to_owned(), tag.to_owned());
        self.db
            .write(move |tx| {
                let mut image = image_for(tx, &cx, &id, &rules::MODIFY_IMAGE)?;
                let there = image.tags.iter().position(|own| *own == tag);
                match (there, on) {
                    (None, false) => return Err(Fault::not_found(format!("Image {id} has no tag {tag}"))),
                    (Some(place), false) => drop(image.tags.remove(place)),
                    (None, true) => image.tags.push(tag.clone()),
                    (Some(_), true) => {}
                }
                check(&image)?;
                image_update(tx, &image)
            })
            .await
    }
}

fn blank(tx: &Tx, cx: &Cx) -> Image {
    Image {
        id: tx.entropy().dashed_id(),
        name: None,
        status: Status::Queued,
        visibility: "shared".to_owned(),
        owner: cx.who.project().to_owned(),
        disk_format: None,
        container_format: None,
        bytes: None,
        virtual_bytes: None,
        checksum: None,
        sha512: None,
        min_disk: 0,
        min_ram: 0,
        protected: false,
        hidden: false,
        tags: Vec::new(),
        properties: BTreeMap::new(),
        created_at: tx.now(),
        updated_at: tx.now(),
    }
}

fn forbid(name: &str) -> Result<(), Fault> {
    if READ_ONLY.contains(&name) {
        return Err(Fault::forbidden(format!("Attribute '{name}' is read-only.")));
    }
    if RESERVED.contains(&name) {
        return Err(Fault::forbidden(format!("Attribute '{name}' is reserved.")));
    }
    if name == "locations" {
        return Err(Fault::forbidden("It's not allowed to add locations if locations are invisible."));
    }
    Ok(())
}

fn apply(cx: &Cx, image: &mut Image, change: &Change) -> Result<(), Fault> {
    let name = change.name.as_str();
    forbid(name)?;
    let known = BASE.contains(&name);
    match change.verb {
        Verb::Remove if known => {
            return Err(Fault::forbidden(format!("Property {name} may not be removed.")));
        }
        Verb::Remove => {
            let missing = || Fault::conflict(format!("Property {name} does not exist."));
            image.properties.remove(name).ok_or_else(missing)?;
        }
        Verb::Replace if !known && !image.properties.contains_key(name) => {
            return Err(Fault::conflict(format!("Property {name} does not exist.")));
        }
        Verb::Add | Verb::Replace => {
            if name == "owner" && !cx.who.admin {
                return Err(Fault::forbidden(format!(
                    "You are not permitted to set an owner for image {}.",
                    image.id
                )));
            }
            let formats = matches!(name, "disk_format" | "container_format");
            if formats && image.status != Status::Queued && body_of(image, name) != change.value {
                return Err(Fault::forbidden(format!(
                    "Attribute {name} can be only replaced for a queued image."
                )));
            }
            set(image, name, &change.value)?;
        }
    }
    Ok(())
}

fn body_of(image: &Image, name: &str) -> Value {
    image.body().remove(name).unwrap_or_default()
}

/// Sets one attribute; types are checked here for both ways of saying them.
fn set(image: &mut Image, name: &str, value: &Value) -> Result<(), Fault> {
    let wrong = |kind: &str| {
        Fault::bad_input(format!(
            "Provided object does not match schema 'image': {} is not of type {kind}",
            web::schema::python(value)
        ))
    };
    let text = || value.as_str().map(str::to_owned);
    let text_or_null = || match value {
        Value::Null => Ok(None),
        other => other.as_str().map(|text| Some(text.to_owned())).ok_or_else(|| wrong("'null', 'string'")),
    };
    let count = || value.as_u64().filter(|count| *count <= 0x7fff_ffff).ok_or_else(|| wrong("'integer'"));
    let boolean = || value.as_bool().ok_or_else(|| wrong("'boolean'"));
    match name {
        "name" => image.name = text_or_null()?,
        "disk_format" => image.disk_format = text_or_null()?,
        "container_format" => image.container_format = text_or_null()?,
        "owner" => image.owner = text_or_null()?.unwrap_or_default(),
        "visibility" => image.visibility = text().ok_or_else(|| wrong("'string'"))?,
        "min_disk" => image.min_disk = count()?,
        "min_ram" => image.min_ram = count()?,
        "protected" => image.protected = boolean()?,
        "os_hidden" => image.hidden = boolean()?,
        "tags" => {
            let all = value.as_array().ok_or_else(|| wrong("'array'"))?;
            let mut tags: Vec<String> = all
                .iter()
                .map(|tag| tag.as_str().map(str::to_owned).ok_or_else(|| wrong("'string'")))
                .collect::<Result<_, _>>()?;
            tags.sort();
            tags.dedup();
            image.tags = tags;
        }
        _ => {
            let value = text().ok_or_else(|| wrong("'string'"))?;
            image.properties.insert(name.to_owned(), value);
        }
    }
    Ok(())
}

fn check_visibility(cx: &Cx, image: &Image, before: &str) -> Result<(), Fault> {
    if image.visibility == before {
        return Ok(());
    }
    let target = image_target(&cx.who, image);
    match image.visibility.as_str() {
        "public" => cx.may(&rules::PUBLICIZE_IMAGE, &target),
        "community" => cx.may(&rules::COMMUNITIZE_IMAGE, &target),
        _ => Ok(()),
    }
}

/// What holds for every image.
fn check(image: &Image) -> Result<(), Fault> {
    let unmatched = |value: &str, all: &[&str]| {
        let all = all.iter().map(|one| format!("'{one}'")).collect::<Vec<_>>().join(", ");
        Fault::bad_input(format!(
            "Provided object does not match schema 'image': '{value}' is not one of [{all}]"
        ))
    };
    let one_of = |value: &Option<String>, all: &[&str]| match value {
        Some(value) if !all.contains(&value.as_str()) => Err(unmatched(value, all)),
        _ => Ok(()),
    };
    one_of(&image.disk_format, DISK_FORMATS)?;
    one_of(&image.container_format, CONTAINER_FORMATS)?;
    one_of(&Some(image.visibility.clone()), &["community", "public", "private", "shared"])?;
    if let Some(bad) = uuid::Uuid::try_parse(&image.id).err() {
        let said = format!("Invalid image id format: {}", image.id);
        return Err(Fault::bad_input(said).because(bad));
    }
    let (disk, container) = (image.disk_format.as_deref(), image.container_format.as_deref());
    let amazon = |format: &str| matches!(format, "ami" | "aki" | "ari");
    if let (Some(disk), Some(container)) = (disk, container)
        && (amazon(disk) || amazon(container))
        && disk != container
    {
        return Err(Fault::bad_input(format!(
            "Invalid mix of disk and container formats. When setting a disk or container format to one of 'aki', \
             'ari', or 'ami', the container and disk formats must match. (disk {disk}, container {container})"
        )));
    }
    let long = |text: &str| text.chars().count() > 255;
    let too_long = image.name.as_deref().is_some_and(long)
        || image.tags.iter().any(|tag| long(tag))
        || image.properties.keys().any(|name| long(name));
    if too_long {
        return Err(Fault::bad_input(
            "Provided object does not match schema 'image': a name, tag or property name is longer than 255 characters",
        ));
    }
    if image.properties.len() > MOST_PROPERTIES {
        return Err(Fault::new(
            fault::Kind::TooLarge,
            format!(
                "The limit has been exceeded on the number of allowed image properties. Attempted: {}, Maximum: {MOST_PROPERTIES}",
                image.properties.len()
            ),
        ));
    }
    if image.tags.len() > MOST_TAGS {
        return Err(Fault::new(
            fault::Kind::TooLarge,
            format!(
                "The limit has been exceeded on the number of allowed image tags. Attempted: {}, Maximum: {MOST_TAGS}",
                image.tags.len()
            ),
        ));
    }
    Ok(())
}

fn bad_list(error: ListError) -> Fault {
    match error {
        ListError::UnknownMarker { .. } => Fault::not_found("Invalid marker. Image could not be found."),
        other => other.fault(),
    }
}

fn list(who: &Who, asked: &Asked) -> Result<List, ListError> {
    let mut list = List::new(&IMAGES);
    let own = who.project().to_owned();
    let filter =
        |name: &str| asked.filters.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
    let (visibility, member_status) = (filter("visibility"), filter("member_status").unwrap_or("accepted"));
    match (visibility, who.admin) {
        (Some("all"), true) => {}
        (Some("all"), false) => {
            list.only(
                "(owner = ? OR visibility IN ('public', 'community') OR (visibility = 'shared' AND id IN \
                 (SELECT image_id FROM image_members WHERE member_id = ?)))",
                params![&own, &own],
            );
        }
        (Some("community"), _) => drop(list.only("visibility = 'community'", params![])),
        (Some("public"), _) => drop(list.only("visibility = 'public'", params![])),
        (Some("shared"), false) | (Some("shared"), true)
            if !who.admin || filter("member_status").is_some() =>
        {
            list.only(
                "visibility = 'shared' AND (owner = ? OR id IN (SELECT image_id FROM image_members WHERE member_id \
                 = ? AND (status = ? OR ? = 'all')))",
                params![&own, &own, member_status, member_status],
            );
        }
        (Some(other), true) => drop(list.only("visibility = ?", params![other])),
        (Some(other), false) => drop(list.only("visibility = ? AND owner = ?", params![other, &own])),
        (None, true) => drop(list.only("(visibility <> 'community' OR owner = ?)", params![&own])),
        (None, false) => {
            list.only(
                "(owner = ? OR visibility = 'public' OR (visibility = 'shared' AND id IN (SELECT image_id FROM \
                 image_members WHERE member_id = ? AND (status = ? OR ? = 'all'))))",
                params![&own, &own, member_status, member_status],
            );
        }
    }
    let hidden = filter("os_hidden").is_some_and(|text| text.eq_ignore_ascii_case("true"));
    list.matching("hidden = ?", params![hidden]);
    for (name, value) in &asked.filters {
        narrow(&mut list, name, value)?;
    }
    for tag in &asked.tags {
        list.matching("id IN (SELECT image_id FROM image_tags WHERE tag = ?)", params![tag]);
    }
    for (key, direction) in &asked.sort {
        list.sort(key, *direction)?;
    }
    list.marker(asked.marker.as_deref()).limit(Some(asked.limit));
    Ok(list)
}

fn narrow(list: &mut List, name: &str, value: &str) -> Result<(), ListError> {
    let number = || value.parse::<i64>().ok();
    match name {
        "visibility" | "member_status" | "os_hidden" => {}
        "size_min" => drop(list.matching("bytes >= ?", params![number()])),
        "size_max" => drop(list.matching("bytes <= ?", params![number()])),
        "protected" => {
            let protected = matches!(value.to_ascii_lowercase().as_str(), "true" | "1");
            list.matching("protected = ?", params![protected]);
        }
        "created_at" | "updated_at" => drop(list.filter_asked(name, value)?),
        "id" | "name" | "status" | "container_format" | "disk_format" if value.starts_with("in:") => {
            let all: Vec<&str> = value[3..].split(',').map(|one| one.trim_matches('"')).collect();
            list.filter(name, Operator::In, &all)?;
        }
        "id" | "name" | "status" | "owner" | "container_format" | "disk_format" | "checksum"
        | "os_hash_value" | "min_disk" | "min_ram" => drop(list.filter(name, Operator::Eq, &[value])?),
        property => {
            let condition = "id IN (SELECT image_id FROM image_properties WHERE name = ? AND value = ?)";
            list.matching(condition, params![property, value]);
        }
    }
    Ok(())
}
