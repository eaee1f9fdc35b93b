//! What a caller learns of a refusal: what it takes, and nothing of what it was about.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use async_trait::async_trait;
use fault::Fault;
use kernel::{Clock, Entropy};
use policy::{Policy, Rule, Scopes, Target, Who};
use std::borrow::Cow;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use web::routes::{Routes, op};
use web::{Answer, Ask, Authenticate, Site, Surface};

static SHOW: Rule =
    Rule::new("test", "thing:show", "role:ädmin or (role:reader and project_id:%(project_id)s)", "Show.")
        .scoped(Scopes::PROJECT);

struct Reader;

#[async_trait]
impl Authenticate for Reader {
    async fn who(&self, _token: &str) -> Result<Option<Arc<Who>>, Fault> {
        let (project_id, roles) = (Some("mine".to_owned()), vec!["reader".to_owned()]);
        Ok(Some(Arc::new(Who { project_id, roles, ..Who::default() })))
    }
}

async fn show(_: Arc<()>, ask: Ask) -> Result<Answer, Fault> {
    let project = ask.id("project").to_owned();
    let seen = ask.cx.may(&SHOW, &Target::project(&project));
    match project.as_str() {
        "hidden" => seen.map_err(|_| Fault::not_found("nothing there")),
        _ => seen,
    }?;
    Ok(Answer::ok(&"shown"))
}

async fn site() -> std::net::SocketAddr {
    let surface = Surface {
        name: "test",
        service: Arc::new(()),
        routes: Routes::new().get("/{project}", op("thing_show", show).rule(&SHOW)),
        microversions: None,
        envelope: |fault, _| {
            let status = if fault.kind == fault::Kind::Forbidden { 403 } else { 404 };
            Answer::json(status, &fault.public())
        },
        refusal: |rule| Fault::forbidden(rule.to_owned()),
        spelling: |path| Cow::Borrowed(path),
        head_is_get: false,
        request_id_header: None,
    };
    let policy = Arc::new(Policy::of(&[&[SHOW]]).unwrap());
    let site = Site::new("http://test", Arc::new(Reader), policy, Clock::system(), Entropy::seeded(1))
        .mount("", surface.mounted().unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(Arc::new(site).serve(listener, None, std::future::pending()));
    address
}

/// The status line and the explanation of an answer.
async fn ask(address: std::net::SocketAddr, path: &str) -> (String, Option<String>) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: test\r\nX-Auth-Token: t\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let explained = text.lines().find_map(|line| line.strip_prefix("x-drystone-explain: "));
    (text.lines().next().unwrap().to_owned(), explained.map(str::to_owned))
}

#[tokio::test]
async fn a_refusal_says_what_it_takes_and_nothing_of_its_target() {
    let address = site().await;
    let (status, told) = ask(address, "/theirs").await;
    assert!(status.contains(" 403 "), "{status}");
    assert_eq!(
        told.as_deref(),
        Some(
            "thing:show is for role reader (yours) and project_id equal to the target's project_id; \
             or role ?dmin. Your token: scope project, roles reader"
        )
    );
    assert_eq!(ask(address, "/another").await.1, told, "every target is refused in the same words");
    assert_eq!(ask(address, "/mine").await, ("HTTP/1.1 200 OK".to_owned(), None));
}

#[tokio::test]
async fn what_a_caller_may_not_know_of_is_not_explained() {
    let (status, told) = ask(site().await, "/hidden").await;
    assert!(status.contains(" 404 ") && told.is_none(), "{status} {told:?}");
}
