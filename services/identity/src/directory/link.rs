//! Connections to a directory: some of our own to search with, some on which users prove their passwords. Both are kept
//! for a while and used again; one that breaks is replaced once.

use super::tls;
use crate::model::directory::{Aliases, Directory, Entry};
use ldap3::adapters::PagedResults;
use ldap3::asn1::{PL, StructureTag};
use ldap3::{
    DerefAliases, Ldap, LdapConnAsync, LdapConnSettings, LdapError, Scope, SearchEntry, SearchOptions,
};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout};
use uuid::Uuid;

/// How long a directory that did not answer is left alone.
const REST: Duration = Duration::from_secs(2);

/// Why a directory does not tell what it is asked. Each has the reason.
#[derive(Debug)]
pub enum Failure {
    /// It cannot be reached, or says nothing in time.
    Silent(String),
    /// It does not take our own password.
    Stranger(String),
    /// There is more than it tells anybody.
    TooMuch(String),
    /// It does not understand, or will not.
    Refused(String),
}

type Outcome<T> = Result<T, Failure>;

/// Result codes of LDAP (RFC 4511) that mean something here.
mod code {
    pub const SUCCESS: u32 = 0;
    pub const SIZE_LIMIT_EXCEEDED: u32 = 4;
    pub const NO_SUCH_OBJECT: u32 = 32;
    pub const INVALID_CREDENTIALS: u32 = 49;
    pub const BUSY: u32 = 51;
    pub const UNAVAILABLE: u32 = 52;
}

/// The connections to a directory.
pub struct Links {
    settings: Directory,
    ours: Pool,
    theirs: Pool,
    /// Until when it is left alone.
    rests: Mutex<Option<Instant>>,
}

/// Connections of a sort: so many at once, each for so long.
struct Pool {
    places: Semaphore,
    idle: Mutex<Vec<(Ldap, Instant)>>,
    life: Duration,
}

/// What is looked for.
struct Search<'a> {
    base: &'a str,
    scope: Scope,
    filter: &'a str,
    wanted: Vec<String>,
}

impl Pool {
    fn new(size: usize, life: Duration) -> Self {
        Self { places: Semaphore::new(size), idle: Mutex::default(), life }
    }

    async fn place(&self, patience: Duration) -> Outcome<SemaphorePermit<'_>> {
        let silent = || Failure::Silent("all connections to it are in use".to_owned());
        timeout(patience, self.places.acquire()).await.ok().and_then(Result::ok).ok_or_else(silent)
    }

    /// A connection that is idle, young and, as far as is known, open. The others are given up.
    fn take(&self) -> Option<(Ldap, Instant)> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain_mut(|(link, since)| since.elapsed() < self.life && !link.is_closed());
        idle.pop()
    }

    fn keep(&self, link: Ldap, since: Instant) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push((link, since));
    }

    fn forget(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Links {
    /// None yet.
    pub fn new(settings: &Directory) -> Self {
        let [ours, theirs] = [0, 1].map(|at| Pool::new(settings.connections[at], settings.lives[at]));
        Self { settings: settings.clone(), ours, theirs, rests: Mutex::default() }
    }

    /// What fits a filter; nothing if there is no such base.
    pub async fn search(
        &self,
        base: &str,
        scope: Scope,
        filter: &str,
        wanted: Vec<String>,
    ) -> Outcome<Vec<Entry>> {
        let search = Search { base, scope, filter, wanted };
        let _place = self.ours.place(self.settings.timeout).await?;
        if let Some((mut link, since)) = self.ours.take() {
            match self.look(&mut link, &search).await {
                Err(Failure::Silent(_)) => self.ours.forget(),
                outcome => {
                    self.ours.keep(link, since);
                    return outcome;
                }
            }
        }
        let mut link = self.dial().await?;
        self.present(&mut link).await?;
        let outcome = self.look(&mut link, &search).await;
        if !matches!(outcome, Err(Failure::Silent(_))) {
            self.ours.keep(link, Instant::now());
        }
        outcome
    }

    /// Whether somebody's password is this.
    pub async fn binds(&self, dn: &str, password: &str) -> Outcome<bool> {
        let _place = self.theirs.place(self.settings.timeout).await?;
        if let Some((mut link, since)) = self.theirs.take() {
            match self.bind(&mut link, dn, password).await {
                Err(_) => self.theirs.forget(),
                Ok(code) => {
                    self.theirs.keep(link, since);
                    return judged(code);
                }
            }
        }
        let mut link = self.dial().await?;
        let code = self.bind(&mut link, dn, password).await?;
        self.theirs.keep(link, Instant::now());
        judged(code)
    }

    /// A new connection to the first server that answers.
    async fn dial(&self) -> Outcome<Ldap> {
        let rests = *self.rests.lock().unwrap_or_else(PoisonError::into_inner);
        if rests.is_some_and(|until| Instant::now() < until) {
            return Err(Failure::Silent("it did not answer a moment ago".to_owned()));
        }
        let settings = self.connection()?;
        let mut why = Vec::new();
        for url in &self.settings.urls {
            let dialled = LdapConnAsync::with_settings(settings.clone(), url);
            match timeout(self.settings.timeout, dialled).await {
                Ok(Ok((connection, link))) => {
                    tokio::spawn(connection.drive());
                    return Ok(link);
                }
                Ok(Err(error)) => why.push(format!("{url}: {error}")),
                Err(_) => why.push(format!("{url}: no answer in {} s", self.settings.timeout.as_secs())),
            }
        }
        *self.rests.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + REST);
        Err(Failure::Silent(why.join("; ")))
    }

    fn connection(&self) -> Outcome<LdapConnSettings> {
        let tls = &self.settings.tls;
        let plain = LdapConnSettings::new();
        if !tls.start && !self.settings.urls.iter().any(|url| url.starts_with("ldaps:")) {
            return Ok(plain);
        }
        let config = tls::client(tls).map_err(Failure::Silent)?;
        Ok(plain.set_config(config).set_starttls(tls.start).set_no_tls_verify(tls.unchecked))
    }

    /// We say who we are, if the operator said so.
    async fn present(&self, link: &mut Ldap) -> Outcome<()> {
        let Some((dn, password)) = &self.settings.bind else { return Ok(()) };
        match self.bind(link, dn, password).await? {
            code::SUCCESS => Ok(()),
            code::INVALID_CREDENTIALS => Err(Failure::Stranger(format!("the password of {dn} is not right"))),
            code => Err(Failure::Refused(format!("{dn} cannot log in, code {code}"))),
        }
    }

    async fn bind(&self, link: &mut Ldap, dn: &str, password: &str) -> Outcome<u32> {
        let answer = link.with_timeout(self.settings.timeout).simple_bind(dn, password).await;
        answer.map(|answer| answer.rc).map_err(|error| Failure::Silent(error.to_string()))
    }

    async fn look(&self, link: &mut Ldap, search: &Search<'_>) -> Outcome<Vec<Entry>> {
        let aliases = match self.settings.aliases {
            Aliases::Never => DerefAliases::Never,
            Aliases::Searching => DerefAliases::Searching,
            Aliases::Finding => DerefAliases::Finding,
            Aliases::Always => DerefAliases::Always,
        };
        link.with_timeout(self.settings.timeout).with_search_options(SearchOptions::new().deref(aliases));
        let Search { base, scope, filter, wanted } = search;
        let begun = match self.settings.page_size {
            1.. => {
                let pages = PagedResults::new(self.settings.page_size);
                link.streaming_search_with(pages, base, *scope, filter, wanted.clone()).await
            }
            _ => link.streaming_search(base, *scope, filter, wanted.clone()).await,
        };
        let mut found = Vec::new();
        let mut stream = begun.map_err(failed)?;
        while let Some(entry) = stream.next().await.map_err(failed)? {
            // A referral to another server is not followed.
            if entry.is_ref() || entry.is_intermediate() {
                continue;
            }
            if !is_readable(&entry.0) {
                tracing::warn!(%base, "a directory has an entry whose name is no text, which is passed over");
                continue;
            }
            found.push(read(SearchEntry::construct(entry)));
        }
        let end = stream.finish().await;
        match end.rc {
            code::SUCCESS => Ok(found),
            code::NO_SUCH_OBJECT => Ok(Vec::new()),
            code::SIZE_LIMIT_EXCEEDED => Err(Failure::TooMuch(end.text)),
            code::BUSY | code::UNAVAILABLE => Err(Failure::Silent(end.to_string())),
            _ => Err(Failure::Refused(end.to_string())),
        }
    }
}

fn failed(error: LdapError) -> Failure {
    match error {
        LdapError::FilterParsing => Failure::Refused("the filter that was set is none".to_owned()),
        LdapError::LdapResult { result } => Failure::Refused(result.to_string()),
        other => Failure::Silent(other.to_string()),
    }
}

/// What a directory's answer to a password means: whatever is not a yes is a no, unless it has no time.
fn judged(code: u32) -> Outcome<bool> {
    match code {
        code::BUSY | code::UNAVAILABLE => Err(Failure::Silent(format!("it has no time, code {code}"))),
        code => Ok(code == code::SUCCESS),
    }
}

/// Whether an entry is built as RFC 4511 has it, its name and those of its attributes being text. `ldap3` takes that for
/// granted, and panics.
fn is_readable(entry: &StructureTag) -> bool {
    /// Something with a name of text, and a list of which each part fits.
    fn is_named(tag: &StructureTag, fits: fn(&StructureTag) -> bool) -> bool {
        let PL::C(parts) = &tag.payload else { return false };
        match parts.as_slice() {
            [StructureTag { payload: PL::P(name), .. }, StructureTag { payload: PL::C(list), .. }] => {
                std::str::from_utf8(name).is_ok() && list.iter().all(fits)
            }
            _ => false,
        }
    }
    is_named(entry, |attribute| is_named(attribute, |value| matches!(value.payload, PL::P(_))))
}

/// An entry as text. Sixteen bytes that are no text are a UUID as Active Directory keeps it; a zero byte, which no database
/// keeps, is read as what is not known.
fn read(entry: SearchEntry) -> Entry {
    let kept = |value: String| if value.contains('\0') { value.replace('\0', "\u{fffd}") } else { value };
    let texts = entry.attrs.into_iter();
    let texts = texts.map(|(name, values)| (name.to_lowercase(), values.into_iter().map(kept).collect()));
    let mut attributes: std::collections::HashMap<String, Vec<String>> = texts.collect();
    for (name, values) in entry.bin_attrs {
        let ids = values.iter().filter_map(|bytes| <[u8; 16]>::try_from(bytes.as_slice()).ok());
        let ids = ids.map(|bytes| Uuid::from_bytes_le(bytes).to_string());
        attributes.entry(name.to_lowercase()).or_default().extend(ids);
    }
    Entry { dn: entry.dn, attributes }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ldap3::asn1::TagClass;

    fn tag(payload: PL) -> StructureTag {
        StructureTag { class: TagClass::Universal, id: 4, payload }
    }

    fn text(bytes: &[u8]) -> StructureTag {
        tag(PL::P(bytes.to_vec()))
    }

    fn entry(name: &[u8], attribute: &[u8], values: PL) -> StructureTag {
        let attribute = tag(PL::C(vec![text(attribute), tag(values)]));
        tag(PL::C(vec![text(name), tag(PL::C(vec![attribute]))]))
    }

    #[test]
    fn an_entry_that_would_panic_is_not_readable() {
        let bytes = || PL::C(vec![text(b"\xff\xfe")]);
        assert!(is_readable(&entry("cn=ä".as_bytes(), b"jpegPhoto", bytes())), "values may be any bytes");
        assert!(!is_readable(&entry(b"cn=\xe4", b"cn", bytes())));
        assert!(!is_readable(&entry(b"cn=a", b"c\xe4", bytes())));
        assert!(!is_readable(&entry(b"cn=a", b"cn", PL::P(Vec::new()))));
        assert!(!is_readable(&tag(PL::C(vec![text(b"cn=a")]))));
        assert!(!is_readable(&text(b"cn=a")));
    }
}
