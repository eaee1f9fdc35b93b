//! `drystone policy`: who may do what, without asking a running cloud.

#[cfg(test)]
mod asked;
pub mod files;
mod sweep;

use crate::output;
use crate::settings::{Form, Settings};
use crate::wire_up;
use clap::Subcommand;
use files::PolicyFiles;
use policy::{Explanation, Holds, Policy, Target, Who};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use web::routes::Access;

/// What is asked.
#[derive(Subcommand)]
pub enum Ask {
    /// List the rules that hold, with the policy files of the state directory
    List {
        /// Of one service only
        service: Option<String>,
    },
    /// Check a policy file without using it
    Check {
        /// The file
        file: PathBuf,
        /// Whose it is [default: by the file's name, as compute.yaml]
        #[arg(long)]
        service: Option<String>,
    },
    /// Tell whether somebody may do something, and what it takes
    Explain(Question),
    /// Print what each persona may do, by the defaults
    Table,
}

/// Somebody, and what he wants.
#[derive(clap::Args)]
pub struct Question {
    /// A rule (os_compute_api:servers:create) or an operation (server_create)
    name: String,
    /// The service, where several have a rule of that name
    #[arg(long)]
    service: Option<String>,
    /// A role; admin is also manager, manager member, and member reader
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// What the token is for: project, project:ID, domain, domain:ID, system or none; without ID it is called `own`
    #[arg(long, default_value = "project")]
    scope: String,
    /// The user's id
    #[arg(long, value_name = "ID", default_value = "own")]
    user: String,
    /// A value of the target, as project_id=own
    #[arg(long = "target", value_name = "KEY=VALUE")]
    target: Vec<String>,
}

/// Answers. The error is a sentence for the operator.
pub fn answer(settings: &Settings, ask: Ask) -> Result<(), String> {
    let json = settings.output == Form::Json;
    let (text, value) = match ask {
        Ask::List { service } => list(&PolicyFiles::load(settings)?, service.as_deref())?,
        Ask::Check { file, service } => check(&file, service)?,
        Ask::Explain(question) => explain(&PolicyFiles::load(settings)?.policy(), &question)?,
        Ask::Table => sweep::table(&*wire_up::policy().map_err(|fault| fault.to_string())?),
    };
    if json {
        output::json(&value)
    } else {
        output::line(text.trim_end())
    }
    Ok(())
}

fn list(files: &PolicyFiles, only: Option<&str>) -> Result<(String, Value), String> {
    let policy = files.policy();
    let services: Vec<_> =
        policy.services().filter(|service| only.is_none_or(|only| only == *service)).collect();
    if services.is_empty() {
        return Err(unknown_service(&policy, only.unwrap_or_default()));
    }
    let (mut text, mut values) = (String::new(), Vec::new());
    for service in services {
        for rule in policy.holding(service) {
            let origin = rule.line.map(|line| format!("{} line {line}", files.path(service).display()));
            let told = origin.as_ref().map(|origin| format!("  # {origin}")).unwrap_or_default();
            text.push_str(&format!("{service} {:?}: {:?}{told}\n", rule.name, rule.check));
            values.push(shown(service, &rule, origin));
        }
    }
    Ok((text, json!({"event": "policy", "rules": values})))
}

fn shown(service: &str, rule: &Holds, origin: Option<String>) -> Value {
    json!({
        "service": service, "rule": rule.name, "check": rule.check, "about": rule.about,
        "scopes": rule.scopes.words().collect::<Vec<_>>(), "from": origin.unwrap_or_else(|| "default".to_owned()),
    })
}

fn check(file: &PathBuf, service: Option<String>) -> Result<(String, Value), String> {
    let policy = wire_up::policy().map_err(|fault| fault.to_string())?;
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let service = service.or(stem).unwrap_or_default();
    if !policy.services().any(|known| known == service) {
        return Err(unknown_service(&policy, &service));
    }
    let said = std::fs::read(file)
        .map_err(|error| format!("The policy file {} cannot be read: {error}.", file.display()))?;
    let notices = files::take(&policy, &service, file, &said)?;
    let said = policy.holding(&service).iter().filter(|rule| rule.line.is_some()).count();
    let mut told: String = notices.iter().map(|notice| format!("{notice}\n")).collect();
    told.push_str(&format!("The policy file {} can be used: {said} rules.", file.display()));
    let notices: Vec<_> =
        notices.iter().map(|notice| json!({"line": notice.line, "what": notice.what})).collect();
    Ok((told, json!({"event": "policy-check", "service": service, "rules": said, "notices": notices})))
}

fn unknown_service(policy: &Policy, service: &str) -> String {
    let known: Vec<_> = policy.services().collect();
    format!("There are no rules of a service {service:?}: say --service with one of {}.", known.join(", "))
}

fn explain(policy: &Policy, question: &Question) -> Result<(String, Value), String> {
    let (service, rule) = rule(policy, question)?;
    let who = who(question)?;
    let target =
        question.target.iter().try_fold(Target::none(), |target, said| match said.split_once('=') {
            Some((key, value)) => Ok(target.with(key, value)),
            None => Err(format!("The target {said:?} is no KEY=VALUE.")),
        })?;
    let mut who = Arc::new(who);
    policy.place(service, &mut who);
    let allowed = policy.permits(service, &rule, &who, &target);
    let told = policy.explain(service, &rule, &who).ok_or_else(|| no_such(&rule))?;
    let check = policy.holding(service).into_iter().find(|holds| holds.name == rule);
    let check = check.map(|holds| holds.check).unwrap_or_default();
    let asked: Vec<_> = policy.asked_of_target(service, &rule).into_iter().collect();
    let mut text = format!("{}: {told}.\n  {rule}: {check}\n", if allowed { "allowed" } else { "refused" });
    if !asked.is_empty() {
        text.push_str(&format!("  of the target it asks {}\n", asked.join(", ")));
    }
    Ok((text, explained(service, allowed, &check, &asked, &told)))
}

fn explained(service: &str, allowed: bool, check: &str, asked: &[String], told: &Explanation) -> Value {
    let way = |way: &policy::Way| {
        let need = |need: &policy::Need| json!({"need": need.to_string(), "met": need.met});
        way.0.iter().map(need).collect::<Vec<_>>()
    };
    json!({
        "event": "policy-explain", "allowed": allowed, "service": service, "rule": told.rule, "check": check,
        "scopes": told.scopes.words().collect::<Vec<_>>(), "scope": told.scope, "scope_taken": told.scope_taken,
        "roles": told.roles, "ways": told.ways.iter().map(way).collect::<Vec<_>>(), "asked_of_target": asked,
        "explanation": told.to_string(),
    })
}

/// The rule that is meant: by its own name, or by that of an operation.
fn rule(policy: &Policy, question: &Question) -> Result<(&'static str, String), String> {
    let wanted = |service: &str| question.service.as_deref().is_none_or(|only| only == service);
    let name = &question.name;
    let mut found: Vec<_> = policy
        .services()
        .filter(|service| wanted(service) && policy.knows(service, name))
        .map(|service| (service, name.clone()))
        .collect();
    for row in wire_up::tables().into_iter().flat_map(|(_, _, rows)| rows).filter(|row| row.name == name) {
        match row.access {
            Access::Rule(rule) if wanted(rule.service) => found.push((rule.service, rule.name.to_owned())),
            Access::Token(because) => return Err(format!("{name} is for every token: {because}.")),
            Access::Open(because) => return Err(format!("{name} is for everybody: {because}.")),
            Access::Rule(_) => {}
        }
    }
    found.sort_unstable();
    found.dedup();
    match <[_; 1]>::try_from(found) {
        Ok([only]) => Ok(only),
        Err(none) if none.is_empty() => Err(no_such(name)),
        Err(several) => {
            let told: Vec<_> = several.iter().map(|(service, rule)| format!("{rule} of {service}")).collect();
            Err(format!(
                "{name} is more than one rule: {}. Say which with --service, or name it.",
                told.join(", ")
            ))
        }
    }
}

fn no_such(name: &str) -> String {
    format!(
        "There is no rule and no operation {name}: `drystone policy list` and `drystone operations` tell which."
    )
}

/// What each role brings along.
const IMPLIED: [&str; 4] = ["admin", "manager", "member", "reader"];

/// The roles that a token has for a role that was given.
fn effective(role: &str) -> Vec<String> {
    match IMPLIED.iter().position(|known| *known == role) {
        Some(at) => IMPLIED[at..].iter().map(|role| (*role).to_owned()).collect(),
        None => vec![role.to_owned()],
    }
}

fn who(question: &Question) -> Result<Who, String> {
    let (kind, id) = question.scope.split_once(':').unwrap_or((&question.scope, "own"));
    let mut who = Who {
        user_id: question.user.clone(),
        user_domain_id: "own".to_owned(),
        roles: question.roles.iter().flat_map(|role| effective(role)).collect(),
        ..Who::default()
    };
    match kind {
        "project" => {
            who.project_id = Some(id.to_owned());
            who.project_domain_id = Some("own".to_owned());
        }
        "domain" => who.domain_id = Some(id.to_owned()),
        "system" => who.system = true,
        "none" => {}
        _ => return Err(format!("There is no scope {kind}: it is project, domain, system or none.")),
    }
    Ok(who)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(name: &str, roles: &[&str], scope: &str, target: &[&str]) -> Result<(String, Value), String> {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let question = Question {
            name: name.to_owned(),
            service: None,
            roles: owned(roles),
            scope: scope.to_owned(),
            user: "own".to_owned(),
            target: owned(target),
        };
        explain(&wire_up::policy().unwrap(), &question)
    }

    #[test]
    fn an_operation_is_explained_as_its_rule_is() {
        let (text, value) = asked("server_delete", &["member"], "project", &["project_id=own"]).unwrap();
        assert!(
            text.starts_with("allowed: os_compute_api:servers:delete is for role member (yours)"),
            "{text}"
        );
        assert_eq!(value["allowed"], true);
        let (text, value) = asked("server_delete", &["admin"], "system", &["project_id=own"]).unwrap();
        assert!(text.contains("It takes tokens of scope project"), "{text}");
        assert_eq!((&value["allowed"], &value["scope_taken"]), (&json!(false), &json!(false)));
    }

    #[test]
    fn questions_that_mean_nothing_are_refused_in_a_sentence() {
        for (name, scope, target, why) in [
            ("server_deletes", "project", "a=b", "There is no rule and no operation server_deletes"),
            ("context_is_admin", "project", "a=b", "is more than one rule"),
            ("server_delete", "galaxy", "a=b", "There is no scope galaxy"),
            ("server_delete", "project", "a", "is no KEY=VALUE"),
            ("token_create", "project", "a=b", "is for everybody"),
        ] {
            let refused = asked(name, &[], scope, &[target]).unwrap_err();
            assert!(refused.contains(why), "{name}: {refused}");
        }
    }
}
