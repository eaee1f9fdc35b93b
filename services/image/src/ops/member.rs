//! Sharing: an owner names projects, and each of them says whether it wants the image in its list.

use super::image::{image_for, image_target, missing};
use crate::ImageService;
use crate::model::image::Image;
use crate::model::member::Member;
use crate::rules;
use crate::store::member::*;
use ::store::Tx;
use fault::Fault;
use policy::Rule;
use web::Cx;

/// The most projects that an image can be shared with (`image_member_quota`).
const MOST_MEMBERS: usize = 128;

fn no_member(image_id: &str, member_id: &str) -> Fault {
    Fault::not_found(format!("{member_id} not found in the member list of the image {image_id}."))
}

/// The image, whose members the caller may do `rule` to; only shared images have members.
fn shared_for(tx: &Tx, cx: &Cx, id: &str, rule: &'static Rule) -> Result<Image, Fault> {
    let image = image_for(tx, cx, id, &rules::GET_IMAGE)?;
    if image.visibility != "shared" {
        return Err(Fault::forbidden("Only shared images have members."));
    }
    cx.may(rule, &image_target(&cx.who, &image))?;
    Ok(image)
}

impl ImageService {
    /// The members of an image: all for its owner, itself for a member.
    pub async fn member_list(&self, cx: &Cx, image_id: &str) -> Result<Vec<Member>, Fault> {
        self.members_seen(cx, image_id, &rules::GET_MEMBERS).await
    }

    async fn members_seen(&self, cx: &Cx, id: &str, rule: &'static Rule) -> Result<Vec<Member>, Fault> {
        let (cx, id) = (cx.clone(), id.to_owned());
        self.db
            .read(move |tx| {
                let image = shared_for(tx, &cx, &id, rule)?;
                let all = cx.who.admin || image.owner == cx.who.project();
                Ok(members(tx, &id)?
                    .into_iter()
                    .filter(|one| all || one.member_id == cx.who.project())
                    .collect())
            })
            .await
    }

    /// One member.
    pub async fn member_show(&self, cx: &Cx, image_id: &str, member_id: &str) -> Result<Member, Fault> {
        let member_id = member_id.to_owned();
        let seen = self.members_seen(cx, image_id, &rules::GET_MEMBER).await?;
        seen.into_iter().find(|one| one.member_id == member_id).ok_or_else(|| missing(image_id))
    }

    /// Shares an image with a project.
    pub async fn member_create(&self, cx: &Cx, image_id: &str, member_id: &str) -> Result<Member, Fault> {
        let (cx, id, member_id) = (cx.clone(), image_id.to_owned(), member_id.to_owned());
        self.db
            .write(move |tx| {
                shared_for(tx, &cx, &id, &rules::ADD_MEMBER)?;
                if members(tx, &id)?.len() >= MOST_MEMBERS {
                    return Err(Fault::new(fault::Kind::TooLarge, format!(
                        "The limit has been exceeded on the number of allowed image members for this image. \
                         Attempted: {}, Maximum: {MOST_MEMBERS}", MOST_MEMBERS + 1
                    )));
                }
                if !member_insert(tx, &id, &member_id)? {
                    return Err(Fault::conflict(format!("The member {member_id} is already associated with image {id}.")));
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
                let image = image_for(tx, &cx, &id, &rules::GET_IMAGE)?;
                member_by_id(tx, &id, &member_id)?.ok_or_else(|| missing(&id))?;
                cx.may(&rules::MODIFY_MEMBER, &image_target(&cx.who, &image).with("member_id", &member_id))?;
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
                shared_for(tx, &cx, &id, &rules::DELETE_MEMBER)?;
                if member_delete(tx, &id, &member_id)? { Ok(()) } else { Err(no_member(&id, &member_id)) }
            })
            .await
    }
}
