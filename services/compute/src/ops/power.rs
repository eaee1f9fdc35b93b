//! What changes the state of a server that has run: power, reboot, lock, rebuild, state.

use crate::model::server::{Server, Task, VmState};
use crate::ops::{Demand, doer, server_for, target};
use crate::store::{action, server as rows};
use crate::{Compute, rules};
use fault::Fault;
use metal::server::{MachineState, Power};
use policy::Rule;
use std::sync::Arc;
use store::Tx;
use web::Cx;

/// One way of changing the power of a server.
#[derive(Debug)]
pub struct Switch {
    /// The rule.
    pub rule: &'static Rule,
    /// The word in Nova's refusals.
    pub word: &'static str,
    /// From these states.
    pub from: &'static [VmState],
    /// To this one.
    pub to: Power,
    /// What shows meanwhile.
    pub task: Task,
    /// The event of the action.
    pub event: &'static str,
}

macro_rules! switches {
    ($($name:ident: $rule:ident, $word:literal, [$($from:ident),*] => $to:ident, $task:ident, $event:literal;)*) => {
        $(#[allow(missing_docs, reason = "the name says it")] pub const $name: Switch = Switch {
            rule: &rules::$rule, word: $word, from: &[$(VmState::$from),*], to: Power::$to, task: Task::$task, event: $event,
        };)*
    };
}

switches! {
    START: SERVERS_START, "start", [Stopped] => On, PoweringOn, "compute_start_instance";
    STOP: SERVERS_STOP, "stop", [Active, Error] => Off, PoweringOff, "compute_stop_instance";
    PAUSE: PAUSE_SERVER_PAUSE, "pause", [Active] => Paused, Pausing, "compute_pause_instance";
    UNPAUSE: PAUSE_SERVER_UNPAUSE, "unpause", [Paused] => On, Unpausing, "compute_unpause_instance";
    SUSPEND: SUSPEND_SERVER_SUSPEND, "suspend", [Active] => Suspended, Suspending, "compute_suspend_instance";
    RESUME: SUSPEND_SERVER_RESUME, "resume", [Suspended] => On, Resuming, "compute_resume_instance";
}

/// Tasks that a hard reboot may cut short.
const CUT_SHORT: &[&str] = &["rebooting", "resuming", "rebooting_hard", "unpausing", "pausing", "suspending"];

impl Compute {
    /// Changes the power of a server.
    pub async fn server_switch(
        self: &Arc<Self>,
        cx: &Cx,
        id: &str,
        switch: &'static Switch,
    ) -> Result<(), Fault> {
        let id = id.to_owned();
        self.write(cx, move |this, tx, cx| {
            let mut server = server_for(tx, cx, &id, switch.rule)?;
            Demand { action: switch.word, states: switch.from, tasks: Some(&[]), launched: true }
                .check(cx, &server)?;
            if server.power == Power::Off {
                server.detail.starts += 1;
            }
            server.power = switch.to;
            this.task_begin(tx, cx, server, switch.task, switch.event)
        })
        .await
    }

    /// Reboots a server.
    pub async fn server_reboot(self: &Arc<Self>, cx: &Cx, id: &str, hard: bool) -> Result<(), Fault> {
        let id = id.to_owned();
        self.write(cx, move |this, tx, cx| {
            let mut server = server_for(tx, cx, &id, &rules::SERVERS_REBOOT)?;
            let soft = &[VmState::Active][..];
            let any =
                &[VmState::Active, VmState::Stopped, VmState::Paused, VmState::Suspended, VmState::Error][..];
            let (states, tasks) = if hard { (any, CUT_SHORT) } else { (soft, &[][..]) };
            Demand { action: "reboot", states, tasks: Some(tasks), launched: true }.check(cx, &server)?;
            // A machine that is off is only switched on; one that runs is power-cycled and that is counted.
            let runs = server.seen.as_ref().is_some_and(|seen| seen.state == MachineState::Running);
            if runs || server.power == Power::On {
                server.reboots += 1;
            } else {
                server.detail.starts += 1;
            }
            (server.power, server.reboot_hard) = (Power::On, hard);
            let task = if hard { Task::RebootingHard } else { Task::Rebooting };
            this.task_begin(tx, cx, server, task, "compute_reboot_instance")
        })
        .await
    }

    /// Something begins that the host must do.
    pub(crate) fn task_begin(
        &self,
        tx: &Tx,
        cx: &Cx,
        mut server: Server,
        task: Task,
        event: &str,
    ) -> Result<(), Fault> {
        // What was under way is cut short by what comes now.
        if let Some(cut) = server.detail.action.take() {
            action::action_end(tx, cut, None, None)?;
        }
        let host = server.host.as_deref();
        server.detail.action =
            Some(action::action_begin(tx, &server.id, task.action(), event, host, doer(cx))?);
        server.task = Some(task);
        server.task_revision = server.revision + 1;
        server.deadline = Some(self.deadline(tx, self.settings.task_time));
        server.generation += 1;
        server.updated_at = tx.now();
        rows::server_save(tx, &server)?;
        self.wake(tx, &server.id)
    }

    /// Locks a server against all but administrators (and, if the owner locks it, against nothing the owner unlocks).
    pub async fn server_lock(
        self: &Arc<Self>,
        cx: &Cx,
        id: &str,
        reason: Option<String>,
    ) -> Result<(), Fault> {
        let id = id.to_owned();
        self.write(cx, move |_, tx, cx| {
            let mut server = server_for(tx, cx, &id, &rules::LOCK_SERVER_LOCK)?;
            let owner = cx.who.project() == server.project_id;
            if server.locked_by.is_some() && owner {
                return Ok(());
            }
            server.locked_by = Some(if owner { "owner" } else { "admin" }.to_owned());
            if reason.is_some() {
                server.locked_reason = reason.clone();
            }
            done_at_once(tx, cx, &mut server, "lock", "api_lock")
        })
        .await
    }

    /// Unlocks a server.
    pub async fn server_unlock(self: &Arc<Self>, cx: &Cx, id: &str) -> Result<(), Fault> {
        let id = id.to_owned();
        self.write(cx, move |_, tx, cx| {
            let mut server = server_for(tx, cx, &id, &rules::LOCK_SERVER_UNLOCK)?;
            let expected = if cx.who.project() == server.project_id { "owner" } else { "admin" };
            if server.locked_by.as_deref().is_some_and(|by| by != expected) {
                cx.may(&rules::LOCK_SERVER_UNLOCK_UNLOCK_OVERRIDE, &target(&server))?;
            }
            (server.locked_by, server.locked_reason) = (None, None);
            done_at_once(tx, cx, &mut server, "unlock", "api_unlock")
        })
        .await
    }

    /// Says that a server is well, or that it is not.
    pub async fn server_reset_state(self: &Arc<Self>, cx: &Cx, id: &str, active: bool) -> Result<(), Fault> {
        let id = id.to_owned();
        self.write(cx, move |this, tx, cx| {
            let mut server = server_for(tx, cx, &id, &rules::ADMIN_ACTIONS_RESET_STATE)?;
            // What never ran cannot be made to run by saying so.
            server.failed = !active || server.launched_at.is_none();
            (server.task, server.deadline, server.deleting) = (None, None, false);
            if let Some(cut) = server.detail.action.take() {
                action::action_end(tx, cut, None, None)?;
            }
            done_at_once(tx, cx, &mut server, "resetState", "api_reset_state")?;
            this.wake(tx, &server.id)
        })
        .await
    }

    /// Tells the host the server's network again.
    pub async fn server_inject_network_info(self: &Arc<Self>, cx: &Cx, id: &str) -> Result<(), Fault> {
        let id = id.to_owned();
        self.write(cx, move |this, tx, cx| {
            let server = server_for(tx, cx, &id, &rules::ADMIN_ACTIONS_INJECT_NETWORK_INFO)?;
            crate::ops::unlocked(cx, &server)?;
            this.wake(tx, &server.id)
        })
        .await
    }
}

fn done_at_once(tx: &Tx, cx: &Cx, server: &mut Server, name: &str, event: &str) -> Result<(), Fault> {
    let number = action::action_begin(tx, &server.id, name, event, server.host.as_deref(), doer(cx))?;
    action::action_end(tx, number, None, None)?;
    server.updated_at = tx.now();
    rows::server_save(tx, server)
}
