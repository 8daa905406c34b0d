//! Release numbers as CiviCRM writes and compares them.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// A version as found in `civicrm_domain.version` or as the name of a release.
///
/// The order is that of PHP's `version_compare`, which CiviCRM's upgrader uses:
/// any other word < `dev` < `alpha` < `beta` < `rc` < end of the text < number < `pl`.
/// Hence `4.4.alpha1 < 4.4 < 4.4.0` and `4.4.0.upgrade < 4.4.0`. Two versions are equal
/// when they compare equal (`4.4.0` and `4.4-0`), whatever their spelling.
///
/// ```
/// use cividb::civicrm::release::Version;
/// let step = Version::parse("5.47.alpha1.upgrade").unwrap();
/// assert!(step.is_upgrade_marker());
/// assert_eq!(step.without_marker().to_string(), "5.47.alpha1");
/// assert!(step < Version::parse("5.47.0").unwrap());
/// ```
#[derive(Clone, Debug)]
pub struct Version {
    text: String,
    parts: Vec<VersionPart>,
}

/// One part of a version; the order of the variants is the order of comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum VersionPart {
    OtherWord,
    Dev,
    Alpha,
    Beta,
    Rc,
    /// The end of a shorter version, compared with the next part of a longer one.
    End,
    Number(u64),
    Patch,
}

impl VersionPart {
    fn number(text: &str) -> Self {
        // Like strtol: a number that does not fit counts as the largest one.
        Self::Number(text.parse().unwrap_or(u64::MAX))
    }

    /// PHP compares only as many letters as its own word has: `alph` counts as `a`, alpha.
    fn word(text: &str) -> Self {
        const WORDS: [(&str, VersionPart); 9] = [
            ("dev", VersionPart::Dev),
            ("alpha", VersionPart::Alpha),
            ("a", VersionPart::Alpha),
            ("beta", VersionPart::Beta),
            ("b", VersionPart::Beta),
            ("RC", VersionPart::Rc),
            ("rc", VersionPart::Rc),
            ("pl", VersionPart::Patch),
            ("p", VersionPart::Patch),
        ];
        WORDS
            .iter()
            .find(|(word, _)| text.starts_with(word))
            .map_or(Self::OtherWord, |&(_, part)| part)
    }
}

impl Version {
    /// Reads anything that begins with a number, surrounding white space aside; `None` for
    /// everything else. Use [`is_valid_format`] to learn whether CiviCRM would take it.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if !text.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        Some(Self {
            text: text.to_owned(),
            parts: parts(text),
        })
    }

    /// The text from which the version was read.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first two numbers, which name a minor release; a missing second one counts as 0.
    pub fn major_minor(&self) -> (u32, u32) {
        let number = |index: usize| match self.parts.get(index) {
            Some(VersionPart::Number(n)) => u32::try_from(*n).unwrap_or(u32::MAX),
            _ => 0,
        };
        (number(0), number(1))
    }

    /// Whether the upgrader wrote it at the start of a step and never finished that step
    /// (`4.4.alpha1.upgrade`). CiviCRM looks for the word anywhere, in any letter case.
    pub fn is_upgrade_marker(&self) -> bool {
        self.marker().is_some()
    }

    /// The version of the step that an upgrade marker names; any other version as it is.
    pub fn without_marker(&self) -> Self {
        let end = self.marker().unwrap_or(self.text.len());
        let text = self.text[..end].trim_end_matches('.');
        Self {
            text: text.to_owned(),
            parts: parts(text),
        }
    }

    fn marker(&self) -> Option<usize> {
        self.text.to_ascii_lowercase().find("upgrade")
    }
}

/// Splits the text at every separator and wherever digits meet letters. An empty text between two separators is
/// a part of its own, the lowest.
fn parts(text: &str) -> Vec<VersionPart> {
    let mut parts = Vec::new();
    for section in text.split(|c: char| !c.is_ascii_alphanumeric()) {
        let mut rest = section;
        if rest.is_empty() {
            parts.push(VersionPart::OtherWord);
        }
        while let Some(first) = rest.chars().next() {
            let digits = first.is_ascii_digit();
            let end = rest
                .find(|c: char| c.is_ascii_digit() != digits)
                .unwrap_or(rest.len());
            let (part, tail) = rest.split_at(end);
            parts.push(if digits {
                VersionPart::number(part)
            } else {
                VersionPart::word(part)
            });
            rest = tail;
        }
    }
    parts
}

/// A text that is not the number of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a release looks like 5.81.2")]
pub struct NotARelease;

impl FromStr for Version {
    type Err = NotARelease;

    fn from_str(text: &str) -> Result<Self, NotARelease> {
        Self::parse(text).ok_or(NotARelease)
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let length = self.parts.len().max(other.parts.len());
        let padded = |v: &Self| {
            let parts = v.parts.clone().into_iter();
            parts
                .chain(std::iter::repeat(VersionPart::End))
                .take(length)
        };
        padded(self).cmp(padded(other))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// Whether CiviCRM 4.1 to 6.15 accepts this as the format of a database's version: two or
/// three numbers of one or two digits, each with a dot, then such a number or `alpha` or
/// `beta` with one, then perhaps `.upgrade`. Nothing around it but one final newline.
pub fn is_valid_format(text: &str) -> bool {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix(".upgrade").unwrap_or(text);
    let Some((numbers, last)) = text.rsplit_once('.') else {
        return false;
    };
    let last = last
        .strip_prefix("alpha")
        .or_else(|| last.strip_prefix("beta"))
        .unwrap_or(last);
    let is_number = |s: &str| (1..=2).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit());
    matches!(numbers.split('.').count(), 2 | 3)
        && numbers.split('.').all(is_number)
        && is_number(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap_or_else(|| panic!("{text} is a version"))
    }

    #[test]
    fn ordered_as_php_orders_them() {
        let ascending = [
            "2.2.alph",
            "2.2.beta1",
            "2.2.9",
            "4.4.alpha1.upgrade",
            "4.4.alpha1",
            "4.4.beta1",
            "4.4.beta12",
            "4.4.rc1",
            "4.4",
            "4.4.0.upgrade",
            "4.4.0",
            "4.4.3.1",
            "4.4.10",
            "4.6.38",
            "4.7.alpha1",
            "4.7.0",
            "5.9.0",
            "5.51.alpha1",
            "5.51",
            "5.51.0",
            "5.100.0",
            "6.0",
        ];
        for (i, low) in ascending.iter().enumerate() {
            assert_eq!(version(low), version(low));
            for high in &ascending[i + 1..] {
                assert!(version(low) < version(high), "{low} < {high}");
                assert!(version(high) > version(low), "{high} > {low}");
            }
        }
    }

    #[test]
    fn words_ranked_as_php_ranks_them() {
        for pair in ["x", "dev", "alpha", "beta", "rc"].windows(2) {
            let [low, high] = pair else { unreachable!() };
            assert!(version(&format!("5.1.{low}1")) < version(&format!("5.1.{high}1")));
        }
        assert!(version("5.1.rc1") < version("5.1"));
        assert!(version("5.1.0") < version("5.1.pl1"));
        assert_eq!(version("4.3.9rc1"), version("4.3.9-RC1"));
        assert_eq!(version("4.4.foo"), version("4.4.upgrade"));
        assert!(version("4.4.") < version("4.4"));
    }

    #[test]
    fn format_accepted_exactly_where_civicrm_accepts_it() {
        for good in [
            "2.2.9",
            "4.4.0",
            "5.47.alpha1",
            "4.4.beta12",
            "4.3.1.2",
            "5.47.alpha1.upgrade",
            "4.4.0.upgrade",
            "4.4.0\n",
        ] {
            assert!(is_valid_format(good), "{good:?}");
        }
        for bad in [
            "",
            "0",
            "2.2",
            "4.4",
            "5.82",
            "rc",
            "dev",
            "4.3.9rc1",
            "2.2.alpha",
            "2.2.alph",
            "4.4.ALPHA1",
            " 4.4.0",
            "4.4.0 ",
            "4.4.0\t",
            "4.4.0\n\n",
            "5.100.0",
            "4.4.0.UPGRADE",
            "1.2.3.4.5",
            "4..0",
            "4.4.",
            "4.4.rc1",
            "upgrade",
            "4.4.upgrade",
            "4.alpha1.0",
            "4.4.alphabeta1",
            "4.4.٣",
        ] {
            assert!(!is_valid_format(bad), "{bad:?}");
        }
    }

    #[test]
    fn marker_recognised_and_taken_off() {
        for (text, step) in [
            ("4.4.0.upgrade", "4.4.0"),
            ("5.47.alpha1.upgrade", "5.47.alpha1"),
            ("4.4.0.UPGRADE", "4.4.0"),
            ("4.4.0upgrade", "4.4.0"),
        ] {
            assert!(version(text).is_upgrade_marker());
            assert_eq!(version(text).without_marker().as_str(), step);
        }
        assert!(!version("4.4.0").is_upgrade_marker());
        assert_eq!(version("4.4.0").without_marker().as_str(), "4.4.0");
    }

    #[test]
    fn parsed_leniently_but_never_without_a_leading_number() {
        assert_eq!(version(" 5.81.2 ").as_str(), "5.81.2");
        assert_eq!(version("5.81.2").major_minor(), (5, 81));
        assert_eq!(version("4.4.alpha1").major_minor(), (4, 4));
        assert_eq!(version("4").major_minor(), (4, 0));
        assert_eq!(
            version("99999999999999999999.1").major_minor(),
            (u32::MAX, 1)
        );
        for nothing in ["", " ", "rc", "upgrade", ".4.4", "v4.4", "é", "-1"] {
            assert!(Version::parse(nothing).is_none(), "{nothing:?}");
        }
    }

    #[test]
    fn odd_bytes_compare_without_trouble() {
        let odd = ["4.é.1", "4.4.\u{0}", "4...4", "4#", "4.4.", "4é4"];
        for a in odd {
            for b in odd {
                assert_eq!(
                    version(a).cmp(&version(b)),
                    version(b).cmp(&version(a)).reverse()
                );
            }
        }
    }
}
