//! Rules about several factors: which proofs together let a user in.
//!
//! A rule is a set of methods, and one that is met is enough. Methods that do not exist here do not count, so that a
//! mistaken rule locks nobody out: that is how Keystone reads them.

use crate::model::token::METHODS;
use crate::model::user::User;
use serde_json::Value;

/// The user's rules, without methods that there are not; empty if any proof will do.
fn rules(user: &User) -> Vec<Vec<&str>> {
    if user.options.get("multi_factor_auth_enabled") == Some(&Value::Bool(false)) {
        return Vec::new();
    }
    let rules = user.options.get("multi_factor_auth_rules").and_then(Value::as_array);
    rules.into_iter().flatten().map(usable).filter(|rule| !rule.is_empty()).collect()
}

fn usable(rule: &Value) -> Vec<&str> {
    let methods = rule.as_array().into_iter().flatten().filter_map(Value::as_str);
    methods.filter(|method| METHODS.contains(method)).collect()
}

/// Whether these methods together let the user in.
pub fn enough(user: &User, methods: &[String]) -> bool {
    let has = |method: &&str| methods.iter().any(|own| own == method);
    let rules = rules(user);
    rules.is_empty() || rules.iter().any(|rule| rule.iter().all(has))
}

/// The rules that these methods are a part of.
pub fn begun(user: &User, methods: &[String]) -> Vec<Vec<String>> {
    let has = |method: &&str| methods.iter().any(|own| own == method);
    let begun = rules(user).into_iter().filter(|rule| rule.iter().any(has));
    begun.map(|rule| rule.into_iter().map(str::to_owned).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn one_rule_that_is_met_is_enough() {
        let both = json!([["password", "totp"]]);
        for (enabled, rules, methods, wanted) in [
            (json!(true), both.clone(), "password totp", true),
            (json!(true), both.clone(), "password", false),
            (json!(true), both.clone(), "token", false),
            (Value::Null, both.clone(), "password", false),
            (json!(false), both, "password", true),
            (json!(true), json!([]), "password", true),
            (json!(true), json!([["password", "retina"], ["totp"]]), "password", true),
            (json!(true), json!([["retina"], ["totp"]]), "password", false),
            (json!(true), json!([["retina"]]), "password", true),
            (json!(true), json!([["mapped"]]), "password", false),
            (json!(true), json!([["mapped", "totp"]]), "totp mapped", true),
        ] {
            let options = json!({"multi_factor_auth_enabled": enabled, "multi_factor_auth_rules": rules});
            let user = User { options: options.as_object().unwrap().clone(), ..User::default() };
            let methods: Vec<String> = methods.split(' ').map(str::to_owned).collect();
            assert_eq!(enough(&user, &methods), wanted, "{options} {methods:?}");
        }
    }
}
