//! What keeps a repair from doing harm, looked at before anything is changed.

use crate::case::Case;
use crate::change::error::ChangeError;
use crate::change::refusal::Refusal;
use crate::civicrm::privileges::{RepairFacts, needed_for_repair};
use crate::civicrm::release::Version;
use crate::gate::{Meaning, Operation};
use crate::grants::judge;
use crate::repair::orphans::Remedy;
use crate::repair::plan::{Need, Plan, PlannedStep};
use crate::server_version::ServerVersion;
use crate::snapshot::Snapshot;

/// Refuses where the server must not be changed; returns warnings where a change goes further than
/// this one server. A snapshot of a dump is fine: nothing is changed there.
///
/// # Errors
/// The server is a replica, or takes no writes.
pub fn server(snapshot: &Snapshot) -> Result<Vec<&'static str>, ChangeError> {
    let Some(facts) = &snapshot.server else {
        return Ok(Vec::new());
    };
    if facts.is_replica == Some(true) {
        return Err(Refusal::Replica.into());
    }
    for name in ["read_only", "super_read_only"] {
        if facts.is_on(name) == Some(true) {
            return Err(ChangeError::ReadOnly(format!("{name} is on")));
        }
    }
    let mut warnings = Vec::new();
    if facts.is_galera() {
        warnings.push(
            "warning: in a Galera cluster every ALTER TABLE holds up all nodes while it runs",
        );
    }
    if facts.replicas > 0 {
        warnings.push(
            "warning: every statement goes to the replicas as well, and runs there after it ran here",
        );
    }
    Ok(warnings)
}

/// Refuses where the account may not do all of a plan, so that none of it is begun.
///
/// # Errors
/// Privileges are missing; the error says which statements grant them.
pub fn privileges(
    plan: &Plan,
    remedies: &[Remedy],
    snapshot: &Snapshot,
    version: &ServerVersion,
    database: &str,
) -> Result<(), ChangeError> {
    let facts = snapshot.server.as_ref();
    let Some((facts, granted)) = facts.and_then(|f| Some((f, f.grants.as_ref()?))) else {
        return Ok(());
    };
    let mut needs = plan.steps.iter().flat_map(|step| &step.needs);
    let what = RepairFacts {
        references: needs.any(|need| matches!(need, Need::References(_))),
        locks: plan.steps.iter().any(PlannedStep::needs_proof),
        updates: remedies.contains(&Remedy::SetNull),
        deletes: remedies.contains(&Remedy::Delete),
    };
    let needs = needed_for_repair(&what);
    let verdict = judge(needs, granted, database, &facts.rules(version));
    if verdict.is_enough() {
        return Ok(());
    }
    let account = facts.account.as_ref().map(ToString::to_string);
    let mut grants = Vec::new();
    for fix in verdict.fixes {
        let grant = Meaning::new(Operation::Grant, fix.names);
        grants.push(grant.pass(fix.statement)? + ";");
    }
    Err(ChangeError::Privileges {
        account: account.unwrap_or_default(),
        grants: grants.join(" "),
    })
}

/// Refuses to change rows that are not kept anywhere.
///
/// # Errors
/// Rows are to be changed, and there is no folder for what they were.
pub fn export(remedies: &[Remedy], has_folder: bool) -> Result<(), Refusal> {
    let changes_rows = remedies.iter().any(|remedy| *remedy != Remedy::Stop);
    match changes_rows && !has_folder {
        true => Err(Refusal::NoExport),
        false => Ok(()),
    }
}

/// Refuses an upgrade back to an older release.
///
/// # Errors
/// The release is older than the site's.
pub fn target(target: &Version, case: &Case) -> Result<(), Refusal> {
    let declared = case.declared_version();
    match declared.is_some_and(|declared| *target < declared.without_marker()) {
        true => Err(Refusal::OldTarget(target.to_string())),
        false => Ok(()),
    }
}
