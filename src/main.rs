//! The `cividb` command; see the library for what it does.

use std::alloc::{GlobalAlloc, Layout};
use std::io::Write;
use std::process::ExitCode;

use cividb::exit::Exit;

// Where the memory comes from. Packages are linked with musl, whose own allocator is slow and made for one thread.
#[cfg(target_env = "musl")]
use mimalloc::MiMalloc as Inner;
#[cfg(not(target_env = "musl"))]
use std::alloc::System as Inner;

/// The inner allocator, but where there is no memory the program says so and ends with exit code 2. What the
/// standard library does then is to abort, which nothing safe can change: and the library that reads the packets of servers
/// asks for as much memory as a server says that it will need.
struct Allocator;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

// SAFETY: all is done by the inner allocator, and nothing is returned where it has nothing.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller promises the same.
        there(unsafe { Inner.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller promises the same.
        there(unsafe { Inner.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promises the same.
        there(unsafe { Inner.realloc(memory, layout, size) }, size)
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller promises the same.
        unsafe { Inner.dealloc(memory, layout) }
    }
}

/// The memory, if there is some.
#[inline]
fn there(memory: *mut u8, size: usize) -> *mut u8 {
    if memory.is_null() {
        out_of_memory(size);
    }
    memory
}

#[cold]
fn out_of_memory(size: usize) -> ! {
    // This takes no memory.
    let _ = writeln!(
        std::io::stderr(),
        "cividb: out of memory: {size} bytes more were asked for"
    );
    std::process::exit(Exit::Failure as i32)
}

fn main() -> ExitCode {
    cividb::cli::run().into()
}
