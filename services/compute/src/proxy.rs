//! The console in the browser: a page, and the websocket behind it that speaks RFB with the host.

use crate::Compute;
use crate::api::Answered;
use fault::{Fault, Kind};
use futures_util::{SinkExt, StreamExt};
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use web::{Answer, Ask, Routes, op};

const BY_TOKEN: &str = "the console's own token opens it, as in Nova";

/// The table.
pub fn routes() -> Routes<Compute> {
    Routes::new()
        .get("/", op("console_page", page).open(BY_TOKEN))
        .get("/vnc_auto.html", op("console_page", page).open(BY_TOKEN))
        .get("/vnc_lite.html", op("console_page", page).open(BY_TOKEN))
        .get("/websockify", op("console_socket", socket).open(BY_TOKEN))
}

/// What a browser shows. A noVNC that somebody serves elsewhere can be pointed at the websocket, which the page names.
const PAGE: &str = r#"<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Console</title></head>
<body>
<h1>Console</h1>
<p>This cloud does not bring noVNC with it. Its websocket speaks RFB, as noVNC and other viewers expect it:</p>
<p><code id="socket"></code></p>
<script>
  const path = new URLSearchParams(location.search).get("path") || "websockify";
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  document.getElementById("socket").textContent = `${scheme}://${location.host}/${path}`;
</script>
</body>
</html>
"#;

/// `GET /vnc_auto.html`
async fn page(_: Arc<Compute>, _: Ask) -> Answered {
    Ok(Answer::bytes(200, "text/html; charset=utf-8", PAGE))
}

/// `GET /websockify?token=…`
async fn socket(compute: Arc<Compute>, mut ask: Ask) -> Answered {
    let key = ask.header("sec-websocket-key").to_owned();
    let Some(upgrade) = ask.upgrade().filter(|_| !key.is_empty()) else {
        return Err(Fault::bad_input("This is a websocket."));
    };
    let token = token(&ask);
    let screen = match compute.console_connect(&token).await {
        Ok(screen) => screen,
        Err(fault) => {
            tracing::info!(request_id = %ask.cx.request_id, %fault, "a console was refused");
            let status = if fault.kind == Kind::Forbidden { 403 } else { 503 };
            return Ok(Answer::empty(status).with("connection", "close"));
        }
    };
    let request_id = ask.cx.request_id.clone();
    tokio::spawn(async move {
        match upgrade.await {
            Ok(upgraded) => {
                let socket =
                    WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
                bridge(socket, screen).await;
            }
            Err(error) => tracing::debug!(%request_id, %error, "a console was not upgraded"),
        }
    });
    let mut answer = Answer::empty(101)
        .with("upgrade", "websocket")
        .with("connection", "upgrade")
        .with("sec-websocket-accept", &derive_accept_key(key.as_bytes()));
    let asked = ask.header("sec-websocket-protocol");
    if asked.split(',').any(|one| one.trim() == "binary") {
        answer = answer.with("sec-websocket-protocol", "binary");
    }
    Ok(answer)
}

/// The token: in the query, or, from old pages, in a cookie.
fn token(ask: &Ask) -> String {
    if let Some(token) = ask.query.get("token") {
        return token.to_owned();
    }
    let cookies = ask.header("cookie").split(';');
    cookies.filter_map(|cookie| cookie.trim().strip_prefix("token=")).next().unwrap_or_default().to_owned()
}

/// Carries bytes both ways until one side ends.
async fn bridge<S>(socket: WebSocketStream<S>, screen: DuplexStream)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (mut to_browser, mut from_browser) = socket.split();
    let (mut from_host, mut to_host) = tokio::io::split(screen);
    let down = async {
        let mut buffer = vec![0u8; 16 * 1024];
        while let Ok(count @ 1..) = from_host.read(&mut buffer).await {
            if to_browser.send(Message::binary(buffer[..count].to_vec())).await.is_err() {
                return;
            }
        }
        let _ = to_browser.close().await;
    };
    let up = async {
        while let Some(Ok(message)) = from_browser.next().await {
            let data = match message {
                Message::Binary(data) => data.to_vec(),
                Message::Text(text) => text.as_bytes().to_vec(),
                Message::Close(_) => return,
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => continue,
            };
            if to_host.write_all(&data).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = down => {}
        () = up => {}
    }
}
