//! Microversions, negotiated as OpenStack does: by header, a default for those who do not ask, 406 outside the range.

use fault::{Fault, Kind};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::fmt;

/// A microversion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// Before the dot.
    pub major: u16,
    /// After it.
    pub minor: u16,
}

impl Version {
    /// For services without microversions.
    pub const NONE: Self = Self { major: 0, minor: 0 };

    /// `Version::new(2, 96)`.
    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor }
    }

    fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        let plain = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|b| b.is_ascii_digit())
                && (part == "0" || !part.starts_with('0'))
        };
        if !plain(major) || !plain(minor) || major == "0" {
            return None;
        }
        Some(Self { major: major.parse().ok()?, minor: minor.parse().ok()? })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The range of microversions of a service.
#[derive(Clone, Copy, Debug)]
pub struct Microversions {
    /// The service type in `OpenStack-API-Version` (`compute`).
    pub service: &'static str,
    /// The service's older header of its own (`x-openstack-nova-api-version`), if it has one.
    pub legacy_header: Option<&'static str>,
    /// The oldest, which is also what those get who do not ask.
    pub min: Version,
    /// The newest.
    pub max: Version,
}

const STANDARD: &str = "openstack-api-version";

impl Microversions {
    /// The version that a request asks for.
    pub fn negotiate(&self, headers: &HeaderMap) -> Result<Version, Fault> {
        let Some(asked) = self.asked(headers)? else { return Ok(self.min) };
        if asked.eq_ignore_ascii_case("latest") {
            return Ok(self.max);
        }
        let version = Version::parse(&asked).ok_or_else(|| {
            Fault::bad_input(format!(
                "API Version String {asked} is of invalid format. Must be of format MajorNum.MinorNum."
            ))
        })?;
        if version < self.min || version > self.max {
            return Err(Fault::new(
                Kind::VersionUnsupported,
                format!(
                    "Version {version} is not supported by the API. Minimum is {} and maximum is {}.",
                    self.min, self.max
                ),
            ));
        }
        Ok(version)
    }

    /// Tells which version an answer is of, and that answers differ by it.
    pub fn mark(&self, version: Version, headers: &mut HeaderMap) {
        let mut put = |name: &'static str, value: String| {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        put(STANDARD, format!("{} {version}", self.service));
        if let Some(legacy) = self.legacy_header {
            put(legacy, version.to_string());
        }
        let standard = HeaderValue::from_static("OpenStack-API-Version");
        headers.append(http::header::VARY, standard);
        if self.legacy_header.is_some() {
            headers.append(http::header::VARY, HeaderValue::from_static("X-OpenStack-Nova-API-Version"));
        }
    }

    /// The text after our service's name in the standard header (which may list several services), else the legacy
    /// header's.
    fn asked(&self, headers: &HeaderMap) -> Result<Option<String>, Fault> {
        for value in headers.get_all(STANDARD) {
            let text = value.to_str().unwrap_or_default();
            for one in text.split(',') {
                let mut words = one.split_whitespace();
                if words.next().is_some_and(|service| service.eq_ignore_ascii_case(self.service)) {
                    return Ok(words.next().map(str::to_owned));
                }
            }
        }
        let legacy = self.legacy_header.and_then(|name| headers.get(name));
        Ok(legacy.and_then(|value| value.to_str().ok()).map(|text| text.trim().to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPUTE: Microversions = Microversions {
        service: "compute",
        legacy_header: Some("x-openstack-nova-api-version"),
        min: Version::new(2, 1),
        max: Version::new(2, 96),
    };

    fn asks(name: &'static str, value: &'static str) -> Result<Version, Fault> {
        COMPUTE.negotiate(&HeaderMap::from_iter([(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )]))
    }

    #[test]
    fn the_standard_header_and_the_old_one() {
        assert_eq!(asks(STANDARD, "compute 2.26").unwrap(), Version::new(2, 26));
        assert_eq!(asks(STANDARD, "volume 3.1, compute latest").unwrap(), Version::new(2, 96));
        assert_eq!(asks(STANDARD, "volume 3.1").unwrap(), Version::new(2, 1));
        assert_eq!(asks("x-openstack-nova-api-version", "2.3").unwrap(), Version::new(2, 3));
    }

    #[test]
    fn outside_the_range_and_nonsense() {
        assert_eq!(asks(STANDARD, "compute 2.97").unwrap_err().kind, Kind::VersionUnsupported);
        for nonsense in ["compute 2", "compute x", "compute 2.01", "compute 2.1.1"] {
            assert_eq!(asks(STANDARD, nonsense).unwrap_err().kind, Kind::BadInput, "{nonsense}");
        }
    }
}
