//! The example `fleet-node`, a fleet of real processes: what it says about itself is right, and no process remains when
//! its first one ends in any way.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test panics if something is missing")]

use std::fs;
use std::io::{BufRead as _, BufReader, Lines};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use breaker_tests::{programs, waiting};

/// Only one fleet runs at a time, because its times are judged.
static TURN: Mutex<()> = Mutex::new(());

/// What the example says about the outage, the trial calls, the recovery, the bad process and its recovery.
const JUDGEMENTS: usize = 5;

/// The example, started as a user starts it, with a temporary folder of its own, by which its processes are found.
struct FleetNode {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    folder: PathBuf,
}

#[test]
fn a_fleet_of_8_processes_opens_tries_and_closes_together() {
    runs_well(8);
}

#[test]
fn a_fleet_of_32_processes_opens_tries_and_closes_together() {
    runs_well(32);
}

#[test]
fn no_process_remains_when_the_first_one_is_killed() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(mut fleet) = FleetNode::start(8) else { return };
    // The first line of the picture in which all processes are closed.
    fleet.lines.find(|line| line.as_ref().unwrap().contains("CCCCCCCC")).unwrap().unwrap();
    // The eight processes, the server, and the first process.
    assert!(fleet.processes().len() >= 10, "{:?}", fleet.processes());
    fleet.process.kill().unwrap();
    fleet.process.wait().unwrap();
    fleet.wait_for_the_last_process();
}

fn runs_well(nodes: usize) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(mut fleet) = FleetNode::start(nodes) else { return };
    let story: Vec<String> = fleet.lines.by_ref().map(Result::unwrap).collect();
    let status = fleet.process.wait().unwrap();
    let story_text = story.join("\n");
    assert!(status.success(), "{status}:\n{story_text}");
    assert!(!story_text.contains("WRONG"), "{story_text}");
    assert_eq!(story.iter().filter(|line| line.contains("  ok: ")).count(), JUDGEMENTS, "{story_text}");
    fleet.wait_for_the_last_process();
}

impl FleetNode {
    /// Runs the command in README. Returns `None` if redis-server is missing. Cargo replaces itself with the example, so
    /// the child is the example.
    fn start(nodes: usize) -> Option<Self> {
        if !programs::is_installed("redis-server") {
            return None;
        }
        let folder = std::env::temp_dir().join(format!("fleet-processes-{}-{nodes}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let mut process = Command::new(env!("CARGO"))
            .args(["run", "--quiet", "--package", "breaker-examples", "--example", "fleet-node"])
            .args(["--", "--nodes", &nodes.to_string()])
            .env("TMPDIR", &folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Some(Self { process, lines, folder })
    }

    /// Returns the commands of all processes of this fleet that run: they name its folder, or work in it.
    fn processes(&self) -> Vec<String> {
        let folder = self.folder.to_str().unwrap();
        let entries = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
        // A process may end while it is read.
        let read = |process: PathBuf| {
            let text = |name: &str| {
                let bytes = fs::read(process.join(name)).unwrap_or_default();
                String::from_utf8_lossy(&bytes).replace('\0', " ")
            };
            let (command, works_in) = (text("cmdline"), fs::read_link(process.join("cwd")));
            let is_here = works_in.is_ok_and(|path| path.starts_with(folder))
                || command.contains(folder)
                || text("environ").contains(folder);
            (is_here && !command.is_empty()).then_some(command)
        };
        entries.filter_map(read).collect()
    }

    fn wait_for_the_last_process(&self) {
        waiting::until(
            "all processes end",
            || format!("{:#?}", self.processes()),
            || self.processes().is_empty(),
        );
    }
}

impl Drop for FleetNode {
    fn drop(&mut self) {
        // It may have ended.
        _ = self.process.kill();
        _ = self.process.wait();
        _ = fs::remove_dir_all(&self.folder);
    }
}
