//! Policy documents and the endpoints that they are for, on the wire.

use super::{list, one};
use crate::Identity;
use crate::model::policy_association::Subject;
use crate::ops::endpoint_group::Act;
use fault::Fault;
use std::sync::Arc;
use web::{Answer, Ask};

/// What the path names: an endpoint, or a service, in a region or everywhere.
fn subject(ask: &Ask) -> Subject {
    let own = |name: &str| Some(ask.id(name).to_owned()).filter(|id| !id.is_empty());
    match (own("endpoint"), own("region")) {
        (Some(endpoint), _) => Subject::Endpoint(endpoint),
        (None, Some(region)) => Subject::ServiceIn(ask.id("service").to_owned(), region),
        (None, None) => Subject::Service(ask.id("service").to_owned()),
    }
}

async fn act(identity: &Identity, ask: &Ask, act: Act) -> Result<Answer, Fault> {
    identity.policy_association(&ask.cx, ask.id("id"), subject(ask), act).await?;
    Ok(Answer::empty(204))
}

/// `GET /v3/policies/{id}/OS-ENDPOINT-POLICY/…`
pub async fn check(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    act(&identity, &ask, Act::Check).await
}

/// `PUT /v3/policies/{id}/OS-ENDPOINT-POLICY/…`
pub async fn add(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    act(&identity, &ask, Act::Add).await
}

/// `DELETE /v3/policies/{id}/OS-ENDPOINT-POLICY/…`
pub async fn remove(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    act(&identity, &ask, Act::Remove).await
}

/// `GET /v3/policies/{id}/OS-ENDPOINT-POLICY/endpoints`
pub async fn endpoints(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let all = identity.policy_endpoints(&ask.cx, ask.id("id")).await?;
    Ok(list(&ask, "endpoints", all.iter().map(|endpoint| endpoint.body(&ask.cx.base)), &[]))
}

/// `GET /v3/endpoints/{id}/OS-ENDPOINT-POLICY/policy`
pub async fn policy_show(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let found = identity.endpoint_policy(&ask.cx, ask.id("id")).await?;
    Ok(one(200, "policy", found.body(&ask.cx.base)))
}
