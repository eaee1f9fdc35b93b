//! How long something takes: a middle and how far off it may be, written as people write it, `2s ± 0.5s`.

use kernel::Entropy;
use std::str::FromStr;
use std::time::Duration;

/// A span of time that differs each time it is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// In the middle.
    pub middle: Duration,
    /// At most so much less or more.
    pub spread: Duration,
}

impl Timing {
    /// Always the same.
    pub const fn exactly(middle: Duration) -> Self {
        Self { middle, spread: Duration::ZERO }
    }

    pub(crate) fn draw(&self, entropy: &Entropy) -> Duration {
        let twice = u64::try_from(self.spread.as_micros() * 2).unwrap_or(u64::MAX);
        if twice == 0 {
            return self.middle;
        }
        self.middle.saturating_sub(self.spread) + Duration::from_micros(entropy.below(twice + 1))
    }
}

/// The error is one sentence.
impl FromStr for Timing {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("{text:?} is no time; write it as \"2s\", \"300ms\" or \"2s ± 0.5s\"");
        let (middle, spread) = match text.split_once('±').or_else(|| text.split_once("+-")) {
            Some((middle, spread)) => (middle, Some(spread)),
            None => (text, None),
        };
        let middle = span(middle).ok_or_else(bad)?;
        let spread = spread.map_or(Some(Duration::ZERO), span).ok_or_else(bad)?;
        if spread > middle {
            return Err(format!("{text:?} would be less than no time"));
        }
        Ok(Self { middle, spread })
    }
}

/// The longest that anything may be told to take.
const LONGEST: f64 = 86_400.0;

fn span(text: &str) -> Option<Duration> {
    let text = text.trim();
    let (number, unit) = [("ms", 1e-3), ("min", 60.0), ("s", 1.0)]
        .into_iter()
        .find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, unit)))?;
    let seconds = number.trim().parse::<f64>().ok()? * unit;
    (0.0..=LONGEST).contains(&seconds).then(|| Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let of = |text: &str| text.parse::<Timing>().unwrap();
        let millis = Duration::from_millis;
        assert_eq!(of("2s ± 0.5s"), Timing { middle: millis(2000), spread: millis(500) });
        assert_eq!(of("300ms+-50ms"), Timing { middle: millis(300), spread: millis(50) });
        assert_eq!(of("1.5 min"), Timing::exactly(millis(90_000)));
        for bad in ["", "2", "s", "-1s", "1s ± 2s", "1s ± ", "nan s", "1e9 s", "2h"] {
            assert!(bad.parse::<Timing>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_drawn_stays_within_the_spread_and_reaches_its_ends() {
        let (entropy, timing) = (Entropy::seeded(1), "10ms ± 4ms".parse::<Timing>().unwrap());
        let drawn: Vec<_> = (0..2000).map(|_| timing.draw(&entropy)).collect();
        let (least, most) = (*drawn.iter().min().unwrap(), *drawn.iter().max().unwrap());
        assert!(least >= Duration::from_millis(6) && least < Duration::from_micros(6100), "{least:?}");
        assert!(most <= Duration::from_millis(14) && most > Duration::from_micros(13_900), "{most:?}");
    }
}
