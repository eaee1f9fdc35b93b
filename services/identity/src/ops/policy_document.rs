//! Policy documents, which are the administrator's.

use super::{differs, missing, text};
use crate::Identity;
use crate::model::policy_document::PolicyDocument;
use crate::model::project::merge_extra;
use crate::rules;
use crate::store::policy_association::{Of, associations_forget};
use crate::store::policy_document::*;
use fault::Fault;
use policy::Target;
use serde_json::{Map, Value};
use web::Cx;

const POLICY: &[&str] = &["id", "type", "blob", "links"];

impl Identity {
    /// Every policy document.
    pub async fn policy_list(&self, cx: &Cx) -> Result<Vec<PolicyDocument>, Fault> {
        cx.may(&rules::LIST_POLICIES, &Target::none())?;
        self.db.read(policies).await
    }

    /// One policy document.
    pub async fn policy_show(&self, cx: &Cx, id: &str) -> Result<PolicyDocument, Fault> {
        cx.may(&rules::GET_POLICY, &Target::none())?;
        let id = id.to_owned();
        self.db.read(move |tx| policy_by_id(tx, &id)?.ok_or_else(|| missing("policy", &id))).await
    }

    /// Keeps a policy document, or changes the one of that id.
    pub async fn policy_put(
        &self,
        cx: &Cx,
        id: Option<String>,
        given: Map<String, Value>,
    ) -> Result<PolicyDocument, Fault> {
        cx.may(if id.is_some() { &rules::UPDATE_POLICY } else { &rules::CREATE_POLICY }, &Target::none())?;
        self.db
            .write(move |tx| {
                let mut policy = match &id {
                    Some(id) => {
                        if differs(&given, "id", id) {
                            return Err(Fault::bad_input("Cannot change policy ID"));
                        }
                        policy_by_id(tx, id)?.ok_or_else(|| missing("policy", id))?
                    }
                    None => PolicyDocument {
                        id: tx.entropy().hex_id(),
                        kind: String::new(),
                        blob: String::new(),
                        extra: Map::new(),
                    },
                };
                policy.kind = text(&given, "type").unwrap_or(policy.kind);
                policy.blob = text(&given, "blob").unwrap_or(policy.blob);
                merge_extra(&mut policy.extra, &given, POLICY);
                policy_put(tx, &policy)?;
                Ok(policy)
            })
            .await
    }

    /// Forgets a policy document.
    pub async fn policy_delete(&self, cx: &Cx, id: &str) -> Result<(), Fault> {
        cx.may(&rules::DELETE_POLICY, &Target::none())?;
        let id = id.to_owned();
        self.db
            .write(move |tx| {
                policy_by_id(tx, &id)?.ok_or_else(|| missing("policy", &id))?;
                associations_forget(tx, Of::Policy, &id)?;
                policy_delete(tx, &id)
            })
            .await
    }
}
