//! Where identity does otherwise than Keystone 30 on purpose, and which of its operations are not here: printed with the
//! table of operations. What differs in words and links alone is in `conformance/identity/deliberate-differences.txt`.

use web::routes::Absent;

pub(crate) const VERSION: &str = "no JSON home";
pub(crate) const TOKEN: &str = "no method `external`, no Kerberos and no X.509 certificates";
pub(crate) const TOKEN_ASKED: &str = "why a token is not valid is not told";
pub(crate) const DOMAIN_DELETE: &str = "takes the domain's roles along";
pub(crate) const PROJECT_UPDATE: &str = "a disabled project below a disabled one can be changed";
pub(crate) const PROJECT_DELETE: &str = "takes application credentials and what OAuth lent along";
pub(crate) const TAG_ADD: &str = "a tag that is there may be put again";
pub(crate) const USER: &str = "`federated` is not taken: users are vouched for by logging in";
pub(crate) const MEMBERSHIP: &str = "takes roles away at once, and ends no tokens that do not live by them";
pub(crate) const ASSIGNMENTS: &str = "roles on the system count among effective ones, each is told once";
pub(crate) const ENDPOINT_UPDATE: &str = "an address that cannot be filled in is refused";
pub(crate) const CREDENTIAL_CREATE: &str = "EC2 keys cannot name a trust of others";
pub(crate) const MAPPING: &str = "patterns that look around or back are refused";
pub(crate) const LIMIT_UPDATE: &str = "0 and an empty description are changes";
pub(crate) const TRUST_CREATE: &str = "is handed on for its own project alone, and with its own token alone";
pub(crate) const REQUEST_TOKEN: &str = "RSA is refused: nobody can enter a key for it";
pub(crate) const APPLICATION_CREDENTIAL_CREATE: &str = "needs a token for a project";
pub(crate) const FEDERATION_AUTH: &str = "who is disabled does not come in";

/// The operations that are not here.
pub const ABSENT: &[Absent] = &[
    absent("GET", "/v3/OS-FEDERATION/saml2/metadata", SAML),
    absent("POST", "/v3/auth/OS-FEDERATION/saml2", SAML),
    absent("POST", "/v3/auth/OS-FEDERATION/saml2/ecp", SAML),
    absent(
        "GET",
        "/v3/OS-REVOKE/events",
        "what is revoked is good for nothing at once: there is nothing to fetch",
    ),
    absent("GET", "/v3/OS-SIMPLE-CERT/ca", PKI),
    absent("GET", "/v3/OS-SIMPLE-CERT/certificates", PKI),
    absent("GET", "/v3/auth/tokens/OS-PKI/revoked", PKI),
];

const SAML: &str = "this cloud vouches for nobody by SAML";
const PKI: &str = "there are no PKI tokens, in Keystone neither";

const fn absent(method: &'static str, path: &'static str, because: &'static str) -> Absent {
    Absent { method, path, because }
}
