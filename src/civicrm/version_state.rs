//! What a value of `civicrm_domain.version` means to CiviCRM, and which value should be set.

use super::catalogue::{Catalogue, State};
use super::release::{Version, is_valid_format};
use super::site::Site;

/// The meaning of a stored version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionState {
    /// The value is a release.
    Release,
    /// The value is an alpha or beta: a test release, or a step of the upgrader, which names its steps so.
    Step,
    /// The value is NULL, empty or `0`, or the row does not exist.
    Missing,
    /// The upgrader began a step and did not finish it.
    PartialUpgrade,
    /// CiviCRM refuses the form of the value, for this reason.
    Invalid(Fault),
    /// The form is right, but CiviCRM never had such a release.
    NoSuchRelease,
    /// The value is newer than all releases in the catalogue.
    TooNew,
}

/// What is wrong with the form of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// White space before or after the value. SQL's `=` ignores it at the end, PHP does not.
    WhiteSpace,
    /// A short form that the upgraders of 2.2 to 4.6 read as this version.
    OldShortForm(&'static str),
    /// The version has two parts instead of three.
    TwoParts,
    /// The version has a part of three or more digits.
    LongPart,
    /// The version has letters other than lower-case `alpha` and `beta` with a number after them.
    Word,
    /// The form is wrong in another way.
    Other,
}

/// The message that CiviCRM prints for a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CivicrmMessage {
    /// The beginning of the message.
    pub text: &'static str,
    /// The releases whose upgrader prints the message.
    pub releases: &'static str,
}

/// Values that the upgraders of 2.2 to 4.6 read as other versions. `3.1.0` is not among them: it is the value
/// in databases of 3.1.1, which has the same schema.
const SHORT_FORMS: [(&str, &str); 3] = [
    ("2.1", "2.1.0"),
    ("2.2", "2.2.alpha1"),
    ("2.2.alph", "2.2.alpha3"),
];

/// Marks that the upgrade wizards of 2.1 and 2.2 left between their pages.
const WIZARD_MARKS: [&str; 6] = ["2.01", "2.02", "2.03", "2.1.101", "2.1.102", "2.1.103"];

impl VersionState {
    /// The meaning of a stored value; `None` is NULL or no row. The order of the tests is CiviCRM's.
    pub fn of(value: Option<&str>, catalogue: &Catalogue) -> Self {
        // PHP treats `0` as an empty value.
        let value = match value {
            None | Some("" | "0") => return Self::Missing,
            Some(value) => value,
        };
        // CiviCRM does not see the word where the value begins with it.
        let marker = value.to_ascii_lowercase().find("upgrade");
        if marker.is_some_and(|position| position > 0) || WIZARD_MARKS.contains(&value) {
            return Self::PartialUpgrade;
        }
        // CiviCRM accepts one newline at the end, and then does not recognise the release.
        if !is_valid_format(value) || value.ends_with('\n') {
            return Self::Invalid(Fault::of(value));
        }
        match Version::parse(value) {
            Some(version) if catalogue.state_for(&version).is_some() => {
                match value.split('.').count() {
                    3 if is_numeric(value) => Self::Release,
                    4 if is_numeric(value) => Self::NoSuchRelease,
                    _ => Self::Step,
                }
            }
            Some(version) if is_newer_than_all(&version, catalogue) => Self::TooNew,
            _ => Self::NoSuchRelease,
        }
    }

    /// The name of the state in JSON.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Step => "step",
            Self::Missing => "missing",
            Self::PartialUpgrade => "partial-upgrade",
            Self::Invalid(_) => "invalid",
            Self::NoSuchRelease => "unknown",
            Self::TooNew => "too-new",
        }
    }

    /// The message that CiviCRM prints when it is asked to upgrade such a database.
    pub fn civicrm_says(&self) -> Option<CivicrmMessage> {
        let (text, releases) = match self {
            Self::Release | Self::Step => return None,
            Self::Missing => ("Version information missing in civicrm database", "2.2 on"),
            Self::PartialUpgrade => (
                "Database check failed - the database looks to have been partially upgraded",
                "3.1 on",
            ),
            Self::Invalid(Fault::OldShortForm(_)) => {
                ("Database is marked with invalid version format", "4.7 on")
            }
            Self::Invalid(_) => ("Database is marked with invalid version format", "3.1 on"),
            Self::NoSuchRelease | Self::TooNew => (
                "Your database is marked with an unexpected version number",
                "2.2 on, where the code is older than that",
            ),
        };
        Some(CivicrmMessage { text, releases })
    }

    /// One sentence on a value: what it is and why that matters.
    pub fn explain(&self, value: Option<&str>) -> String {
        let text = match (self, value) {
            (Self::Release, value) => release_note(value.unwrap_or_default()),
            (Self::Step, _) => {
                "an alpha or beta: a test release, or a step after which an upgrade stopped; the \
                 upgrader resumes there"
            }
            (Self::Missing, Some("")) => "empty, so the upgrader does not know where to begin",
            (Self::Missing, Some(_)) => {
                "PHP takes 0 for nothing, so the upgrader does not know where to begin"
            }
            (Self::Missing, None) => {
                "there is no value, so the upgrader does not know where to begin"
            }
            (Self::PartialUpgrade, _) => {
                "the upgrader began this step and did not finish it, so the schema may be anything \
                 between two releases"
            }
            (Self::Invalid(fault), _) => return fault.explain(),
            (Self::NoSuchRelease, _) => "the form is right, but there is no such release",
            (Self::TooNew, _) => "newer than every release that this program knows",
        };
        text.to_owned()
    }
}

impl Fault {
    fn of(value: &str) -> Self {
        if value.trim() != value {
            return Self::WhiteSpace;
        }
        if let Some((_, meant)) = SHORT_FORMS.iter().find(|(short, _)| *short == value) {
            return Self::OldShortForm(meant);
        }
        let starts_with_digit = value.starts_with(|c: char| c.is_ascii_digit());
        let has_word = value.contains(|c: char| c.is_ascii_alphabetic());
        match value.split('.').count() {
            2 if is_numeric(value) => Self::TwoParts,
            3 | 4 if is_numeric(value) => Self::LongPart,
            _ if starts_with_digit && has_word => Self::Word,
            _ => Self::Other,
        }
    }

    fn explain(&self) -> String {
        let text = match self {
            Self::WhiteSpace => {
                "there is white space around it, which a comparison in SQL overlooks at the end \
                 and the upgrader does not"
            }
            Self::OldShortForm(meant) => {
                return format!(
                    "a short form: the upgraders of 2.2 to 4.6 read it as {meant} and run all \
                     steps after that, later ones refuse it"
                );
            }
            Self::TwoParts => "the upgrader wants three parts, such as 4.4.0",
            Self::LongPart => "the upgrader takes at most two digits in each part",
            Self::Word => {
                "of words the upgrader takes only alpha and beta, in lower case and with a number \
                 after them"
            }
            Self::Other => "not of the form that the upgrader takes, such as 4.4.0",
        };
        text.to_owned()
    }
}

/// A note on releases that are special in some way.
fn release_note(value: &str) -> &'static str {
    let minor = Version::parse(value).map(|version| version.major_minor());
    match (value, minor) {
        ("3.1.0", _) => {
            "a release; 3.1.1 wrote the same, so the upgraders of 3.1 to 4.6 read it as 3.1.1"
        }
        (_, Some((4, 0))) => {
            "a release; the same schema as 3.4, and the upgraders of 4.0 to 4.7 read it so"
        }
        (_, Some((3, 4))) => {
            "a release; the same schema as 4.0, but the upgraders of 4.7 and 5.0 take 4.0.8 and \
             not 3.4.8, so 4.0.8 has to stand there for them"
        }
        _ => "a release",
    }
}

/// Whether the text consists of numbers and dots only, with a number before and after each dot.
fn is_numeric(value: &str) -> bool {
    value
        .split('.')
        .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

fn is_newer_than_all(version: &Version, catalogue: &Catalogue) -> bool {
    let newest = catalogue.states().last();
    newest
        .and_then(|state| Version::parse(&state.name))
        .is_some_and(|newest| version.major_minor() > newest.major_minor())
}

/// The release that a schema was found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetectedRelease {
    /// The name of the release.
    pub release: String,
    /// The name of the state in the catalogue that fits best.
    pub state: String,
    /// The names of other states that fit as well.
    pub also: Vec<String>,
}

impl DetectedRelease {
    /// Whether the state of this name is among those that fit.
    fn is(&self, state: &str) -> bool {
        self.state == state || self.also.iter().any(|also| also == state)
    }
}

/// How many domains are asked what the version of another one should be: a hostile dump may have a hundred thousand, for each of
/// which all would be asked.
const MAX_OTHERS: usize = 50;

/// Finds the value that should stand in `civicrm_domain.version`.
#[derive(Clone, Copy, Debug)]
pub struct Proposer<'a> {
    /// The catalogue of releases.
    pub catalogue: &'a Catalogue,
    /// The site whose value is to be set.
    pub site: &'a Site,
    /// The release that its schema was found to be; `None` where that is not known.
    pub detected: Option<&'a DetectedRelease>,
}

impl Proposer<'_> {
    /// The release to set in place of a value; `None` when nothing shows which.
    ///
    /// A release that the value itself, the upgrader's log or another domain names is right if the schema
    /// agrees, because it is more exact than the schema: several point releases share one. Otherwise it is the
    /// last point release of the oldest state that the schema fits. The schema always has the last word.
    ///
    /// Nothing is proposed in place of an upgrade step: the upgrader resumes there.
    pub fn propose(&self, value: Option<&str>, state: &VersionState) -> Option<String> {
        if *state == VersionState::Step {
            return None;
        }
        if *state == VersionState::Release && value.is_some_and(|value| self.fits(value)) {
            return value.map(str::to_owned);
        }
        let in_value = value.and_then(release_in);
        let in_log = self.last_step().map(|(finished, _)| finished);
        // The value of an unfinished step names what the upgrader did not reach.
        let (first, second) = if *state == VersionState::PartialUpgrade {
            (in_log, in_value.filter(|_| self.detected.is_some()))
        } else {
            (in_value, in_log)
        };
        let others = self.site.domains.iter().flatten().take(MAX_OTHERS);
        first
            .into_iter()
            .chain(second)
            .chain(others.filter_map(|domain| domain.version.as_deref()))
            .find(|candidate| self.fits(candidate))
            .map(str::to_owned)
            .or_else(|| self.oldest_that_fits().map(release_to_set))
    }

    /// The oldest of the states that cannot be told apart: from there the upgrader runs a few steps again,
    /// while from a later one it would leave steps out. The exception is 4.0, which comes before its twin 3.4,
    /// because CiviCRM 4.7 to 5.0 refuse 3.4.
    fn oldest_that_fits(&self) -> Option<&State> {
        let detected = self.detected?;
        let mut states = self.catalogue.states().iter();
        states
            .find(|state| detected.is(&state.name) && !(state.name == "3.4" && detected.is("4.0")))
    }

    /// The last finished step that the upgrader recorded, and the step after that which it began and did not
    /// finish, if any.
    pub fn last_step(&self) -> Option<(&str, Option<&str>)> {
        let step = self.site.upgrade_steps.last()?.strip_prefix("upgrade:")?;
        let (old, new) = step.split_once("->")?;
        Some(if new.ends_with(".upgrade") {
            (old, Some(new))
        } else {
            (new, None)
        })
    }

    /// Whether the value is a release, and the schema does not contradict it.
    fn fits(&self, value: &str) -> bool {
        let state = || self.catalogue.state_for(&Version::parse(value)?);
        VersionState::of(Some(value), self.catalogue) == VersionState::Release
            && self
                .detected
                .is_none_or(|detected| state().is_some_and(|state| detected.is(&state.name)))
    }
}

/// The first three numbers of a value, such as `4.3.9` of ` 4.3.9rc1`; `None` for other values.
fn release_in(value: &str) -> Option<&str> {
    let value = value.trim();
    let mut parts = value.splitn(3, '.');
    let (major, minor, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let release = value.get(..major.len() + minor.len() + 2 + digits)?;
    is_numeric(release).then_some(release)
}

/// The last point release known to have a state's schema. Where none is known, the version that
/// the sources gave themselves there, or the first release of the minor.
fn release_to_set(state: &State) -> String {
    if let Some(release) = state.releases.last() {
        return release.clone();
    }
    if is_numeric(&state.read_at) && is_valid_format(&state.read_at) {
        return state.read_at.clone();
    }
    format!("{}.0", state.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::civicrm::site::Domain;

    fn catalogue() -> &'static Catalogue {
        Catalogue::embedded().expect("the embedded catalogue is readable")
    }

    fn site(steps: &[&str], versions: &[&str]) -> Site {
        let domain = |version: &&str| Domain {
            version: Some((*version).to_owned()),
            ..Domain::default()
        };
        Site {
            extensions: None,
            domains: Some(versions.iter().map(domain).collect()),
            custom_groups: Vec::new(),
            logging: None,
            triggers_by_hand: false,
            upgrade_steps: steps.iter().map(|step| (*step).to_owned()).collect(),
        }
    }

    fn detected(state: &str) -> DetectedRelease {
        DetectedRelease {
            release: state.to_owned(),
            state: state.to_owned(),
            also: Vec::new(),
        }
    }

    #[test]
    fn every_form_is_told_apart() {
        use Fault::{LongPart, OldShortForm, Other, TwoParts, WhiteSpace, Word};
        use VersionState::{
            Invalid, Missing, NoSuchRelease, PartialUpgrade, Release, Step, TooNew,
        };
        let catalogue = catalogue();
        for (value, expected) in [
            (None, Missing),
            (Some(""), Missing),
            (Some("0"), Missing),
            (Some("00"), Invalid(Other)),
            (Some(" "), Invalid(WhiteSpace)),
            (Some("4.4.0"), Release),
            (Some("3.1.0"), Release),
            (Some("5.81.2"), Release),
            (Some("4.4.alpha1"), Step),
            (Some("4.4.beta12"), Step),
            (Some("4.4.0.upgrade"), PartialUpgrade),
            (Some("5.47.alpha1.UPGRADE"), PartialUpgrade),
            (Some(" upgrade"), PartialUpgrade),
            (Some("upgrade"), Invalid(Other)),
            (Some("2.1.102"), PartialUpgrade),
            (Some("2.03"), PartialUpgrade),
            (Some("4.4.0 "), Invalid(WhiteSpace)),
            (Some("\t4.4.0"), Invalid(WhiteSpace)),
            (Some("4.4.0\n"), Invalid(WhiteSpace)),
            (Some("2.1"), Invalid(OldShortForm("2.1.0"))),
            (Some("2.2"), Invalid(OldShortForm("2.2.alpha1"))),
            (Some("2.2.alph"), Invalid(OldShortForm("2.2.alpha3"))),
            (Some("4.4"), Invalid(TwoParts)),
            (Some("5.100.0"), Invalid(LongPart)),
            (Some("4.3.9rc1"), Invalid(Word)),
            (Some("4.4.ALPHA1"), Invalid(Word)),
            (Some("4.4.alpha"), Invalid(Word)),
            (Some("5.82.dev"), Invalid(Word)),
            (Some("dev"), Invalid(Other)),
            (Some("4..0"), Invalid(Other)),
            (Some("4.8.0"), NoSuchRelease),
            (Some("5.90.0"), NoSuchRelease),
            (Some("1.9.0"), NoSuchRelease),
            (Some("4.3.1.2"), NoSuchRelease),
            (Some("6.16.0"), TooNew),
            (Some("99.0.alpha1"), TooNew),
        ] {
            let state = VersionState::of(value, catalogue);
            assert_eq!(state, expected, "{value:?}");
            assert!(!state.explain(value).is_empty());
        }
    }

    #[test]
    fn the_schema_decides_and_the_other_traces_make_it_exact() {
        let catalogue = catalogue();
        let finished = site(
            &["upgrade:5.75.2->5.81.alpha1", "upgrade:5.81.alpha1->5.81.2"],
            &[],
        );
        let stopped = site(&["upgrade:5.46.3->5.47.alpha1.upgrade"], &[]);
        let two = site(&[], &["", "4.4.5"]);
        let bare = site(&[], &[]);
        for (value, site, schema, expected) in [
            (Some("5.81.2"), &bare, Some("5.81"), Some("5.81.2")),
            (Some("5.81.2"), &bare, None, Some("5.81.2")),
            // Wrong for this schema: the schema wins.
            (Some("2.2.9"), &bare, Some("4.2"), Some("4.2.16")),
            (Some("4.4.5 "), &bare, Some("4.4.5"), Some("4.4.5")),
            (Some("4.4.5 "), &bare, None, Some("4.4.5")),
            (Some("4.3.9rc1"), &bare, Some("4.3"), Some("4.3.9")),
            (Some("4.4"), &bare, None, None),
            (Some("4.4.alpha1"), &bare, Some("4.4.0"), None),
            (Some("4.2"), &bare, Some("4.2"), Some("4.2.16")),
            (Some("2.2.alph"), &bare, Some("2.2"), Some("2.2.9")),
            (None, &bare, Some("2.1"), Some("2.1.0")),
            (None, &bare, Some("6.14"), Some("6.14.0")),
            (None, &bare, None, None),
            (None, &finished, None, Some("5.81.2")),
            (None, &finished, Some("5.81"), Some("5.81.2")),
            (None, &finished, Some("5.80"), Some("5.80.1")),
            (Some(""), &two, None, Some("4.4.5")),
            // The step of the value was not reached.
            (Some("5.47.alpha1.upgrade"), &stopped, None, Some("5.46.3")),
            (
                Some("5.47.alpha1.upgrade"),
                &stopped,
                Some("5.46"),
                Some("5.46.3"),
            ),
            (Some("5.47.0.upgrade"), &bare, None, None),
            (Some("4.4.5.upgrade"), &bare, Some("4.4.5"), Some("4.4.5")),
            (Some("4.4.5.upgrade"), &bare, Some("4.3"), Some("4.3.11")),
        ] {
            let schema = schema.map(detected);
            let proposer = Proposer {
                catalogue,
                site,
                detected: schema.as_ref(),
            };
            let state = VersionState::of(value, catalogue);
            assert_eq!(
                proposer.propose(value, &state).as_deref(),
                expected,
                "{value:?} with schema {schema:?}"
            );
        }
    }

    #[test]
    fn every_state_has_a_last_release_that_civicrm_accepts() {
        for state in catalogue().states() {
            let release = release_to_set(state);
            assert!(
                is_valid_format(&release) && is_numeric(&release),
                "{release}"
            );
        }
    }
}
