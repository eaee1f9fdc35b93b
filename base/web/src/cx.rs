//! The context of one request: who asks, at which version, under which id, and where the cloud is found from outside.

use crate::version::Version;
use fault::Fault;
use kernel::Micros;
use policy::{Explanation, Policy, Rule, Target, Who};
use std::sync::Arc;

/// The context of one request. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Cx {
    /// The id under which everything about this request is logged.
    pub request_id: Arc<str>,
    /// When it came.
    pub at: Micros,
    /// Who asks. [`Who::default`] in operations that are open.
    pub who: Arc<Who>,
    /// The token that was presented, for operations that need it again.
    pub token: Option<Arc<str>>,
    /// The microversion in force; 0.0 for services without.
    pub version: Version,
    /// Where the service is found from outside, without final slash: `http://127.0.0.1:5000/compute`.
    pub base: Arc<str>,
    /// The peer's address.
    pub peer: Arc<str>,
    /// What the client accepts (`Accept`), for services whose faults come in several forms.
    pub accept: Arc<str>,
    pub(crate) policy: Arc<Policy>,
    pub(crate) refusal: fn(&str) -> Fault,
}

impl Cx {
    /// Whether the microversion in force is at least `version`.
    pub fn has(&self, version: Version) -> bool {
        self.version >= version
    }

    /// All rules, for what is asked of them beside whether the caller may.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Whether the caller may do what `rule` names to `target`.
    pub fn allows(&self, rule: &Rule, target: &Target) -> bool {
        self.policy.allows(rule, &self.who, target)
    }

    /// Whether the check of `rule` holds for the caller and `target`, whatever the token is for.
    pub fn holds(&self, rule: &Rule, target: &Target) -> bool {
        self.policy.holds(rule.service, rule.name, &self.who, target)
    }

    /// Refuses, in the words of the service, what the caller may not do.
    pub fn may(&self, rule: &Rule, target: &Target) -> Result<(), Fault> {
        match self.allows(rule, target) {
            true => Ok(()),
            false => Err(self.explained((self.refusal)(rule.name), rule)),
        }
    }

    /// Adds to a refusal what the caller lacks for a rule.
    pub fn explained(&self, fault: Fault, rule: &Rule) -> Fault {
        self.explained_by(fault, rule.service, rule.name, |told| told)
    }

    /// The same where only the rule's check was asked, as by [`Policy::holds`].
    pub fn explained_check(&self, fault: Fault, service: &str, rule: &str) -> Fault {
        self.explained_by(fault, service, rule, Explanation::of_check)
    }

    fn explained_by(
        &self,
        fault: Fault,
        service: &str,
        rule: &str,
        told: fn(Explanation) -> Explanation,
    ) -> Fault {
        match self.policy.explain(service, rule, &self.who) {
            Some(explanation) => fault.explained(told(explanation).to_string()),
            None => fault,
        }
    }

    /// Whether the caller may see a thing of `project_id`: its own, or any as an administrator.
    pub fn sees(&self, project_id: &str) -> bool {
        self.who.admin || self.who.project_id.as_deref() == Some(project_id)
    }

    /// A link below the service's public address.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// A context outside of any request, for start-up and tests.
    pub fn inside(who: Who, policy: Arc<Policy>, at: Micros) -> Self {
        Self {
            request_id: "req-inside".into(),
            at,
            who: Arc::new(who),
            token: None,
            version: Version::NONE,
            base: "".into(),
            peer: "".into(),
            accept: "".into(),
            policy,
            refusal: |rule| Fault::forbidden(format!("{rule} is disallowed by policy")),
        }
    }
}
