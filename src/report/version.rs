//! The versions of a site's domains.

use std::io::{self, Write};

use anstyle::Style;
use serde_json::{Value, json};

use super::VersionSummary;
use crate::civicrm::version_state::VersionState;
use crate::text::printable;

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

/// The list of domains under the key `version`.
pub(super) fn json(summary: &VersionSummary) -> Value {
    let domains = summary.domains.iter().map(|domain| {
        let value = domain.value.as_deref();
        json!({
            "id": domain.id,
            "value": value,
            "state": domain.state.as_str(),
            "message": domain.state.explain(value),
            "civicrm_says": domain.state.civicrm_says().map(|said| said.text),
            "civicrm_says_since": domain.state.civicrm_says().map(|said| said.releases),
            "proposed": domain.proposed,
        })
    });
    domains.collect()
}
