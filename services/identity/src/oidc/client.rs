//! Requests to providers: short, bounded, and only where an operator's settings, or the provider that they name, lead.
//!
//! There is no plain HTTP but to this machine, no following of redirects, and nobody waits for long.

use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// How long a whole request may take.
const LONGEST: Duration = Duration::from_secs(10);

/// How much a provider may answer.
const LARGEST: usize = 256 << 10;

/// Whom the system trusts, where Debian and its kin keep it.
const SYSTEM: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Asks providers.
#[derive(Clone)]
pub struct Client {
    tls: Arc<ClientConfig>,
}

/// What was answered.
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Bytes,
}

impl Client {
    /// A client that trusts the authorities of a file, or those of the system.
    pub fn trusting(authorities: Option<&Path>) -> Result<Self, String> {
        let path = authorities.unwrap_or(Path::new(SYSTEM));
        let mut roots = RootCertStore::empty();
        // Without a file of its own, a provider on this machine needs no authority.
        if authorities.is_some() || path.exists() {
            let bad = |why: &dyn std::fmt::Display| format!("{} cannot be used: {why}", path.display());
            let all = CertificateDer::pem_file_iter(path).map_err(|why| bad(&why))?;
            let all = all.collect::<Result<Vec<_>, _>>().map_err(|why| bad(&why))?;
            if roots.add_parsable_certificates(all).0 == 0 {
                return Err(bad(&"no certificate is in it"));
            }
        }
        let tls = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        Ok(Self { tls: Arc::new(tls) })
    }

    /// `GET`, perhaps with a token.
    pub async fn get(&self, url: &str, bearer: Option<&str>) -> Result<Reply, String> {
        let mut request = Request::get(url).header("accept", "application/json");
        if let Some(token) = bearer {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(Full::default()).map_err(|why| why.to_string())?;
        self.ask(url, request).await
    }

    /// `POST` of a form, perhaps as whom the credentials say.
    pub async fn post(&self, url: &str, basic: Option<&str>, form: String) -> Result<Reply, String> {
        let mut request = Request::post(url)
            .header("accept", "application/json")
            .header("content-type", "application/x-www-form-urlencoded");
        if let Some(basic) = basic {
            request = request.header("authorization", format!("Basic {basic}"));
        }
        let request = request.body(Full::from(form)).map_err(|why| why.to_string())?;
        self.ask(url, request).await
    }

    async fn ask(&self, url: &str, request: Request<Full<Bytes>>) -> Result<Reply, String> {
        match tokio::time::timeout(LONGEST, self.exchange(url, request)).await {
            Ok(told) => told.map_err(|why| format!("{url}: {why}")),
            Err(_) => Err(format!("{url} did not answer in {} seconds", LONGEST.as_secs())),
        }
    }

    async fn exchange(&self, url: &str, request: Request<Full<Bytes>>) -> Result<Reply, String> {
        let uri: Uri = url.parse().map_err(|_| "it is no address".to_owned())?;
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let secure = uri.scheme_str() == Some("https");
        if !secure && !local(&host) {
            return Err("only https goes to other machines".to_owned());
        }
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let stream = TcpStream::connect((host.as_str(), port))
            .await
            .map_err(|why| format!("nobody is there: {why}"))?;
        if !secure {
            return spoken(stream, &uri, request).await;
        }
        let name = ServerName::try_from(host).map_err(|why| why.to_string())?;
        let stream = TlsConnector::from(self.tls.clone()).connect(name, stream).await;
        spoken(stream.map_err(|why| why.to_string())?, &uri, request).await
    }
}

/// Whether a host is this machine.
fn local(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

async fn spoken<S>(stream: S, uri: &Uri, mut request: Request<Full<Bytes>>) -> Result<Reply, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|why| why.to_string())?;
    let driver = tokio::spawn(connection);
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let host = http::HeaderValue::from_str(authority).map_err(|why| why.to_string())?;
    request.headers_mut().insert(http::header::HOST, host);
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    *request.uri_mut() = target.parse().map_err(|_| "it is no address".to_owned())?;
    let told = async {
        let answer = sender.send_request(request).await.map_err(|why| why.to_string())?;
        let status = answer.status().as_u16();
        let body =
            Limited::new(answer.into_body(), LARGEST).collect().await.map_err(|why| why.to_string())?;
        Ok(Reply { status, body: body.to_bytes() })
    }
    .await;
    driver.abort();
    told
}
