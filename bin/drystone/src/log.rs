//! Logs: one line an event on stderr, as text for people or as JSON. What is logged for a request carries its id.

use crate::settings::{Form, Settings};
use std::io::{self, Write};
use tracing_subscriber::EnvFilter;

/// Begins to log. A filter that cannot be read is an error for the operator.
pub fn start(settings: &Settings) -> Result<(), String> {
    let filter =
        EnvFilter::try_new(&settings.log).map_err(|error| format!("--log is not understood: {error}."))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(OneLine::new);
    let started = match settings.log_format {
        Form::Text => builder.with_ansi(false).with_target(true).try_init(),
        Form::Json => builder.json().flatten_event(true).with_span_list(false).try_init(),
    };
    started.map_err(|error| format!("Logging cannot start: {error}."))?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "panic: {}", panic.payload_as_str().unwrap_or("without a message"));
    }));
    Ok(())
}

/// Standard error. An event comes in one write and goes out as one line, whatever the texts in it hold.
struct OneLine(io::Stderr);

impl OneLine {
    fn new() -> Self {
        Self(io::stderr())
    }
}

impl Write for OneLine {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        self.0.lock().write_all(&line(event))?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The event with its control characters written out.
fn line(event: &[u8]) -> Vec<u8> {
    let text = event.strip_suffix(b"\n").unwrap_or(event);
    let mut line = Vec::with_capacity(event.len());
    for byte in text {
        match byte {
            b'\n' => line.extend(b"\\n"),
            byte if byte.is_ascii_control() && *byte != b'\t' => {
                line.extend(format!("\\x{byte:02x}").as_bytes())
            }
            byte => line.push(*byte),
        }
    }
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_event_is_one_line() {
        assert_eq!(super::line(b"a\nb\x1b[0m\tc\n"), b"a\\nb\\x1b[0m\tc\n");
        assert_eq!(super::line(b"a"), b"a\n");
    }
}
