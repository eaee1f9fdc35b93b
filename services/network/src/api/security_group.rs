//! Security groups.

use super::resource;
use crate::Network;
use crate::model::listing::Listing;
use crate::model::security_group::NOUN;
use crate::ops::security_group::group;
use crate::store::{self as rows, Condition};
use fault::Fault;
use std::sync::Arc;
use web::{Answer, Ask};

/// `GET /v2.0/security-groups`
pub async fn list(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    default_group_there(&network, &ask).await?;
    resource::list(network, ask, |_, tx, cx, listing| {
        let columns = [("id", "id"), ("name", "name"), ("project_id", "project_id")];
        rows::security_group::seen(tx, &cx.who, Condition::all().narrowed(listing, &columns))
    })
    .await
}

/// `GET /v2.0/security-groups/{id}`
pub async fn show(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::show(network, ask, |_, tx, cx, id| group(tx, cx, id)).await
}

/// `POST /v2.0/security-groups`
pub async fn create(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::create(network, ask, Network::security_group_create).await
}

/// `PUT /v2.0/security-groups/{id}`
pub async fn update(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::update(network, ask, Network::security_group_update).await
}

/// `DELETE /v2.0/security-groups/{id}`
pub async fn delete(network: Arc<Network>, ask: Ask) -> Result<Answer, Fault> {
    resource::delete(network, ask, Network::security_group_delete).await
}

/// The first look of a project at its groups shows its default group already.
async fn default_group_there(network: &Arc<Network>, ask: &Ask) -> Result<(), Fault> {
    let listing = Listing::of(&NOUN, &ask.query)?;
    let asked = listing.only("project_id").filter(|_| ask.cx.who.admin).and_then(|ids| ids.first().cloned());
    let project = asked.unwrap_or_else(|| ask.cx.who.project().to_owned());
    if project.is_empty() {
        return Ok(());
    }
    let (looked_at, service) = (project.clone(), network.clone());
    let there =
        network.db.read(move |tx| Ok(rows::security_group::default_of(tx, &looked_at)?.is_some())).await?;
    if there {
        return Ok(());
    }
    network.db.write(move |tx| service.default_group_ensure(tx, &project).map(drop)).await
}
