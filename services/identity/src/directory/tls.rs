//! TLS to a directory: who has to vouch for it.

use crate::model::directory::Tls;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where Debian and most others keep whom the system trusts.
const SYSTEM: &str = "/etc/ssl/certs/ca-certificates.crt";

/// How connections are made. The error is for the operator.
pub fn client(tls: &Tls) -> Result<Arc<ClientConfig>, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone());
    let builder = builder.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
    if tls.unchecked {
        let anybody = Arc::new(Anybody(provider));
        let builder = builder.dangerous().with_custom_certificate_verifier(anybody);
        return Ok(Arc::new(builder.with_no_client_auth()));
    }
    let roots = roots(tls.authorities.as_deref())?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

fn roots(named: Option<&str>) -> Result<RootCertStore, String> {
    let mut store = RootCertStore::empty();
    let path = Path::new(named.unwrap_or(SYSTEM));
    for file in files(path)? {
        let cannot = |error: &dyn std::fmt::Display| format!("{} cannot be used: {error}", file.display());
        let all = CertificateDer::pem_file_iter(&file).map_err(|error| cannot(&error))?;
        for certificate in all {
            // Of the system's some hundred one may be odd.
            let added = store.add(certificate.map_err(|error| cannot(&error))?);
            if named.is_some() {
                added.map_err(|error| cannot(&error))?;
            }
        }
    }
    if store.is_empty() { Err(format!("{} has no certificates", path.display())) } else { Ok(store) }
}

/// The file, or those in the directory.
fn files(path: &Path) -> Result<Vec<PathBuf>, String> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let listed =
        std::fs::read_dir(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    let mut all: Vec<PathBuf> =
        listed.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    all.sort();
    Ok(all)
}

/// Nobody has to vouch for the directory, as the operator wished.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end: &CertificateDer<'_>,
        _between: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
