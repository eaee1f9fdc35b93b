//! OAuth 2.0: a token for an application credential, as clients of OAuth ask for it (RFC 6749, client credentials).

use crate::Identity;
use crate::ops::proof::{NamedCredential, Proof};
use crate::ops::token::{Granted, Wish};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fault::{Fault, Kind};
use serde_json::json;
use std::sync::Arc;
use web::ask::Query;
use web::{Answer, Ask};
use zeroize::Zeroizing;

const FAILED: &str = "Client authentication failed.";

/// `POST /v3/OS-OAUTH2/token`
pub async fn token_create(identity: Arc<Identity>, mut ask: Ask) -> Result<Answer, Fault> {
    let bytes = Zeroizing::new(ask.bytes(web::ask::LARGEST_JSON).await?.to_vec());
    let form = Query::parse(std::str::from_utf8(&bytes).unwrap_or_default());
    match form.get("grant_type") {
        Some("client_credentials") => {}
        None => return Ok(refused(&ask, 400, "invalid_request", "The parameter grant_type is required.")),
        Some(other) => {
            let said = format!("The parameter grant_type {other} is not supported.");
            return Ok(refused(&ask, 400, "unsupported_grant_type", &said));
        }
    }
    let own = |name| form.get(name).map(str::to_owned).filter(|word| !word.is_empty());
    let named = basic(ask.header("authorization")).or_else(|| own("client_id").zip(own("client_secret")));
    let Some((id, secret)) = named else { return Ok(refused(&ask, 401, "invalid_client", FAILED)) };
    let proof = Proof {
        methods: vec!["application_credential".to_owned()],
        credential: Some((NamedCredential::Id(id), Zeroizing::new(secret))),
        address: ask.cx.peer.clone(),
        ..Proof::default()
    };
    match identity.token_create(proof, None, Wish::Default).await {
        Ok(Granted::Token(text, _)) => Ok(Answer::ok(&json!({
            "access_token": text, "token_type": "Bearer", "expires_in": identity.settings.token_life.as_secs(),
        }))),
        Ok(Granted::Receipt(_)) => Ok(refused(&ask, 401, "invalid_client", FAILED)),
        Err(fault) => unproved(&ask, fault),
    }
}

/// Identity and secret from a header `Basic`.
fn basic(header: &str) -> Option<(String, String)> {
    let (kind, rest) = header.split_once(' ')?;
    let bytes = STANDARD.decode(rest.trim()).ok().filter(|_| kind.eq_ignore_ascii_case("basic"))?;
    let text = String::from_utf8(bytes).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

/// What is said of a credential that gets no token.
fn unproved(ask: &Ask, fault: Fault) -> Result<Answer, Fault> {
    const UNKNOWN: &str = "An unknown error occurred and failed to get an OAuth2.0 access token.";
    match fault.kind {
        Kind::Unauthenticated => Ok(refused(ask, 401, "invalid_client", fault.public())),
        Kind::BadInput => Ok(refused(ask, 400, "invalid_request", fault.public())),
        Kind::NotFound => Ok(refused(ask, 404, "other_error", UNKNOWN)),
        _ => Err(fault),
    }
}

fn refused(ask: &Ask, status: u16, error: &str, said: &str) -> Answer {
    let answer = Answer::json(status, &json!({"error": error, "error_description": said}));
    match status {
        401 => answer.with("www-authenticate", &format!("Keystone uri=\"{}/v3\"", ask.cx.base)),
        _ => answer,
    }
}
