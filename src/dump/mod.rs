//! Reads dumps: bytes become statements, and statements become facts.

pub mod container;
pub mod delimited;
pub mod header;
pub mod lent;
pub mod reader;
pub mod row_sink;
pub mod scanner;
pub mod session;
pub mod values;
pub mod workers;
