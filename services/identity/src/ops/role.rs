//! Roles and what they imply.

use super::{check_mutable, check_same, describe, differs, duplicate, immutable, missing, taken, text};
use crate::Identity;
use crate::model::project::{merge_extra, merge_options};
use crate::model::role::Role;
use crate::rules;
use crate::store::{self, role::*};
use ::store::Tx;
use fault::Fault;
use policy::{Rule, Target};
use serde_json::{Map, Value};
use web::Cx;

const KNOWN: &[&str] = &["id", "name", "domain_id", "description", "options", "links"];

/// What rules may ask of a role.
pub(super) fn role_target(target: Target, role: Option<&Role>) -> Target {
    let Some(role) = role else { return target };
    describe(target, "role", &[("id", &role.id), ("name", &role.name), ("domain_id", &role.domain_id)])
}

/// A rule for roles of the cloud, and the one for roles of domains.
type Rules = [&'static Rule; 2];

/// Which of two rules is for roles of this domain, which is empty for those of the cloud.
fn rule_for(domain_id: &str, [cloud, domain]: Rules) -> &'static Rule {
    if domain_id.is_empty() { cloud } else { domain }
}

fn role_for(tx: &Tx, cx: &Cx, id: &str, rules: Rules) -> Result<Role, Fault> {
    let role = role_by_id(tx, id)?.ok_or_else(|| missing("role", id))?;
    cx.may(rule_for(&role.domain_id, rules), &role_target(Target::none(), Some(&role)))?;
    Ok(role)
}

/// A pair of roles, if the caller may do `rule` to it.
fn pair_for(
    tx: &Tx,
    cx: &Cx,
    prior: &str,
    implied: &str,
    rule: &'static Rule,
) -> Result<(Role, Role), Fault> {
    cx.may(rule, &Target::none())?;
    let prior = role_by_id(tx, prior)?.ok_or_else(|| missing("role", prior))?;
    Ok((prior, role_by_id(tx, implied)?.ok_or_else(|| missing("role", implied))?))
}

/// A role, and the roles that it implies.
pub type Inference = (Role, Vec<Role>);

impl Identity {
    /// The roles of a domain; of the cloud, if none is named.
    pub async fn role_list(&self, cx: &Cx, domain_id: &str) -> Result<Vec<Role>, Fault> {
        cx.may(rule_for(domain_id, [&rules::LIST_ROLES, &rules::LIST_DOMAIN_ROLES]), &Target::none())?;
        let mut all = self.db.read(roles).await?;
        all.retain(|role| role.domain_id == domain_id);
        Ok(all)
    }

    /// One role.
    pub async fn role_show(&self, cx: &Cx, id: &str) -> Result<Role, Fault> {
        let (cx, id) = (cx.clone(), id.to_owned());
        self.db.read(move |tx| role_for(tx, &cx, &id, [&rules::GET_ROLE, &rules::GET_DOMAIN_ROLE])).await
    }

    /// Makes a role.
    pub async fn role_create(&self, cx: &Cx, given: Map<String, Value>) -> Result<Role, Fault> {
        let own = text(&given, "domain_id").unwrap_or_default();
        cx.may(rule_for(&own, [&rules::CREATE_ROLE, &rules::CREATE_DOMAIN_ROLE]), &Target::none())?;
        self.db
            .write(move |tx| {
                let mut role = Role {
                    id: tx.entropy().hex_id(),
                    name: text(&given, "name").unwrap_or_default(),
                    domain_id: text(&given, "domain_id").unwrap_or_default(),
                    description: text(&given, "description"),
                    options: Map::new(),
                    extra: Map::new(),
                };
                if !role.domain_id.is_empty() && store::project::project_by_id(tx, &role.domain_id)?.is_none()
                {
                    return Err(missing("domain", &role.domain_id));
                }
                merge_options(&mut role.options, given.get("options"));
                merge_extra(&mut role.extra, &given, KNOWN);
                if role_insert(tx, &role)? { Ok(role) } else { Err(taken("role", &role.name, "")) }
            })
            .await
    }

    /// Changes a role.
    pub async fn role_update(&self, cx: &Cx, id: &str, given: Map<String, Value>) -> Result<Role, Fault> {
        let (cx, id) = (cx.clone(), id.to_owned());
        self.db
            .write(move |tx| {
                let mut role = role_for(tx, &cx, &id, [&rules::UPDATE_ROLE, &rules::UPDATE_DOMAIN_ROLE])?;
                check_mutable(&role.options, &given, "role", &id)?;
                check_same(&given, &role.id, "")?;
                if differs(&given, "domain_id", &role.domain_id) {
                    return Err(Fault::bad_input("Update of `domain_id` is not allowed."));
                }
                if let Some(name) = text(&given, "name") {
                    role.name = name;
                }
                if given.contains_key("description") {
                    role.description = text(&given, "description");
                }
                merge_options(&mut role.options, given.get("options"));
                merge_extra(&mut role.extra, &given, KNOWN);
                if !role_update(tx, &role)? {
                    return Err(taken("role", &role.name, ""));
                }
                store::token::epoch_advance(tx)?;
                Ok(role)
            })
            .await
    }

    /// Removes a role.
    pub async fn role_delete(&self, cx: &Cx, id: &str) -> Result<(), Fault> {
        let (cx, id) = (cx.clone(), id.to_owned());
        self.db
            .write(move |tx| {
                let role = role_for(tx, &cx, &id, [&rules::DELETE_ROLE, &rules::DELETE_DOMAIN_ROLE])?;
                if role.immutable() {
                    return Err(immutable("delete", "role", &id));
                }
                role_delete(tx, &id)?;
                store::token::epoch_advance(tx)
            })
            .await
    }

    /// What roles imply: of one role, or of all that imply any.
    pub async fn inference_list(&self, cx: &Cx, prior: Option<String>) -> Result<Vec<Inference>, Fault> {
        let cx = cx.clone();
        self.db
            .read(move |tx| {
                let rule = if prior.is_some() {
                    &rules::LIST_IMPLIED_ROLES
                } else {
                    &rules::LIST_ROLE_INFERENCE_RULES
                };
                cx.may(rule, &Target::none())?;
                if let Some(id) = &prior {
                    role_by_id(tx, id)?.ok_or_else(|| missing("role", id))?;
                }
                let pairs = implications(tx)?;
                let wanted = |role: &Role| prior.as_ref().is_none_or(|id| *id == role.id);
                let mut all = Vec::new();
                for role in roles(tx)?.into_iter().filter(wanted) {
                    let ids = pairs.iter().filter(|(own, _)| *own == role.id);
                    let implied = ids.map(|(_, id)| role_by_id(tx, id)).collect::<Result<Vec<_>, _>>()?;
                    let implied: Vec<Role> = implied.into_iter().flatten().collect();
                    if prior.is_some() || !implied.is_empty() {
                        all.push((role, implied));
                    }
                }
                Ok(all)
            })
            .await
    }

    /// A role implies another.
    pub async fn inference_create(&self, cx: &Cx, prior: &str, implied: &str) -> Result<(Role, Role), Fault> {
        let (cx, prior, implied) = (cx.clone(), prior.to_owned(), implied.to_owned());
        self.db
            .write(move |tx| {
                let pair = pair_for(tx, &cx, &prior, &implied, &rules::CREATE_IMPLIED_ROLE)?;
                if pair.1.name == "admin" {
                    let said = format!("{} cannot be an implied roles.", pair.1.id);
                    return Err(Fault::forbidden(said));
                }
                if pair.0.domain_id.is_empty() && !pair.1.domain_id.is_empty() {
                    return Err(Fault::forbidden("Global role cannot imply a domain-specific role"));
                }
                if !implication_add(tx, &prior, &implied)? {
                    return Err(duplicate("implied_role"));
                }
                store::token::epoch_advance(tx)?;
                Ok(pair)
            })
            .await
    }

    /// One implication, or a 404.
    pub async fn inference_show(&self, cx: &Cx, prior: &str, implied: &str) -> Result<(Role, Role), Fault> {
        let (cx, prior, implied) = (cx.clone(), prior.to_owned(), implied.to_owned());
        self.db
            .read(move |tx| {
                let pair = pair_for(tx, &cx, &prior, &implied, &rules::GET_IMPLIED_ROLE)?;
                let found = implications(tx)?.iter().any(|(a, b)| *a == prior && *b == implied);
                if found { Ok(pair) } else { Err(not_implied(&prior, &implied)) }
            })
            .await
    }

    /// Looks for one implication. Keystone asks the rule for looking and the rule for showing.
    pub async fn inference_check(&self, cx: &Cx, prior: &str, implied: &str) -> Result<(), Fault> {
        cx.may(&rules::CHECK_IMPLIED_ROLE, &Target::none())?;
        self.inference_show(cx, prior, implied).await.map(drop)
    }

    /// Takes an implication back.
    pub async fn inference_delete(&self, cx: &Cx, prior: &str, implied: &str) -> Result<(), Fault> {
        let (cx, prior, implied) = (cx.clone(), prior.to_owned(), implied.to_owned());
        self.db
            .write(move |tx| {
                pair_for(tx, &cx, &prior, &implied, &rules::DELETE_IMPLIED_ROLE)?;
                if !implication_remove(tx, &prior, &implied)? {
                    return Err(not_implied(&prior, &implied));
                }
                store::token::epoch_advance(tx)
            })
            .await
    }
}

fn not_implied(prior: &str, implied: &str) -> Fault {
    Fault::not_found(format!("{prior} does not imply {implied}."))
}
