//! Trusts: made by the trustor alone, handed on by a trustee, and in force only while everybody in the chain still may.

use super::expand::role_ids_on;
use super::token::{Delegated, Token, token_of_caller, unauthenticated};
use super::{describe, duplicate_id, expiration, missing, number, text};
use crate::Identity;
use crate::model::project::merge_extra;
use crate::model::role::Role;
use crate::model::token::{Payload, Scope};
use crate::model::trust::{DEEPEST, Trust};
use crate::model::user::User;
use crate::rules;
use crate::store::{self, trust::*};
use ::store::Tx;
use fault::Fault;
use policy::{Rule, Target};
use serde_json::{Map, Value};
use web::Cx;

const KNOWN: &[&str] = &[
    "id",
    "trustor_user_id",
    "trustee_user_id",
    "project_id",
    "impersonation",
    "roles",
    "expires_at",
    "remaining_uses",
    "allow_redelegation",
    "redelegation_count",
    "redelegated_trust_id",
    "deleted_at",
    "links",
    "roles_links",
];

/// Whose trusts a list is of.
#[derive(Clone, Debug)]
pub enum Whose {
    /// All of the cloud.
    Everybody,
    /// Those that somebody gave.
    Trustor(String),
    /// Those that somebody was given.
    Trustee(String),
}

/// Keystone does not tell why a trust gives nothing.
pub(super) fn forbidden() -> Fault {
    Fault::forbidden("You are not authorized to perform the requested action.")
}

fn forbidden_since(reason: &str) -> Fault {
    Fault::forbidden(format!("You are not authorized to perform the requested action: {reason}."))
}

fn between(trustor_id: &str, trustee_id: &str) -> Target {
    let facts = [("trustor_user_id", trustor_id), ("trustee_user_id", trustee_id)];
    describe(Target::none(), "trust", &facts)
}

/// The trust as far as it is in force, if the caller may do `rule` to it. That it is gone anybody may know.
fn trust_for(tx: &Tx, cx: &Cx, id: &str, rule: &'static Rule) -> Result<Trust, Fault> {
    let found = trust_by_id(tx, id)?.filter(|trust| trust.usable(tx.now()));
    let trust = found.ok_or_else(|| missing("trust", id))?;
    let chain = chain(tx, &trust)?.ok_or_else(|| missing("trust", id))?;
    if !holds(tx, &trust, &chain)? {
        return Err(forbidden());
    }
    cx.may(rule, &between(&trust.trustor_id, &trust.trustee_id))?;
    undelegated(tx, cx)?;
    Ok(trust)
}

/// The caller's token, which must be a user's own or of a trust: what programs were given manages no trusts.
fn undelegated(tx: &Tx, cx: &Cx) -> Result<Token, Fault> {
    let token = token_of_caller(tx, cx)?;
    match token.delegated {
        None | Some(Delegated::Trust(_)) => Ok(token),
        Some(Delegated::Credential(_) | Delegated::Access(_)) => {
            Err(forbidden_since("Delegated tokens cannot manage trusts."))
        }
    }
}

/// The trusts that were handed on until there was this one, nearest first; `None` if one of them is gone.
fn chain(tx: &Tx, trust: &Trust) -> Result<Option<Vec<Trust>>, Fault> {
    let mut chain: Vec<Trust> = Vec::new();
    while let Some(id) = &chain.last().unwrap_or(trust).parent_id {
        let Some(parent) = trust_by_id(tx, id)?.filter(|parent| parent.usable(tx.now())) else {
            return Ok(None);
        };
        chain.push(parent);
    }
    Ok(Some(chain))
}

/// Everybody in whose place, or by whose leave, somebody acts by a trust.
pub(super) fn people_of_chain(tx: &Tx, id: &str) -> Result<Vec<String>, Fault> {
    let Some(trust) = trust_by_id(tx, id)? else { return Ok(Vec::new()) };
    let chain = chain(tx, &trust)?.unwrap_or_default();
    Ok(chain.into_iter().chain([trust]).flat_map(|one| [one.trustor_id, one.trustee_id]).collect())
}

/// Whether each trust covers the one as which it was handed on, and whoever handed it on is still somebody.
fn holds(tx: &Tx, trust: &Trust, chain: &[Trust]) -> Result<bool, Fault> {
    let mut child = trust;
    for parent in chain {
        let agent = store::user::user_by_id(tx, &parent.trustee_id)?;
        if !parent.covers(child) || !agent.is_some_and(|agent| agent.enabled) {
            return Ok(false);
        }
        child = parent;
    }
    Ok(true)
}

fn roles_of(tx: &Tx, trust: &Trust) -> Result<Vec<Role>, Fault> {
    let found = trust.roles.iter().map(|id| store::role::role_by_id(tx, id));
    Ok(found.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// A trust by which somebody acts, and the one in whose place.
#[derive(Clone, Debug)]
pub struct Trusted {
    /// The trust.
    pub trust: Trust,
    /// Whose roles it lends.
    pub trustor: User,
    /// The trustor's domain.
    pub trustor_domain: crate::model::project::Project,
}

/// The trust of a token and its roles; `None` if it is gone or does not hold any more. A use that is gone does not
/// count here: it went into this token.
pub(super) fn trust_in_force(
    tx: &Tx,
    id: &str,
    payload: &Payload,
) -> Result<Option<(Trusted, Vec<Role>)>, Fault> {
    let Some(trust) = trust_by_id(tx, id)? else { return Ok(None) };
    let Some(chain) = chain(tx, &trust)? else { return Ok(None) };
    let own = trust.trustee_id == payload.user_id
        && trust.project_id.clone().map(Scope::Project).as_ref() == Some(&payload.scope);
    let over = trust.expires_at.is_some_and(|end| end < tx.now());
    if !own || over || !holds(tx, &trust, &chain)? {
        return Ok(None);
    }
    let Some((trustor, trustor_domain)) = super::expand::owner(tx, &trust.trustor_id)? else {
        return Ok(None);
    };
    let Some(roles) = lent(tx, &trust, &trustor, &chain, &payload.scope)? else { return Ok(None) };
    Ok(Some((Trusted { trust, trustor, trustor_domain }, roles)))
}

/// The roles that a trust lends: all of them, or none. The trustor still has to have each, and so has the first one of
/// the chain, who must still be somebody.
fn lent(
    tx: &Tx,
    trust: &Trust,
    trustor: &User,
    chain: &[Trust],
    scope: &Scope,
) -> Result<Option<Vec<Role>>, Fault> {
    let wanted =
        crate::model::role::with_implied(trust.roles.iter().cloned(), &store::role::implications(tx)?);
    let first = chain.last().map_or(&trust.trustor_id, |first| &first.trustor_id);
    if super::expand::owner(tx, first)?.is_none() {
        return Ok(None);
    }
    for lender in [&trustor.id, first] {
        let own = role_ids_on(tx, lender, scope)?;
        if !wanted.iter().all(|role| own.contains(role)) {
            return Ok(None);
        }
    }
    super::expand::roles_named(tx, wanted).map(Some)
}

impl Identity {
    /// The trusts that the caller may see.
    pub async fn trust_list(&self, cx: &Cx, whose: Whose) -> Result<Vec<Trust>, Fault> {
        match &whose {
            Whose::Everybody => cx.may(&rules::LIST_TRUSTS, &Target::none())?,
            Whose::Trustor(id) => cx.may(&rules::LIST_TRUSTS_FOR_TRUSTOR, &between(id, ""))?,
            Whose::Trustee(id) => cx.may(&rules::LIST_TRUSTS_FOR_TRUSTEE, &between("", id))?,
        }
        let cx = cx.clone();
        self.db
            .read(move |tx| {
                undelegated(tx, &cx)?;
                let mut all = trusts(tx)?;
                all.retain(|trust| match &whose {
                    Whose::Everybody => true,
                    Whose::Trustor(id) => trust.trustor_id == *id,
                    Whose::Trustee(id) => trust.trustee_id == *id,
                });
                Ok(all)
            })
            .await
    }

    /// One trust and its roles, or what `rule` lets the caller see of them.
    pub async fn trust_show(
        &self,
        cx: &Cx,
        id: &str,
        rule: &'static Rule,
    ) -> Result<(Trust, Vec<Role>), Fault> {
        let (cx, id) = (cx.clone(), id.to_owned());
        self.db
            .read(move |tx| {
                let trust = trust_for(tx, &cx, &id, rule)?;
                let roles = roles_of(tx, &trust)?;
                Ok((trust, roles))
            })
            .await
    }

    /// Makes a trust. With a token of a trust, that one is handed on.
    pub async fn trust_create(
        &self,
        cx: &Cx,
        given: Map<String, Value>,
    ) -> Result<(Trust, Vec<Role>), Fault> {
        let trustor = text(&given, "trustor_user_id").unwrap_or_default();
        cx.may(&rules::CREATE_TRUST, &between(&trustor, ""))?;
        let cx = cx.clone();
        self.db
            .write(move |tx| {
                let token = undelegated(tx, &cx)?;
                let trust = new(tx, &cx, &token, &given)?;
                if !trust_insert(tx, &trust)? {
                    return Err(duplicate_id("trust", &trust.id));
                }
                let roles = roles_of(tx, &trust)?;
                Ok((trust, roles))
            })
            .await
    }

    /// Ends a trust, all that it was handed on as, and with them their tokens.
    pub async fn trust_delete(&self, cx: &Cx, id: &str) -> Result<(), Fault> {
        let (cx, id) = (cx.clone(), id.to_owned());
        self.db
            .write(move |tx| {
                trust_for(tx, &cx, &id, &rules::DELETE_TRUST)?;
                trust_delete(tx, &id)?;
                store::token::epoch_advance(tx)
            })
            .await
    }
}

/// The trust that is asked for, if the caller can give it.
fn new(tx: &Tx, cx: &Cx, token: &Token, given: &Map<String, Value>) -> Result<Trust, Fault> {
    let word = |name: &str| text(given, name).unwrap_or_default();
    let project_id = text(given, "project_id").filter(|id| !id.is_empty());
    let asked = given.get("roles").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if project_id.is_some() && asked.is_empty() {
        return Err(forbidden_since("At least one role should be specified"));
    }
    if cx.who.user_id != word("trustor_user_id") {
        return Err(forbidden_since("The authenticated user should match the trustor"));
    }
    store::user::user_by_id(tx, &word("trustee_user_id"))?
        .ok_or_else(|| missing("user", &word("trustee_user_id")))?;
    let parent = token.trusted().map(|trusted| trusted.trust.clone());
    let mut trust = Trust {
        id: tx.entropy().hex_id(),
        trustor_id: word("trustor_user_id"),
        trustee_id: word("trustee_user_id"),
        project_id,
        impersonation: given.get("impersonation").and_then(Value::as_bool).unwrap_or_default(),
        roles: roles_wanted(tx, asked)?,
        expires_at: None,
        remaining_uses: number(given, "remaining_uses"),
        parent_id: text(given, "redelegated_trust_id"),
        depth: 0,
        extra: Map::new(),
    };
    merge_extra(&mut trust.extra, given, KNOWN);
    check_lendable(tx, &trust, parent.as_ref())?;
    trust.expires_at = text(given, "expires_at").map(|end| expiration(tx, &end)).transpose()?;
    trust.depth = depth(&trust, given, parent.as_ref())?;
    trust.parent_id = parent.as_ref().map(|parent| parent.id.clone());
    if let Some(parent) = parent {
        trust.expires_at = trust.expires_at.or(parent.expires_at);
        let above = chain(tx, &parent)?.ok_or_else(|| missing("trust", &parent.id))?;
        if !std::iter::once(&parent).chain(&above).all(|above| above.covers(&trust)) {
            return Err(forbidden());
        }
    }
    Ok(trust)
}

/// The ids of the roles that are asked for by id or by name.
pub(super) fn roles_wanted(tx: &Tx, asked: &[Value]) -> Result<Vec<String>, Fault> {
    let known = store::role::roles(tx)?;
    let wanted = asked.iter().map(|one| match (one["id"].as_str(), one["name"].as_str()) {
        (Some(id), _) if !id.is_empty() => Ok(id.to_owned()),
        (_, name) => role_named(&known, name.unwrap_or_default()),
    });
    wanted.collect()
}

/// The id of the one role with a name, be it the cloud's or a domain's.
fn role_named(known: &[Role], name: &str) -> Result<String, Fault> {
    let named: Vec<&Role> = known.iter().filter(|role| role.name == name).collect();
    match named.as_slice() {
        [role] => Ok(role.id.clone()),
        [] => Err(Fault::not_found(format!("Role {name} is not defined"))),
        _ => Err(Fault::bad_input(format!(
            "There are multiple role entities named '{name}'. Please use ID instead of names to resolve the ambiguity."
        ))),
    }
}

/// Whoever lends roles has them on the project; a trust that is handed on lends what its first trustor has.
fn check_lendable(tx: &Tx, trust: &Trust, parent: Option<&Trust>) -> Result<(), Fault> {
    let Some(project_id) = &trust.project_id else {
        return trust.roles.first().map_or(Ok(()), |role| Err(missing("role", role)));
    };
    store::project::project_by_id(tx, project_id)?.ok_or_else(|| missing("project", project_id))?;
    let first = match (&trust.parent_id, parent) {
        (None, _) => trust.clone(),
        (Some(id), Some(parent)) if *id == parent.id => {
            let above = chain(tx, parent)?.ok_or_else(|| missing("trust", id))?;
            above.last().unwrap_or(parent).clone()
        }
        (Some(id), _) => {
            trust_by_id(tx, id)?.ok_or_else(|| missing("trust", id))?;
            return Err(forbidden());
        }
    };
    let scope = Scope::Project(first.project_id.unwrap_or_default());
    let own = role_ids_on(tx, &first.trustor_id, &scope)?;
    match trust.roles.iter().find(|role| !own.contains(*role)) {
        Some(role) => Err(missing("role", role)),
        None => Ok(()),
    }
}

/// How often the new trust may be handed on.
fn depth(trust: &Trust, given: &Map<String, Value>, parent: Option<&Trust>) -> Result<i64, Fault> {
    let asked = number(given, "redelegation_count");
    let allowed = given.get("allow_redelegation") == Some(&Value::Bool(true)) && asked != Some(0);
    if !allowed {
        return Ok(0);
    }
    if asked.is_some_and(|asked| asked > DEEPEST) {
        return Err(forbidden());
    }
    if trust.remaining_uses.is_some() {
        return Err(Fault::bad_input("remaining_uses must not be set if redelegation is allowed"));
    }
    let left = parent.map(|parent| parent.depth - 1);
    match (asked, left) {
        (Some(asked), Some(left)) if asked != left => Err(forbidden()),
        _ => Ok(left.or(asked).unwrap_or(DEEPEST)),
    }
}

/// The trust that somebody wants a token of. Nobody learns of trusts that are not there.
pub(super) fn trust_to_use(tx: &Tx, id: &str, user: &User) -> Result<Trust, Fault> {
    let found = trust_by_id(tx, id)?.filter(|trust| trust.usable(tx.now()));
    let trust = found.ok_or_else(unauthenticated)?;
    if trust.project_id.is_none() {
        return Err(missing("project", "None"));
    }
    if trust.trustee_id == user.id { Ok(trust) } else { Err(forbidden()) }
}
