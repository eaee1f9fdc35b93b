//! What each persona may do, by the defaults: every operation of every service, and every other rule.
//!
//! The page is kept in the documents and a test holds it against the rules: whoever changes who may do what sees it there.

use super::effective;
use crate::wire_up;
use policy::{Policy, Scope, Target, Who};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::fmt::Write;
use std::sync::Arc;
use web::routes::Access;

/// What a thing is to a persona.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Thing {
    /// The persona's own: of its project, its domain, its user.
    Own,
    /// Somebody else's, but shared with everybody.
    Shared,
    /// Somebody else's.
    Strange,
}

/// The columns: each role in each scope, another service, and somebody without any role; all as a service knows them.
pub(super) fn personas(policy: &Policy, service: &str) -> Vec<(String, Arc<Who>)> {
    let mut personas = Vec::new();
    for scope in [Scope::System, Scope::Domain, Scope::Project] {
        for role in ["reader", "member", "manager", "admin"] {
            personas.push((format!("{} {role}", scope.word()), persona(scope, &effective(role))));
        }
    }
    personas.push(("service".to_owned(), persona(Scope::Project, &effective("service"))));
    personas.push((
        "no role".to_owned(),
        Who { project_id: None, project_domain_id: None, ..persona(Scope::Project, &[]) },
    ));
    let placed = |(name, who)| {
        let mut who = Arc::new(who);
        policy.place(service, &mut who);
        (name, who)
    };
    personas.into_iter().map(placed).collect()
}

fn persona(scope: Scope, roles: &[String]) -> Who {
    let own = |at: Scope| (scope == at).then(|| "own".to_owned());
    Who {
        user_id: "own".to_owned(),
        user_domain_id: "own".to_owned(),
        project_id: own(Scope::Project),
        project_domain_id: own(Scope::Project),
        domain_id: own(Scope::Domain),
        system: scope == Scope::System,
        roles: roles.to_vec(),
        ..Who::default()
    }
}

/// The value of a target, by what rules ask of it.
fn value(key: &str, thing: Thing) -> &'static str {
    match key {
        "target.role.domain_id" => "None",
        "target.role.name" => "member",
        "visibility" if thing == Thing::Shared => "public",
        "visibility" => "private",
        "target_tenant" | "rbac_policy:target_tenant" | "rbac_policy:target_project" => "other",
        key if key.ends_with("device_owner") => "",
        key if key.ends_with("shared") || key.ends_with("external") || key.ends_with("default_sg") => {
            if thing == Thing::Shared { "True" } else { "False" }
        }
        _ if thing == Thing::Own => "own",
        _ => "other",
    }
}

/// `*` anything, `o` own, `s` shared, `b` both own and shared, `.` nothing.
pub(super) fn cell(policy: &Policy, service: &str, rule: &str, who: &Who) -> char {
    let keys = policy.asked_of_target(service, rule);
    let may = |thing| {
        let target = keys.iter().fold(Target::none(), |target, key| target.with(key, value(key, thing)));
        match service == "network" && network::rules::is_of_attribute(rule) {
            true => policy.holds(service, rule, who, &target),
            false => policy.permits(service, rule, who, &target),
        }
    };
    match (may(Thing::Strange), may(Thing::Own), may(Thing::Shared)) {
        (true, _, _) => '*',
        (false, true, true) => 'b',
        (false, true, false) => 'o',
        (false, false, true) => 's',
        (false, false, false) => '.',
    }
}

const HEAD: &str = "# Permissions

What each persona may do by the defaults, printed by `drystone policy table`; a test holds it against the rules. Every cell is
an answer of the rules' engine: `*` to anything, `o` to what is its own (of its project, domain or user), `s` to what others
share with everybody, `b` to both, `.` to nothing. Within a scope the columns are reader, member, manager, admin; `svc` is the
role `service` in a project, `non` a token without role and scope. An operation may ask further rules, of what a request names:
they follow the operations of their service; those of network's attributes take tokens of every scope, as in Neutron. Lists show
what the caller may see.
";

/// The page, and the same for programs.
pub fn table(policy: &Policy) -> (String, Value) {
    let (mut page, mut values) = (String::from(HEAD), Vec::new());
    for service in policy.services() {
        let personas = personas(policy, service);
        let _ = write!(page, "\n## {service}\n\n```\nsyst doma proj svc non\n");
        for (name, rule) in rows(policy, service) {
            let cells: String = personas.iter().map(|(_, who)| cell(policy, service, &rule, who)).collect();
            let grid = [&cells[..4], &cells[4..8], &cells[8..12], &cells[12..13], &cells[13..]];
            let [system, domain, project, other, none] = grid;
            let _ = writeln!(page, "{system} {domain} {project}  {other}   {none}  {name}");
            let may = personas.iter().zip(cells.chars());
            let may: serde_json::Map<_, _> =
                may.map(|((persona, _), cell)| (persona.clone(), Value::from(cell.to_string()))).collect();
            values.push(json!({"service": service, "name": name, "rule": rule, "may": may}));
        }
        page.push_str("```\n");
    }
    page.push_str(&without_rule());
    (page, json!({"event": "policy-table", "permissions": values}))
}

/// The operations of a service with their rules, then the rules that are of no operation.
fn rows(policy: &Policy, service: &str) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    let mut seen = HashSet::new();
    for row in wire_up::tables().into_iter().flat_map(|(_, _, rows)| rows) {
        match row.access {
            Access::Rule(rule) if rule.service == service && seen.insert((row.name, rule.name)) => {
                rows.push((format!("{}  {}", row.name, rule.name), rule.name.to_owned()));
            }
            _ => {}
        }
    }
    let named: HashSet<String> = rows.iter().map(|(_, rule)| rule.clone()).collect();
    let others = policy.holding(service).into_iter().filter(|rule| !named.contains(&rule.name));
    rows.extend(others.map(|rule| (format!("-  {}", rule.name), rule.name)));
    rows
}

/// What asks no rule of its own, and why.
fn without_rule() -> String {
    let mut text = String::from("\n## Without a rule\n\n| operation | who | because |\n|---|---|---|\n");
    for row in wire_up::tables().into_iter().flat_map(|(_, _, rows)| rows) {
        let (who, because) = match row.access {
            Access::Rule(_) => continue,
            Access::Token(because) => ("any token", because),
            Access::Open(because) => ("anybody", because),
        };
        let line = format!("| {} | {who} | {because} |\n", row.name);
        if !text.contains(&line) {
            text.push_str(&line);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_page_of_permissions_is_what_the_rules_say() {
        let kept = include_str!("../../../../docs/compat/permissions.md");
        let (page, _) = super::table(&crate::wire_up::policy().unwrap());
        let differs: Vec<_> = page.lines().filter(|line| !kept.lines().any(|kept| kept == *line)).collect();
        let says = "if that is meant: cargo run -p drystone -- policy table > docs/compat/permissions.md";
        assert!(kept.trim_end() == page.trim_end(), "who may do what has changed: {differs:#?}; {says}");
    }
}
