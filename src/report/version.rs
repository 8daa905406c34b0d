//! What the versions of a site's domains say.

use std::io::{self, Write};

use anstyle::Style;
#[cfg(test)]
#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;

use crate::checks::version::DomainVersion;
use crate::civicrm::version_state::{DetectedRelease, VersionState};
use crate::text::printable;

/// What the versions of all domains say.
#[derive(Clone, Debug)]
pub struct VersionSummary {
    /// One for each row of `civicrm_domain`, or one for the row that is missing.
    pub domains: Vec<DomainVersion>,
    /// What the schema is, where that is known.
    pub detected: Option<DetectedRelease>,
}

/// One block for each domain.
pub(super) fn write(summary: &VersionSummary, out: &mut dyn Write) -> io::Result<()> {
    let bold = Style::new().bold();
    for domain in &summary.domains {
        match domain.id {
            Some(id) => writeln!(out, "\n{bold}domain {id}{bold:#}")?,
            None => writeln!(out, "\n{bold}domain{bold:#}")?,
        }
        let mut line = |name: &str, text: &str| writeln!(out, "  {name:<8} {}", printable(text));
        line("stored", &domain.quoted())?;
        line("is", &domain.state.explain(domain.value.as_deref()))?;
        if let Some(said) = domain.state.civicrm_says() {
            line("CiviCRM", &format!("\"{}\" ({})", said.text, said.releases))?;
        }
        if let Some(detected) = &summary.detected {
            let mut text = detected.release.clone();
            if !detected.also.is_empty() {
                text.push_str(&format!(", or as well {}", detected.also.join(", ")));
            }
            line("schema", &text)?;
        }
        let to_set = match &domain.proposed {
            Some(release) if Some(release) == domain.value.as_ref() => "nothing".to_owned(),
            Some(release) => format!("'{release}'"),
            None if domain.state == VersionState::Step => "nothing".to_owned(),
            None => "cannot be told".to_owned(),
        };
        line("to set", &to_set)?;
    }
    Ok(())
}

/// The version of one domain, as the JSON report has it.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Domain<'a> {
    id: Option<u64>,
    value: Option<&'a str>,
    state: &'static str,
    message: String,
    civicrm_says: Option<&'static str>,
    civicrm_says_since: Option<&'static str>,
    proposed: Option<&'a str>,
}

/// The list of domains under the key `version`.
pub(super) fn domains(summary: &VersionSummary) -> Vec<Domain<'_>> {
    let domains = summary.domains.iter().map(|domain| {
        let value = domain.value.as_deref();
        Domain {
            id: domain.id,
            value,
            state: domain.state.as_str(),
            message: domain.state.explain(value),
            civicrm_says: domain.state.civicrm_says().map(|said| said.text),
            civicrm_says_since: domain.state.civicrm_says().map(|said| said.releases),
            proposed: domain.proposed.as_deref(),
        }
    });
    domains.collect()
}
