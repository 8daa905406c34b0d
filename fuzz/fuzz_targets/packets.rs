//! What a server sends: packets, answers, facts, checks, the upgrade on paper, plans. None may make the program panic or hang.
#![no_main]

#[path = "../../tests/integration/packets.rs"]
mod packets;
#[path = "../../tests/integration/whole_way.rs"]
mod whole_way;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| packets::read(data));
