//! The roles of the CMS, and what they may do in CiviCRM.

use std::collections::BTreeSet;

/// A role of the CMS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Role {
    /// Its number, or its name for machines.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The permissions of CiviCRM that it has, as the CMS writes them.
    pub permissions: BTreeSet<String>,
    /// Whether it is the role of visitors without an account.
    pub is_anonymous: bool,
    /// Whether it may do everything.
    pub may_all: bool,
}

impl Role {
    /// Whether the role has a permission of CiviCRM, by the name that CiviCRM gives it.
    pub fn may(&self, permission: &str) -> bool {
        self.may_all
            || self.permissions.contains(permission)
            || self.permissions.contains(&key(permission))
    }
}

/// A permission as WordPress and Joomla write it: in small letters, with `_` for everything but letters and digits.
pub(super) fn key(permission: &str) -> String {
    let mut key = String::new();
    for letter in permission.chars() {
        match letter.is_ascii_alphanumeric() {
            true => key.push(letter.to_ascii_lowercase()),
            false if key.ends_with('_') => {}
            false => key.push('_'),
        }
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permission_is_found_in_the_form_of_every_cms() {
        for written in [
            "access CiviMail subscribe/unsubscribe pages",
            "access_civimail_subscribe_unsubscribe_pages",
        ] {
            let role = Role {
                permissions: [written.to_owned()].into(),
                ..Role::default()
            };
            assert!(role.may("access CiviMail subscribe/unsubscribe pages"));
            assert!(!role.may("access CiviMail"));
        }
    }
}
