//! What an operator may choose: on the command line, in the settings file, or neither.
//!
//! Every flag is also a key of the file, with underscores for dashes; the command line wins. What is in the file is held
//! to what the command line is held to.

use clap::{Args, ValueEnum};
use identity::model::compliance::{Compliance, DAY, Lockout, PasswordForm};
use identity::model::directory::Directory;
use identity::model::domain_config::{Options, is_directory};
use identity::model::limit::LimitModel;
use identity::model::password::Scheme;
use identity::model::token::Provider;
use identity::oidc::Relation;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// What the cloud stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Metal {
    /// QEMU, Open vSwitch and OVN, files.
    Real,
    /// Simulated: no privileges, no packages.
    Sim,
}

impl Metal {
    /// The word on the command line and in reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Sim => "sim",
        }
    }
}

/// How output and logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// What machines run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Accel {
    /// KVM if it really runs guests here, else emulation.
    Auto,
    /// KVM, or an error.
    Kvm,
    /// Emulation.
    Tcg,
}

/// What bcrypt may cost, and how long tokens may live.
const COSTS: RangeInclusive<i64> = 4..=16;
const TOKEN_SECONDS: RangeInclusive<u64> = 60..=2_592_000;

/// What was said on the command line, or in the file.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Said {
    /// Where everything is kept [default: /var/lib/drystone as root, ~/.local/state/drystone otherwise]
    #[arg(long, value_name = "DIR", global = true)]
    pub state_dir: Option<PathBuf>,
    /// A file with settings [default: STATE_DIR/drystone.toml]
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// How results are printed [default: text]
    #[arg(long, value_enum, global = true)]
    pub output: Option<Form>,
    /// The address to serve on [default: 127.0.0.1:5000]
    #[arg(long, value_name = "ADDRESS:PORT", global = true)]
    pub listen: Option<SocketAddr>,
    /// Where the cloud is found from outside [default: from the address to serve on]
    #[arg(long, value_name = "URL", global = true)]
    pub public_url: Option<String>,
    /// What the cloud stands on [default: real]
    #[arg(long, value_enum, global = true)]
    pub metal: Option<Metal>,
    /// A PostgreSQL database instead of SQLite in the state directory
    #[arg(long, value_name = "postgres://…", global = true)]
    pub database: Option<String>,
    /// A certificate to serve TLS with, and its chain (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_key", global = true)]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert", global = true)]
    pub tls_key: Option<PathBuf>,
    /// Where metrics are served [default: 127.0.0.1:0]
    #[arg(long, value_name = "ADDRESS:PORT", global = true)]
    pub metrics_listen: Option<SocketAddr>,
    /// How logs are written [default: text]
    #[arg(long, value_enum, global = true)]
    pub log_format: Option<Form>,
    /// What is logged, as `info` or `warn,compute=debug` [default: info]
    #[arg(long, value_name = "FILTER", global = true)]
    pub log: Option<String>,
    /// The region's name [default: RegionOne]
    #[arg(long, value_name = "NAME", global = true)]
    pub region: Option<String>,
    /// The host's name in the cloud [default: this machine's]
    #[arg(long, value_name = "NAME", global = true)]
    pub host_name: Option<String>,
    /// What machines run on [default: auto]
    #[arg(long, value_enum, global = true)]
    pub acceleration: Option<Accel>,
    /// Guests reach what the host reaches [default: if nft is installed]
    #[arg(long, value_name = "true|false", global = true)]
    pub masquerade: Option<bool>,
    /// Use the system's OVN: its Northbound database's socket
    #[arg(long, value_name = "SOCKET", requires = "ovs_socket", global = true)]
    pub ovn_northbound: Option<PathBuf>,
    /// Use the system's Open vSwitch: its database's socket
    #[arg(long, value_name = "SOCKET", requires = "ovn_northbound", global = true)]
    pub ovs_socket: Option<PathBuf>,
    /// How passwords that people choose are hashed: `bcrypt`, `bcrypt_sha256`, `scrypt`, `pbkdf2_sha512` or `argon2id` [default: bcrypt]
    #[arg(long, value_name = "SCHEME", global = true)]
    pub password_hash: Option<String>,
    /// The cost of bcrypt for passwords that people choose [default: 12]
    #[arg(long, value_name = "4..16", value_parser = clap::value_parser!(u32).range(COSTS), global = true)]
    pub password_cost: Option<u32>,
    /// So many hosts, with simulated metal [default: 1]
    #[arg(long, value_name = "N", global = true, conflicts_with = "topology")]
    pub hosts: Option<usize>,
    /// A file that describes the hosts, with simulated metal: racks, zones, aggregates, traits, sizes
    #[arg(long, value_name = "FILE", global = true)]
    pub topology: Option<PathBuf>,
    /// How long a machine takes to boot, with simulated metal, as `2s ± 0.5s` [default: 0s]
    #[arg(long, value_name = "TIME", global = true)]
    pub boot: Option<String>,
    /// Make everything repeat, run after run, with simulated metal: ids, addresses, placement, timings, faults
    #[arg(long, value_name = "N", global = true)]
    pub seed: Option<u64>,
    /// How long a token is valid, in seconds [default: 3600]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(TOKEN_SECONDS), global = true)]
    pub token_seconds: Option<u64>,
    /// In which form tokens are given out: `fernet` or `jws` [default: fernet]
    #[arg(long, value_name = "PROVIDER", global = true)]
    pub token_provider: Option<String>,
    /// Keys of tokens and credentials are rotated after so many hours; 0 is never [default: 24]
    #[arg(long, value_name = "HOURS", global = true)]
    pub key_rotation_hours: Option<u32>,
    /// How limits of projects and domains relate: `flat` or `strict_two_level` [default: flat]
    #[arg(long, value_name = "MODEL", global = true)]
    pub limit_model: Option<String>,
    /// Where policy files lie: identity.yaml, compute.yaml and so on [default: STATE_DIR/policy]
    #[arg(long, value_name = "DIR", global = true)]
    pub policy_dir: Option<PathBuf>,
    /// The rules for passwords; only in the file.
    #[arg(skip)]
    pub security_compliance: Option<SecurityCompliance>,
    /// Options of domains by name, then by group; only in the file.
    #[arg(skip)]
    pub domains: BTreeMap<String, Options>,
    /// Identity providers; only in the file.
    #[arg(skip)]
    pub federation: Option<Federation>,
}

/// Federation: for how long it lets people in, and the providers of OpenID Connect that are relied on.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Federation {
    /// For how many minutes memberships by mapping hold; 0: as long as a token [default: 0].
    pub default_authorization_ttl: u64,
    /// Where browsers may have their tokens sent: dashboards.
    pub trusted_dashboard: Vec<String>,
    /// The providers.
    pub provider: Vec<OidcProvider>,
}

/// A provider of OpenID Connect.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcProvider {
    /// The identity provider, by the id that it has here.
    pub identity_provider: String,
    /// The protocol, by its name.
    pub protocol: String,
    /// Where the provider is found: what it calls itself.
    pub issuer: String,
    /// As which client this cloud is known there.
    pub client_id: String,
    /// That client's secret.
    pub client_secret: Option<Secret>,
    /// Other clients whose tokens count here as well.
    #[serde(default)]
    pub audiences: Vec<String>,
    /// What is asked of the provider when a browser logs in [default: openid email profile].
    pub scopes: Option<String>,
    /// Which claim is REMOTE_USER [default: sub].
    pub remote_user_claim: Option<String>,
    /// Authorities of the provider's certificate (PEM) [default: those of the system].
    pub ca_file: Option<PathBuf>,
}

/// What no log shows, and nothing keeps longer than it needs.
#[derive(Clone, Default, Deserialize)]
#[serde(from = "String")]
pub struct Secret(Zeroizing<String>);

impl From<String> for Secret {
    fn from(secret: String) -> Self {
        Self(Zeroizing::new(secret))
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// The rules for passwords, with the names and the meaning that they have in Keystone's settings.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SecurityCompliance {
    /// After so many failed logins nobody gets in as the user.
    pub lockout_failure_attempts: Option<u32>,
    /// For so many seconds; 0 until an administrator enables the user [default: 1800].
    pub lockout_duration: Option<u64>,
    /// How many days a password lives.
    pub password_expires_days: Option<u64>,
    /// A new password is none of so many last ones.
    pub unique_last_password_count: usize,
    /// How many days a password is kept before its user changes it again.
    pub minimum_password_age: u64,
    /// What a password looks like.
    pub password_regex: Option<String>,
    /// The same for people.
    pub password_regex_description: String,
    /// A password that somebody else set must be changed first.
    pub change_password_upon_first_use: bool,
    /// Who was not active for so many days is disabled.
    pub disable_user_account_days_inactive: Option<u64>,
}

/// What holds.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where everything is kept.
    pub state_dir: PathBuf,
    /// How results are printed.
    pub output: Form,
    /// The address to serve on.
    pub listen: SocketAddr,
    /// Where the cloud is found from outside, if it was said.
    pub public_url: Option<String>,
    /// What the cloud stands on.
    pub metal: Metal,
    /// A PostgreSQL database.
    pub database: Option<String>,
    /// Certificate and key.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Where metrics are served.
    pub metrics_listen: SocketAddr,
    /// How logs are written.
    pub log_format: Form,
    /// What is logged.
    pub log: String,
    /// The region's name.
    pub region: String,
    /// The host's name.
    pub host_name: String,
    /// What machines run on.
    pub acceleration: Accel,
    /// Guests reach what the host reaches.
    pub masquerade: Option<bool>,
    /// The system's OVN and Open vSwitch.
    pub system_ovn: Option<(PathBuf, PathBuf)>,
    /// How passwords are hashed.
    pub password_hash: Scheme,
    /// So many hosts are simulated, if it was said.
    pub hosts: Option<usize>,
    /// The file that describes them.
    pub topology: Option<PathBuf>,
    /// How long simulated machines take to boot.
    pub boot: Option<String>,
    /// What everything repeats from.
    pub seed: Option<u64>,
    /// How long a token is valid, in seconds.
    pub token_seconds: u64,
    /// In which form tokens are given out.
    pub token_provider: Provider,
    /// After which time keys are rotated.
    pub key_rotation: Option<Duration>,
    /// How limits relate.
    pub limit_model: LimitModel,
    /// Where policy files lie, if it was said; in the state directory otherwise, and only if they are there.
    pub policy_dir: Option<PathBuf>,
    /// The rules for passwords.
    pub compliance: Compliance,
    /// Options of domains, by name.
    pub domains: Arc<BTreeMap<String, Options>>,
    /// Identity providers.
    pub federation: identity::settings::Federation,
}

impl Settings {
    /// Puts together what was said, the file and the defaults. The error is one sentence for the operator.
    pub fn of(said: Said) -> Result<Self, String> {
        let (state_dir, file) = found(&said)?;
        let tls_cert = said.tls_cert.or(file.tls_cert);
        let tls_key = said.tls_key.or(file.tls_key);
        let northbound = said.ovn_northbound.or(file.ovn_northbound);
        let local = Ipv4Addr::LOCALHOST;
        Ok(Self {
            state_dir,
            output: said.output.or(file.output).unwrap_or(Form::Text),
            listen: said.listen.or(file.listen).unwrap_or((local, 5000).into()),
            public_url: said.public_url.or(file.public_url).map(|url| usable(&url)).transpose()?,
            metal: said.metal.or(file.metal).unwrap_or(Metal::Real),
            database: said.database.or(file.database),
            tls: tls_cert.zip(tls_key),
            metrics_listen: said.metrics_listen.or(file.metrics_listen).unwrap_or((local, 0).into()),
            log_format: said.log_format.or(file.log_format).unwrap_or(Form::Text),
            log: said.log.or(file.log).unwrap_or_else(|| "info".to_owned()),
            region: said.region.or(file.region).unwrap_or_else(|| "RegionOne".to_owned()),
            host_name: said.host_name.or(file.host_name).unwrap_or_else(machine_name),
            acceleration: said.acceleration.or(file.acceleration).unwrap_or(Accel::Auto),
            masquerade: said.masquerade.or(file.masquerade),
            system_ovn: northbound.zip(said.ovs_socket.or(file.ovs_socket)),
            password_hash: password_hash(
                said.password_hash.or(file.password_hash),
                said.password_cost.or(file.password_cost).unwrap_or(12),
            )?,
            hosts: said.hosts.or(file.hosts),
            topology: said.topology.or(file.topology),
            boot: said.boot.or(file.boot),
            seed: said.seed.or(file.seed),
            token_seconds: said.token_seconds.or(file.token_seconds).unwrap_or(3600),
            token_provider: token_provider(said.token_provider.or(file.token_provider))?,
            key_rotation: key_rotation(said.key_rotation_hours.or(file.key_rotation_hours)),
            limit_model: limit_model(said.limit_model.or(file.limit_model))?,
            policy_dir: said.policy_dir.or(file.policy_dir),
            compliance: file.security_compliance.map_or_else(|| Ok(Compliance::default()), compliance)?,
            domains: domains(file.domains)?,
            federation: federation(file.federation.unwrap_or_default())?,
        })
    }

    /// Whether strangers can reach the address that is served on: then it is TLS or nothing.
    pub fn exposed(&self) -> bool {
        !self.listen.ip().is_loopback()
    }
}

/// Options of domains: those of a directory must do.
fn domains(said: BTreeMap<String, Options>) -> Result<Arc<BTreeMap<String, Options>>, String> {
    for (name, options) in &said {
        let unfit = |why: String| format!("The options of the domain {name} cannot be used: {why}.");
        identity::model::domain_config::check_said(options).map_err(unfit)?;
        if is_directory(options) {
            Directory::of(options).map_err(unfit)?;
        }
    }
    Ok(Arc::new(said))
}

/// The state directory, and what its settings file says. A file that is named may also name the state directory; the one
/// that lies in it has nothing to add to that.
fn found(said: &Said) -> Result<(PathBuf, Said), String> {
    let absolute = |path: &Path| {
        std::path::absolute(path).map_err(|error| format!("{} cannot be used: {error}.", path.display()))
    };
    if let Some(config) = &said.config {
        let file = read(config, true)?;
        let state_dir = said.state_dir.as_ref().or(file.state_dir.as_ref()).cloned();
        return Ok((absolute(&state_dir.map_or_else(default_state_dir, Ok)?)?, file));
    }
    let state_dir = absolute(&said.state_dir.clone().map_or_else(default_state_dir, Ok)?)?;
    let path = state_dir.join("drystone.toml");
    let file = read(&path, false)?;
    match &file.state_dir {
        Some(other) if absolute(other)? != state_dir => Err(format!(
            "The settings file {} names another state directory, {}: name the file with --config.",
            path.display(),
            other.display()
        )),
        _ => Ok((state_dir, file)),
    }
}

fn read(path: &Path, must_exist: bool) -> Result<Said, String> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !must_exist => {
            return Ok(Said::default());
        }
        Err(error) => return Err(format!("The settings file {} cannot be read: {error}.", path.display())),
    };
    let parsed = toml::from_str::<Said>(&text).map_err(|error| {
        let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
        let said = error.message().lines().collect::<Vec<_>>().join(" ");
        format!("The settings file {} is not understood at line {line}: {said}.", path.display())
    })?;
    checked(parsed).map_err(|why| format!("The settings file {} is not usable: {why}.", path.display()))
}

/// What clap holds the command line to.
fn checked(file: Said) -> Result<Said, &'static str> {
    if file.config.is_some() {
        return Err("config cannot name another file");
    }
    if file.tls_cert.is_some() != file.tls_key.is_some() {
        return Err("tls_cert and tls_key belong together");
    }
    if file.ovn_northbound.is_some() != file.ovs_socket.is_some() {
        return Err("ovn_northbound and ovs_socket belong together");
    }
    if file.hosts.is_some() && file.topology.is_some() {
        return Err("hosts and topology exclude each other");
    }
    if file.password_cost.is_some_and(|cost| !COSTS.contains(&i64::from(cost))) {
        return Err("password_cost is a number from 4 to 16");
    }
    if file.token_seconds.is_some_and(|seconds| !TOKEN_SECONDS.contains(&seconds)) {
        return Err("token_seconds is a number from 60 to 2592000");
    }
    Ok(file)
}

/// A URL under which clients can find the cloud, without its final slash.
fn usable(url: &str) -> Result<String, String> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    let plain = |rest: &&str| {
        let host = rest.split('/').next().unwrap_or_default();
        !host.is_empty()
            && !rest.contains(|c: char| c.is_whitespace() || c.is_control() || "?#@\"'\\".contains(c))
    };
    match rest.filter(plain) {
        Some(_) => Ok(url.trim_end_matches('/').to_owned()),
        None => Err(format!(
            "--public-url {url:?} is no http:// or https:// address without user, query and fragment."
        )),
    }
}

fn compliance(said: SecurityCompliance) -> Result<Compliance, String> {
    let days = |days: u64| Duration::from_secs(days.saturating_mul(DAY));
    let form = said.password_regex.map(|regex| PasswordForm::new(&regex, &said.password_regex_description));
    let duration = Some(said.lockout_duration.unwrap_or(1800)).filter(|seconds| *seconds > 0);
    let attempts = said.lockout_failure_attempts.filter(|attempts| *attempts > 0).map(i64::from);
    Ok(Compliance {
        lockout: attempts.map(|attempts| Lockout { attempts, duration: duration.map(Duration::from_secs) }),
        password_life: said.password_expires_days.filter(|days| *days > 0).map(days),
        unique_passwords: said.unique_last_password_count,
        minimum_age: days(said.minimum_password_age),
        form: form.transpose()?,
        change_upon_first_use: said.change_password_upon_first_use,
        inactivity: said.disable_user_account_days_inactive.filter(|days| *days > 0).map(days),
    })
}

fn federation(said: Federation) -> Result<identity::settings::Federation, String> {
    let relation = |one: OidcProvider| {
        let local = ["http://127.0.0.1", "http://localhost", "http://[::1]"];
        let safe = one.issuer.starts_with("https://") || local.iter().any(|own| one.issuer.starts_with(own));
        if !safe {
            return Err(format!("The issuer {:?} is no https:// address.", one.issuer));
        }
        Ok(Relation {
            identity_provider: one.identity_provider,
            protocol: one.protocol,
            issuer: one.issuer,
            client_id: one.client_id,
            client_secret: one.client_secret.unwrap_or_default().0,
            audiences: one.audiences,
            scopes: one.scopes.unwrap_or_else(|| "openid email profile".to_owned()),
            remote_user_claim: one.remote_user_claim.unwrap_or_else(|| "sub".to_owned()),
            ca_file: one.ca_file,
        })
    };
    Ok(identity::settings::Federation {
        authorization_ttl: Duration::from_secs(said.default_authorization_ttl.saturating_mul(60)),
        trusted_dashboards: said.trusted_dashboard,
        relations: said.provider.into_iter().map(relation).collect::<Result<_, _>>()?,
    })
}

fn key_rotation(hours: Option<u32>) -> Option<Duration> {
    let hours = hours.unwrap_or(24);
    (hours > 0).then(|| Duration::from_secs(u64::from(hours) * 60 * 60))
}

fn password_hash(said: Option<String>, cost: u32) -> Result<Scheme, String> {
    let Some(name) = said else { return Ok(Scheme::Bcrypt(cost)) };
    Scheme::named(&name, cost).ok_or_else(|| {
        format!(
            "There is no password hash {name}: it is bcrypt, bcrypt_sha256, scrypt, pbkdf2_sha512 or argon2id."
        )
    })
}

fn token_provider(said: Option<String>) -> Result<Provider, String> {
    let Some(name) = said else { return Ok(Provider::Fernet) };
    Provider::named(&name).ok_or_else(|| format!("There is no token provider {name}: it is fernet or jws."))
}

fn limit_model(said: Option<String>) -> Result<LimitModel, String> {
    let Some(name) = said else { return Ok(LimitModel::Flat) };
    LimitModel::named(&name)
        .ok_or_else(|| format!("There is no limit model {name}: it is flat or strict_two_level."))
}

fn default_state_dir() -> Result<PathBuf, String> {
    if nix::unistd::geteuid().is_root() {
        return Ok("/var/lib/drystone".into());
    }
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    let base = state.or(home).ok_or("HOME is not set: say where to keep the cloud with --state-dir.")?;
    Ok(base.join("drystone"))
}

fn machine_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "host".to_owned() } else { name.to_owned() }
}

/// The address as a client must write it: an unspecified one is this machine.
pub fn reachable(listen: SocketAddr) -> SocketAddr {
    match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => (Ipv4Addr::LOCALHOST, listen.port()).into(),
        IpAddr::V6(ip) if ip.is_unspecified() => (std::net::Ipv6Addr::LOCALHOST, listen.port()).into(),
        _ => listen,
    }
}
