//! The content management systems that CiviCRM runs in.

use serde::Serialize;

/// A content management system that CiviCRM runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// Drupal 6.
    Drupal6,
    /// Drupal 7.
    Drupal7,
    /// Drupal 8 and later.
    Drupal8,
    /// Backdrop.
    Backdrop,
    /// WordPress.
    WordPress,
    /// Joomla.
    Joomla,
    /// None: CiviCRM by itself, from 5.77 on.
    Standalone,
}

impl Platform {
    /// The name as sentences have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Drupal6 => "Drupal 6",
            Self::Drupal7 => "Drupal 7",
            Self::Drupal8 => "Drupal",
            Self::Backdrop => "Backdrop",
            Self::WordPress => "WordPress",
            Self::Joomla => "Joomla",
            Self::Standalone => "CiviCRM Standalone",
        }
    }

    /// The platform that CIVICRM_UF names, or that a class of CiviCRM such as `CRM_Utils_System_Drupal` is for; `None`
    /// where the name is of none of them.
    pub fn of_name(name: &str) -> Option<Self> {
        match name.trim_start_matches("CRM_Utils_System_") {
            "Drupal6" => Some(Self::Drupal6),
            "Drupal" => Some(Self::Drupal7),
            "Drupal8" => Some(Self::Drupal8),
            "Backdrop" => Some(Self::Backdrop),
            "WordPress" => Some(Self::WordPress),
            "Joomla" => Some(Self::Joomla),
            "Standalone" => Some(Self::Standalone),
            _ => None,
        }
    }

    /// What its extensions are called.
    pub fn extension(self) -> &'static str {
        match self {
            Self::WordPress => "plugin",
            Self::Joomla | Self::Standalone => "extension",
            _ => "module",
        }
    }

    /// Whether it is a Drupal, or Backdrop, which came from one.
    pub fn is_drupal(self) -> bool {
        matches!(
            self,
            Self::Drupal6 | Self::Drupal7 | Self::Drupal8 | Self::Backdrop
        )
    }
}
