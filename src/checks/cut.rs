//! Whether a dump is cut, for commands that do not look at dumps otherwise.

use super::{Examination, Findings, Group, Severity, registry, wholeness};

/// Adds the findings that say that a dump is cut or damaged, so that its structure may be
/// incomplete as well.
pub fn cut(examined: &Examination, findings: &mut Findings) {
    let mut found = Findings::default();
    for check in wholeness::CUT {
        registry::run(check, &[Group::Dump], examined, &mut found);
    }
    found
        .list
        .retain(|finding| finding.severity == Severity::Error);
    findings.list.append(&mut found.list);
}
