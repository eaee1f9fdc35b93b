//! One's limits, and what one uses of them.

use super::Answered;
use super::page::{self, Form};
use crate::{Compute, versions};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use web::{Answer, Ask};

/// The names that a resource's limit has here.
const LIMITS: &[(&str, &[&str])] = &[
    ("instances", &["maxTotalInstances"]),
    ("cores", &["maxTotalCores"]),
    ("ram", &["maxTotalRAMSize"]),
    ("metadata_items", &["maxServerMeta", "maxImageMeta"]),
    ("injected_files", &["maxPersonality"]),
    ("injected_file_content_bytes", &["maxPersonalitySize"]),
    ("key_pairs", &["maxTotalKeypairs"]),
    ("server_groups", &["maxServerGroups"]),
    ("server_group_members", &["maxServerGroupMembers"]),
    ("floating_ips", &["maxTotalFloatingIps"]),
    ("security_groups", &["maxSecurityGroups"]),
    ("security_group_rules", &["maxSecurityGroupRules"]),
];

/// The names that a resource's use has here.
const USED: &[(&str, &str)] = &[
    ("ram", "totalRAMUsed"),
    ("cores", "totalCoresUsed"),
    ("instances", "totalInstancesUsed"),
    ("floating_ips", "totalFloatingIpsUsed"),
    ("security_groups", "totalSecurityGroupsUsed"),
    ("server_groups", "totalServerGroupsUsed"),
];

/// `GET /limits`
pub async fn show(compute: Arc<Compute>, ask: Ask) -> Answered {
    page::check(&ask, &[("tenant_id", Form::Any), ("reserved", Form::Any)], versions::STRICT)?;
    let project = ask.query.get("tenant_id").map(str::to_owned);
    let quotas = compute.limits_show(&ask.cx, project).await?;
    let hidden = |name: &str| {
        let network = matches!(name, "floating_ips" | "security_groups" | "security_group_rules");
        let files = matches!(name, "injected_files" | "injected_file_content_bytes");
        (network && ask.cx.has(versions::PROXIES_GONE)) || (files && ask.cx.has(versions::FILES_GONE))
    };
    let mut absolute: Map<String, Value> = Map::new();
    let quota =
        |name: &str| quotas.iter().find(|quota| quota.resource.name == name).filter(|_| !hidden(name));
    for (name, shown) in LIMITS {
        let Some(quota) = quota(name) else { continue };
        for shown in shown
            .iter()
            .filter(|shown| **shown != "maxImageMeta" || !ask.cx.has(versions::IMAGE_METADATA_GONE))
        {
            absolute.insert((*shown).to_owned(), json!(quota.limit));
        }
    }
    for (name, shown) in USED {
        if let Some(quota) = quota(name) {
            absolute.insert((*shown).to_owned(), json!(quota.used));
        }
    }
    Ok(Answer::ok(&json!({"limits": {"rate": [], "absolute": absolute}})))
}
