//! Where the PostgreSQL server is, and how far its certificate is trusted.
//!
//! `sslmode` and `sslrootcert` mean what they mean to libpq: `prefer` (the default) and `require` encrypt and trust any
//! certificate, `verify-ca` wants one from the given root, `verify-full` also the server's name in it. Without
//! `sslrootcert` the root is `~/.postgresql/root.crt`, or else the system's.

use ::postgres::config::SslMode;
use ::postgres::{Client, Config, Error};
use fault::{Fault, Kind, Means};
use percent_encoding::percent_decode_str;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres_rustls::MakeRustlsConnect;

const SYSTEM_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";

/// A server, and how to connect to it.
#[derive(Clone)]
pub(crate) struct Server {
    config: Config,
    tls: MakeRustlsConnect,
}

impl Server {
    /// Reads a URL, or pairs of keys and values.
    pub fn at(url: &str) -> Result<Self, Fault> {
        let (rest, mode, root) = taken_apart(url);
        let mut config: Config =
            rest.parse().means(Kind::BadInput, "This is no URL of a PostgreSQL database.")?;
        let (ssl, trust) = match (mode.as_deref(), root.is_some()) {
            (Some("disable"), _) => (SslMode::Disable, Trust::Any),
            (None | Some("allow" | "prefer"), _) => (SslMode::Prefer, Trust::Any),
            (Some("require"), false) => (SslMode::Require, Trust::Any),
            (Some("require"), true) | (Some("verify-ca"), _) => (SslMode::Require, Trust::Root),
            (Some("verify-full"), _) => (SslMode::Require, Trust::RootAndName),
            (Some(other), _) => {
                return Err(Fault::bad_input(format!(
                    "sslmode={other} is not known: disable, prefer, require, verify-ca and verify-full are."
                )));
            }
        };
        config.ssl_mode(ssl);
        if config.get_application_name().is_none() {
            config.application_name("drystone");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(5));
        }
        // A server that vanished without a word is noticed in seconds, not in hours.
        config.keepalives_idle(Duration::from_secs(10));
        config.tcp_user_timeout(Duration::from_secs(15));
        Ok(Self { config, tls: MakeRustlsConnect::new(client(trust, root.as_deref())?) })
    }

    /// A new connection.
    pub fn connect(&self) -> Result<Client, Error> {
        self.config.connect(self.tls.clone())
    }
}

/// What the client library reads, `sslmode`, and `sslrootcert`.
fn taken_apart(url: &str) -> (String, Option<String>, Option<String>) {
    let is_url = url.contains("://");
    let (head, options) = match url.split_once('?').filter(|_| is_url) {
        Some((head, query)) => (head, query.split('&').collect()),
        None if is_url => (url, Vec::new()),
        None => ("", words(url)),
    };
    let (mut mode, mut root, mut rest) = (None, None, Vec::new());
    for option in options {
        let value = |text: &str| match is_url {
            true => percent_decode_str(text).decode_utf8_lossy().into_owned(),
            false => text.trim_matches('\'').replace("\\'", "'").replace("\\\\", "\\"),
        };
        match option.split_once('=').map(|(key, text)| (key.trim(), value(text.trim()))) {
            Some(("sslmode", text)) => mode = Some(text),
            Some(("sslrootcert", text)) => root = Some(text),
            _ => rest.push(option),
        }
    }
    let rest = match is_url {
        true if rest.is_empty() => head.to_owned(),
        true => format!("{head}?{}", rest.join("&")),
        false => rest.join(" "),
    };
    (rest, mode, root)
}

/// Pairs, parted by spaces that stand in no quotes.
fn words(text: &str) -> Vec<&str> {
    let mut quoted = false;
    text.split(|c: char| {
        quoted ^= c == '\'';
        c.is_whitespace() && !quoted
    })
    .filter(|word| !word.is_empty())
    .collect()
}

/// How far a server's certificate is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trust {
    Any,
    Root,
    RootAndName,
}

fn client(trust: Trust, root: Option<&str>) -> Result<ClientConfig, Fault> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let roots = if trust == Trust::Any { None } else { Some(roots(root, &provider)?) };
    let verifier =
        Arc::new(Verifier { roots, by_name: trust == Trust::RootAndName, provider: provider.clone() });
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().or_bug()?;
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

fn roots(named: Option<&str>, provider: &Arc<CryptoProvider>) -> Result<Arc<WebPkiServerVerifier>, Fault> {
    let own = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".postgresql/root.crt"));
    let path = match named {
        None => own.filter(|own| own.exists()).unwrap_or_else(|| SYSTEM_ROOTS.into()),
        Some("system") => SYSTEM_ROOTS.into(),
        Some(path) => PathBuf::from(path),
    };
    let cannot = format!("The root certificate {} cannot be used for PostgreSQL.", path.display());
    let mut store = RootCertStore::empty();
    for certificate in certificates(&path).means(Kind::BadInput, cannot.clone())? {
        // Of the system's some hundred one may be odd; of a file that was named none.
        let added = store.add(certificate);
        if named.is_some_and(|named| named != "system") {
            added.means(Kind::BadInput, cannot.clone())?;
        }
    }
    let built = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider.clone()).build();
    built.means(Kind::BadInput, cannot)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, rustls::pki_types::pem::Error> {
    CertificateDer::pem_file_iter(path)?.collect()
}

/// Looks at a server's certificate as far as was asked for.
#[derive(Debug)]
struct Verifier {
    roots: Option<Arc<WebPkiServerVerifier>>,
    by_name: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(roots) = &self.roots else { return Ok(ServerCertVerified::assertion()) };
        match roots.verify_server_cert(end, between, name, ocsp, now) {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.by_name => Ok(ServerCertVerified::assertion()),
            outcome => outcome,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::taken_apart;

    #[test]
    fn what_concerns_tls_is_taken_out_of_both_forms() {
        let some = |text: &str| Some(text.to_owned());
        let url = "postgres://a:b@h/db?sslmode=verify-full&connect_timeout=3&sslrootcert=%2Fa%20b";
        assert_eq!(
            taken_apart(url),
            ("postgres://a:b@h/db?connect_timeout=3".into(), some("verify-full"), some("/a b"))
        );
        let pairs = "host=h sslrootcert='/a b' password='x sslmode=no' sslmode=require";
        assert_eq!(
            taken_apart(pairs),
            ("host=h password='x sslmode=no'".into(), some("require"), some("/a b"))
        );
        assert_eq!(taken_apart("postgres://h/db"), ("postgres://h/db".into(), None, None));
    }
}
