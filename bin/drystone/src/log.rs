//! Logs: one line an event on stderr, as text for people or as JSON.

use crate::settings::{Form, Settings};
use tracing_subscriber::EnvFilter;

/// Begins to log. A filter that cannot be read is an error for the operator.
pub fn start(settings: &Settings) -> Result<(), String> {
    let filter =
        EnvFilter::try_new(&settings.log).map_err(|error| format!("--log is not understood: {error}."))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match settings.log_format {
        Form::Text => builder.with_ansi(false).with_target(true).try_init(),
        Form::Json => builder.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| format!("Logging cannot start: {error}."))
}
