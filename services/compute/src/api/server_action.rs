//! `POST /servers/{id}/action`: the one key of the body names the action.

use super::form::{self, boolean, int, ip, object, text, texts, wrapped};
use super::server::{change_of, hostname_form, name_or_none};
use super::server_create::{certificates, files};
use super::server_view::{View, rebuilt};
use super::{Answered, page};
use crate::ops::power;
use crate::ops::server::Rebuild;
use crate::{Compute, versions};
use fault::Fault;
use serde_json::{Value, json};
use std::sync::Arc;
use web::{Answer, Ask, Cx, Version};

/// An action with an argument that nobody looks at.
macro_rules! bare {
    ($name:literal) => {
        |_| json!({"type": "object", "properties": {$name: {}}, "required": [$name], "additionalProperties": false})
    };
}

/// `POST /servers/{id}/action`
pub async fn action(compute: Arc<Compute>, mut ask: Ask) -> Answered {
    let body = ask.json_or(form::MALFORMED).await?;
    let named = body.as_object().and_then(|body| body.keys().next().cloned());
    let Some(name) = named else { return Err(Fault::bad_input(form::MALFORMED)) };
    let (cx, id) = (ask.cx.clone(), ask.id("id").to_owned());
    let accepted = || Ok(Answer::empty(202));
    let fits = |make: fn(Version) -> Value, key: &'static str| form::check(&body, key, cx.version, make);
    match name.as_str() {
        "os-start" => {
            fits(bare!("os-start"), "os-start")?;
            compute.server_switch(&cx, &id, &power::START).await?;
        }
        "os-stop" => {
            fits(bare!("os-stop"), "os-stop")?;
            compute.server_switch(&cx, &id, &power::STOP).await?;
        }
        "pause" => {
            fits(bare!("pause"), "pause")?;
            compute.server_switch(&cx, &id, &power::PAUSE).await?;
        }
        "unpause" => {
            fits(bare!("unpause"), "unpause")?;
            compute.server_switch(&cx, &id, &power::UNPAUSE).await?;
        }
        "suspend" => {
            fits(bare!("suspend"), "suspend")?;
            compute.server_switch(&cx, &id, &power::SUSPEND).await?;
        }
        "resume" => {
            fits(bare!("resume"), "resume")?;
            compute.server_switch(&cx, &id, &power::RESUME).await?;
        }
        "reboot" => {
            fits(reboot_form, "reboot")?;
            let hard = text(&body["reboot"]["type"]).is_some_and(|kind| kind.eq_ignore_ascii_case("hard"));
            compute.server_reboot(&cx, &id, hard).await?;
        }
        "lock" => {
            fits(lock_form, "lock")?;
            let reason = text(&body["lock"]["locked_reason"]).filter(|_| cx.has(versions::LOCK_REASON));
            compute.server_lock(&cx, &id, reason).await?;
        }
        "unlock" => {
            fits(bare!("unlock"), "unlock")?;
            compute.server_unlock(&cx, &id).await?;
        }
        "os-resetState" => {
            fits(reset_form, "os-resetState")?;
            let active = text(&body["os-resetState"]["state"]).as_deref() == Some("active");
            compute.server_reset_state(&cx, &id, active).await?;
        }
        "injectNetworkInfo" => {
            fits(bare!("injectNetworkInfo"), "injectNetworkInfo")?;
            compute.server_inject_network_info(&cx, &id).await?;
        }
        "forceDelete" => {
            fits(bare!("forceDelete"), "forceDelete")?;
            compute.server_delete(&cx, &id, true).await?;
        }
        "addSecurityGroup" => group(&compute, &cx, &id, &body, "addSecurityGroup", true).await?,
        "removeSecurityGroup" => group(&compute, &cx, &id, &body, "removeSecurityGroup", false).await?,
        "addFixedIp" if cx.version <= versions::FIXED_IP_ACTIONS_LAST => {
            fits(add_fixed_ip_form, "addFixedIp")?;
            let network = form::reference(&body["addFixedIp"]["networkId"]);
            compute.fixed_ip_add(&cx, &id, &network).await?;
        }
        "removeFixedIp" if cx.version <= versions::FIXED_IP_ACTIONS_LAST => {
            fits(remove_fixed_ip_form, "removeFixedIp")?;
            let address =
                ip(&body["removeFixedIp"]["address"]).ok_or_else(|| Fault::bad_input(form::MALFORMED))?;
            compute.fixed_ip_remove(&cx, &id, address).await?;
        }
        "os-getConsoleOutput" => return console_output(&compute, &cx, &id, &body).await,
        "os-getVNCConsole" if cx.version <= versions::CONSOLE_ACTIONS_LAST => {
            fits(vnc_form, "os-getVNCConsole")?;
            let kind = text(&body["os-getVNCConsole"]["type"]).unwrap_or_default();
            let url = compute.console_create(&cx, &id, &kind).await?;
            return Ok(Answer::ok(&json!({"console": {"type": kind, "url": url}})));
        }
        "rebuild" => return rebuild(&compute, &cx, &id, &body).await,
        // Known to Nova at other versions: absent at this one.
        "addFixedIp" | "removeFixedIp" | "os-getVNCConsole" => {
            return Err(Fault::not_found("The resource could not be found."));
        }
        other => return Err(Fault::bad_input(format!("There is no such action: {other}"))),
    }
    accepted()
}

fn reboot_form(_: Version) -> Value {
    let kinds = json!(["HARD", "Hard", "hard", "SOFT", "Soft", "soft"]);
    wrapped("reboot", object(json!({"type": {"type": "string", "enum": kinds}}), &["type"]))
}

fn lock_form(version: Version) -> Value {
    if version < versions::LOCK_REASON {
        return wrapped("lock", json!({}));
    }
    let reason = json!({"locked_reason": {"type": "string", "minLength": 1, "maxLength": 255}});
    wrapped("lock", json!({"type": ["object", "null"], "properties": reason, "additionalProperties": false}))
}

fn reset_form(_: Version) -> Value {
    wrapped(
        "os-resetState",
        object(json!({"state": {"type": "string", "enum": ["active", "error"]}}), &["state"]),
    )
}

fn add_fixed_ip_form(_: Version) -> Value {
    let id = json!({"type": ["string", "number"], "minLength": 1, "maxLength": 36});
    wrapped("addFixedIp", object(json!({"networkId": id}), &["networkId"]))
}

fn remove_fixed_ip_form(_: Version) -> Value {
    wrapped("removeFixedIp", object(json!({"address": form::address()}), &["address"]))
}

fn vnc_form(_: Version) -> Value {
    wrapped(
        "os-getVNCConsole",
        object(json!({"type": {"type": "string", "enum": ["novnc", "xvpvnc"]}}), &["type"]),
    )
}

async fn group(
    compute: &Arc<Compute>,
    cx: &Cx,
    id: &str,
    body: &Value,
    name: &'static str,
    on: bool,
) -> Result<(), Fault> {
    let make: fn(Version) -> Value =
        if on { |_| group_form("addSecurityGroup") } else { |_| group_form("removeSecurityGroup") };
    form::check(body, name, cx.version, make)?;
    let group = text(&body[name]["name"]).unwrap_or_default();
    if group.trim().is_empty() {
        return Err(Fault::bad_input("Security group name cannot be empty"));
    }
    compute.security_group_apply(cx, id, &group, on).await
}

fn group_form(name: &str) -> Value {
    let mut form = wrapped(name, object(json!({"name": {"type": "string", "minLength": 1}}), &["name"]));
    form["additionalProperties"] = json!(true);
    form
}

async fn console_output(compute: &Arc<Compute>, cx: &Cx, id: &str, body: &Value) -> Answered {
    let make = |_: Version| {
        let length = json!({"type": ["integer", "string", "null"], "pattern": "^-?[0-9]+$", "minimum": -1});
        wrapped("os-getConsoleOutput", object(json!({"length": length}), &[]))
    };
    form::check(body, "os-getConsoleOutput", cx.version, make)?;
    let output = compute.console_output(cx, id, int(&body["os-getConsoleOutput"]["length"])).await?;
    Ok(Answer::ok(&json!({"output": output})))
}

fn rebuild_form(version: Version) -> Value {
    let mut properties = json!({
        "name": form::name(),
        "imageRef": {"type": "string", "format": "uuid"},
        "adminPass": {"type": "string"},
        "metadata": form::pairs(),
        "preserve_ephemeral": boolean(),
        "OS-DCF:diskConfig": {"type": "string", "enum": ["AUTO", "MANUAL"]},
        "accessIPv4": {"type": "string", "format": "ipv4"},
        "accessIPv6": {"type": "string", "format": "ipv6"},
    });
    let mut put = |from: Version, name: &str, value: Value| {
        if version >= from {
            properties[name] = value;
        }
    };
    put(versions::DESCRIPTION, "description", form::description());
    put(versions::REBUILD_KEY, "key_name", name_or_none());
    put(versions::FILES_GONE, "user_data", form::user_data(true));
    put(versions::TRUSTED_CERTS, "trusted_image_certificates", certificates());
    put(versions::HOSTNAME, "hostname", hostname_form(version));
    if version < versions::FILES_GONE {
        properties["personality"] = form::personality();
    }
    wrapped("rebuild", object(properties, &["imageRef"]))
}

async fn rebuild(compute: &Arc<Compute>, cx: &Cx, id: &str, body: &Value) -> Answered {
    form::check(body, "rebuild", cx.version, rebuild_form)?;
    let asked = &body["rebuild"];
    let rebuild = Rebuild {
        image_id: text(&asked["imageRef"]).unwrap_or_default(),
        admin_password: text(&asked["adminPass"]).unwrap_or_else(|| compute.entropy_password()),
        change: change_of(asked),
        metadata: asked.get("metadata").map(texts),
        key_name: asked.get("key_name").map(text),
        user_data: asked.get("user_data").map(text),
        files: files(asked),
    };
    let password = rebuild.admin_password.clone();
    let shown = compute.server_rebuild(cx, id, rebuild).await?;
    let mut server = json!(View::new(cx, &shown, rebuilt(cx)));
    server["adminPass"] = json!(password);
    if cx.has(versions::FILES_GONE) {
        server["user_data"] = json!(shown.server.detail.user_data);
    }
    let [own, _] = page::links(cx, "servers", id);
    Ok(Answer::json(202, &json!({"server": server})).with("location", &own.href))
}
