//! Consoles: what a server printed, and its screen.

use crate::ops::{server_for, server_seen};
use crate::store as rows;
use crate::{Compute, rules};
use fault::{Fault, Kind};
use link::LinkError;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::DuplexStream;
use web::Cx;

/// The most of a console log that is answered.
const LOG_BYTES: u64 = 102_400;

/// How long a token opens a console.
const TOKEN_TIME: Duration = Duration::from_secs(600);

fn not_ready(id: &str) -> Fault {
    Fault::conflict(format!("Instance {id} is not ready"))
}

impl Compute {
    /// The end of what a server printed, at most so many lines.
    pub async fn console_output(
        self: &Arc<Self>,
        cx: &Cx,
        id: &str,
        lines: Option<i64>,
    ) -> Result<String, Fault> {
        let asked = id.to_owned();
        let server =
            self.read(cx, move |_, tx, cx| server_for(tx, cx, &asked, &rules::CONSOLE_OUTPUT)).await?;
        let host = server.host_id.ok_or_else(|| not_ready(id))?;
        let log = self.agents.console_log(&host, id, LOG_BYTES).await.map_err(|error| match error {
            LinkError::Away(_) => not_ready(id).because(error),
            _ => Fault::not_found("Guest does not have a console available.").because(error),
        })?;
        let text = String::from_utf8_lossy(&log);
        let clean: String = text.chars().filter(|c| !matches!(u32::from(*c), 0..=8 | 0x0b..=0x1f)).collect();
        Ok(tail(&clean, lines))
    }

    /// A URL that shows the screen of a server for ten minutes.
    pub async fn console_create(self: &Arc<Self>, cx: &Cx, id: &str, kind: &str) -> Result<String, Fault> {
        let (id, kind) = (id.to_owned(), kind.to_owned());
        self.write(cx, move |this, tx, cx| {
            let server = server_for(tx, cx, &id, &rules::REMOTE_CONSOLES)?;
            if server.host_id.is_none() {
                return Err(not_ready(&id));
            }
            if let Some(task @ "deleting") = server.standing().task_state {
                return Err(Fault::conflict(format!(
                    "Cannot 'get_vnc_console' instance {id} while it is in task_state {task}"
                )));
            }
            if kind != "novnc" {
                return Err(Fault::bad_input(format!("Unavailable console type {kind}.")));
            }
            let token = tx.entropy().dashed_id();
            rows::console::console_put(tx, &token, &id, &kind, tx.now().plus(TOKEN_TIME))?;
            Ok(this.console_url(&token))
        })
        .await
    }

    /// As Nova writes it: the page, and in `path` where its websocket is.
    fn console_url(&self, token: &str) -> String {
        let base = self.settings.console_url.trim_end_matches('/');
        let after = base.split_once("://").map_or(base, |(_, rest)| rest);
        let mount = after.split_once('/').map_or(String::new(), |(_, path)| format!("{path}/"));
        let path = web::ask::encoded(&format!("{mount}websockify?token={token}"));
        format!("{base}/vnc_auto.html?path={path}")
    }

    /// The screen that a token opens, as RFB. Unknown and ended tokens are forbidden.
    pub async fn console_connect(self: &Arc<Self>, token: &str) -> Result<DuplexStream, Fault> {
        let token = token.to_owned();
        let found = self
            .db
            .read(move |tx| {
                let Some(id) = rows::console::console_server(tx, &token)? else { return Ok(None) };
                Ok(rows::server::server_by_id(tx, &id, false)?.filter(|server| !server.deleting))
            })
            .await?;
        let refused = || Fault::forbidden("The token has expired or is not valid.");
        let server = found.ok_or_else(refused)?;
        let host = server.host_id.ok_or_else(|| not_ready(&server.id))?;
        let screen = self.agents.screen(&host, &server.id).await;
        screen.map_err(|error| Fault::new(Kind::Unavailable, "The console does not answer.").because(error))
    }

    /// The password that a guest stored with the metadata service, encrypted with its key.
    pub async fn password_show(self: &Arc<Self>, cx: &Cx, id: &str) -> Result<String, Fault> {
        let id = id.to_owned();
        self.read(cx, move |_, tx, cx| {
            let server = server_for(tx, cx, &id, &rules::SERVER_PASSWORD_SHOW)?;
            Ok(server.guest_password().unwrap_or_default().to_owned())
        })
        .await
    }

    /// Forgets the password that a guest stored.
    pub async fn password_clear(self: &Arc<Self>, cx: &Cx, id: &str) -> Result<(), Fault> {
        let id = id.to_owned();
        self.write(cx, move |_, tx, cx| {
            let mut server = server_for(tx, cx, &id, &rules::SERVER_PASSWORD_CLEAR)?;
            // The host keeps it; here it is not shown any more, unless the guest stores another.
            server.detail.password_cleared = server.guest_password().map(str::to_owned);
            rows::server::server_save(tx, &server)
        })
        .await
    }

    /// A server that the caller may see, deleted ones too where asked for.
    pub async fn server_visible(
        self: &Arc<Self>,
        cx: &Cx,
        id: &str,
        deleted: bool,
    ) -> Result<crate::model::server::Server, Fault> {
        let id = id.to_owned();
        self.read(cx, move |_, tx, cx| server_seen(tx, cx, &id, deleted)).await
    }
}

fn tail(text: &str, lines: Option<i64>) -> String {
    let Some(count) = lines.and_then(|lines| usize::try_from(lines).ok()) else { return text.to_owned() };
    let all: Vec<&str> = text.split('\n').collect();
    // What ends with a line feed has an empty rest behind it, which is no line.
    let rest = usize::from(all.last().is_some_and(|last| last.is_empty()));
    if count == 0 {
        return String::new();
    }
    all[all.len().saturating_sub(count + rest)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::tail;

    #[test]
    fn the_last_lines() {
        assert_eq!(tail("a\nb\nc\n", Some(2)), "b\nc\n");
        assert_eq!(tail("a\nb", Some(1)), "b");
        assert_eq!(tail("a\nb", None), "a\nb");
        assert_eq!(tail("a\nb", Some(-1)), "a\nb");
        assert_eq!(tail("a\nb", Some(9)), "a\nb");
    }
}
