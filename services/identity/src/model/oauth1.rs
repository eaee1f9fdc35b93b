//! OAuth 1.0: programs (consumers) that a user lets act in the user's place on one project, with some of the user's roles.
//!
//! A program asks for a request token, its user authorises that and tells the program the verifier, and the program makes an
//! access token of it: an id and a secret with which it signs what it asks ([`super::signed_request`]).

use kernel::Micros;
use serde_json::{Map, Value, json};
use std::time::Duration;
use zeroize::Zeroizing;

/// The method by which a token was had that answers a signature.
pub const METHOD: &str = "oauth1";
/// How long a user has to authorise a request token, and how long an access token is good (Keystone's defaults).
pub const REQUEST_LIFE: Duration = Duration::from_secs(8 * 60 * 60);
/// How long an access token is good.
pub const ACCESS_LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// What verifiers are made of: nothing that people confuse.
const LETTERS: &[u8] = b"abcdefghkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
/// How long a verifier is.
const VERIFIER: usize = 8;

/// A program.
#[derive(Clone, Default, PartialEq)]
pub struct Consumer {
    /// Its id, which it shows as its key.
    pub id: String,
    /// What it signs with.
    pub secret: Zeroizing<String>,
    /// For people.
    pub description: Option<String>,
    /// Attributes of the caller's own.
    pub extra: Map<String, Value>,
}

impl Consumer {
    /// As the API writes it below `consumer`.
    pub fn body(&self, base: &str) -> Value {
        let mut body = self.extra.clone();
        body.insert("id".into(), json!(self.id));
        body.insert("description".into(), json!(self.description));
        body.insert("links".into(), json!({"self": format!("{base}/v3/OS-OAUTH1/consumers/{}", self.id)}));
        Value::Object(body)
    }

    /// The same with its secret, which is told once.
    pub fn body_with_secret(&self, base: &str) -> Value {
        let mut body = self.body(base);
        body["secret"] = json!(*self.secret);
        body
    }
}

/// What a program asks for.
#[derive(Clone, PartialEq)]
pub struct RequestToken {
    /// Its id.
    pub id: String,
    /// What the program signs with, besides its own secret.
    pub secret: Zeroizing<String>,
    /// The program.
    pub consumer_id: String,
    /// The project that it asks for.
    pub project_id: String,
    /// What a user made of it.
    pub authorized: Option<Authorized>,
    /// When it ends.
    pub expires_at: Micros,
}

/// What a user made of a request.
#[derive(Clone, PartialEq)]
pub struct Authorized {
    /// Who did.
    pub user_id: String,
    /// The ids of the roles that are lent.
    pub roles: Vec<String>,
    /// What the user tells the program, and the program us.
    pub verifier: String,
}

/// What a program was given.
#[derive(Clone, PartialEq)]
pub struct AccessToken {
    /// Its id.
    pub id: String,
    /// What the program signs with, besides its own secret.
    pub secret: Zeroizing<String>,
    /// The program.
    pub consumer_id: String,
    /// The project that tokens are for.
    pub project_id: String,
    /// In whose place the program acts.
    pub user_id: String,
    /// The ids of the roles that are lent, as far as the user still has them.
    pub roles: Vec<String>,
    /// When it ends.
    pub expires_at: Micros,
}

impl AccessToken {
    /// As the API writes it below `access_token`.
    pub fn body(&self, base: &str) -> Value {
        let own = format!("{base}/v3/users/{}/OS-OAUTH1/access_tokens/{}", self.user_id, self.id);
        json!({
            "id": self.id, "consumer_id": self.consumer_id, "project_id": self.project_id,
            "authorizing_user_id": self.user_id, "expires_at": self.expires_at.micros_z(),
            "links": {"self": own, "roles": format!("{own}/roles")},
        })
    }
}

/// Secrets are not for logs.
macro_rules! shown_by_id {
    ($($noun:ident)+) => {
        $(impl std::fmt::Debug for $noun {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($noun), "({})"), self.id)
            }
        })+
    };
}

shown_by_id!(Consumer RequestToken AccessToken);

/// What a program is given in its own form: an id, a secret, an end.
pub fn form(id: &str, secret: &str, expires_at: Micros) -> String {
    format!("oauth_token={id}&oauth_token_secret={secret}&oauth_expires_at={}", expires_at.micros_z())
}

/// A verifier: different letters, each drawn with `below`, which gives a random number less than what it is given.
pub fn verifier(below: impl Fn(u64) -> u64) -> String {
    let mut letters = LETTERS.to_vec();
    let mut drawn = String::with_capacity(VERIFIER);
    while drawn.len() < VERIFIER {
        let at = usize::try_from(below(letters.len() as u64)).unwrap_or_default();
        drawn.push(char::from(letters.swap_remove(at)));
    }
    drawn
}

/// Whether a text can be a verifier.
pub fn is_verifier(text: &str) -> bool {
    text.len() == VERIFIER && text.bytes().all(|byte| LETTERS.contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_has_eight_different_letters() {
        for pick in [0_u64, 1, 7, 1_000_003] {
            let drawn = verifier(|limit| pick % limit);
            assert!(is_verifier(&drawn), "{drawn}");
            let mut letters: Vec<char> = drawn.chars().collect();
            letters.sort_unstable();
            letters.dedup();
            assert_eq!(letters.len(), 8);
        }
        for text in ["", "abcdefg", "abcdefgh2", "abcdefg1", "abcdefgä"] {
            assert!(!is_verifier(text), "{text}");
        }
    }
}
