//! Tokens: what the one says that somebody gets who proved to be a user, and what it stands for later.
//!
//! Validation writes nothing, and mostly reads nothing either: what a token stood for is remembered ([`super::memory`]).

use crate::Identity;
use crate::model::token::{Delegation, Payload, Provider, Scope, audit_id};
use crate::model::user::User;
use crate::model::{catalog, fernet, jws};
use crate::ops::directory::people_behind;
use crate::ops::endpoint_group::endpoints_of;
use crate::ops::expand::{expand, roles_on};
use crate::ops::key::token_keys_replace;
use crate::ops::memory::{Remembered, Told};
use crate::ops::proof::{Named, Proof, Proved, find_domain, find_project};
use crate::ops::receipt::{Begun, part_proved};
use crate::ops::{missing, trust};
use crate::store::{self, key::Ring};
use ::store::Tx;
use async_trait::async_trait;
use bytes::Bytes;
use fault::{Fault, Kind};
use kernel::Micros;
use policy::{Target, Who};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use web::Cx;

pub use crate::ops::expand::{Delegated, Token};

/// What the caller asks the token to be for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Nothing said: the user's default project, if there is one.
    Default,
    /// Nothing, explicitly.
    Unscoped,
    /// A project.
    Project(Named),
    /// A domain.
    Domain(Named),
    /// The system.
    System,
    /// What a trust is for, by the trust's id.
    Trust(String),
}

/// What somebody gets who proved something.
#[derive(Debug)]
pub enum Granted {
    /// A token with its text.
    Token(String, Box<Token>),
    /// A receipt, for the proof was only a part of what the user's rules ask.
    Receipt(Box<Begun>),
}

/// A token that was asked about by somebody who may.
pub struct Asked {
    /// The token.
    pub token: Arc<Token>,
    told: Arc<Told>,
}

/// How tokens are made.
#[derive(Clone, Copy)]
pub(super) struct Mint {
    /// How long they are valid.
    life: Duration,
    /// In which form they are given out.
    provider: Provider,
}

/// The longest token that is looked at, in characters.
const LONGEST: usize = 8192;

/// How long after its end a token can still be asked about by a service that is at work for its owner: Keystone's usual
/// `allow_expired_window`.
const LATE: Duration = Duration::from_secs(48 * 60 * 60);

/// The one answer to whoever does not prove who he is: it tells nothing of what was wrong.
pub(crate) fn unauthenticated() -> Fault {
    Fault::new(Kind::Unauthenticated, "The request you have made requires authentication.")
}

impl Identity {
    /// Gives out a token, or a receipt for a part of the proof. `receipt` is one that was given out before.
    pub async fn token_create(
        &self,
        proof: Proof,
        receipt: Option<String>,
        wish: Wish,
    ) -> Result<Granted, Fault> {
        if proof.credential.is_some() && wish != Wish::Default {
            let said = "Error authenticating with application credential: Application credentials cannot request a scope.";
            return Err(Fault::new(Kind::Unauthenticated, said));
        }
        // What was lent to a program is for one project, whatever it asks for.
        let wish = if proof.signed.is_some() { Wish::Default } else { wish };
        let proved = self.prove(proof).await?;
        let trustor = match &wish {
            Wish::Trust(id) => self.trustor(id).await?,
            _ => None,
        };
        self.directory_refresh([proved.user_id.clone()].into_iter().chain(trustor)).await?;
        let mint = self.mint();
        let uses_trust = matches!(wish, Wish::Trust(_));
        let grant = move |tx: &Tx| grant(tx, proved.clone(), receipt.as_deref(), &wish, mint);
        // A use of the trust goes into the token.
        if uses_trust { self.db.write(grant).await } else { self.db.read(grant).await }
    }

    /// How tokens are made here.
    pub(super) fn mint(&self) -> Mint {
        Mint { life: self.settings.token_life, provider: self.settings.token_provider }
    }

    async fn trustor(&self, trust_id: &str) -> Result<Option<String>, Fault> {
        let id = trust_id.to_owned();
        let found = self.db.read(move |tx| store::trust::trust_by_id(tx, &id)).await?;
        Ok(found.map(|trust| trust.trustor_id))
    }

    /// What a token says and stands for; `None` if it is not valid (any more).
    pub async fn token_read(&self, text: &str) -> Result<Option<Arc<Token>>, Fault> {
        Ok(self.token_recall(text).await?.map(|remembered| remembered.token))
    }

    /// The same with its owner, from memory if that is still true.
    async fn token_recall(&self, text: &str) -> Result<Option<Remembered>, Fault> {
        let epoch = self.epoch().await?;
        if let Some(remembered) = self.memory.token(text, epoch)
            && remembered.who.expires_at > self.db.clock().now().0
            && remembered.behind.iter().all(|id| self.directory_fresh(id))
        {
            return Ok(Some(remembered));
        }
        let (Some(token), behind) = self.token_read_behind(text, Duration::ZERO).await? else {
            return Ok(None);
        };
        let who = Arc::new(token.who());
        let (token, told) = (Arc::new(token), Arc::default());
        let remembered = Remembered { epoch, token, who, told, behind: behind.into() };
        self.memory.put(text, remembered.clone());
        Ok(Some(remembered))
    }

    /// The epoch. Where nobody else writes, it is read only if something was written since.
    async fn epoch(&self) -> Result<i64, Fault> {
        let version = self.db.data_version();
        if let Some(epoch) = version.and_then(|version| self.memory.epoch(version)) {
            return Ok(epoch);
        }
        let epoch = self.db.read(store::token::epoch).await?;
        if let Some(version) = version {
            self.memory.epoch_put(version, epoch);
        }
        Ok(epoch)
    }

    /// What a token says and stands for, read anew, with those of directories who stand behind it, whom their
    /// directories have been asked about. It may have ended, not longer ago than `late`.
    async fn token_read_behind(
        &self,
        text: &str,
        late: Duration,
    ) -> Result<(Option<Token>, Vec<String>), Fault> {
        let text: Arc<str> = text.into();
        let own = text.clone();
        let look = move |tx: &Tx| Ok((read(tx, &own, late)?, people_behind(tx, &own)?));
        let (token, behind) = self.db.read(look).await?;
        if self.directory_refresh(behind.clone()).await? {
            return Ok((self.db.read(move |tx| read(tx, &text, late)).await?, behind));
        }
        Ok((token, behind))
    }

    /// A token that must be valid. Why it is not is nobody's business.
    pub(super) async fn token_given(&self, text: &str) -> Result<Arc<Token>, Fault> {
        Ok(self.token_known(text).await?.token)
    }

    async fn token_known(&self, text: &str) -> Result<Remembered, Fault> {
        if text.is_empty() {
            return Err(Fault::not_found("No token in the request"));
        }
        self.token_recall(text).await?.ok_or_else(|| match self.settings.token_provider {
            Provider::Fernet => Fault::not_found("Could not recognize Fernet token"),
            Provider::Jws => missing("token", text),
        })
    }

    /// The token that is asked about, if the caller may ask. With `late`, it may have ended a while ago.
    pub async fn token_for(
        &self,
        cx: &Cx,
        text: &str,
        rule: &'static policy::Rule,
        late: bool,
    ) -> Result<Asked, Fault> {
        let asked = match self.token_known(text).await {
            Err(fault) if late && fault.kind == Kind::NotFound => {
                let (found, _) = self.token_read_behind(text, LATE).await?;
                Asked { token: Arc::new(found.ok_or(fault)?), told: Arc::default() }
            }
            known => known.map(|known| Asked { token: known.token, told: known.told })?,
        };
        cx.may(rule, &Target::none().with("target.token.user_id", &asked.token.user.id))?;
        Ok(asked)
    }

    /// What is told of a token that was asked about, as JSON. It is written once, as long as nothing of it changes.
    pub async fn token_told(&self, asked: &Asked, with_catalog: bool) -> Result<Bytes, Fault> {
        let place = &asked.told[usize::from(with_catalog)];
        if let Some(told) = place.get() {
            return Ok(told.clone());
        }
        let told = Bytes::from(self.token_body(&asked.token, with_catalog).await?.to_string());
        self.memory.tell(place, told.clone());
        Ok(told)
    }

    /// The same of any token.
    pub async fn token_body(&self, token: &Token, with_catalog: bool) -> Result<Value, Fault> {
        let mut body = token.body();
        if with_catalog && token.payload.scope != Scope::Unscoped {
            let project_id = token.who().project_id;
            body["catalog"] = self.token_catalog(project_id, token.catalog_user().to_owned()).await?;
        }
        Ok(json!({"token": body}))
    }

    /// The token is not valid any more; with `chain`, neither is what was made of it.
    pub async fn token_revoke(&self, cx: &Cx, text: &str, chain: bool) -> Result<(), Fault> {
        let token = self.token_for(cx, text, &crate::rules::REVOKE_TOKEN, false).await?.token;
        let Some(audit_id) = token.payload.audit_ids.first().cloned() else { return Ok(()) };
        let expires_at = token.payload.expires_at;
        let revoke = move |tx: &Tx| {
            store::token::revocations_forget(tx, tx.now().minus(LATE))?;
            store::token::token_revoke(tx, &audit_id, chain, expires_at)
        };
        self.db.write(revoke).await
    }

    /// The catalog for what a token is for: with all, or with what its project is shown and no service without any of that.
    pub async fn token_catalog(&self, project_id: Option<String>, user_id: String) -> Result<Value, Fault> {
        self.db
            .read(move |tx| {
                let shown = match &project_id {
                    Some(project_id) => endpoints_of(tx, project_id)?,
                    None => Vec::new(),
                };
                let chosen = !shown.is_empty();
                let endpoints = if chosen { shown } else { store::catalog::endpoints(tx)? };
                let services = store::catalog::services(tx)?;
                let mut entries = catalog::catalog(&services, &endpoints, project_id.as_deref(), &user_id);
                entries.retain(|entry| !chosen || entry["endpoints"] != json!([]));
                Ok(Value::Array(entries))
            })
            .await
    }

    /// No token that was given out so far is valid any more.
    pub async fn tokens_void(&self) -> Result<(), Fault> {
        let replace = |tx: &Tx| {
            token_keys_replace(tx)?;
            store::token::epoch_advance(tx)
        };
        self.db.write(replace).await?;
        // The store may have been put back to an earlier epoch, at which answers are remembered.
        self.memory.clear();
        Ok(())
    }
}

/// Gives out a token for what is wished, if enough is proved.
fn grant(
    tx: &Tx,
    mut proved: Proved,
    receipt: Option<&str>,
    wish: &Wish,
    mint: Mint,
) -> Result<Granted, Fault> {
    let user = store::user::user_by_id(tx, &proved.user_id)?.ok_or_else(unauthenticated)?;
    check_still_proved(tx, &proved, &user)?;
    if let Some(begun) = part_proved(tx, &user, receipt, &mut proved)? {
        return Ok(Granted::Receipt(Box::new(begun)));
    }
    let (text, token) = match wish {
        Wish::Trust(id) => issue_of_trust(tx, &proved, &user, id, mint)?,
        wish => issue_of_user(tx, &proved, &user, wish, mint)?,
    };
    Ok(Granted::Token(text, Box::new(token)))
}

/// What ended tokens since the proof ends it, too: a password that was changed meanwhile, a token that was revoked.
fn check_still_proved(tx: &Tx, proved: &Proved, user: &User) -> Result<(), Fault> {
    let moved = proved.valid_since.is_some_and(|since| since != user.valid_since);
    let parent = proved.parent.as_ref();
    if moved || parent.map_or(Ok(false), |parent| is_revoked(tx, parent))? {
        Err(unauthenticated())
    } else {
        Ok(())
    }
}

/// Gives out a token by what the user has itself, or by what it lent to a program.
fn issue_of_user(
    tx: &Tx,
    proved: &Proved,
    user: &User,
    wish: &Wish,
    mint: Mint,
) -> Result<(String, Token), Fault> {
    let (scope, delegation) = match &proved.bound {
        Some((delegation, project)) => (Scope::Project(project.clone()), Some(delegation.clone())),
        None => {
            // Who was vouched for once is so in every token that comes of that one.
            let parent = proved.parent.as_ref().and_then(|parent| parent.delegation.clone());
            let vouched = parent.filter(|had| matches!(had, Delegation::Federation(_)));
            let usual = if vouched.is_some() { &Wish::Unscoped } else { &Wish::Default };
            (scope(tx, user, if *wish == Wish::Default { usual } else { wish })?, vouched)
        }
    };
    check_system_stays(proved, wish)?;
    issue(tx, proved, user, scope, delegation, mint)?.ok_or_else(unauthenticated)
}

/// Who has the system in hand does not slip into a project or domain by that.
fn check_system_stays(proved: &Proved, wish: &Wish) -> Result<(), Fault> {
    let of_system = proved.parent.as_ref().is_some_and(|parent| parent.scope == Scope::System);
    if of_system && matches!(wish, Wish::Project(_) | Wish::Domain(_)) {
        return Err(Fault::forbidden(
            "You are not authorized to perform the requested action: Using a system-scoped token to create a project-scoped \
             or domain-scoped token is not allowed..",
        ));
    }
    Ok(())
}

/// Gives out a token by a trust, which is used once by that.
fn issue_of_trust(
    tx: &Tx,
    proved: &Proved,
    user: &User,
    id: &str,
    mint: Mint,
) -> Result<(String, Token), Fault> {
    let trust = trust::trust_to_use(tx, id, user)?;
    let scope = Scope::Project(trust.project_id.unwrap_or_default());
    let delegation = Some(Delegation::Trust(trust.id));
    let given = issue(tx, proved, user, scope, delegation, mint)?.ok_or_else(trust::forbidden)?;
    store::trust::trust_use(tx, id)?;
    Ok(given)
}

/// A token with its text; `None` if it would stand for nothing.
pub(super) fn issue(
    tx: &Tx,
    proved: &Proved,
    user: &User,
    scope: Scope,
    delegation: Option<Delegation>,
    mint: Mint,
) -> Result<Option<(String, Token)>, Fault> {
    let parent = proved.parent.as_ref();
    let mut audit_ids = vec![audit_id(tx.entropy().bytes())];
    audit_ids.extend(parent.and_then(|token| token.audit_ids.last().cloned()));
    // Tokens carry whole seconds. One that was given out after a change must not seem older than it.
    let now = tx.now().whole_seconds().max(user.valid_since);
    let payload = Payload {
        user_id: user.id.clone(),
        methods: proved.methods.clone(),
        scope,
        expires_at: parent.map_or_else(|| now.plus(mint.life), |token| token.expires_at),
        audit_ids,
        delegation,
    };
    let Some(mut token) = expand(tx, payload, now)? else { return Ok(None) };
    token.end_with_what_was_lent();
    if let Some(trusted) = token.trusted() {
        token.issued_at = now.max(trusted.trustor.valid_since);
    }
    Ok(Some((token_text(tx, &token, mint.provider)?, token)))
}

/// The text of a token.
fn token_text(tx: &Tx, token: &Token, provider: Provider) -> Result<String, Fault> {
    match provider {
        Provider::Fernet => fernet_seal(tx, token.issued_at, &token.payload.pack()),
        Provider::Jws => {
            let pair = store::key::signing_key(tx)?.ok_or_else(|| Fault::bug("there is no signing key"))?;
            jws::sign(&pair, &token.payload, token.issued_at)
                .ok_or_else(|| Fault::bug("a token cannot be signed"))
        }
    }
}

/// What the text of a token says that one of the keys sealed or signed, and when; whatever form tokens are given out in.
pub(super) fn token_open(tx: &Tx, text: &str) -> Result<Option<(Payload, Micros)>, Fault> {
    if !jws::is_jws(text) {
        let opened = fernet_open(tx, text)?;
        return Ok(opened.and_then(|(bytes, issued_at)| Some((Payload::unpack(&bytes)?, issued_at))));
    }
    if text.len() > LONGEST {
        return Ok(None);
    }
    Ok(jws::read(&store::key::public_keys(tx)?, text))
}

/// What the token will be for.
fn scope(tx: &Tx, user: &User, wish: &Wish) -> Result<Scope, Fault> {
    Ok(match wish {
        Wish::System => Scope::System,
        Wish::Project(project) => {
            let project = find_project(tx, project)?.ok_or_else(unauthenticated)?;
            if project.is_domain { Scope::Domain(project.id) } else { Scope::Project(project.id) }
        }
        Wish::Domain(domain) => Scope::Domain(find_domain(tx, domain)?.ok_or_else(unauthenticated)?.id),
        Wish::Unscoped | Wish::Trust(_) => Scope::Unscoped,
        Wish::Default => match &user.default_project_id {
            Some(id) if usable(tx, user, id)? => Scope::Project(id.clone()),
            _ => Scope::Unscoped,
        },
    })
}

/// What a token is for whose owner wishes nothing.
pub(super) fn usual_scope(tx: &Tx, user: &User) -> Result<Scope, Fault> {
    scope(tx, user, &Wish::Default)
}

fn usable(tx: &Tx, user: &User, project_id: &str) -> Result<bool, Fault> {
    let Some(project) = store::project::project_by_id(tx, project_id)? else { return Ok(false) };
    let domain = store::project::project_by_id(tx, &project.domain_id)?;
    let enabled = project.enabled && domain.is_none_or(|domain| domain.enabled);
    Ok(enabled && !roles_on(tx, &user.id, &Scope::Project(project.id.clone()))?.is_empty())
}

/// Seals something of this moment with the primary key.
pub(super) fn fernet_seal(tx: &Tx, issued_at: Micros, packed: &[u8]) -> Result<String, Fault> {
    let keys = store::key::keys(tx, Ring::Tokens)?;
    let primary = keys.first().ok_or_else(|| Fault::bug("there is no token key"))?;
    let seconds = u64::try_from(issued_at.0 / 1_000_000).map_err(Fault::bug)?;
    fernet::seal(primary, seconds, tx.entropy().bytes(), packed)
        .ok_or_else(|| Fault::bug("a token cannot be sealed"))
}

/// What was sealed with one of the keys, and when; `None` if it was not.
pub(super) fn fernet_open(tx: &Tx, text: &str) -> Result<Option<(Vec<u8>, Micros)>, Fault> {
    if text.len() > LONGEST {
        return Ok(None);
    }
    let opened = fernet::open(&store::key::keys(tx, Ring::Tokens)?, text);
    Ok(opened.map(|(bytes, seconds)| {
        (bytes, Micros(i64::try_from(seconds).unwrap_or(0).saturating_mul(1_000_000)))
    }))
}

/// What the caller's own token stands for. It may have ended since the request began: then it is good for nothing more.
pub(super) fn token_of_caller(tx: &Tx, cx: &Cx) -> Result<Token, Fault> {
    read(tx, cx.token.as_deref().unwrap_or_default(), Duration::ZERO)?.ok_or_else(unauthenticated)
}

/// What the text of a token stands for, unless it is revoked or ended longer ago than `late`.
fn read(tx: &Tx, text: &str, late: Duration) -> Result<Option<Token>, Fault> {
    let Some((payload, issued_at)) = token_open(tx, text)? else { return Ok(None) };
    if payload.expires_at.plus(late) <= tx.now() {
        return Ok(None);
    }
    if is_revoked(tx, &payload)? {
        return Ok(None);
    }
    let token = expand(tx, payload, issued_at)?;
    Ok(token.filter(|token| !token.outdated()))
}

fn is_revoked(tx: &Tx, payload: &Payload) -> Result<bool, Fault> {
    match (payload.audit_ids.first(), payload.audit_ids.last()) {
        (Some(own), Some(first)) => store::token::is_revoked(tx, own, first),
        _ => Ok(true),
    }
}

#[async_trait]
impl web::Authenticate for Identity {
    async fn who(&self, token: &str) -> Result<Option<Arc<Who>>, Fault> {
        Ok(self.token_recall(token).await?.map(|remembered| remembered.who))
    }
}
