//! What a request asks of the rules: the rule of its operation, and of each attribute that it names those which that has.
//!
//! Of what its caller may not even see, a change that is refused says that there is nothing. Whether he may see it is asked
//! of the thing as the request would have it, as everything else is.
//!
//! Neutron joins the rules of a request to one check, and oslo.policy looks at what a token is for only where the check is a
//! single rule. So a request that names attributes with rules of their own may come with any token that these rules let in.

use crate::model::attribute::{Attribute, Maker, Noun, Wish};
use crate::model::faults;
use crate::rules;
use fault::Fault;
use policy::{Rule, Target};
use serde_json::Value;
use web::Cx;

/// The service of the rules.
pub(super) const SERVICE: &str = "network";

/// For whom the caller makes things: other services and administrators for everybody, and whom an operator lets.
pub(crate) fn maker(cx: &Cx) -> Maker<'_> {
    let others = [&rules::SERVICE_API, &rules::CONTEXT_IS_ADVSVC, &rules::CONTEXT_CAN_SET_PROJECT_ID];
    let for_others = cx.who.admin || others.into_iter().any(|rule| cx.holds(rule, &Target::none()));
    Maker { project: cx.who.project_id.as_deref(), for_others }
}

/// Refuses to make what rules do not allow.
pub(crate) fn may_create(cx: &Cx, noun: &Noun, wish: &Wish, target: Target) -> Result<(), Fault> {
    asked(cx, &format!("create_{}", noun.one), noun, wish, &wished(target, wish), true)
}

/// Refuses to change what rules do not allow, or hides it.
pub(crate) fn may_update(cx: &Cx, noun: &Noun, wish: &Wish, target: Target) -> Result<(), Fault> {
    let target = wished(target, wish);
    let asked = asked(cx, &format!("update_{}", noun.one), noun, wish, &target, false);
    asked.map_err(|refused| seen(cx, noun, &target, refused))
}

/// Refuses to remove what a rule does not allow, or hides it.
pub(crate) fn may_delete(cx: &Cx, noun: &Noun, target: &Target) -> Result<(), Fault> {
    may_do(cx, rules::of(&format!("delete_{}", noun.one)), noun, target)
}

/// Refuses to do something else to a thing, or hides it.
pub(crate) fn may_do(cx: &Cx, rule: &Rule, noun: &Noun, target: &Target) -> Result<(), Fault> {
    may(cx, rule, target).map_err(|refused| seen(cx, noun, target, refused))
}

/// Refuses what a rule does not allow.
pub(crate) fn may(cx: &Cx, rule: &Rule, target: &Target) -> Result<(), Fault> {
    if cx.allows(rule, target) {
        return Ok(());
    }
    let scope = cx.who.scope();
    let refused = match cx.who.cloud || rule.scopes.take(scope) {
        true => faults::disallowed(format!("rule:{}", rule.name)),
        false => faults::out_of_scope(rule, scope),
    };
    Err(cx.explained(refused, rule))
}

/// The refusal, if the caller may see what it is about.
fn seen(cx: &Cx, noun: &Noun, target: &Target, refused: Fault) -> Fault {
    let sees = cx.allows(rules::of(&format!("get_{}", noun.one)), target);
    if sees { refused } else { faults::nothing() }
}

/// The target with what the request says of it.
fn wished(target: Target, wish: &Wish) -> Target {
    target.with_body(wish.values())
}

/// Asks the rule of an action, and those of the attributes that the caller names. The sentence joins them as oslo.policy
/// writes them.
fn asked(
    cx: &Cx,
    action: &str,
    noun: &Noun,
    wish: &Wish,
    target: &Target,
    create: bool,
) -> Result<(), Fault> {
    let attributes = wish.ruled(noun, create);
    if attributes.is_empty() {
        return may(cx, rules::of(action), target);
    }
    let mut names = vec![action.to_owned()];
    let mut text = format!("rule:{action}");
    for attribute in attributes {
        let name = format!("{action}:{}", attribute.name);
        let parts: Vec<_> = parts(attribute, wish).into_iter().map(|part| format!("{name}:{part}")).collect();
        text = format!("({text} and {})", joined(&name, &parts));
        names.push(name);
        names.extend(parts);
    }
    // An operator may say rules of attributes that have none by default.
    let known = |name: &String| cx.policy().knows(SERVICE, name);
    let mut rules = names.iter().map(|name| if known(name) { name } else { rules::DEFAULT.name });
    let refusing = rules.find(|rule| !cx.policy().holds(SERVICE, rule, &cx.who, target));
    refusing.map_or(Ok(()), |rule| Err(cx.explained_check(faults::disallowed(text), SERVICE, rule)))
}

/// The rule of an attribute with those of its parts.
fn joined(name: &str, parts: &[String]) -> String {
    if parts.is_empty() {
        return format!("rule:{name}");
    }
    let parts: Vec<_> = parts.iter().map(|part| format!("rule:{part}")).collect();
    format!("(rule:{name} and ({}))", parts.join(" and "))
}

/// The names of the parts of an attribute that have rules of their own.
fn parts(attribute: &Attribute, wish: &Wish) -> Vec<String> {
    match wish.value(attribute.name).filter(|_| attribute.parted()) {
        Some(Value::Object(map)) => map.keys().cloned().collect(),
        Some(Value::Array(items)) => {
            let mut names: Vec<String> = Vec::new();
            for key in items.iter().filter_map(Value::as_object).flat_map(|map| map.keys()) {
                if !names.contains(key) {
                    names.push(key.clone());
                }
            }
            names
        }
        _ => Vec::new(),
    }
}
