//! Tests of the whole: one program, one file for each subject.

mod accounts;
mod cli;
mod common;
mod cuts;
mod diff;
mod dumps;
mod facts;
mod grants;
mod live;
mod mutations;
mod odd_objects;
mod orphans;
mod producers;
mod proxy;
mod readme;
mod rebuild;
mod reference;
mod repair;
mod repair_orphans;
mod requirements;
mod sandbox;
mod secrets;
mod server;
mod servers;
#[path = "../../src/skip.rs"]
mod skip;
mod strangers;
mod threads;
mod tls;
mod version;
mod version_fix;
