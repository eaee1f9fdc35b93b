//! Policy documents and the endpoints that they are for. Services ask; nothing here reads the documents.

use super::endpoint_group::Act;
use super::missing;
use crate::Identity;
use crate::model::catalog::Endpoint;
use crate::model::policy_association::Subject;
use crate::model::policy_document::PolicyDocument;
use crate::rules;
use crate::store::policy_association::*;
use crate::store::{catalog, policy_document};
use ::store::Tx;
use fault::Fault;
use policy::{Rule, Target};
use web::Cx;

fn policy(tx: &Tx, id: &str) -> Result<PolicyDocument, Fault> {
    policy_document::policy_by_id(tx, id)?.ok_or_else(|| missing("policy", id))
}

fn endpoint(tx: &Tx, id: &str) -> Result<Endpoint, Fault> {
    catalog::endpoint_by_id(tx, id)?.ok_or_else(|| missing("endpoint", id))
}

fn check_there(tx: &Tx, subject: &Subject) -> Result<(), Fault> {
    match subject {
        Subject::Endpoint(id) => return endpoint(tx, id).map(drop),
        Subject::Service(id) | Subject::ServiceIn(id, _) => {
            catalog::service_by_id(tx, id)?.ok_or_else(|| missing("service", id))?;
        }
    }
    if let Subject::ServiceIn(_, id) = subject {
        catalog::region_by_id(tx, id)?.ok_or_else(|| missing("region", id))?;
    }
    Ok(())
}

fn rule(subject: &Subject, act: Act) -> &'static Rule {
    match (subject, act) {
        (Subject::Endpoint(_), Act::Check) => &rules::CHECK_POLICY_FOR_ENDPOINT,
        (Subject::Endpoint(_), Act::Add) => &rules::CREATE_POLICY_FOR_ENDPOINT,
        (Subject::Endpoint(_), Act::Remove) => &rules::DELETE_POLICY_FOR_ENDPOINT,
        (Subject::Service(_), Act::Check) => &rules::CHECK_POLICY_FOR_SERVICE,
        (Subject::Service(_), Act::Add) => &rules::CREATE_POLICY_FOR_SERVICE,
        (Subject::Service(_), Act::Remove) => &rules::DELETE_POLICY_FOR_SERVICE,
        (Subject::ServiceIn(..), Act::Check) => &rules::CHECK_POLICY_FOR_REGION_AND_SERVICE,
        (Subject::ServiceIn(..), Act::Add) => &rules::CREATE_POLICY_FOR_REGION_AND_SERVICE,
        (Subject::ServiceIn(..), Act::Remove) => &rules::DELETE_POLICY_FOR_REGION_AND_SERVICE,
    }
}

impl Identity {
    /// Associates a policy document with something, stops that, or looks whether it is so.
    pub async fn policy_association(
        &self,
        cx: &Cx,
        policy_id: &str,
        subject: Subject,
        act: Act,
    ) -> Result<(), Fault> {
        cx.may(rule(&subject, act), &Target::none())?;
        let policy_id = policy_id.to_owned();
        let apply = move |tx: &Tx| {
            policy(tx, &policy_id)?;
            check_there(tx, &subject)?;
            match act {
                Act::Add => policy_associate(tx, &policy_id, &subject),
                Act::Remove => policy_dissociate(tx, &policy_id, &subject),
                Act::Check if policy_of(tx, &subject)?.as_ref() == Some(&policy_id) => Ok(()),
                Act::Check => Err(Fault::not_found("Could not find policy association.")),
            }
        };
        if act == Act::Check { self.db.read(apply).await } else { self.db.write(apply).await }
    }

    /// The endpoints that come under what a policy document is for.
    pub async fn policy_endpoints(&self, cx: &Cx, policy_id: &str) -> Result<Vec<Endpoint>, Fault> {
        cx.may(&rules::LIST_ENDPOINTS_FOR_POLICY, &Target::none())?;
        let id = policy_id.to_owned();
        self.db
            .read(move |tx| {
                policy(tx, &id)?;
                let (subjects, regions) = (policy_subjects(tx, &id)?, catalog::regions(tx)?);
                let mut all = catalog::endpoints(tx)?;
                all.retain(|one| Subject::of(one, &regions).iter().any(|own| subjects.contains(own)));
                Ok(all)
            })
            .await
    }

    /// The policy document for an endpoint: its own, or the nearest of its service.
    pub async fn endpoint_policy(&self, cx: &Cx, endpoint_id: &str) -> Result<PolicyDocument, Fault> {
        cx.may(&rules::GET_POLICY_FOR_ENDPOINT, &Target::none())?;
        let id = endpoint_id.to_owned();
        self.db
            .read(move |tx| {
                let endpoint = endpoint(tx, &id)?;
                for subject in Subject::of(&endpoint, &catalog::regions(tx)?) {
                    if let Some(found) = policy_of(tx, &subject)? {
                        return policy(tx, &found);
                    }
                }
                Err(Fault::not_found(format!("No policy is associated with endpoint {id}.")))
            })
            .await
    }
}
