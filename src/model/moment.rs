//! Points in time: UTC seconds inside, the session's zone on the way in and out.

use std::fmt;
use std::time::Duration;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorId, Result};

/// A point in time, as whole seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Moment(i64);

impl Moment {
    /// Takes seconds since the Unix epoch.
    #[must_use]
    pub const fn from_unix(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since the Unix epoch.
    #[must_use]
    pub const fn unix(self) -> i64 {
        self.0
    }

    /// The moment so many seconds later (earlier when negative); stops at the ends of the range.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// The moment so many days of 86,400 s later.
    #[must_use]
    pub const fn plus_days(self, days: i64) -> Self {
        self.plus_seconds(days.saturating_mul(86_400))
    }

    /// Seconds from `earlier` to this moment.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// RFC 3339 in UTC: `2026-11-23T20:50:00Z`.
    #[must_use]
    pub fn rfc3339(self) -> String {
        jiff::Timestamp::from_second(self.0).map_or_else(|_| format!("@{}", self.0), |t| t.to_string())
    }

    /// `M/d/yyyy h:mm:ss tt` in a zone, as Windows PowerShell shows dates.
    #[must_use]
    pub fn in_zone(self, zone: &Zone) -> String {
        let Ok(timestamp) = jiff::Timestamp::from_second(self.0) else {
            return format!("@{}", self.0);
        };
        let t = timestamp.to_zoned(zone.time_zone());
        let (hour, half) = match t.hour() {
            0 => (12, "AM"),
            h @ 1..=11 => (h, "AM"),
            12 => (12, "PM"),
            h => (h - 12, "PM"),
        };
        format!("{}/{}/{} {hour}:{:02}:{:02} {half}", t.month(), t.day(), t.year(), t.minute(), t.second())
    }

    /// Reads ISO 8601 (`2026-12-31`, `2026-12-31T18:00:00Z`) or US order (`12/31/2026 6:00 PM`).
    ///
    /// A text without offset is in `zone`; a date alone is its midnight.
    ///
    /// # Errors
    /// `InvalidDate` for anything else, `13/1/2026` included.
    pub fn parse(text: &str, zone: &Zone) -> Result<Self> {
        read(text.trim(), zone).map(Self).ok_or_else(|| {
            Error::new(ErrorId::InvalidDate, format!("`{text}` is no date: it is neither ISO 8601 nor month/day/year"))
                .about(text)
        })
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

/// The time zone in which dates are shown and read.
///
/// `None` is the operating system's: it is found by a walk through its files, which a run without a date is spared.
#[derive(Clone, Debug)]
pub struct Zone(Option<TimeZone>);

impl Zone {
    /// Coordinated Universal Time.
    #[must_use]
    pub fn utc() -> Self {
        Self(Some(TimeZone::UTC))
    }

    /// The operating system's zone, looked up with the first date.
    #[must_use]
    pub fn system() -> Self {
        Self(None)
    }

    /// A zone by its IANA name; `None` when the system does not know it.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        TimeZone::get(name).ok().map(|zone| Self(Some(zone)))
    }

    fn time_zone(&self) -> TimeZone {
        self.0.clone().unwrap_or_else(TimeZone::system)
    }
}

/// Where the session takes the time from; tests inject their own.
///
/// `now` never goes back within one session; `sleep` returns after the given time of this clock.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Moment;

    /// The zone of dates on screen and on the command line.
    fn zone(&self) -> Zone;

    /// Time since an arbitrary start, for deadlines; never goes back.
    fn elapsed(&self) -> Duration;

    /// Waits.
    fn sleep(&self, time: Duration);
}

fn read(text: &str, zone: &Zone) -> Option<i64> {
    if let Ok(timestamp) = text.parse::<jiff::Timestamp>() {
        return Some(timestamp.as_second());
    }
    let local = if text.contains('/') { read_us(text)? } else { read_iso(text)? };
    Some(zone.time_zone().to_ambiguous_zoned(local).compatible().ok()?.timestamp().as_second())
}

fn read_iso(text: &str) -> Option<DateTime> {
    let date = text.get(..10)?;
    let date = Date::strptime("%Y-%m-%d", date).ok()?;
    let rest = text[10..].trim_start_matches(['T', 't', ' ']);
    if text.len() == 10 { Some(date.at(0, 0, 0, 0)) } else { Some(date.to_datetime(read_time(rest)?)) }
}

fn read_us(text: &str) -> Option<DateTime> {
    let (date, time) = text.split_once(' ').map_or((text, ""), |(d, t)| (d, t.trim()));
    let mut parts = date.split('/').map(|p| if p.len() <= 4 { p.parse::<i16>().ok() } else { None });
    let (month, day, year) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() || year < 1000 {
        return None;
    }
    let date = Date::new(year, month.try_into().ok()?, day.try_into().ok()?).ok()?;
    let time = if time.is_empty() { Time::midnight() } else { read_time(time)? };
    Some(date.to_datetime(time))
}

fn read_time(text: &str) -> Option<Time> {
    let upper = text.to_ascii_uppercase();
    let (clock, half) = match upper.strip_suffix("AM").map(|t| (t, 0)).or(upper.strip_suffix("PM").map(|t| (t, 12))) {
        Some((clock, half)) => (clock.trim(), Some(half)),
        None => (upper.as_str(), None),
    };
    let mut parts = clock.split(':').map(|p| p.parse::<i8>().ok());
    let (hour, minute) = (parts.next()??, parts.next().unwrap_or(Some(0))?);
    let second = parts.next().unwrap_or(Some(0))?;
    if parts.next().is_some() {
        return None;
    }
    let hour = match half {
        None => hour,
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some(half) => hour % 12 + half,
    };
    Time::new(hour, minute, second, 0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_iso_and_us_order() {
        let zone = Zone::utc();
        let expected = Moment::parse("2026-12-31T18:00:00Z", &zone).unwrap();
        for text in ["2026-12-31 18:00", "12/31/2026 6:00 PM", "12/31/2026 18:00:00", "2026-12-31T18:00:00"] {
            assert_eq!(Moment::parse(text, &zone).unwrap(), expected, "{text}");
        }
        assert_eq!(expected.in_zone(&zone), "12/31/2026 6:00:00 PM");
        assert_eq!(Moment::parse("9/1/2018", &zone).unwrap().rfc3339(), "2018-09-01T00:00:00Z");
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "13/1/2026",
            "2/30/2026",
            "",
            "tomorrow",
            "2026-13-01",
            "1/1/26",
            "12/31/2026 13:00 PM",
            "é/1/2026",
            "2026-12-é",
        ] {
            assert_eq!(Moment::parse(text, &Zone::utc()).unwrap_err().id(), ErrorId::InvalidDate, "{text}");
        }
    }
}
