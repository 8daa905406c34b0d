//! What the tests' own servers are started with, besides what each private server has.

pub const USUAL: [&str; 3] = [
    // Else older servers give a TIMESTAMP more than its dump says.
    "--explicit-defaults-for-timestamp=ON",
    // Tests load what was exported.
    "--local-infile=1",
    // Nobody asks for plans that last, and to write them down is a quarter of MariaDB's work when tables are made.
    "--innodb-stats-persistent=OFF",
];
