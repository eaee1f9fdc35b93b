//! Trusts: a user (the trustor) lets another (the trustee) act on a project with some of the trustor's roles.

use crate::model::role::Role;
use kernel::Micros;
use serde_json::{Map, Value, json};

/// How often a trust may be handed on, one after the other.
pub const DEEPEST: i64 = 3;

/// A trust.
#[derive(Clone, Debug, PartialEq)]
pub struct Trust {
    /// Its id.
    pub id: String,
    /// Whose roles are lent.
    pub trustor_id: String,
    /// Who may use them.
    pub trustee_id: String,
    /// The project that its tokens are for; a trust without one is good for nothing.
    pub project_id: Option<String>,
    /// Its tokens are the trustor's, not the trustee's.
    pub impersonation: bool,
    /// The ids of the roles.
    pub roles: Vec<String>,
    /// When it ends.
    pub expires_at: Option<Micros>,
    /// How many tokens it is still good for.
    pub remaining_uses: Option<i64>,
    /// The trust that was handed on as this one.
    pub parent_id: Option<String>,
    /// How often it may be handed on.
    pub depth: i64,
    /// Attributes of the caller's own.
    pub extra: Map<String, Value>,
}

impl Trust {
    /// Whether tokens may still be had of it.
    pub fn usable(&self, now: Micros) -> bool {
        self.expires_at.is_none_or(|end| end >= now) && self.remaining_uses.is_none_or(|uses| uses > 0)
    }

    /// Whether it may be handed on as `child`, which must not be good for more than itself, nor for another project.
    pub fn covers(&self, child: &Self) -> bool {
        let ends_later = match (self.expires_at, child.expires_at) {
            (Some(end), Some(childs)) => childs > end,
            (Some(_), None) => true,
            (None, _) => false,
        };
        (1..=DEEPEST).contains(&self.depth)
            && child.project_id == self.project_id
            && child.remaining_uses.is_none()
            && !ends_later
            && child.roles.iter().all(|role| self.roles.contains(role))
            && (self.impersonation || !child.impersonation)
    }

    /// As the API writes it below `trust` in a list, where roles are left out.
    pub fn summary(&self, base: &str) -> Value {
        let mut body = self.extra.clone();
        body.insert("id".into(), json!(self.id));
        body.insert("trustor_user_id".into(), json!(self.trustor_id));
        body.insert("trustee_user_id".into(), json!(self.trustee_id));
        body.insert("project_id".into(), json!(self.project_id));
        body.insert("impersonation".into(), json!(self.impersonation));
        body.insert("expires_at".into(), json!(self.expires_at.map(Micros::micros_z)));
        body.insert("deleted_at".into(), Value::Null);
        body.insert("remaining_uses".into(), json!(self.remaining_uses));
        body.insert("redelegated_trust_id".into(), json!(self.parent_id));
        body.insert("redelegation_count".into(), json!(self.depth));
        body.insert("links".into(), json!({"self": self.address(base)}));
        Value::Object(body)
    }

    /// As the API writes it below `trust`.
    pub fn body(&self, base: &str, roles: &[Role]) -> Value {
        let mut body = self.summary(base);
        body["roles"] = roles.iter().map(|role| role.body(base)).collect();
        body["roles_links"] = self.roles_links(base);
        body
    }

    /// The links beside its roles.
    pub fn roles_links(&self, base: &str) -> Value {
        json!({"self": format!("{}/roles", self.address(base)), "next": null, "previous": null})
    }

    fn address(&self, base: &str) -> String {
        format!("{base}/v3/OS-TRUST/trusts/{}", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trust() -> Trust {
        Trust {
            id: "t".into(),
            trustor_id: "a".into(),
            trustee_id: "b".into(),
            project_id: Some("p".into()),
            impersonation: true,
            roles: vec!["member".into(), "reader".into()],
            expires_at: Some(Micros(100)),
            remaining_uses: None,
            parent_id: None,
            depth: 2,
            extra: Map::new(),
        }
    }

    #[test]
    fn a_trust_covers_what_is_good_for_no_more_than_itself() {
        let (parent, child) = (trust(), || Trust { depth: 1, ..trust() });
        assert!(parent.covers(&child()));
        assert!(parent.covers(&Trust { roles: vec!["reader".into()], impersonation: false, ..child() }));
        for more in [
            Trust { expires_at: Some(Micros(101)), ..child() },
            Trust { expires_at: None, ..child() },
            Trust { roles: vec!["admin".into()], ..child() },
            Trust { remaining_uses: Some(1), ..child() },
        ] {
            assert!(!parent.covers(&more), "{more:?}");
        }
        assert!(!Trust { impersonation: false, ..trust() }.covers(&child()));
        assert!(!Trust { depth: 0, ..trust() }.covers(&child()));
        assert!(!Trust { depth: DEEPEST + 1, ..trust() }.covers(&child()));
    }

    #[test]
    fn a_trust_ends_with_its_time_and_its_last_use() {
        assert!(trust().usable(Micros(100)) && !trust().usable(Micros(101)));
        assert!(!Trust { remaining_uses: Some(0), ..trust() }.usable(Micros(0)));
    }
}
