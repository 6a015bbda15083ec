//! The processes of the fleet, as the parent sees them.

use std::process::Stdio;

use anyhow::Context as _;
use breaker_runtime::State;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::watch;

use crate::redis::Redis;
use crate::report::Report;
use crate::service::Service;

/// All processes. They end when this value is dropped.
pub(crate) struct Group(Vec<Process>);

struct Process {
    _child: Child,
    input: ChildStdin,
    /// The last report; `None` before the first.
    report: watch::Receiver<Option<Report>>,
}

impl Group {
    /// Starts this program `nodes` times, each as a process of the fleet.
    pub(crate) fn start(nodes: usize, redis: &Redis, service: &Service) -> anyhow::Result<Self> {
        let program = std::env::current_exe()?;
        let start = |number: usize| {
            let mut command = Command::new(&program);
            command.args(["--node", &number.to_string(), &redis.url(), &service.url()]);
            Process::start(command)
        };
        Ok(Self((1..=nodes).map(start).collect::<anyhow::Result<_>>()?))
    }

    /// Returns the last reports, in the order of the processes.
    pub(crate) fn reports(&self) -> Vec<Option<Report>> {
        self.0.iter().map(|process| *process.report.borrow()).collect()
    }

    /// Returns the number of processes whose circuit is in this state.
    pub(crate) fn count(&self, state: State) -> usize {
        self.reports().into_iter().flatten().filter(|report| report.state == state).count()
    }

    /// Returns `true` if every process knows all others.
    pub(crate) fn is_complete(&self) -> bool {
        let knows_all =
            |report: &Option<Report>| report.is_some_and(|report| report.processes as usize == self.0.len());
        self.reports().iter().all(knows_all)
    }

    /// Cuts the last process off from the service, or connects it again.
    pub(crate) async fn set_last_network(&mut self, network: Network) -> anyhow::Result<()> {
        let last = self.0.last_mut().context("there are processes")?;
        let line: &[u8] = match network {
            Network::Good => b"good network\n",
            Network::Bad => b"bad network\n",
        };
        last.input.write_all(line).await?;
        Ok(())
    }
}

/// The network between one process and the service.
#[derive(Clone, Copy)]
pub(crate) enum Network {
    Good,
    Bad,
}

impl Process {
    fn start(mut command: Command) -> anyhow::Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let input = child.stdin.take().context("the input is a pipe")?;
        let output = child.stdout.take().context("the output is a pipe")?;
        let (sender, report) = watch::channel(None);
        tokio::spawn(read(output, sender));
        Ok(Self { _child: child, input, report })
    }
}

/// Passes on the reports of a process until it ends.
async fn read(output: ChildStdout, sender: watch::Sender<Option<Report>>) -> anyhow::Result<()> {
    let mut lines = BufReader::new(output).lines();
    while let Some(line) = lines.next_line().await? {
        sender.send_replace(Some(line.parse()?));
    }
    Ok(())
}
