//! The authorization code flow: a browser is sent to the provider and comes back with a code, which is redeemed.
//!
//! What has to be known when it comes back travels with the browser, sealed: any controller goes on. The state ties the
//! answer to this browser, the nonce ties the token to this attempt, and the verifier (PKCE) ties the code to us. A provider
//! that says who it is in its answer (RFC 9207) must be the one that the browser was sent to: else one could get hold of
//! codes that another gave.

use super::{Known, Provider, away, client, refused};
use crate::model::mapping::engine::Assertion;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fault::Fault;
use kernel::Entropy;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::Digest;
use subtle::ConstantTimeEq;

/// One attempt to log in with a browser.
#[derive(Clone, Deserialize, Serialize)]
pub struct Attempt {
    /// The identity provider.
    pub identity_provider: String,
    /// The protocol.
    pub protocol: String,
    /// Where the browser wants the token sent.
    pub origin: String,
    state: String,
    nonce: String,
    verifier: String,
}

impl Attempt {
    /// A new attempt.
    pub fn new(identity_provider: &str, protocol: &str, origin: &str, dice: &Entropy) -> Self {
        let random = || URL_SAFE_NO_PAD.encode(dice.bytes::<32>());
        Self {
            identity_provider: identity_provider.to_owned(),
            protocol: protocol.to_owned(),
            origin: origin.to_owned(),
            state: random(),
            nonce: random(),
            verifier: random(),
        }
    }

    /// Whether an answer is one to this attempt.
    pub fn is(&self, state: &str) -> bool {
        self.state.as_bytes().ct_eq(state.as_bytes()).into()
    }
}

/// What a browser brings back.
pub struct Brought<'a> {
    /// What was asked for.
    pub code: &'a str,
    /// Who gave it, if that is said.
    pub issuer: Option<&'a str>,
}

impl Provider {
    /// Where a browser is sent that wants to log in.
    pub async fn entrance(&self, attempt: &Attempt, back: &str) -> Result<String, Fault> {
        let known = self.in_time(self.known(None)).await?;
        let endpoint = known.endpoint("authorization_endpoint").filter(|url| client::is_address(url));
        let endpoint = endpoint.ok_or_else(|| away("it has no authorization endpoint"))?;
        let challenge = URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(attempt.verifier.as_bytes()));
        let asked = [
            ("response_type", "code"),
            ("client_id", &self.relation.client_id),
            ("redirect_uri", back),
            ("scope", &self.relation.scopes),
            ("state", &attempt.state),
            ("nonce", &attempt.nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        let mark = if endpoint.contains('?') { '&' } else { '?' };
        Ok(format!("{endpoint}{mark}{}", form(&asked)))
    }

    /// What the provider says of whom a code was given to.
    pub async fn redeemed(
        &self,
        attempt: &Attempt,
        brought: Brought<'_>,
        back: &str,
    ) -> Result<Assertion, Fault> {
        self.in_time(async {
            let known = self.known(None).await?;
            self.check_giver(&known, brought.issuer)?;
            let told = self.redeem(&known, attempt, brought.code, back).await?;
            let text = |name: &str| told.get(name).and_then(Value::as_str);
            let id_token = text("id_token").ok_or_else(|| refused("the provider gives no id token"))?;
            let mut claims = self.signed(id_token).await?;
            self.check(&claims)?;
            if claims.get("nonce").and_then(Value::as_str) != Some(&attempt.nonce) {
                return Err(refused("the id token is of another attempt"));
            }
            if let Some(token) = text("access_token") {
                self.ask_more(&known, token, &mut claims).await?;
            }
            Ok(super::assertion(&claims, &self.relation))
        })
        .await
    }

    /// Whoever gave a code is this provider; one that says who it is says it always.
    fn check_giver(&self, known: &Known, said: Option<&str>) -> Result<(), Fault> {
        let must = known.document["authorization_response_iss_parameter_supported"] == true;
        match said {
            Some(said) if said == self.relation.issuer => Ok(()),
            None if !must => Ok(()),
            _ => Err(refused("another provider gave the code")),
        }
    }

    /// What the provider gives for a code.
    async fn redeem(
        &self,
        known: &Known,
        attempt: &Attempt,
        code: &str,
        back: &str,
    ) -> Result<Map<String, Value>, Fault> {
        let endpoint = known.endpoint("token_endpoint");
        let endpoint = endpoint.ok_or_else(|| away("it has no token endpoint"))?;
        let mut asked = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", back),
            ("code_verifier", &attempt.verifier),
        ];
        let basic = self.basic();
        if basic.is_none() {
            asked.push(("client_id", &self.relation.client_id));
        }
        let basic = basic.as_ref().map(|basic| basic.as_str());
        let reply = self.client.post(endpoint, basic, form(&asked)).await.map_err(away)?;
        let told = serde_json::from_slice(&reply.body).ok().filter(|_| reply.status == 200);
        told.ok_or_else(|| refused(format!("the code is not taken: {}", reply.status)))
    }
}

fn form(pairs: &[(&str, &str)]) -> String {
    let all = pairs.iter().map(|(name, value)| format!("{name}={}", web::ask::encoded(value)));
    all.collect::<Vec<_>>().join("&")
}
