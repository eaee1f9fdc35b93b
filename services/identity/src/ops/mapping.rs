//! Mappings: what becomes here of whom an identity provider vouches for.

use super::{duplicate, missing};
use crate::Identity;
use crate::model::mapping::Mapping;
use crate::rules;
use crate::store::mapping::*;
use ::store::Tx;
use fault::Fault;
use policy::Target;
use web::Cx;

pub(super) fn mapping(tx: &Tx, id: &str) -> Result<Mapping, Fault> {
    mapping_by_id(tx, id)?.ok_or_else(|| missing("mapping", id))
}

impl Identity {
    /// Every mapping.
    pub async fn mapping_list(&self, cx: &Cx) -> Result<Vec<Mapping>, Fault> {
        cx.may(&rules::LIST_MAPPINGS, &Target::none())?;
        self.db.read(mappings).await
    }

    /// One mapping.
    pub async fn mapping_show(&self, cx: &Cx, id: &str) -> Result<Mapping, Fault> {
        cx.may(&rules::GET_MAPPING, &Target::none())?;
        let id = id.to_owned();
        self.db.read(move |tx| mapping(tx, &id)).await
    }

    /// Makes a mapping.
    pub async fn mapping_create(&self, cx: &Cx, made: Mapping) -> Result<Mapping, Fault> {
        cx.may(&rules::CREATE_MAPPING, &Target::none())?;
        self.db
            .write(move |tx| match mapping_insert(tx, &made)? {
                true => Ok(made.clone()),
                false => Err(duplicate("mapping")),
            })
            .await
    }

    /// Puts another in a mapping's place.
    pub async fn mapping_update(&self, cx: &Cx, changed: Mapping) -> Result<Mapping, Fault> {
        cx.may(&rules::UPDATE_MAPPING, &Target::none())?;
        self.db
            .write(move |tx| {
                mapping(tx, &changed.id)?;
                mapping_update(tx, &changed)?;
                Ok(changed.clone())
            })
            .await
    }

    /// Removes a mapping; protocols that have it let nobody in any more.
    pub async fn mapping_delete(&self, cx: &Cx, id: &str) -> Result<(), Fault> {
        cx.may(&rules::DELETE_MAPPING, &Target::none())?;
        let id = id.to_owned();
        self.db
            .write(move |tx| {
                mapping(tx, &id)?;
                mapping_delete(tx, &id)
            })
            .await
    }
}
