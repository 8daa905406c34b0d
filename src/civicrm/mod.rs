//! Knowledge of CiviCRM: its releases, the schema of each, and the names that it gives to objects.

pub mod age;
pub mod catalogue;
pub mod classify;
pub mod custom;
pub mod detect;
mod either_form;
pub mod extensions;
mod multilingual;
pub mod naming;
mod outline;
pub mod own_references;
pub mod owner;
pub mod privileges;
pub mod program_text;
pub mod programs;
pub mod reference;
pub mod reference_file;
pub mod release;
pub mod requirements;
mod rows_wanted;
pub mod site;
pub mod upgrade;
pub mod version_state;
