//! An outage, a recovery and a bad node, and what each must look like.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::bail;
use breaker_runtime::State;
use tokio::time::sleep;

use crate::group::{Group, Network};
use crate::picture::{Picture, seconds};
use crate::redis::Redis;
use crate::service::Service;

/// The trial calls of one round, as the attribute in `node.rs` says.
const TRIAL_CALLS: u64 = 3;

/// The interval between two exchanges of a process with Redis.
const TICK: Duration = Duration::from_secs(1);

/// The interval at which the fleet is drawn, and the one at which it is read.
const FRAME: Duration = Duration::from_millis(250);
const LOOK: Duration = Duration::from_millis(5);

/// Maximum time to wait for a step of the story.
const PATIENCE: Duration = Duration::from_secs(30);

struct Story {
    group: Group,
    service: Service,
    picture: Picture,
    nodes: usize,
    /// The time at which the fleet was last drawn, and the calls of the service until then.
    drawn: Instant,
    drawn_calls: u64,
    is_right: bool,
}

/// Runs the story. The exit code is 1 if the fleet did anything wrong.
pub(crate) async fn run(nodes: usize) -> anyhow::Result<ExitCode> {
    let redis = Redis::start().await?;
    let service = Service::start().await?;
    let group = Group::start(nodes, &redis, &service)?;
    let picture = Picture::new();
    let mut story =
        Story { group, service, picture, nodes, drawn: Instant::now(), drawn_calls: 0, is_right: true };
    picture.welcome(nodes);
    story.join().await?;
    story.fail().await?;
    story.try_in_vain().await?;
    story.recover().await?;
    story.lose_one_node().await?;
    Ok(if story.is_right { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Story {
    async fn join(&mut self) -> anyhow::Result<()> {
        self.picture.announce("All processes join, and the service works");
        self.wait_for("all processes to join", |story| story.group.is_complete()).await?;
        self.watch(TICK).await;
        Ok(())
    }

    async fn fail(&mut self) -> anyhow::Result<()> {
        self.picture.announce("The service fails: the fleet opens together");
        self.service.fail();
        let nodes = self.nodes;
        let time =
            self.wait_for("all circuits to open", |story| story.group.count(State::Open) == nodes).await?;
        let limit = TICK + TICK / 2;
        self.judge(time <= limit, &format!("all circuits were open after {}", seconds(time)));
        Ok(())
    }

    async fn try_in_vain(&mut self) -> anyhow::Result<()> {
        self.picture.announce("It still fails: one process makes the trial calls");
        // Calls that had begun before their circuit opened.
        self.watch(FRAME).await;
        let before = self.service.calls();
        self.wait_for("a trial call", |story| story.service.calls() > before).await?;
        self.watch(TICK).await;
        let calls = self.service.calls() - before;
        self.judge(
            calls <= TRIAL_CALLS,
            &format!("{calls} trial calls of the whole fleet, at most {TRIAL_CALLS} are allowed"),
        );
        Ok(())
    }

    async fn recover(&mut self) -> anyhow::Result<()> {
        self.picture.announce("The service recovers: the fleet closes together");
        self.service.recover();
        self.wait_for("a circuit to close", |story| story.group.count(State::Closed) > 0).await?;
        let nodes = self.nodes;
        let time =
            self.wait_for("all circuits to close", |story| story.group.count(State::Closed) == nodes).await?;
        let text = format!("all circuits were closed {} after the first", seconds(time));
        self.judge(time <= 2 * TICK, &text);
        self.watch(TICK).await;
        Ok(())
    }

    async fn lose_one_node(&mut self) -> anyhow::Result<()> {
        self.picture.announce("One process loses its network: it opens for itself alone");
        self.group.set_last_network(Network::Bad).await?;
        self.wait_for("its circuit to open", |story| story.group.count(State::Open) == 1).await?;
        let mut most_open = 1;
        let start = Instant::now();
        while start.elapsed() < 2 * TICK {
            most_open = most_open.max(self.nodes - self.group.count(State::Closed));
            self.frame().await;
        }
        self.judge(most_open == 1, &format!("{most_open} of {} circuits were open", self.nodes));
        self.picture.announce("Its network is back");
        self.group.set_last_network(Network::Good).await?;
        let nodes = self.nodes;
        let time =
            self.wait_for("its circuit to close", |story| story.group.count(State::Closed) == nodes).await?;
        self.judge(true, &format!("it closed after {}", seconds(time)));
        Ok(())
    }

    fn judge(&mut self, is_right: bool, text: &str) {
        self.is_right &= is_right;
        self.picture.judge(is_right, text);
    }

    /// Waits until the fleet is as described, and draws it meanwhile. Returns the time that it took.
    async fn wait_for(
        &mut self,
        what: &str,
        mut is_reached: impl FnMut(&Self) -> bool,
    ) -> anyhow::Result<Duration> {
        let start = Instant::now();
        while !is_reached(self) {
            if start.elapsed() > PATIENCE {
                bail!("waited {PATIENCE:?} for {what}");
            }
            self.frame().await;
        }
        let time = start.elapsed();
        self.draw();
        Ok(time)
    }

    /// Draws the fleet for this time.
    async fn watch(&mut self, time: Duration) {
        let start = Instant::now();
        while start.elapsed() < time {
            self.frame().await;
        }
    }

    /// Waits a moment, and draws the fleet if it is time to.
    async fn frame(&mut self) {
        sleep(LOOK).await;
        if self.drawn.elapsed() >= FRAME {
            self.draw();
        }
    }

    fn draw(&mut self) {
        let calls = self.service.calls();
        self.picture.show(&self.group.reports(), calls - self.drawn_calls);
        (self.drawn, self.drawn_calls) = (Instant::now(), calls);
    }
}
