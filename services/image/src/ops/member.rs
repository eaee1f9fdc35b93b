//! Sharing: an owner names projects, and each of them says whether it wants the image in its list.

use super::image::{image_known, image_target, may as image_may};
use crate::ImageService;
use crate::model::image::Image;
use crate::model::member::Member;
use crate::rules;
use crate::store::member::*;
use ::store::Tx;
use fault::{Fault, Kind};
use policy::Rule;
use web::Cx;

/// The most projects that an image can be shared with (`image_member_quota`).
const MOST_MEMBERS: usize = 128;

/// What is said of images of which no project can be a member.
const UNSHARED: &str = "Only shared images have members.";

fn no_member(image_id: &str, member_id: &str) -> Fault {
    Fault::not_found(format!("{member_id} not found in the member list of the image {image_id}."))
}

fn too_many(image_id: &str) -> Fault {
    let sentence = format!(
        "Image member limit exceeded for image {image_id}: The limit has been exceeded on the number of allowed image members \
         for this image. Attempted: {}, Maximum: {MOST_MEMBERS}:",
        MOST_MEMBERS + 1
    );
    Fault::new(Kind::TooLarge, sentence)
}

/// The image, of which the caller wants something that there is of shared images alone. The sentence is said of others.
fn shared_for(tx: &Tx, cx: &Cx, id: &str, refused: impl FnOnce() -> String) -> Result<Image, Fault> {
    let image = image_known(tx, cx, id)?;
    if image.visibility == "shared" { Ok(image) } else { Err(Fault::forbidden(refused())) }
}

/// Refuses what a rule of members does not allow, and first whoever may not see the image.
fn may(cx: &Cx, rule: &Rule, image: &Image) -> Result<(), Fault> {
    image_may(cx, &rules::GET_IMAGE, image)?;
    cx.may(rule, &image_target(&cx.who, image))
}

/// The members of an image that the caller knows of: all for its owner, itself for a member.
fn known(tx: &Tx, cx: &Cx, image: &Image) -> Result<Vec<Member>, Fault> {
    let all = cx.who.admin || image.owner == cx.who.project();
    let mut members = members(tx, &image.id)?;
    members.retain(|one| all || one.member_id == cx.who.project());
    Ok(members)
}

/// One of them, if the caller may see members.
fn member_for(tx: &Tx, cx: &Cx, image: &Image, member_id: &str) -> Result<Member, Fault> {
    may(cx, &rules::GET_MEMBER, image)?;
    let found = known(tx, cx, image)?.into_iter().find(|one| one.member_id == member_id);
    found.ok_or_else(|| no_member(&image.id, member_id))
}

impl ImageService {
    /// The members of an image: those that the caller knows of, if he may also see one alone.
    pub async fn member_list(&self, cx: &Cx, image_id: &str) -> Result<Vec<Member>, Fault> {
        let (cx, id) = (cx.clone(), image_id.to_owned());
        self.db
            .read(move |tx| {
                let image = shared_for(tx, &cx, &id, || {
                    format!("Not allowed to list members for image {id}: {UNSHARED}")
                })?;
                may(&cx, &rules::GET_MEMBERS, &image)?;
                let each = cx.allows(&rules::GET_MEMBER, &image_target(&cx.who, &image));
                if each { known(tx, &cx, &image) } else { Ok(Vec::new()) }
            })
            .await
    }

    /// One member. Whoever may see none is told that there is none.
    pub async fn member_show(&self, cx: &Cx, image_id: &str, member_id: &str) -> Result<Member, Fault> {
        let (cx, id, member_id) = (cx.clone(), image_id.to_owned(), member_id.to_owned());
        let shown = move |tx: &Tx| {
            let image = shared_for(tx, &cx, &id, || UNSHARED.into())?;
            member_for(tx, &cx, &image, &member_id)
        };
        self.db.read(shown).await.map_err(|fault| match fault.kind {
            Kind::Forbidden => Fault::not_found(fault.public().to_owned()),
            _ => fault,
        })
    }

    /// Shares an image with a project.
    pub async fn member_create(&self, cx: &Cx, image_id: &str, member_id: &str) -> Result<Member, Fault> {
        let (cx, id, member_id) = (cx.clone(), image_id.to_owned(), member_id.to_owned());
        self.db
            .write(move |tx| {
                let image =
                    shared_for(tx, &cx, &id, || format!("Not allowed to create members for image {id}."))?;
                may(&cx, &rules::ADD_MEMBER, &image)?;
                if members(tx, &id)?.len() >= MOST_MEMBERS {
                    return Err(too_many(&id));
                }
                if !member_insert(tx, &id, &member_id)? {
                    let sentence = format!("Member {member_id} is duplicated for image {id}");
                    return Err(Fault::conflict(sentence));
                }
                member_by_id(tx, &id, &member_id)?.ok_or_else(|| no_member(&id, &member_id))
            })
            .await
    }

    /// A member's answer.
    pub async fn member_update(
        &self,
        cx: &Cx,
        image_id: &str,
        member_id: &str,
        status: &str,
    ) -> Result<Member, Fault> {
        let (cx, id, member_id, status) =
            (cx.clone(), image_id.to_owned(), member_id.to_owned(), status.to_owned());
        self.db
            .write(move |tx| {
                let image =
                    shared_for(tx, &cx, &id, || format!("Not allowed to update members for image {id}."))?;
                member_for(tx, &cx, &image, &member_id)?;
                may(&cx, &rules::MODIFY_MEMBER, &image)?;
                member_update(tx, &id, &member_id, &status)?;
                member_by_id(tx, &id, &member_id)?.ok_or_else(|| no_member(&id, &member_id))
            })
            .await
    }

    /// Stops sharing an image with a project.
    pub async fn member_delete(&self, cx: &Cx, image_id: &str, member_id: &str) -> Result<(), Fault> {
        let (cx, id, member_id) = (cx.clone(), image_id.to_owned(), member_id.to_owned());
        self.db
            .write(move |tx| {
                let image =
                    shared_for(tx, &cx, &id, || format!("Not allowed to delete members for image {id}."))?;
                member_for(tx, &cx, &image, &member_id)?;
                may(&cx, &rules::DELETE_MEMBER, &image)?;
                if member_delete(tx, &id, &member_id)? { Ok(()) } else { Err(no_member(&id, &member_id)) }
            })
            .await
    }
}
