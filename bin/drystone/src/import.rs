//! `drystone identity import`: takes over the users of a Keystone.

use crate::output;
use crate::settings::{Form, Settings};
use crate::wire_up;
use clap::Args;
use fault::Fault;
use identity::import::{Estate, Report, TABLES, Wishes, public_keys, repository};
use kernel::Entropy;
use serde_json::{Map, Value, json};
use std::path::PathBuf;
use std::time::Duration;
use store::foreign::Tables;

/// What is to be taken over, and from where.
#[derive(Args, Debug)]
pub struct Wanted {
    /// Keystone's database: an SQLite file, a dump of MariaDB, MySQL or PostgreSQL, or the address of a PostgreSQL database
    #[arg(long, value_name = "FILE|postgres://…")]
    from: String,
    /// The repository of Keystone's token keys: its tokens go on being good
    #[arg(long, value_name = "DIR")]
    fernet_keys: Option<PathBuf>,
    /// The repository of Keystone's public keys, where its tokens are signed (JWS): they go on being good
    #[arg(long, value_name = "DIR")]
    jws_public_keys: Option<PathBuf>,
    /// The repository of Keystone's credential keys: EC2 keys and one-time passwords go on being good
    #[arg(long, value_name = "DIR")]
    credential_keys: Option<PathBuf>,
    /// Take over regions, services and endpoints too, with endpoint groups and limits
    #[arg(long)]
    catalog: bool,
    /// What is appended to the names of users, groups, projects and domains here that have the name of one there
    #[arg(long, value_name = "SUFFIX", allow_hyphen_values = true)]
    rename: Option<String>,
}

/// Takes it over. The error is a sentence for the operator.
pub fn import(settings: &Settings, wanted: Wanted) -> Result<(), String> {
    let report = take(settings, wanted).map_err(|fault| fault.to_string())?;
    match settings.output {
        Form::Json => output::json(&body(&report)),
        Form::Text => output::line(page(&report).trim_end()),
    }
    Ok(())
}

fn take(settings: &Settings, wanted: Wanted) -> Result<Report, Fault> {
    let keys = |directory: Option<PathBuf>| directory.map_or(Ok(Vec::new()), |dir| repository(&dir));
    let wishes = Wishes {
        catalog: wanted.catalog,
        rename: wanted.rename,
        membership_life: match settings.federation.authorization_ttl {
            Duration::ZERO => Duration::from_secs(settings.token_seconds),
            life => life,
        },
        token_keys: keys(wanted.fernet_keys)?,
        public_keys: wanted.jws_public_keys.map_or(Ok(Vec::new()), |dir| public_keys(&dir))?,
        credential_keys: keys(wanted.credential_keys)?,
    };
    let estate = Estate::read(&Tables::read(&wanted.from, TABLES)?, &wishes)?;
    let entropy = Entropy::system().map_err(Fault::bug)?;
    let db = wire_up::open_known_store(settings, &entropy)?;
    identity::import::import(&db, estate, wishes)
}

fn page(report: &Report) -> String {
    let mut page = String::new();
    let mut line = |text: String| {
        page.push_str(&text);
        page.push('\n');
    };
    for (nouns, count) in &report.counts {
        line(format!("{nouns}: {} made, {} changed, {} as they were", count.made, count.changed, count.same));
    }
    for renamed in &report.renamed {
        line(format!("renamed: {renamed}"));
    }
    for (what, count) in report.left.iter().filter(|(_, count)| **count > 0) {
        line(format!("left behind: {count} {what}"));
    }
    page
}

fn body(report: &Report) -> Value {
    let counts: Map<String, Value> = report
        .counts
        .iter()
        .map(|(nouns, count)| {
            let told = json!({"made": count.made, "changed": count.changed, "same": count.same});
            ((*nouns).to_owned(), told)
        })
        .collect();
    json!({"event": "import", "counts": counts, "renamed": report.renamed, "left": report.left})
}
