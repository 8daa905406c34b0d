//! One page with all of it: for people who look at a report in a browser, and who get it by mail.

mod charts;
mod finding;
mod index;
mod page;
mod runbook;
mod section;

pub use page::Html;
