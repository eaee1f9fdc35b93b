//! Grants on the wire. One set of handlers serves every spelling of the path: on projects, domains and the system, for
//! users and groups, inherited or not; the path says which.

use super::{check_query, flag, id, links};
use crate::Identity;
use crate::model::assignment::{ActorKind, Assignment, TargetKind};
use crate::model::role::Role;
use crate::ops::assignment::Act;
use crate::ops::assignment_list::{Filter, Found, Names};
use crate::rules;
use fault::Fault;
use policy::Rule;
use serde_json::{Map, Value, json};
use std::sync::{Arc, LazyLock};
use web::schema::Schema;
use web::{Answer, Ask};

static QUERY: LazyLock<Schema> = LazyLock::new(|| {
    let names = ["group.id", "role.id", "scope.domain.id", "scope.project.id"];
    let ids: Map<String, Value> = names.into_iter().map(|name| (name.to_owned(), id())).collect();
    Schema::new(json!({"type": "object", "properties": ids}))
});

/// The assignment that a path names; without a role at its end the role is empty.
fn named(ask: &Ask) -> Assignment {
    let path = ask.path.as_str();
    let (actor_kind, actor) = match ask.id("user") {
        "" => (ActorKind::Group, ask.id("group")),
        user => (ActorKind::User, user),
    };
    let (target_kind, target) = match ask.id("id") {
        "" => (TargetKind::System, "all"),
        domain if path.contains("/domains/") => (TargetKind::Domain, domain),
        project => (TargetKind::Project, project),
    };
    Assignment {
        actor_kind,
        actor_id: actor.to_owned(),
        target_kind,
        target_id: target.to_owned(),
        role_id: ask.id("role").to_owned(),
        inherited: path.contains("/OS-INHERIT/"),
    }
}

/// The rule by what the path names: grants on the system have rules of their own.
fn rule(one: &Assignment, rules: [&'static Rule; 3]) -> &'static Rule {
    match (one.target_kind, one.actor_kind) {
        (TargetKind::System, ActorKind::User) => rules[1],
        (TargetKind::System, ActorKind::Group) => rules[2],
        (TargetKind::Project | TargetKind::Domain, _) => rules[0],
    }
}

/// The rules of grants on projects and domains, on the system to users, and on the system to groups.
pub(crate) static CREATE: [&Rule; 3] =
    [&rules::CREATE_GRANT, &rules::CREATE_SYSTEM_GRANT_FOR_USER, &rules::CREATE_SYSTEM_GRANT_FOR_GROUP];
/// The same for taking them back.
pub(crate) static REVOKE: [&Rule; 3] =
    [&rules::REVOKE_GRANT, &rules::REVOKE_SYSTEM_GRANT_FOR_USER, &rules::REVOKE_SYSTEM_GRANT_FOR_GROUP];
/// The same for looking at one.
pub(crate) static CHECK: [&Rule; 3] =
    [&rules::CHECK_GRANT, &rules::CHECK_SYSTEM_GRANT_FOR_USER, &rules::CHECK_SYSTEM_GRANT_FOR_GROUP];
/// The same for listing them.
pub(crate) static LIST: [&Rule; 3] =
    [&rules::LIST_GRANTS, &rules::LIST_SYSTEM_GRANTS_FOR_USER, &rules::LIST_SYSTEM_GRANTS_FOR_GROUP];

/// `PUT …/roles/{role}`
pub async fn grant_add(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let one = named(&ask);
    let rule = rule(&one, CREATE);
    identity.grant(&ask.cx, one, rule, Act::Add).await?;
    Ok(Answer::empty(204))
}

/// `DELETE …/roles/{role}`
pub async fn grant_remove(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let one = named(&ask);
    let rule = rule(&one, REVOKE);
    identity.grant(&ask.cx, one, rule, Act::Remove).await?;
    Ok(Answer::empty(204))
}

/// `HEAD …/roles/{role}`, and GET
pub async fn grant_check(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let one = named(&ask);
    let rule = rule(&one, CHECK);
    identity.grant_check(&ask.cx, one, rule).await?;
    Ok(Answer::empty(204))
}

/// `GET …/roles`
pub async fn grant_list(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let like = named(&ask);
    let rule = rule(&like, LIST);
    let roles: Vec<Role> = identity.grant_list(&ask.cx, like, rule).await?;
    Ok(super::list(&ask, "roles", roles.iter().map(|role| role.body(&ask.cx.base)), &["name"]))
}

/// `GET /v3/role_assignments`
pub async fn assignment_list(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    check_query(&ask, &QUERY)?;
    let filter = filter(&ask)?;
    let (found, names) = identity.assignment_list(&ask.cx, filter, flag(&ask, "include_names")).await?;
    let bodies: Vec<Value> = found.iter().map(|one| body(&ask, one, names.as_ref())).collect();
    Ok(Answer::ok(&json!({"role_assignments": bodies, "links": links(&ask)})))
}

fn filter(ask: &Ask) -> Result<Filter, Fault> {
    let get = |name: &str| ask.query.get(name).filter(|value| !value.is_empty()).map(str::to_owned);
    let effective = flag(ask, "effective");
    if effective && get("group.id").is_some() {
        let said = "Combining effective and group filter will always result in an empty list.";
        return Err(Fault::bad_input(said));
    }
    let targets = [
        get("scope.system").filter(|word| word == "all").map(|all| (TargetKind::System, all)),
        get("scope.domain.id").map(|id| (TargetKind::Domain, id)),
        get("scope.project.id").map(|id| (TargetKind::Project, id)),
    ];
    let mut targets: Vec<(TargetKind, String)> = targets.into_iter().flatten().collect();
    if let [(one, _), (other, _), ..] = targets.as_slice() {
        return Err(Fault::bad_input(format!("Specify {} or {}, not both", noun(*one), other.word())));
    }
    let target = targets.pop();
    let inherited = get("scope.OS-INHERIT:inherited_to").map(|to| to == "projects");
    if effective && inherited == Some(true) && matches!(target, Some((TargetKind::Domain, _))) {
        let said = "Combining effective, domain and inherited filters will always result in an empty list.";
        return Err(Fault::bad_input(said));
    }
    if ask.query.get("include_subtree").is_some() && !matches!(target, Some((TargetKind::Project, _))) {
        return Err(Fault::bad_input("'scope.project.id' is a dependency of 'include_subtree'"));
    }
    if get("user.id").is_some() && get("group.id").is_some() {
        return Err(Fault::bad_input("Specify a user or group, not both"));
    }
    Ok(Filter {
        user: get("user.id"),
        group: get("group.id"),
        role: get("role.id"),
        target,
        inherited,
        effective,
        subtree: flag(ask, "include_subtree"),
    })
}

fn noun(kind: TargetKind) -> &'static str {
    if kind == TargetKind::Domain { "a domain" } else { kind.word() }
}

fn body(ask: &Ask, found: &Found, names: Option<&Names>) -> Value {
    let one = &found.assignment;
    let thing = |id: &str| match names.and_then(|names| names.get(id)) {
        Some((name, Some((domain, domain_name)))) => {
            json!({"id": id, "name": name, "domain": {"id": domain, "name": domain_name}})
        }
        Some((name, None)) => json!({"id": id, "name": name}),
        None => json!({"id": id}),
    };
    let mut scope = match one.target_kind {
        TargetKind::System => json!({"system": {"all": true}}),
        kind @ (TargetKind::Project | TargetKind::Domain) => json!({kind.word(): thing(&one.target_id)}),
    };
    if one.inherited || found.inherited_from.is_some() {
        scope["OS-INHERIT:inherited_to"] = json!("projects");
    }
    let mut links = json!({"assignment": assignment_link(ask, found)});
    if let Some(group) = &found.through_group {
        links["membership"] = json!(ask.cx.url(&format!("/v3/groups/{group}/users/{}", one.actor_id)));
    }
    if let Some(prior) = &found.prior_role {
        // The wrong way round and to a place that does not exist, as Keystone has it: who reads it expects that.
        links["prior_role"] = json!(ask.cx.url(&format!("/v3/prior_role/{}/implies/{prior}", one.role_id)));
    }
    json!({"role": thing(&one.role_id), one.actor_kind.word(): thing(&one.actor_id), "scope": scope, "links": links})
}

/// Where the grant itself is found that an effective assignment comes from.
fn assignment_link(ask: &Ask, found: &Found) -> String {
    let one = &found.assignment;
    let (kind, target) =
        found.inherited_from.clone().unwrap_or_else(|| (one.target_kind, one.target_id.clone()));
    let place = match kind {
        TargetKind::System => "system".to_owned(),
        kind @ (TargetKind::Project | TargetKind::Domain) => format!("{}s/{target}", kind.word()),
    };
    let actor = match &found.through_group {
        Some(group) => format!("groups/{group}"),
        None => format!("{}s/{}", one.actor_kind.word(), one.actor_id),
    };
    let role = found.prior_role.as_ref().unwrap_or(&one.role_id);
    match one.inherited || found.inherited_from.is_some() {
        true => ask.cx.url(&format!("/v3/OS-INHERIT/{place}/{actor}/roles/{role}/inherited_to_projects")),
        false => ask.cx.url(&format!("/v3/{place}/{actor}/roles/{role}")),
    }
}
