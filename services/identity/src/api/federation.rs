//! Logging in by federation, on the wire.

use super::auth as tokens;
use crate::Identity;
use crate::oidc::code::Brought;
use crate::ops::federation::PATIENCE;
use crate::ops::token::{Granted, unauthenticated};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fault::Fault;
use sha2::Digest;
use std::sync::Arc;
use web::{Answer, Ask};

/// Where a browser comes back to, below the service's address.
const CALLBACK: &str = "/v3/auth/OS-FEDERATION/oidc/callback";

/// What a browser keeps while it is with the provider.
const COOKIE: &str = "drystone_websso";

/// What sends the form without anybody's doing.
const SUBMIT: &str = "document.forms[0].submit()";

/// `GET` and `POST /v3/OS-FEDERATION/identity_providers/{id}/protocols/{protocol}/auth`, with an access token of the
/// provider as `Authorization: Bearer`.
pub async fn auth(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let given = ask.header("authorization");
    let bearer = given.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let bearer = bearer.map(|(_, token)| token.trim());
    let receipt = tokens::receipt(&ask);
    let granted = identity.federated_login(ask.id("id"), ask.id("protocol"), bearer, receipt).await?;
    tokens::given(&identity, &ask, granted).await
}

/// `GET` and `POST /v3/auth/OS-FEDERATION/websso/{protocol}`, and the same for one provider.
pub async fn websso(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let origin = ask.query.get("origin").filter(|origin| !origin.is_empty());
    let origin = origin.ok_or_else(|| Fault::bad_input("Request must have an origin query parameter"))?;
    let provider = Some(ask.id("id")).filter(|id| !id.is_empty());
    let back = ask.cx.url(CALLBACK);
    let (entrance, sealed) = identity.websso_begin(provider, ask.id("protocol"), origin, &back).await?;
    let cookie = cookie(&back, &sealed, PATIENCE.as_secs());
    Ok(private(Answer::empty(302)).with("location", &entrance).with("set-cookie", &cookie))
}

/// `GET /v3/auth/OS-FEDERATION/oidc/callback`
pub async fn callback(identity: Arc<Identity>, ask: Ask) -> Result<Answer, Fault> {
    let asked = |name: &str| ask.query.get(name).ok_or_else(unauthenticated);
    let cookies = ask.header("cookie").split(';').filter_map(|pair| pair.trim().split_once('='));
    let sealed = cookies.into_iter().find(|(name, _)| *name == COOKIE).ok_or_else(unauthenticated)?.1;
    let back = ask.cx.url(CALLBACK);
    let brought = Brought { code: asked("code")?, issuer: ask.query.get("iss") };
    let (origin, granted) = identity.websso_end(sealed, asked("state")?, brought, &back).await?;
    let Granted::Token(token, _) = granted else { return tokens::given(&identity, &ask, granted).await };
    let script = STANDARD.encode(sha2::Sha256::digest(SUBMIT.as_bytes()));
    let policy = format!("default-src 'none'; frame-ancestors 'none'; script-src 'sha256-{script}'");
    Ok(private(Answer::bytes(200, "text/html; charset=utf-8", form(&origin, &token)))
        .with("content-security-policy", &policy)
        .with("set-cookie", &cookie(&back, "", 0)))
}

/// What nobody on the way may keep.
fn private(answer: Answer) -> Answer {
    answer.with("cache-control", "no-store").with("referrer-policy", "no-referrer")
}

/// A cookie that only comes back to where the browser is sent back to; over TLS alone, where there is TLS.
fn cookie(back: &str, value: &str, seconds: u64) -> String {
    let path = back.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]));
    let secure = if back.starts_with("https://") { "; Secure" } else { "" };
    let path = path.unwrap_or(CALLBACK);
    format!("{COOKIE}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
}

/// A page that sends the token on to the dashboard.
fn form(origin: &str, token: &str) -> String {
    let (origin, token) = (escaped(origin), escaped(token));
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><title>Logging in</title></head><body>\
         <form id=\"sso\" name=\"sso\" action=\"{origin}\" method=\"post\">\
         <input type=\"hidden\" name=\"token\" value=\"{token}\">\
         <noscript><button type=\"submit\">Go on</button></noscript></form>\
         <script>{SUBMIT}</script></body></html>\n"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_holds_nothing_but_the_two() {
        let page = form("https://d/\"><script>", "gAAAA'");
        assert!(page.contains("action=\"https://d/&quot;&gt;&lt;script&gt;\""));
        assert!(page.contains("value=\"gAAAA&#39;\""));
    }

    #[test]
    fn a_cookie_goes_where_it_is_needed() {
        let plain = cookie("http://cloud/identity/v3/auth/x", "v", 600);
        assert_eq!(plain, "drystone_websso=v; Path=/identity/v3/auth/x; Max-Age=600; HttpOnly; SameSite=Lax");
        assert!(cookie("https://cloud/v3", "v", 600).ends_with("; Secure"));
    }
}
