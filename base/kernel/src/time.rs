//! Points in time as the store keeps them (microseconds since 1970, UTC) and as OpenStack writes them.
//!
//! The services disagree on formats: Keystone writes microseconds, Nova and Glance whole seconds with a `Z`, some of
//! Nova's and Placement's fields a naked ISO form. The format is chosen where a body is written, never stored.

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Microseconds since the epoch, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct Micros(pub i64);

/// Several times as fast as a format that is read each time: lists are full of times.
const PRINTER: DateTimePrinter = DateTimePrinter::new();

impl Micros {
    /// `2026-11-21T00:36:59Z`: Nova, Glance, Neutron.
    pub fn seconds_z(self) -> String {
        PRINTER.precision(Some(0)).timestamp_to_string(&self.stamp())
    }

    /// `2026-11-21T00:36:59.000000Z`: Keystone.
    pub fn micros_z(self) -> String {
        PRINTER.precision(Some(6)).timestamp_to_string(&self.stamp())
    }

    /// `2026-11-21T00:36:59.000000`: Nova's usage and fault fields, instance action events.
    pub fn micros_naked(self) -> String {
        PRINTER.precision(Some(6)).datetime_to_string(&TimeZone::UTC.to_datetime(self.stamp()))
    }

    /// `Sat, 21 Nov 2026 00:36:59 GMT`: HTTP headers.
    pub fn http(self) -> String {
        self.stamp().to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }

    /// Reads what clients send in `changes-since`, `expires_at` and filters: RFC 3339, also with a space, without
    /// seconds' fraction or without zone (then UTC).
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().replacen(' ', "T", 1);
        if let Ok(stamp) = text.parse::<Timestamp>() {
            return Some(Self(stamp.as_microsecond()));
        }
        let naked = text.parse::<jiff::civil::DateTime>().ok()?;
        naked.to_zoned(TimeZone::UTC).ok().map(|zoned| Self(zoned.timestamp().as_microsecond()))
    }

    /// This point, later by `span`.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }

    /// This point, earlier by `span`.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }

    /// How long after `earlier` this is; zero when it is not after.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The same point without its fraction of a second.
    #[must_use]
    pub fn whole_seconds(self) -> Self {
        Self(self.0 - self.0.rem_euclid(1_000_000))
    }

    fn stamp(self) -> Timestamp {
        Timestamp::from_microsecond(self.0).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_formats_of_the_services() {
        let at = Micros(1_795_222_619_000_123);
        assert_eq!(at.seconds_z(), "2026-11-21T00:56:59Z");
        assert_eq!(at.micros_z(), "2026-11-21T00:56:59.000123Z");
        assert_eq!(at.micros_naked(), "2026-11-21T00:56:59.000123");
        assert_eq!(at.http(), "Sat, 21 Nov 2026 00:56:59 GMT");
    }

    #[test]
    fn what_clients_send_is_read() {
        for text in [
            "2026-11-21T00:56:59Z",
            "2026-11-21 00:56:59",
            "2026-11-21T00:56:59",
            "2026-11-21T01:56:59+01:00",
        ] {
            assert_eq!(Micros::parse(text), Some(Micros(1_795_222_619_000_000)), "{text}");
        }
        assert_eq!(Micros::parse("yesterday"), None);
    }
}
