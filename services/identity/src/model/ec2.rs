//! EC2 keys: an access key that is shown, a secret that signs requests, and the signatures of Amazon's clients (versions
//! 0, 1, 2 and 4, and S3's) computed anew from what was signed.

use crate::model::credential::Credential;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value, json};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// The type of credentials that are EC2 keys.
pub const KIND: &str = "ec2";
/// The method by which a token was had that answers a signature.
pub const METHOD: &str = "ec2credential";

/// The id of the credential with this access key: whoever shows the key finds it.
pub fn id_of(access: &str) -> String {
    base16ct::lower::encode_string(&Sha256::digest(access.as_bytes()))
}

fn mac_256(key: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).ok()?;
    mac.update(message);
    Some(mac.finalize().into_bytes().to_vec())
}

fn mac_1(key: &[u8], message: &[u8]) -> Option<String> {
    let mut mac = <Hmac<Sha1> as KeyInit>::new_from_slice(key).ok()?;
    mac.update(message);
    Some(STANDARD.encode(mac.finalize().into_bytes()))
}

/// What the secret of such a credential says.
#[derive(Clone, Default)]
pub struct Blob {
    /// The access key.
    pub access: String,
    /// The secret key.
    pub secret: Zeroizing<String>,
    /// The trust that a token is for.
    pub trust_id: Option<String>,
    /// The application credential that a token is for.
    pub credential_id: Option<String>,
    /// The access token of OAuth 1.0 that a token is for.
    pub access_token_id: Option<String>,
}

impl std::fmt::Debug for Blob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Blob({})", self.access)
    }
}

impl Blob {
    /// Reads it; what is not there is empty.
    pub fn of(credential: &Credential) -> Self {
        let read = serde_json::from_str::<Value>(&credential.blob).unwrap_or_default();
        let word = |name: &str| read[name].as_str().map(str::to_owned);
        Self {
            access: word("access").unwrap_or_default(),
            secret: word("secret").unwrap_or_default().into(),
            trust_id: word("trust_id"),
            credential_id: word("app_cred_id"),
            access_token_id: word("access_token_id"),
        }
    }

    /// As it is kept.
    pub fn text(&self) -> String {
        json!({"access": self.access, "secret": *self.secret, "trust_id": self.trust_id}).to_string()
    }
}

/// A credential as the API writes it among EC2 keys.
pub fn body(credential: &Credential, base: &str) -> Value {
    let blob = Blob::of(credential);
    let link = format!("{base}/v3/users/{}/credentials/OS-EC2/{}", credential.user_id, blob.access);
    json!({
        "user_id": credential.user_id, "tenant_id": credential.project_id, "access": blob.access,
        "secret": *blob.secret, "trust_id": blob.trust_id, "links": {"self": link},
    })
}

/// A signed request, as a service describes it that received one.
#[derive(Clone, Debug, Default)]
pub struct Signed {
    /// Whose key it was signed with.
    pub access: String,
    /// The signature.
    pub signature: String,
    host: String,
    verb: String,
    path: String,
    params: BTreeMap<String, String>,
    headers: BTreeMap<String, String>,
    body_hash: String,
    /// What was signed, for S3.
    token: String,
}

impl Signed {
    /// Reads the description; what is not there is empty.
    pub fn of(given: &Map<String, Value>) -> Self {
        let word = |name: &str| given.get(name).map(plain).unwrap_or_default();
        let table = |name: &str| -> BTreeMap<String, String> {
            let table = given.get(name).and_then(Value::as_object).into_iter().flatten();
            table.map(|(name, value)| (name.clone(), plain(value))).collect()
        };
        Self {
            access: word("access"),
            signature: word("signature"),
            host: word("host"),
            verb: word("verb"),
            path: word("path"),
            params: table("params"),
            headers: table("headers"),
            body_hash: word("body_hash"),
            token: word("token"),
        }
    }

    /// When it was signed, if it says so: of version 4 what the signature covers, and nothing that is put beside it.
    pub fn stamp(&self) -> Option<&String> {
        let params = |name: &str| self.params.get(name).filter(|text| !text.is_empty());
        let of_amazon = || self.headers.get("X-Amz-Date").or_else(|| params("X-Amz-Date"));
        match self.params.get("SignatureVersion").map(String::as_str) {
            Some("0" | "1" | "2") => params("Timestamp").or_else(of_amazon),
            _ if self.is_version_4() => of_amazon(),
            _ => params("Timestamp").or_else(of_amazon),
        }
    }

    /// The same for clients that leave the port out of what they sign.
    #[must_use]
    pub fn without_port(mut self) -> Self {
        if let Some((host, _)) = self.host.rsplit_once(':') {
            self.host = host.to_lowercase();
        }
        self
    }

    /// The signature that the secret key makes; `None` if the request is signed in no way that is known.
    pub fn expected(&self, secret: &str) -> Option<String> {
        let key = secret.as_bytes();
        match self.params.get("SignatureVersion").map(String::as_str) {
            Some("0") => {
                let text = format!("{}{}", self.params.get("Action")?, self.params.get("Timestamp")?);
                mac_1(key, text.as_bytes())
            }
            Some("1") => {
                let mut pairs: Vec<_> = self.params.iter().collect();
                pairs.sort_by_key(|(name, _)| name.to_lowercase());
                let text: String =
                    pairs.into_iter().flat_map(|(name, value)| [name.as_str(), value]).collect();
                mac_1(key, text.as_bytes())
            }
            Some("2") => self.expected_2(key),
            _ if self.is_version_4() => self.expected_4(secret),
            _ => None,
        }
    }

    fn expected_2(&self, key: &[u8]) -> Option<String> {
        let mut params = self.params.clone();
        params.insert("SignatureMethod".into(), "HmacSHA256".into());
        let text = format!("{}\n{}\n{}\n{}", self.verb, self.host, self.path, query(&params));
        Some(STANDARD.encode(mac_256(key, text.as_bytes())?))
    }

    fn is_version_4(&self) -> bool {
        let header =
            self.headers.get("Authorization").is_some_and(|text| text.starts_with("AWS4-HMAC-SHA256"));
        header || self.params.get("X-Amz-Algorithm").is_some_and(|text| text == "AWS4-HMAC-SHA256")
    }

    /// A part of what the `Authorization` header says, or of the query.
    fn part(&self, name: &str) -> Option<String> {
        match self.headers.get("Authorization") {
            Some(text) => {
                let (_, rest) = text.split_once(&format!("{name}="))?;
                rest.split(',').next().map(str::to_owned)
            }
            None => self.params.get(&format!("X-Amz-{name}")).cloned(),
        }
    }

    fn expected_4(&self, secret: &str) -> Option<String> {
        let (credential, signed) = (self.part("Credential")?, self.part("SignedHeaders")?);
        let stamp = self.headers.get("X-Amz-Date").or_else(|| self.params.get("X-Amz-Date"))?;
        let (_, scope) = credential.split_once('/')?;
        let [date, region, service, _] = scope.splitn(4, '/').collect::<Vec<_>>().try_into().ok()?;
        if !stamp.starts_with(date) {
            return None;
        }
        let verb = self.verb.to_uppercase();
        let query = if verb == "POST" { String::new() } else { query(&self.params) };
        let (path, headers) = (&self.path, self.signed_headers(&signed));
        let request = format!("{verb}\n{path}\n{query}\n{headers}\n{signed}\n{}", self.body_hash);
        let hash = base16ct::lower::encode_string(&Sha256::digest(request.as_bytes()));
        let text = format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hash}");
        sign_4(secret, [date, region, service], text.as_bytes())
    }

    fn signed_headers(&self, signed: &str) -> String {
        let own: BTreeMap<String, &str> =
            self.headers.iter().map(|(name, value)| (name.trim().to_lowercase(), value.trim())).collect();
        let lines = signed.split(';').filter_map(|name| own.get(name).map(|value| format!("{name}:{value}")));
        lines.collect::<Vec<_>>().join("\n") + "\n"
    }

    /// The signature that the secret key makes of what was signed for S3.
    pub fn expected_s3(&self, secret: &str) -> Option<String> {
        let text = URL_SAFE.decode(&self.token).ok()?;
        if !text.starts_with(b"AWS4") {
            return mac_1(secret.as_bytes(), &text);
        }
        let lines: [&str; 4] =
            std::str::from_utf8(&text).ok()?.split('\n').collect::<Vec<_>>().try_into().ok()?;
        let scope: [&str; 4] = lines[2].split('/').collect::<Vec<_>>().try_into().ok()?;
        let [date, region, service, end] = scope;
        let known = lines[0] == "AWS4-HMAC-SHA256" && end == "aws4_request";
        if !known || !["s3", "iam", "sts"].contains(&service) {
            return None;
        }
        sign_4(secret, [date, region, service], &text)
    }
}

/// Signs with the key of a day, a region and a service.
fn sign_4(secret: &str, scope: [&str; 3], text: &[u8]) -> Option<String> {
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in scope.into_iter().chain(["aws4_request"]) {
        key = mac_256(&key, part.as_bytes())?;
    }
    mac_256(&key, text).map(|bytes| base16ct::lower::encode_string(&bytes))
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// The query in the one form that is signed.
fn query(params: &BTreeMap<String, String>) -> String {
    let pairs = params.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// Percent-encodes everything but letters, digits and `-_.~`, as signatures want it.
pub(super) fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let byte = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_beside_what_is_signed_makes_nothing_young() {
        let request = |params: Value, headers: Value| {
            let given = json!({"access": "a", "params": params, "headers": headers});
            Signed::of(given.as_object().unwrap()).stamp().cloned()
        };
        let amazon =
            json!({"Authorization": "AWS4-HMAC-SHA256 Credential=a/b", "X-Amz-Date": "20261121T000000Z"});
        let beside = json!({"Timestamp": "2030-01-01T00:00:00Z"});
        assert_eq!(request(beside.clone(), amazon.clone()).unwrap(), "20261121T000000Z");
        assert_eq!(request(beside.clone(), json!({})).unwrap(), "2030-01-01T00:00:00Z");
        let older = json!({"Timestamp": "2026-01-01T00:00:00Z", "SignatureVersion": "2"});
        assert_eq!(request(older, amazon).unwrap(), "2026-01-01T00:00:00Z");
    }

    fn signed(given: Value) -> Signed {
        Signed::of(given.as_object().unwrap())
    }

    /// The example of Amazon's description of version 4.
    #[test]
    fn version_4_is_as_described() {
        let scope = "AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request";
        let request = signed(json!({
            "verb": "GET", "path": "/", "host": "iam.amazonaws.com",
            "params": {"Action": "ListUsers", "Version": "2010-05-08"},
            "headers": {
                "Authorization": format!("AWS4-HMAC-SHA256 Credential={scope},SignedHeaders=content-type;host;x-amz-date,Signature=x"),
                "X-Amz-Date": "20150830T123600Z", "Host": "iam.amazonaws.com",
                "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
            },
            "body_hash": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        }));
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        let wanted = "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7";
        assert_eq!(request.expected(secret).as_deref(), Some(wanted));
        assert_eq!(request.stamp().map(String::as_str), Some("20150830T123600Z"));
    }

    #[test]
    fn nonsense_is_signed_by_nobody() {
        for given in [
            json!({}),
            json!({"params": {"SignatureVersion": "9"}}),
            json!({"params": {"SignatureVersion": "0"}}),
            json!({"headers": {"Authorization": "AWS4-HMAC-SHA256 Credential=a/b,SignedHeaders="}}),
            json!({"headers": {"Authorization": "AWS4-HMAC-SHA256"}, "params": {"X-Amz-Date": "2015"}}),
        ] {
            assert_eq!(signed(given.clone()).expected("secret"), None, "{given}");
        }
        for token in ["", "!", "QVdTNA==", "QVdTNAphCmEvYi9jL2QKYg=="] {
            assert!(
                token.is_empty() || signed(json!({"token": token})).expected_s3("secret").is_none(),
                "{token}"
            );
        }
    }

    #[test]
    fn the_port_can_be_left_out() {
        let given = |host: &str| json!({"host": host, "verb": "GET", "path": "/", "params": {"SignatureVersion": "2"}});
        let (with, without) = (signed(given("Cloud:80")), signed(given("cloud")));
        assert_ne!(with.expected("s"), without.expected("s"));
        assert_eq!(with.without_port().expected("s"), without.expected("s"));
    }
}
