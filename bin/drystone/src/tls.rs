//! TLS for addresses that strangers can reach: with the operator's certificate, or with one from a CA of our own.

use crate::keep::write_private;
use crate::settings::Settings;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// What to serve with, and the root that clients must trust if it is ours.
pub struct Tls {
    /// Wraps accepted connections.
    pub acceptor: TlsAcceptor,
    /// The root certificate of our own CA.
    pub root: Option<PathBuf>,
}

/// TLS with the operator's certificate, if there is one. Writes nothing.
pub fn operators(settings: &Settings) -> Result<Option<Tls>, String> {
    let tls = |(cert, key): &(PathBuf, PathBuf)| Ok(Tls { acceptor: acceptor(cert, key)?, root: None });
    settings.tls.as_ref().map(tls).transpose()
}

fn acceptor(cert: &Path, key: &Path) -> Result<TlsAcceptor, String> {
    let bad = |path: &Path, error: &dyn std::fmt::Display| {
        format!("{} cannot be used for TLS: {error}.", path.display())
    };
    let chain = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| bad(cert, &error))?;
    let key_der = PrivateKeyDer::from_pem_file(key).map_err(|error| bad(key, &error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| bad(cert, &error))?
        .with_no_client_auth()
        .with_single_cert(chain, key_der);
    let mut config = config.map_err(|error| bad(cert, &error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// A certificate from our own CA for the addresses that are served. The CA is made once; its root lies beside
/// `clouds.yaml`, its key never leaves the state directory. The certificate is made anew at each start, since the address
/// may have changed, and does not run out before the next one.
pub fn own(settings: &Settings) -> Result<Tls, String> {
    let failed = |error: &dyn std::fmt::Display| format!("The certificate for TLS cannot be made: {error}.");
    let directory = settings.state_dir.join("tls");
    std::fs::create_dir_all(&directory).map_err(|error| failed(&error))?;
    let (root, root_key) = (settings.state_dir.join("ca.pem"), directory.join("ca-key.pem"));
    let ca = authority(&root, &root_key).map_err(|error| failed(&*error))?;
    let mut names: Vec<String> =
        vec!["localhost".into(), settings.host_name.clone(), "127.0.0.1".into(), "::1".into()];
    names.push(settings.listen.ip().to_string());
    names.extend(settings.public_url.as_deref().and_then(host_of));
    let mut parameters = CertificateParams::new(names).map_err(|error| failed(&error))?;
    parameters.distinguished_name.push(DnType::CommonName, settings.host_name.clone());
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    // Strict clients look for the authority by this and not by its name.
    parameters.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate().map_err(|error| failed(&error))?;
    let certificate = parameters.signed_by(&key, &ca).map_err(|error| failed(&error))?;
    let (cert_path, key_path) = (directory.join("server.pem"), directory.join("server-key.pem"));
    write_private(&cert_path, certificate.pem().as_bytes()).map_err(|error| failed(&error))?;
    write_private(&key_path, key.serialize_pem().as_bytes()).map_err(|error| failed(&error))?;
    Ok(Tls { acceptor: acceptor(&cert_path, &key_path)?, root: Some(root) })
}

type Failure = Box<dyn std::error::Error>;

/// The CA of this cloud: made at the first start, read at later ones.
fn authority(root: &Path, root_key: &Path) -> Result<CertifiedIssuer<'static, KeyPair>, Failure> {
    let mut parameters = CertificateParams::default();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    parameters.distinguished_name.push(DnType::CommonName, "Drystone CA");
    let known = std::fs::read_to_string(root_key).ok();
    let key = match &known {
        Some(pem) => KeyPair::from_pem(pem)?,
        None => KeyPair::generate()?,
    };
    let serialized = key.serialize_pem();
    let ca = CertifiedIssuer::self_signed(parameters, key)?;
    if known.is_none() || !root.exists() {
        write_private(root, ca.pem().as_bytes())?;
        write_private(root_key, serialized.as_bytes())?;
    }
    Ok(ca)
}

fn host_of(url: &str) -> Option<String> {
    let rest = url.split_once("://")?.1;
    let host = rest.split(['/', '?']).next()?.rsplit_once(':').map_or(rest, |(host, _)| host);
    Some(host.trim_matches(['[', ']']).split('/').next()?.to_owned())
}
