//! Exchanges with the whole service: a real store in memory, a host over the link's pipe, whole HTTP requests.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod bad_input;
mod bodies;
mod cloud;
mod compute;
mod databases;
mod harness;
mod lists;
mod strangers;
mod switch;

/// Serves until it is stopped: for looking at the service with a client. Tokens are `project:role`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "serves for ever; for looking at it with a client"]
async fn serve() {
    let listen = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:5999".into());
    let cloud = cloud::Cloud::on(&listen).await;
    println!("http://{}/network", cloud.address);
    loop {
        cloud.settle().await;
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}
