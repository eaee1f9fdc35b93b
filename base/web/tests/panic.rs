//! A panic in a request: its caller reads 500 and a request id, and nobody else notices.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use async_trait::async_trait;
use fault::Fault;
use kernel::{Clock, Entropy};
use policy::{Policy, Who};
use std::borrow::Cow;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use web::routes::{Routes, op};
use web::site::Authenticate;
use web::{Answer, Ask, Site, Surface};

struct Nobody;

#[async_trait]
impl Authenticate for Nobody {
    async fn who(&self, _token: &str) -> Result<Option<Arc<Who>>, Fault> {
        Ok(None)
    }
}

#[derive(Default)]
struct Service {
    go: Notify,
}

async fn falls(_: Arc<Service>, _: Ask) -> Result<Answer, Fault> {
    tokio::task::yield_now().await;
    panic!("the secret of the day")
}

async fn stands(_: Arc<Service>, _: Ask) -> Result<Answer, Fault> {
    Ok(Answer::ok(&"well"))
}

async fn waits(service: Arc<Service>, _: Ask) -> Result<Answer, Fault> {
    service.go.notified().await;
    Ok(Answer::ok(&"done"))
}

async fn site(service: Arc<Service>) -> std::net::SocketAddr {
    let routes = Routes::new()
        .get("/falls", op("falls", falls).open("a test"))
        .get("/stands", op("stands", stands).open("a test"))
        .get("/waits", op("waits", waits).open("a test"));
    let surface = Surface {
        name: "test",
        service,
        routes,
        microversions: None,
        envelope: |fault, _| Answer::json(500, &fault.public()),
        refusal: |rule| Fault::forbidden(rule.to_owned()),
        spelling: |path| Cow::Borrowed(path),
        head_is_get: false,
        request_id_header: None,
    };
    let policy = Arc::new(Policy::of(&[]).unwrap());
    let site = Site::new("http://test", Arc::new(Nobody), policy, Clock::system(), Entropy::seeded(1))
        .mount("", surface.mounted().unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(Arc::new(site).serve(listener, None, std::future::pending()));
    address
}

async fn ask(stream: &mut TcpStream, path: &str) {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n").as_bytes()).await.unwrap();
}

/// One answer, head and body.
async fn answer(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    loop {
        let mut bytes = [0; 4096];
        let count = stream.read(&mut bytes).await.unwrap();
        assert_ne!(count, 0, "the connection ended after {text:?}");
        text.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        if body.len() >= length.parse().unwrap() {
            return text;
        }
    }
}

#[tokio::test]
async fn a_panic_is_one_answer_of_500_and_nothing_else() {
    let service = Arc::new(Service::default());
    let address = site(service.clone()).await;
    let mut waiting = TcpStream::connect(address).await.unwrap();
    ask(&mut waiting, "/waits").await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    for _ in 0..3 {
        ask(&mut stream, "/falls").await;
        let said = answer(&mut stream).await;
        assert!(said.starts_with("HTTP/1.1 500 "), "{said}");
        assert!(said.contains("x-openstack-request-id: req-"), "{said}");
        assert!(!said.contains("secret"), "a bug tells the client nothing: {said}");
        // The same connection goes on.
        ask(&mut stream, "/stands").await;
        assert!(answer(&mut stream).await.starts_with("HTTP/1.1 200 "));
    }
    // And so does a request that was under way all the time.
    service.go.notify_one();
    assert!(answer(&mut waiting).await.ends_with("\"done\""));
}
