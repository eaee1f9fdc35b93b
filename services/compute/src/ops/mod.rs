//! The rules of the cloud, a file a noun. An operation is one transaction, and checks who may do it.

pub mod action;
pub mod aggregate;
pub mod console;
pub mod flavor;
pub mod group;
pub mod host;
pub mod interface;
pub mod keypair;
pub mod metadata;
pub mod power;
pub mod quota;
pub mod security_group;
pub mod server;
pub mod server_create;
pub mod server_list;
pub mod tag;
pub mod usage;

use crate::Compute;
use crate::model::server::{Server, VmState};
use crate::store as rows;
use crate::store::action::Doer;
use fault::Fault;
use policy::{Rule, Target};
use store::Tx;
use web::Cx;

/// The caller, as actions remember him.
pub(crate) fn doer(cx: &Cx) -> Doer<'_> {
    Doer { request_id: &cx.request_id, user_id: &cx.who.user_id, project_id: cx.who.project() }
}

/// What a rule about a server is asked about.
pub(crate) fn target(server: &Server) -> Target {
    Target::project(&server.project_id).with("user_id", &server.user_id)
}

/// Nova's words for a server that does not exist, or that the caller may not know of.
pub(crate) fn no_server(id: &str) -> Fault {
    Fault::not_found(format!("Instance {id} could not be found."))
}

/// The one door to a server: a stranger's server does not exist; a visible one may still be forbidden.
pub(crate) fn server_for(tx: &Tx, cx: &Cx, id: &str, rule: &Rule) -> Result<Server, Fault> {
    let server = server_seen(tx, cx, id, false)?;
    cx.may(rule, &target(&server))?;
    Ok(server)
}

/// The server if the caller may know of it; deleted ones only with `deleted`.
pub(crate) fn server_seen(tx: &Tx, cx: &Cx, id: &str, deleted: bool) -> Result<Server, Fault> {
    let found = rows::server::server_by_id(tx, id, deleted)?.filter(|server| cx.sees(&server.project_id));
    found.ok_or_else(|| no_server(id))
}

/// What a server must be like for something to be done to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Demand<'a> {
    /// The word of the action in Nova's refusal.
    pub action: &'a str,
    /// The states in which it may be done; empty is any.
    pub states: &'a [VmState],
    /// Nothing else may be under way, except these.
    pub tasks: Option<&'a [&'a str]>,
    /// It must have run once.
    pub launched: bool,
}

impl Demand<'_> {
    /// Refuses in Nova's words.
    pub fn check(&self, cx: &Cx, server: &Server) -> Result<(), Fault> {
        unlocked(cx, server)?;
        let standing = server.standing();
        let refuse = |attribute: &str, state: &str| {
            let (action, id) = (self.action, &server.id);
            Err(Fault::conflict(format!(
                "Cannot '{action}' instance {id} while it is in {attribute} {state}"
            )))
        };
        if !self.states.is_empty() && !self.states.contains(&standing.vm_state) {
            return refuse("vm_state", standing.vm_state.word());
        }
        if let (Some(allowed), Some(task)) = (self.tasks, standing.task_state)
            && !allowed.contains(&task)
        {
            return refuse("task_state", task);
        }
        if self.launched && server.launched_at.is_none() {
            let (action, id) = (self.action, &server.id);
            return Err(Fault::conflict(format!("Instance {id} is in an invalid state for '{action}'")));
        }
        Ok(())
    }
}

/// A locked server is left alone by all but administrators.
pub(crate) fn unlocked(cx: &Cx, server: &Server) -> Result<(), Fault> {
    if server.locked_by.is_some() && !cx.who.admin {
        return Err(Fault::conflict(format!("Instance {} is locked", server.id)));
    }
    Ok(())
}

impl Compute {
    /// The service's own default for hosts without an aggregate's zone.
    pub(crate) fn zone_of(&self, zones: &std::collections::BTreeMap<String, String>, host: &str) -> String {
        zones.get(host).unwrap_or(&self.settings.zone).clone()
    }
}
