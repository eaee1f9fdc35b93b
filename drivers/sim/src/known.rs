//! What there is in the cloud that a fault can hit. A rule that names something else would never hit, and its test would
//! pass for the wrong reason.

use crate::faults::{Match, matches};
use http::Method;
use std::fmt::Write;
use std::sync::OnceLock;

/// A row of a service's table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// The service's type (`compute`).
    pub service: &'static str,
    /// The method.
    pub method: Method,
    /// The operation (`server_create`).
    pub name: &'static str,
}

/// What there is. What nobody has told of is not checked.
#[derive(Default)]
pub(crate) struct Known {
    pub operations: OnceLock<Vec<Operation>>,
    pub hosts: OnceLock<Vec<String>>,
}

impl Known {
    /// Says what a rule names that there is not.
    pub(crate) fn check(&self, when: &Match) -> Result<(), String> {
        if let Some(operations) = self.operations.get() {
            service(operations, when)?;
            method(operations, when)?;
            operation(operations, when)?;
        }
        path(when)?;
        match &when.host {
            Some(host) => self.host(host),
            None => Ok(()),
        }
    }

    /// The hosts, as far as anybody has told of them.
    pub(crate) fn hosts(&self) -> &[String] {
        self.hosts.get().map_or(&[], Vec::as_slice)
    }

    fn host(&self, pattern: &str) -> Result<(), String> {
        let Some(hosts) = self.hosts.get() else { return Ok(()) };
        if hosts.iter().any(|host| matches(pattern, host)) {
            return Ok(());
        }
        Err(format!("There is no host {pattern:?}; those here are {}.", listed(hosts)))
    }
}

fn service(operations: &[Operation], when: &Match) -> Result<(), String> {
    let Some(service) = &when.service else { return Ok(()) };
    if operations.iter().any(|one| one.service == service) {
        return Ok(());
    }
    let services = sorted(operations.iter().map(|one| one.service));
    Err(format!("There is no service {service:?} that has faults; those that do are {}.", listed(&services)))
}

fn method(operations: &[Operation], when: &Match) -> Result<(), String> {
    let Some(method) = &when.method else { return Ok(()) };
    let methods = sorted(operations.iter().map(|one| one.method.as_str()).chain([Method::HEAD.as_str()]));
    if methods.iter().any(|one| one.eq_ignore_ascii_case(method)) {
        return Ok(());
    }
    Err(format!("There is no method {method:?}; those here are {}.", listed(&methods)))
}

fn operation(operations: &[Operation], when: &Match) -> Result<(), String> {
    let Some(name) = &when.operation else { return Ok(()) };
    let named: Vec<&Operation> = operations.iter().filter(|one| one.name == name).collect();
    let within = |one: &&Operation| when.service.as_ref().is_none_or(|service| one.service == service);
    if named.is_empty() {
        let nearest = operations.iter().filter(within).min_by_key(|one| strsim::levenshtein(name, one.name));
        let nearest = nearest.map_or("", |one| one.name);
        return Err(format!(
            "There is no operation {name:?}; the nearest is {nearest:?}, and `drystone operations` lists all."
        ));
    }
    let own: Vec<&Operation> = named.iter().copied().filter(within).collect();
    if own.is_empty() {
        let services = sorted(named.iter().map(|one| one.service));
        return Err(format!("The operation {name:?} belongs to {}.", listed(&services)));
    }
    let fits = |one: &&Operation| {
        let same = |own: &Method, method: &str| method.eq_ignore_ascii_case(own.as_str());
        // HEAD is answered as GET.
        let as_get = |method: &str| one.method == Method::GET && same(&Method::HEAD, method);
        when.method.as_deref().is_none_or(|method| same(&one.method, method) || as_get(method))
    };
    if own.iter().any(fits) {
        return Ok(());
    }
    let methods = sorted(own.iter().map(|one| one.method.as_str()));
    Err(format!("The operation {name:?} has the method {}.", listed(&methods)))
}

fn path(when: &Match) -> Result<(), String> {
    let Some(path) = &when.path else { return Ok(()) };
    if !path.starts_with(['/', '*']) || path.contains(['?', '#']) {
        return Err(
            "A path is matched as a whole: it begins with a slash or a star, and has no query.".to_owned()
        );
    }
    if path == "/sim" || path.starts_with("/sim/") {
        return Err("/sim has no faults: a path of another service is matched.".to_owned());
    }
    Ok(())
}

fn sorted<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// So many names are said; of more, how many there are.
const SAID: usize = 8;

fn listed<S: AsRef<str>>(names: &[S]) -> String {
    let said = if names.len() > SAID { SAID - 1 } else { names.len() };
    let mut text = String::new();
    for (number, name) in names.iter().take(said).enumerate() {
        text.push_str(match number {
            0 => "",
            _ if number + 1 == names.len() => " and ",
            _ => ", ",
        });
        text.push_str(name.as_ref());
    }
    if said < names.len() {
        let _ = write!(text, " and {} more", names.len() - said);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn known() -> Known {
        let row = |service, method, name| Operation { service, method, name };
        let known = Known::default();
        known.operations.get_or_init(|| {
            vec![
                row("compute", Method::POST, "server_create"),
                row("compute", Method::GET, "server_list"),
                row("network", Method::POST, "security_group_create"),
            ]
        });
        known.hosts.get_or_init(|| (1..=12).map(|number| format!("sim-{number}")).collect());
        known
    }

    fn check(text: Value) -> Result<(), String> {
        known().check(&serde_json::from_value(text).unwrap())
    }

    #[test]
    fn what_there_is_may_be_named() {
        for text in [
            json!({}),
            json!({"service": "compute", "operation": "server_create", "method": "post"}),
            json!({"service": "network", "method": "HEAD"}),
            json!({"operation": "server_list", "method": "HEAD"}),
            json!({"path": "/simple/*"}),
            json!({"path": "*"}),
            json!({"host": "*"}),
            json!({"host": "sim-1*"}),
        ] {
            assert_eq!(check(text.clone()), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_there_is_not_is_refused_with_what_there_is() {
        for (text, says) in [
            (json!({"service": "compue"}), "those that do are compute and network."),
            (json!({"service": "simulation"}), "There is no service \"simulation\" that has faults"),
            (json!({"operation": "server_creat"}), "the nearest is \"server_create\""),
            (json!({"operation": ""}), "There is no operation \"\""),
            (json!({"operation": "security_grup", "service": "network"}), "\"security_group_create\""),
            (json!({"operation": "server_create", "service": "network"}), "belongs to compute."),
            (json!({"operation": "server_create", "method": "GET"}), "has the method POST."),
            (json!({"method": "FOO"}), "those here are GET, HEAD and POST."),
            (json!({"path": ""}), "begins with a slash or a star"),
            (json!({"path": "/compute/v2.1/servers?limit=1"}), "has no query"),
            (json!({"path": "/sim/*"}), "/sim has no faults"),
            (json!({"host": "sim-13"}), "sim-7 and 5 more."),
            (json!({"host": "r-*"}), "There is no host \"r-*\""),
        ] {
            let said = check(text.clone()).unwrap_err();
            assert!(said.contains(says), "{text} says {said}");
        }
    }
}
