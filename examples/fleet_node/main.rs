//! A fleet of processes that share one circuit, and the service that all of them call.
//!
//! ```text
//! cargo run -p breaker-examples --example fleet-node                # 8 processes, about 20 seconds
//! cargo run -p breaker-examples --example fleet-node -- --nodes 32
//! ```
//!
//! It starts a Redis server, a service that counts its calls, and the processes, all on loopback, and ends them. It
//! needs `redis-server` (`apt-get install redis-server`).
//!
//! ```text
//! story.rs ──▶ group.rs ── starts ──▶ node.rs (8 to 32 processes) ── HTTP ──▶ service.rs
//!   scenes      processes             #[circuit_breaker(shared = ..)]         counts, fails on demand
//!                                          └── fleet::connect ──▶ redis.rs
//! ```
//!
//! Start with `node.rs`, which has the attribute.
//!
//! | file | contents |
//! |---|---|
//! | `node.rs` | one process of the fleet |
//! | `report.rs` | what a process prints about itself |
//! | `service.rs` | the service that all processes call |
//! | `redis.rs` | the Redis server of the example |
//! | `group.rs` | the processes, as the parent sees them |
//! | `picture.rs` | the picture of the fleet in the terminal |
//! | `story.rs` | an outage, a recovery and a bad node, and what each must look like |

mod report;
mod node;
mod service;
mod redis;
mod group;
mod picture;
mod story;

use std::process::ExitCode;

use crate::node::NodeOptions;

/// The number of processes without an argument.
const NODES: usize = 8;

/// The most processes that a computer runs for this example.
const MAX_NODES: usize = 32;

enum Role {
    Parent { nodes: usize },
    Node(NodeOptions),
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<_> = std::env::args_os().skip(1).map(|it| it.to_string_lossy().into_owned()).collect();
    match read_role(&arguments) {
        Some(Role::Parent { nodes }) => story::run(nodes).await,
        Some(Role::Node(options)) => node::run(options).await.map(|()| ExitCode::SUCCESS),
        None => {
            picture::reject_arguments(&arguments);
            Ok(ExitCode::from(2))
        }
    }
}

/// Reads the role from the arguments of the program. Returns `None` if they are unknown.
fn read_role(arguments: &[String]) -> Option<Role> {
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => Some(Role::Parent { nodes: NODES }),
        ["--nodes", count] => {
            let nodes = count.parse().ok().filter(|nodes| (2..=MAX_NODES).contains(nodes))?;
            Some(Role::Parent { nodes })
        }
        ["--node", number, redis, service] => Some(Role::Node(NodeOptions {
            number: number.parse().ok()?,
            redis: (*redis).to_owned(),
            service: (*service).to_owned(),
        })),
        _ => None,
    }
}
