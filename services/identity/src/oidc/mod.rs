//! OpenID Connect, from the side that relies on a provider: what stands before Keystone as a module of its web server.
//!
//! A caller shows an access token. It counts if the provider signed it, or says so when asked (introspection), and if it
//! was given to a client that the settings name: what somebody's calendar was given opens nothing here. What the
//! provider then says of the user becomes an assertion, in the names that Keystone's mappings use.
//!
//! A provider is trusted with who its users are, and with nothing else: what it answers is bounded in size and time, and so is
//! how many ask it at once.
//!
//! * [`client`]: requests to providers · [`jwt`]: signatures · [`code`]: browsers

pub mod client;
pub mod code;
pub mod jwt;

use crate::model::mapping::engine::Assertion;
use client::Client;
use fault::{Fault, Kind};
use jwt::Jwt;
use kernel::{Clock, Micros};
use serde_json::{Map, Value};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, Semaphore};
use zeroize::Zeroizing;

/// For how long what a provider says of itself is believed.
const KEPT: Duration = Duration::from_secs(600);

/// How soon it is asked again for a key that is not known.
const SOONEST: Duration = Duration::from_secs(10);

/// How soon one that did not answer is asked again. Whoever waited meanwhile hears the same.
const AGAIN: Duration = Duration::from_secs(2);

/// How long all that is asked for one login may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// For how many logins a provider is asked at once.
const MOST: usize = 64;

/// How many keys a provider may have: each that fits is tried.
const MOST_KEYS: usize = 64;

/// How far clocks may be apart.
const LEEWAY: Duration = Duration::from_secs(60);

/// The longest token that is sent on to a provider, in bytes.
const LONGEST: usize = 16 << 10;

/// Where assertions say who the provider is.
pub const ISSUER: &str = "HTTP_OIDC_ISS";

/// A provider as the settings have it.
#[derive(Clone)]
pub struct Relation {
    /// The identity provider, by the id that it has here.
    pub identity_provider: String,
    /// The protocol, by its name.
    pub protocol: String,
    /// How the provider calls itself: where it is found.
    pub issuer: String,
    /// As which client this cloud is known there.
    pub client_id: String,
    /// That client's secret.
    pub client_secret: Zeroizing<String>,
    /// Other clients whose tokens count here as well.
    pub audiences: Vec<String>,
    /// What is asked of the provider when a browser logs in.
    pub scopes: String,
    /// Which claim is `REMOTE_USER`.
    pub remote_user_claim: String,
    /// Authorities of the provider's certificate; those of the system otherwise.
    pub ca_file: Option<PathBuf>,
}

impl std::fmt::Debug for Relation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Relation({} {} {})", self.identity_provider, self.protocol, self.issuer)
    }
}

/// What a provider says of itself.
struct Known {
    at: Micros,
    document: Value,
    keys: Vec<Value>,
}

impl Known {
    /// Where something is, if the provider has it.
    fn endpoint(&self, name: &str) -> Option<&str> {
        self.document[name].as_str()
    }
}

/// What was heard of a provider.
#[derive(Default)]
struct Heard {
    known: Option<Arc<Known>>,
    /// When it did not answer as it should, and why.
    failed: Option<(Micros, String)>,
}

/// A provider that is relied on.
pub struct Provider {
    relation: Relation,
    client: Client,
    clock: Clock,
    heard: Mutex<Heard>,
    places: Semaphore,
}

/// The one answer to a token that does not count; the log says why.
fn refused(why: impl Into<String>) -> Fault {
    let said = "The request you have made requires authentication.";
    Fault::new(Kind::Unauthenticated, said).because(why.into())
}

fn away(why: impl Into<String>) -> Fault {
    Fault::new(Kind::Unavailable, "The identity provider does not answer as it should.").because(why.into())
}

impl Provider {
    /// A provider by its settings.
    pub fn new(relation: Relation, clock: Clock) -> Result<Self, Fault> {
        let client = Client::of(&relation.issuer, relation.ca_file.as_deref()).map_err(Fault::bad_input)?;
        Ok(Self { relation, client, clock, heard: Mutex::default(), places: Semaphore::new(MOST) })
    }

    /// Whether it vouches by this protocol of this identity provider.
    pub fn is(&self, identity_provider: &str, protocol: &str) -> bool {
        self.relation.identity_provider == identity_provider && self.relation.protocol == protocol
    }

    /// The identity provider that it is, if it speaks this protocol.
    pub fn by(&self, protocol: &str) -> Option<&str> {
        (self.relation.protocol == protocol).then_some(self.relation.identity_provider.as_str())
    }

    /// What the provider says of whom an access token was given to.
    pub async fn vouched(&self, token: &str) -> Result<Assertion, Fault> {
        if token.len() > LONGEST {
            return Err(refused("the token is too long"));
        }
        self.in_time(async {
            let known = self.known(None).await?;
            let mut claims = match Jwt::read(token) {
                Some(_) => self.signed(token).await?,
                None => self.introspected(&known, token).await?,
            };
            self.check(&claims)?;
            self.ask_more(&known, token, &mut claims).await?;
            Ok(assertion(&claims, &self.relation))
        })
        .await
    }

    /// Asks in one of the places that there are, and not for long.
    async fn in_time<T>(&self, asked: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        let busy = "Too many logins wait for the identity provider. Try again later.";
        let _place = self.places.try_acquire().map_err(|_| Fault::new(Kind::Busy, busy))?;
        let all = tokio::time::timeout(PATIENCE, asked).await;
        all.unwrap_or_else(|_| Err(away(format!("it took more than {} seconds", PATIENCE.as_secs()))))
    }

    /// What a token says that a key of the provider signed.
    async fn signed(&self, token: &str) -> Result<Map<String, Value>, Fault> {
        let jwt = Jwt::read(token).ok_or_else(|| refused("it is no signed token"))?;
        let mut known = self.known(None).await?;
        if jwt.signed_by(&known.keys).is_none() {
            known = self.known(Some(known.at)).await?;
        }
        let claims = jwt.signed_by(&known.keys).ok_or_else(|| refused("no key of the provider signed it"))?;
        Ok(claims.clone())
    }

    /// How we show the provider who we are; a client without a secret cannot.
    fn basic(&self) -> Option<Zeroizing<String>> {
        use base64::Engine;
        let own = |text: &str| Zeroizing::new(web::ask::encoded(text));
        let (id, secret) = (own(&self.relation.client_id), own(&self.relation.client_secret));
        let pair = Zeroizing::new(format!("{}:{}", *id, *secret));
        let basic = || base64::engine::general_purpose::STANDARD.encode(pair.as_bytes());
        (!secret.is_empty()).then(|| Zeroizing::new(basic()))
    }

    /// What the provider says of itself. A signer that is not known may be new: then what is older than `than` and not
    /// of this moment is asked for again.
    async fn known(&self, than: Option<Micros>) -> Result<Arc<Known>, Fault> {
        let mut heard = self.heard.lock().await;
        let now = self.clock.now();
        if let Some(found) = &heard.known {
            let age = now.since(found.at);
            if age < if than.is_some_and(|than| than >= found.at) { SOONEST } else { KEPT } {
                return Ok(found.clone());
            }
        }
        if let Some((at, why)) = &heard.failed
            && now.since(*at) < AGAIN
        {
            return Err(away(why.clone()));
        }
        match self.discovered(now).await {
            Ok(found) => {
                let found = Arc::new(found);
                *heard = Heard { known: Some(found.clone()), failed: None };
                Ok(found)
            }
            Err(why) => {
                heard.failed = Some((self.clock.now(), why.clone()));
                Err(away(why))
            }
        }
    }

    async fn discovered(&self, at: Micros) -> Result<Known, String> {
        let issuer = &self.relation.issuer;
        let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let document = self.json(&url).await?;
        if document["issuer"].as_str() != Some(issuer) {
            return Err(format!("{url} speaks for {}, not for {issuer}", document["issuer"]));
        }
        let url = document["jwks_uri"].as_str().unwrap_or_default();
        let keys = self.json(url).await?["keys"].as_array().cloned().unwrap_or_default();
        if keys.len() > MOST_KEYS {
            return Err(format!("{url} has more than {MOST_KEYS} keys"));
        }
        Ok(Known { at, document, keys })
    }

    async fn json(&self, url: &str) -> Result<Value, String> {
        let reply = self.client.get(url, None).await?;
        if reply.status != 200 {
            return Err(format!("{url} answers {}", reply.status));
        }
        serde_json::from_slice(&reply.body).map_err(|why| format!("{url}: {why}"))
    }

    /// What the provider says when it is asked about a token that says nothing itself.
    async fn introspected(&self, known: &Known, token: &str) -> Result<Map<String, Value>, Fault> {
        let Some(url) = known.endpoint("introspection_endpoint") else {
            return Err(refused("the provider answers no questions about tokens"));
        };
        let basic =
            self.basic().ok_or_else(|| refused("without a secret nobody answers questions about tokens"))?;
        let form = format!("token={}&token_type_hint=access_token", web::ask::encoded(token));
        let reply = self.client.post(url, Some(basic.as_str()), form).await.map_err(away)?;
        let told: Map<String, Value> = serde_json::from_slice(&reply.body)
            .ok()
            .filter(|_| reply.status == 200)
            .ok_or_else(|| away(format!("{url} answers {}", reply.status)))?;
        match told.get("active") {
            Some(Value::Bool(true)) => Ok(told),
            _ => Err(refused("the provider says that it is not valid")),
        }
    }

    /// A token counts that is of this provider, for a client of ours, and of this time.
    fn check(&self, claims: &Map<String, Value>) -> Result<(), Fault> {
        let (relation, now) = (&self.relation, self.clock.now());
        // Providers sign other things with the same keys, as what tells of a logout (RFC 8417).
        if claims.contains_key("events") {
            return Err(refused("it tells of an event, not of a user"));
        }
        if claims.get("iss").is_some_and(|issuer| *issuer != *relation.issuer) {
            return Err(refused("another provider gave it out"));
        }
        let at = |name: &str| claims.get(name).and_then(Value::as_f64);
        #[expect(clippy::cast_possible_truncation, reason = "times beyond the range of Micros saturate")]
        let micros = |seconds: f64| Micros((seconds * 1e6) as i64);
        if at("exp").is_none_or(|end| micros(end).plus(LEEWAY) <= now) {
            return Err(refused("it is over, or never is"));
        }
        if at("nbf").is_some_and(|start| now.plus(LEEWAY) < micros(start)) {
            return Err(refused("it is not valid yet"));
        }
        let ours =
            |name: &str| name == relation.client_id || relation.audiences.iter().any(|own| own == name);
        let given_to = ["aud", "azp", "client_id", "appid"].into_iter().filter_map(|name| claims.get(name));
        let mut names = given_to.flat_map(|value| match value {
            Value::Array(all) => all.iter().filter_map(Value::as_str).collect::<Vec<_>>(),
            other => other.as_str().into_iter().collect(),
        });
        if names.any(ours) { Ok(()) } else { Err(refused("it was given to a client that is none of ours")) }
    }

    /// What the provider tells of the user besides; a token need not be good for that.
    async fn ask_more(
        &self,
        known: &Known,
        token: &str,
        claims: &mut Map<String, Value>,
    ) -> Result<(), Fault> {
        let Some(url) = known.endpoint("userinfo_endpoint") else { return Ok(()) };
        let reply = self.client.get(url, Some(token)).await.map_err(away)?;
        let told = serde_json::from_slice::<Map<String, Value>>(&reply.body);
        let Some(told) = told.ok().filter(|_| reply.status == 200) else { return Ok(()) };
        if told.get("sub") != claims.get("sub") {
            return Err(refused("what the provider tells besides is about somebody else"));
        }
        for (name, value) in told {
            claims.entry(name).or_insert(value);
        }
        Ok(())
    }
}

/// Claims in the names that mappings use: `OIDC-email`, and `HTTP_OIDC_EMAIL` as a web server hands headers on.
fn assertion(claims: &Map<String, Value>, relation: &Relation) -> Assertion {
    let mut all = Assertion::new();
    for (name, value) in claims {
        let Some(text) = written(value) else { continue };
        let upper = name.to_ascii_uppercase().replace(|letter: char| !letter.is_ascii_alphanumeric(), "_");
        all.insert(format!("HTTP_OIDC_{upper}"), text.clone());
        all.insert(format!("OIDC-{name}"), text);
    }
    all.insert(ISSUER.to_owned(), relation.issuer.clone());
    all.insert("OIDC-iss".to_owned(), relation.issuer.clone());
    if let Some(user) = claims.get(&relation.remote_user_claim).and_then(written) {
        all.insert("REMOTE_USER".to_owned(), user);
    }
    all
}

/// A claim as text: several values are parted by semicolons.
fn written(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Bool(flag) => Some(u8::from(*flag).to_string()),
        Value::String(text) => Some(text.clone()),
        Value::Array(all) => Some(all.iter().filter_map(written).collect::<Vec<_>>().join(";")),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn claims_become_an_assertion() {
        let relation = Relation {
            identity_provider: "idp".into(),
            protocol: "openid".into(),
            issuer: "https://issuer".into(),
            client_id: "cloud".into(),
            client_secret: Zeroizing::default(),
            audiences: Vec::new(),
            scopes: "openid".into(),
            remote_user_claim: "email".into(),
            ca_file: None,
        };
        let claims = json!({"sub": "1", "email": "a@b", "groups": ["x", "y"], "email_verified": true, "iss": "https://issuer",
                            "given_name": null, "address": {"city": "c"}, "exp": 5});
        let all = assertion(claims.as_object().unwrap(), &relation);
        for (name, value) in [
            ("OIDC-sub", "1"),
            ("HTTP_OIDC_EMAIL", "a@b"),
            ("REMOTE_USER", "a@b"),
            ("OIDC-groups", "x;y"),
            ("OIDC-email_verified", "1"),
            ("HTTP_OIDC_ISS", "https://issuer"),
            ("OIDC-address", r#"{"city":"c"}"#),
            ("OIDC-exp", "5"),
        ] {
            assert_eq!(all[name], value, "{name}");
        }
        assert!(!all.contains_key("OIDC-given_name"));
    }
}
