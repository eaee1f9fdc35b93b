//! Requests to providers: short, bounded, and only where an operator's settings, or the provider that they name, lead.
//!
//! No redirect is followed, and nobody waits for long. A provider names the addresses of its endpoints itself: they may be
//! anywhere that speaks TLS, but on this machine or its link only at the very address that the settings name. Else a
//! provider could have us ask whatever trusts this machine. Plain HTTP is for a provider of the settings on this machine.

use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use std::net::{IpAddr, SocketAddr};
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

/// Asks a provider.
#[derive(Clone)]
pub struct Client {
    tls: Arc<ClientConfig>,
    /// The host and port that the settings name.
    own: (String, u16),
    patience: Duration,
}

/// What was answered.
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Bytes,
}

impl Client {
    /// A client for the provider of this address, which trusts the authorities of a file, or those of the system.
    pub fn of(issuer: &str, authorities: Option<&Path>) -> Result<Self, String> {
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
        let own = Place::of(issuer).map_err(|why| format!("{issuer}: {why}"))?;
        Ok(Self { tls: Arc::new(tls), own: (own.host, own.port), patience: LONGEST })
    }

    /// `GET`, perhaps with a token.
    pub async fn get(&self, url: &str, bearer: Option<&str>) -> Result<Reply, String> {
        let mut request = Request::get(url).header("accept", "application/json");
        if let Some(token) = bearer {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(Full::default()).map_err(|why| format!("{url}: {why}"))?;
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
        let request = request.body(Full::from(form)).map_err(|why| format!("{url}: {why}"))?;
        self.ask(url, request).await
    }

    async fn ask(&self, url: &str, request: Request<Full<Bytes>>) -> Result<Reply, String> {
        match tokio::time::timeout(self.patience, self.exchange(url, request)).await {
            Ok(told) => told.map_err(|why| format!("{url}: {why}")),
            Err(_) => Err(format!("{url} did not answer in {} seconds", self.patience.as_secs())),
        }
    }

    async fn exchange(&self, url: &str, request: Request<Full<Bytes>>) -> Result<Reply, String> {
        let place = Place::of(url)?;
        let own = self.own == (place.host.clone(), place.port);
        let safe = place.secure || (own && local(&place.host));
        if !safe {
            return Err("only https goes to other machines".to_owned());
        }
        let found = tokio::net::lookup_host((place.host.as_str(), place.port)).await;
        let found = found.map_err(|why| format!("nobody is there: {why}"))?;
        let all: Vec<SocketAddr> = found.filter(|address| own || elsewhere(address.ip())).collect();
        if all.is_empty() {
            return Err("it leads to this machine, where the provider is not".to_owned());
        }
        let stream = TcpStream::connect(&all[..]).await.map_err(|why| format!("nobody is there: {why}"))?;
        if !place.secure {
            return spoken(stream, &place.uri, request).await;
        }
        let name = ServerName::try_from(place.host).map_err(|why| why.to_string())?;
        let stream = TlsConnector::from(self.tls.clone()).connect(name, stream).await;
        spoken(stream.map_err(|why| why.to_string())?, &place.uri, request).await
    }
}

/// Where an address leads.
struct Place {
    uri: Uri,
    secure: bool,
    host: String,
    port: u16,
}

impl Place {
    fn of(url: &str) -> Result<Self, String> {
        let bad = || "it is no address".to_owned();
        let uri: Uri = url.parse().map_err(|_| bad())?;
        let secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(bad()),
        };
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_ascii_lowercase();
        if host.is_empty() || uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(bad());
        }
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        Ok(Self { uri, secure, host, port })
    }
}

/// Whether a text is an address that a browser, too, can be sent to.
pub fn is_address(url: &str) -> bool {
    Place::of(url).is_ok()
}

/// Whether a host is this machine.
fn local(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether an address is neither this machine nor what only its link reaches, as the metadata of clouds.
fn elsewhere(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(own) => {
            !(own.is_loopback()
                || own.is_link_local()
                || own.is_multicast()
                || own.is_broadcast()
                || own.octets()[0] == 0)
        }
        IpAddr::V6(own) => {
            !(own.is_loopback() || own.is_unicast_link_local() || own.is_multicast() || own.is_unspecified())
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// Somebody who answers each request with these bytes, piece by piece, and then keeps the line open.
    struct Foreign {
        address: String,
        asked: Arc<AtomicUsize>,
    }

    impl Foreign {
        async fn answering(piece: Vec<u8>, again: Vec<u8>, pause: Duration) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = format!("http://{}", listener.local_addr().unwrap());
            let asked = Arc::new(AtomicUsize::new(0));
            let count = asked.clone();
            tokio::spawn(async move {
                while let Ok((mut stream, _)) = listener.accept().await {
                    count.fetch_add(1, Ordering::Relaxed);
                    let (piece, again) = (piece.clone(), again.clone());
                    tokio::spawn(async move {
                        assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
                        let mut open = stream.write_all(&piece).await.is_ok();
                        while open {
                            tokio::time::sleep(pause).await;
                            open = stream.write_all(&again).await.is_ok();
                        }
                    });
                }
            });
            Self { address, asked }
        }

        async fn silent() -> Self {
            Self::answering(Vec::new(), Vec::new(), Duration::from_secs(60)).await
        }

        fn client(&self, patience: Duration) -> Client {
            Client { patience, ..Client::of(&self.address, None).unwrap() }
        }

        /// What asking comes to, for whoever waits so long.
        async fn told(&self, patience: Duration) -> Result<Reply, String> {
            let asked =
                tokio::time::timeout(NEVER, async { self.client(patience).get(&self.address, None).await });
            asked.await.unwrap()
        }
    }

    fn head(more: &str) -> Vec<u8> {
        format!("HTTP/1.1 200 OK\r\n{more}\r\n\r\n").into_bytes()
    }

    const NEVER: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn what_is_answered_is_taken_as_it_is() {
        let provider = Foreign::answering(head("content-length: 2"), b"{}".to_vec(), Duration::ZERO).await;
        let told = provider.told(LONGEST).await.unwrap();
        assert_eq!((told.status, &told.body[..]), (200, &b"{}"[..]));
    }

    #[tokio::test]
    async fn nobody_is_waited_for_long() {
        let drips = (head("content-length: 1000"), b" ".to_vec(), Duration::from_millis(20));
        let header = (b"HTTP/1.1 200 OK\r\n".to_vec(), b"x: y\r\n".to_vec(), Duration::from_millis(20));
        for (piece, again, pause) in [(Vec::new(), Vec::new(), NEVER), drips, header] {
            let provider = Foreign::answering(piece, again, pause).await;
            let why = provider.told(Duration::from_millis(300)).await.err().unwrap();
            assert!(why.contains("did not answer in"), "{why}");
        }
    }

    #[tokio::test]
    async fn nobody_answers_more_than_is_good() {
        let flood = vec![b' '; 64 << 10];
        let chunk = [b"10000\r\n".to_vec(), flood.clone(), b"\r\n".to_vec()].concat();
        let endless = vec![b'x'; 64 << 10];
        for (piece, again) in [
            (head("content-length: 100000000"), flood),
            (head("transfer-encoding: chunked"), chunk),
            (b"HTTP/1.1 200 OK\r\nx: ".to_vec(), endless),
        ] {
            let provider = Foreign::answering(piece, again, Duration::ZERO).await;
            let why = provider.told(LONGEST).await.err().unwrap();
            assert!(!why.contains("did not answer in"), "it is refused for its size: {why}");
        }
    }

    #[tokio::test]
    async fn redirects_are_answers_like_any_other() {
        let inside = Foreign::silent().await;
        for status in [301, 302, 303, 307, 308] {
            let text =
                format!("HTTP/1.1 {status} X\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", inside.address);
            let provider = Foreign::answering(text.into_bytes(), Vec::new(), NEVER).await;
            assert_eq!(provider.told(LONGEST).await.unwrap().status, status);
        }
        assert_eq!(inside.asked.load(Ordering::Relaxed), 0);
    }

    /// A provider names its endpoints itself.
    #[tokio::test]
    async fn a_provider_leads_nobody_to_this_machine() {
        let inside = Foreign::silent().await;
        let (_, port) = inside.address.rsplit_once(':').unwrap();
        let provider = Foreign::silent().await;
        for client in [provider.client(LONGEST), Client::of("https://login.example.org", None).unwrap()] {
            for url in [
                inside.address.clone(),
                format!("http://localhost:{port}/"),
                format!("https://127.0.0.1:{port}/"),
                format!("https://127.1.2.3:{port}/"),
                format!("https://localhost:{port}/"),
                format!("https://[::1]:{port}/"),
                format!("https://[::ffff:127.0.0.1]:{port}/"),
                format!("https://0.0.0.0:{port}/"),
                format!("https://[::]:{port}/"),
                "https://169.254.169.254/latest/meta-data/".to_owned(),
                "http://169.254.169.254/latest/meta-data/".to_owned(),
                "https://[fe80::1]/".to_owned(),
                "http://192.0.2.1/".to_owned(),
                format!("http://user@127.0.0.1:{port}/"),
                format!("ftp://127.0.0.1:{port}/"),
                "file:///etc/passwd".to_owned(),
                "/etc/passwd".to_owned(),
                String::new(),
            ] {
                let why = client.get(&url, Some("token")).await.err().unwrap();
                let refused =
                    ["only https goes", "it leads to this machine", "it is no address", "invalid", "empty"];
                assert!(refused.iter().any(|sentence| why.contains(sentence)), "{why}");
            }
        }
        assert_eq!(inside.asked.load(Ordering::Relaxed), 0, "nothing was sent");
        assert!(elsewhere("192.0.2.1".parse().unwrap()) && elsewhere("2001:db8::1".parse().unwrap()));
        assert!(elsewhere("10.0.0.7".parse().unwrap()), "providers live in houses, too");
    }

    #[test]
    fn an_issuer_is_an_address() {
        for issuer in ["", "login", "ftp://login", "https://", "https://a b", "https://user@login/"] {
            assert!(Client::of(issuer, None).is_err(), "{issuer}");
        }
        assert!(is_address("https://login/door?x=y") && !is_address("javascript:alert(1)"));
        assert!(!is_address("https://login/\r\nset-cookie: x"));
    }
}
