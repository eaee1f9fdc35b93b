//! The agent's side of one connection: requests are read, the [`Host`] is asked, answers are written.

use crate::error::HostError;
use crate::host::Host;
use crate::route::Route;
use crate::wire::{self, Body, Lines};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use metal::driver::Duplex;
use metal::server::ImageSource;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// A call without bulk data is given up after this time.
const CALL: Duration = Duration::from_secs(60);
/// Bulk data may pause for this long.
const STALL: Duration = Duration::from_secs(60);

/// Serves one connection to a controller until it ends.
pub async fn serve(stream: impl Duplex + 'static, host: Arc<dyn Host>) -> io::Result<()> {
    let service = service_fn(move |request| {
        let host = host.clone();
        async move { Ok::<_, Infallible>(answer(&host, request).await) }
    });
    http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(5))
        .keep_alive_timeout(Duration::from_secs(10))
        .initial_stream_window_size(wire::STREAM_WINDOW)
        .initial_connection_window_size(wire::CONNECTION_WINDOW)
        .max_frame_size(wire::FRAME)
        .max_concurrent_streams(wire::STREAMS)
        // The controller is trusted: many calls that are given up at once are no attack.
        .max_pending_accept_reset_streams(wire::STREAMS as usize)
        .max_local_error_reset_streams(None)
        .auto_date_header(false)
        .serve_connection(TokioIo::new(stream), service)
        .await
        .map_err(io::Error::other)
}

async fn answer(host: &Arc<dyn Host>, request: Request<Incoming>) -> Response<Body> {
    let Some(route) = Route::of(request.method(), request.uri().path()) else {
        return failure(&HostError::Refused { why: "this agent does not know the call".to_owned() });
    };
    let done = match route {
        Route::Screen { server_id } => screen(host, server_id, request.into_body()).await,
        Route::ImagePut => image_put(host, request.into_body()).await,
        Route::Reports { kinds } => Ok(reports(host.reports(kinds))),
        route => match timeout(CALL, brief(host, route, request.into_body())).await {
            Ok(done) => done,
            Err(_) => Err(HostError::failed("the agent took too long")),
        },
    };
    done.unwrap_or_else(|error| failure(&error))
}

/// Calls whose answer is one value.
async fn brief(host: &Arc<dyn Host>, route: Route, body: Incoming) -> Result<Response<Body>, HostError> {
    match route {
        Route::Hello => json(&host.hello().await?),
        Route::Ensure => json(&host.ensure(read(body).await?).await?),
        Route::Ledger => json(&host.ledger().await?),
        Route::ImageHas => json(&host.image_has(read(body).await?).await?),
        Route::ImageForget => {
            let image_id: String = read(body).await?;
            json(&host.image_forget(image_id).await?)
        }
        Route::Forget => {
            let (kind, id, rank) = read(body).await?;
            json(&host.forget(kind, id, rank).await?)
        }
        Route::Status => json(&host.status().await?),
        Route::Console { server_id, bytes } => {
            Ok(Response::new(wire::full(host.console_log(server_id, bytes).await?)))
        }
        Route::Screen { .. } | Route::ImagePut | Route::Reports { .. } => {
            Err(HostError::failed("this call is streamed"))
        }
    }
}

async fn screen(
    host: &Arc<dyn Host>,
    server_id: String,
    body: Incoming,
) -> Result<Response<Body>, HostError> {
    let stream = timeout(CALL, host.screen(server_id))
        .await
        .map_err(|_| HostError::failed("the screen did not answer"))??;
    let (outgoing, answer) = wire::channel();
    tokio::spawn(wire::carry(stream, outgoing, body));
    Ok(Response::new(answer))
}

/// The body is one line that names the image, then its data.
async fn image_put(host: &Arc<dyn Host>, body: Incoming) -> Result<Response<Body>, HostError> {
    let mut lines = Lines::new(body);
    let head = timeout(CALL, lines.next()).await.map_err(HostError::failed)?.map_err(HostError::failed)?;
    let image: ImageSource = serde_json::from_slice(&head.unwrap_or_default()).map_err(malformed)?;
    let (first, rest) = lines.rest();
    let data = futures_util::stream::iter((!first.is_empty()).then_some(Ok(first))).chain(data_of(rest));
    json(&host.image_put(image, data.boxed()).await?)
}

fn data_of(body: Incoming) -> impl Stream<Item = io::Result<Bytes>> + Send {
    futures_util::stream::unfold(Some(body), |body| async {
        let mut body = body?;
        loop {
            match timeout(STALL, body.frame()).await {
                Err(_) => return Some((Err(io::ErrorKind::TimedOut.into()), None)),
                Ok(None) => return None,
                Ok(Some(Err(error))) => return Some((Err(io::Error::other(error)), None)),
                Ok(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data() {
                        return Some((Ok(data), Some(body)));
                    }
                }
            }
        }
    })
}

/// Reports that are ready together leave in one frame.
fn reports(reports: impl Stream<Item = metal::Report> + Send + 'static) -> Response<Body> {
    let frames = reports.ready_chunks(64).map(|reports| {
        let mut text = Vec::new();
        for report in reports {
            serde_json::to_writer(&mut text, &report).map_err(io::Error::other)?;
            text.push(b'\n');
        }
        Ok(Frame::data(Bytes::from(text)))
    });
    Response::new(wire::streamed(frames))
}

async fn read<T: DeserializeOwned>(body: Incoming) -> Result<T, HostError> {
    let body = wire::gather(body, wire::REQUEST_BYTES).await.map_err(HostError::failed)?;
    serde_json::from_slice(&body).map_err(malformed)
}

fn malformed(error: serde_json::Error) -> HostError {
    HostError::Refused { why: format!("the call is malformed: {error}") }
}

fn json(value: &impl Serialize) -> Result<Response<Body>, HostError> {
    Ok(Response::new(wire::full(serde_json::to_vec(value).map_err(HostError::failed)?)))
}

fn failure(error: &HostError) -> Response<Body> {
    let mut answer = Response::new(wire::full(serde_json::to_vec(error).unwrap_or_default()));
    *answer.status_mut() = StatusCode::CONFLICT;
    answer
}
