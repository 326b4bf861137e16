//! A moment as year, month, day and time of day in a zone: what `$date.Year` and `.AddMonths(1)` need.

use crate::command::Value;
use crate::model::{Moment, Zone};

/// Date and time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Civil {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
}

/// What a date has as properties.
pub(super) const PROPERTIES: &[&str] =
    &["Date", "Year", "Month", "Day", "Hour", "Minute", "Second", "DayOfWeek", "DayOfYear", "TimeOfDay"];

const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

impl Civil {
    /// The civil time of a moment; `None` outside the calendar.
    ///
    /// Reads the one text form that `Moment` gives in a zone, so that zones stay the model's affair.
    pub(super) fn of(moment: Moment, zone: &Zone) -> Option<Self> {
        let text = moment.in_zone(zone);
        let mut words = text.split(' ');
        let mut date = words.next()?.split('/').map(|n| n.parse::<i64>().ok());
        let mut time = words.next()?.split(':').map(|n| n.parse::<i64>().ok());
        let (month, day, year) = (date.next()??, date.next()??, date.next()??);
        let (hour, minute, second) = (time.next()?? % 12, time.next()??, time.next()??);
        let hour = if words.next()? == "PM" { hour + 12 } else { hour };
        Some(Self { year, month, day, hour, minute, second })
    }

    /// The moment of this civil time.
    pub(super) fn moment(self, zone: &Zone) -> Option<Moment> {
        let text = format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
            self.year, self.month, self.day, self.hour, self.minute, self.second
        );
        Moment::parse(&text, zone).ok()
    }

    /// So many months later; a day that the month lacks becomes its last.
    pub(super) fn plus_months(mut self, months: i64) -> Option<Self> {
        let total = self.year.checked_mul(12)?.checked_add(self.month - 1)?.checked_add(months)?;
        self.year = total.div_euclid(12);
        self.month = total.rem_euclid(12) + 1;
        if !(1..=9999).contains(&self.year) {
            return None;
        }
        self.day = self.day.min(days_in(self.year, self.month));
        Some(self)
    }

    /// A property by its name in lower case.
    pub(super) fn property(self, name: &str, zone: &Zone) -> Option<Value> {
        Some(match name {
            "date" => Value::Moment(Self { hour: 0, minute: 0, second: 0, ..self }.moment(zone)?),
            "year" => Value::Int(self.year),
            "month" => Value::Int(self.month),
            "day" => Value::Int(self.day),
            "hour" => Value::Int(self.hour),
            "minute" => Value::Int(self.minute),
            "second" => Value::Int(self.second),
            "dayofweek" => Value::text(self.weekday()),
            "dayofyear" => Value::Int((1..self.month).map(|m| days_in(self.year, m)).sum::<i64>() + self.day),
            "timeofday" => Value::Span(self.hour * 3600 + self.minute * 60 + self.second),
            _ => return None,
        })
    }

    /// The parts that PowerShell's custom formats name: `yyyy-MM-dd HH:mm:ss`.
    pub(super) fn format(self, format: &str) -> String {
        let mut out = String::new();
        let letters: Vec<char> = format.chars().collect();
        let mut i = 0;
        while let Some(&letter) = letters.get(i) {
            let run = letters[i..].iter().take_while(|l| **l == letter).count();
            i += run;
            let twelve = if self.hour % 12 == 0 { 12 } else { self.hour % 12 };
            let padded = |n: i64| if run > 1 { format!("{n:02}") } else { n.to_string() };
            match letter {
                'y' if run <= 2 => out.push_str(&padded(self.year % 100)),
                'y' => out.push_str(&self.year.to_string()),
                'M' => out.push_str(&padded(self.month)),
                'd' if run > 2 => out.push_str(if run == 3 { &self.weekday()[..3] } else { self.weekday() }),
                'd' => out.push_str(&padded(self.day)),
                'H' => out.push_str(&padded(self.hour)),
                'h' => out.push_str(&padded(twelve)),
                'm' => out.push_str(&padded(self.minute)),
                's' => out.push_str(&padded(self.second)),
                't' => out.push_str(if self.hour < 12 { "AM" } else { "PM" }),
                other => out.extend(std::iter::repeat_n(other, run)),
            }
        }
        out
    }

    /// Sakamoto's rule for the Gregorian calendar.
    fn weekday(self) -> &'static str {
        const SHIFT: [i64; 12] = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4];
        let year = if self.month < 3 { self.year - 1 } else { self.year };
        let shift = SHIFT.get((self.month - 1) as usize).copied().unwrap_or(0);
        let day = (year + year / 4 - year / 100 + year / 400 + shift + self.day).rem_euclid(7);
        WEEKDAYS.get(day as usize).copied().unwrap_or("Sunday")
    }
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn civil_time_goes_there_and_back() {
        for zone in [Zone::utc(), Zone::named("America/New_York").unwrap()] {
            for text in ["2026-11-23T20:50:07Z", "2024-02-29T00:00:00Z", "1999-12-31T23:59:59Z", "2026-06-01T12:00:00Z"]
            {
                let moment = Moment::parse(text, &zone).unwrap();
                assert_eq!(Civil::of(moment, &zone).unwrap().moment(&zone), Some(moment), "{text}");
            }
        }
        let civil = Civil::of(Moment::parse("2026-11-23T20:50:07Z", &Zone::utc()).unwrap(), &Zone::utc()).unwrap();
        assert_eq!(civil.format("yyyy-MM-dd HH:mm:ss h tt ddd"), "2026-11-23 20:50:07 8 PM Mon");
        assert_eq!(civil.property("dayofyear", &Zone::utc()).unwrap().display(&Zone::utc()), "327");
    }
}
