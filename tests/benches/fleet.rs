//! A fleet of processes on a real Redis server: the load of the server, and the time until all processes agree.
//!
//! `cargo bench -p breaker-benches --features integrations --bench fleet`
//!
//! A process is a registry with a connection and a background task of its own; all of them run in this program, and
//! share the cores of the machine with the server. So the times are those of a machine that does the work of all
//! processes at once.
//!
//! It takes about five minutes; `-- 200x50`, for example, measures only this number of processes and of circuit breakers
//! in each. `--write` measures all sizes, and writes the table of the performance page. It needs redis-server and
//! redis-cli. Figures are never checked.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench prints its results, and stops if something is missing"
)]

#[path = "fleet/figures.rs"]
mod figures;
mod pages;
#[path = "fleet/processes.rs"]
mod processes;
#[path = "../support/programs.rs"]
#[allow(dead_code, unreachable_pub, reason = "tests use the rest")]
mod programs;
#[path = "../support/redis_server.rs"]
#[allow(dead_code, unreachable_pub, clippy::missing_panics_doc, reason = "tests use the rest")]
mod redis_server;
#[path = "fleet/scenes.rs"]
mod scenes;
#[path = "fleet/server.rs"]
mod server;

use figures::{Figures, table};
use processes::Size;

const SIZES: [Size; 3] = [
    Size { processes: 200, breakers: 50 },
    Size { processes: 1000, breakers: 50 },
    Size { processes: 1000, breakers: 1000 },
];

/// Files that are open besides the two ends of the connection of each process, which belong to two programs.
const OTHER_FILES: usize = 200;

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let writes = args.iter().any(|arg| arg == "--write");
    let sizes: Vec<Size> = match args.first().filter(|_| !writes) {
        None => SIZES.to_vec(),
        Some(text) => {
            vec![Size::read(text).unwrap_or_else(|| panic!("write a size as 200x50, not {text:?}"))]
        }
    };
    assert!(redis_server::is_available(), "install redis-server and redis-cli: apt-get install redis-server");
    let needed = sizes.iter().map(|size| size.processes).max().unwrap_or_default() + OTHER_FILES;
    assert!(open_files() >= needed, "this bench opens {needed} files; run `ulimit -n {needed}` before it");
    let mut measured: Vec<Figures> = Vec::new();
    for size in sizes {
        let figures = scenes::measure(size).await;
        println!("{}", table(std::slice::from_ref(&figures)));
        measured.push(figures);
    }
    let text = format!("{}.\n\n{}", pages::conditions(), table(&measured));
    println!("{text}");
    if writes {
        pages::replace(pages::PERFORMANCE, "fleet", &text);
    }
}

/// Returns how many files this program may open.
fn open_files() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").expect("this is Linux");
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next()).expect("the system limits open files");
    soft.parse().unwrap_or(usize::MAX)
}
