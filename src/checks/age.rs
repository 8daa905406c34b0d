//! Looks whether a backup is too old.

use std::time::{Duration, SystemTime};

use time::macros::format_description;
use time::{Date, PrimitiveDateTime, Time};

use super::{Check, Examination, Finding, Findings, Group, Need, Rule, Severity};
use crate::snapshot::Source;
use crate::text::count;

/// The checks of this file.
pub(super) const CHECKS: &[&Check] = &[&BACKUP_OLD];

pub(crate) static BACKUP_OLD: Check = Check {
    id: "backup-old",
    severity: Severity::Error,
    title: "the backup is older than --max-age allows",
    why: "Whatever was entered since it was made is lost with a restore; most often the job that makes the backup has stopped.",
    fix: "Look why no newer backup was made: the job, its log, the room on the disk and the account that it uses.",
    example: "the backup is at least 36 hours old (its last line says 2025-05-01  2:00:07), and 26 hours are allowed",
    source: "the last line of the dump, in the time zone of its maker, and the time at which the file was last written to",
    rules: &[Rule::new(
        Group::Dump,
        &[Need::MaxAge, Need::Dump, Need::Age],
        too_old,
    )],
};

/// How old a backup may be.
#[derive(Clone, Copy, Debug)]
pub struct MaxAge {
    /// The oldest that it may be.
    pub allowed: Duration,
    /// The time now.
    pub now: SystemTime,
}

impl MaxAge {
    /// When a backup becomes too old; `None` where it is already, and where nothing says how old it is.
    pub fn becomes_old(&self, source: &Source) -> Option<SystemTime> {
        let (age, _) = least_age(source, self.now)?;
        self.now.checked_add(self.allowed.checked_sub(age)?)
    }
}

/// How much the clock of a place is behind UTC at most.
const FURTHEST_WEST: Duration = Duration::from_secs(12 * 3600);

/// How old a backup is at least, and what says so; `None` where nothing does.
pub(super) fn least_age(source: &Source, now: SystemTime) -> Option<(Duration, String)> {
    // It may lie in the future where a clock is wrong: then it is not old.
    let since = |time: SystemTime| now.duration_since(time).unwrap_or_default();
    let finished = source.finished.as_deref().and_then(|text| {
        // The zone is not known.
        let latest = local_time(text)?.assume_utc() + FURTHEST_WEST;
        Some((since(latest.into()), format!("its last line says {text}")))
    });
    let written = source.modified.map(|time| {
        let said = "its file was last written to then".to_owned();
        (since(time), said)
    });
    match (finished, written) {
        (Some(finished), Some(written)) if written.0 > finished.0 => Some(written),
        (finished, written) => finished.or(written),
    }
}

/// The time in a text such as `2025-05-01  2:00:07`, as dump programs write it, and servers with `02`.
pub(super) fn local_time(text: &str) -> Option<PrimitiveDateTime> {
    let mut words = text.split_whitespace();
    let date = Date::parse(words.next()?, format_description!("[year]-[month]-[day]")).ok()?;
    let time = words.next()?;
    let format = format_description!("[hour padding:none]:[minute]:[second]");
    let time = Time::parse(time.get(..time.len().min(8))?, format).ok()?;
    Some(PrimitiveDateTime::new(date, time))
}

fn too_old(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let source = &examined.snapshot().source;
    let Some(MaxAge { allowed, now }) = examined.max_age else {
        return;
    };
    let Some((age, said)) = least_age(source, now).filter(|(age, _)| *age > allowed) else {
        return;
    };
    let (age, allowed) = (in_words(age), in_words(allowed));
    let message = format!("the backup is at least {age} old ({said}), and {allowed} are allowed");
    findings.push(Finding::new(check, message, check.fix));
}

/// A length of time in its largest unit of which there are two.
fn in_words(length: Duration) -> String {
    let seconds = length.as_secs();
    let units = [
        (86_400 * 3, 86_400, "day"),
        (7200, 3600, "hour"),
        (120, 60, "minute"),
    ];
    let unit = units.into_iter().find(|(from, ..)| seconds >= *from);
    let (_, of, noun) = unit.unwrap_or((0, 1, "second"));
    count(seconds / of, noun)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3600;

    /// 2025-05-03 00:00 UTC.
    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_746_230_400)
    }

    fn hours(finished: Option<&str>, written: Option<u64>) -> Option<u64> {
        let source = Source {
            finished: finished.map(str::to_owned),
            modified: written.map(|ago| now() - Duration::from_secs(ago * HOUR)),
            ..Source::default()
        };
        least_age(&source, now()).map(|(age, _)| age.as_secs() / HOUR)
    }

    #[test]
    fn a_copy_that_was_just_made_of_an_old_backup_is_old() {
        // Half a day less than it seems: the clock of its maker may be that of another place.
        assert_eq!(hours(Some("2025-05-01  2:00:07"), Some(1)), Some(33));
        assert_eq!(hours(Some("2025-05-02 23:00:00"), Some(50)), Some(50));
        assert_eq!(hours(None, Some(50)), Some(50));
        assert_eq!(hours(Some("yesterday"), Some(50)), Some(50));
        assert_eq!(hours(Some("yesterday"), None), None);
        assert_eq!(hours(Some("2025-05-09 23:00:00"), None), Some(0));
    }

    #[test]
    fn a_backup_becomes_too_old_when_its_time_is_up() {
        let allowed = Duration::from_secs(26 * HOUR);
        let limit = MaxAge {
            allowed,
            now: now(),
        };
        let written = |ago: u64| Source {
            modified: Some(now() - Duration::from_secs(ago * HOUR)),
            ..Source::default()
        };
        let later = limit.becomes_old(&written(20));
        assert_eq!(later, Some(now() + Duration::from_secs(6 * HOUR)));
        assert_eq!(limit.becomes_old(&written(27)), None);
        assert_eq!(limit.becomes_old(&Source::default()), None);
    }

    #[test]
    fn ages_are_said_in_a_unit_that_people_use() {
        for (seconds, said) in [
            (59, "59 seconds"),
            (150, "2 minutes"),
            (26 * HOUR, "26 hours"),
            (71 * HOUR, "71 hours"),
            (72 * HOUR, "3 days"),
        ] {
            assert_eq!(in_words(Duration::from_secs(seconds)), said);
        }
    }
}
