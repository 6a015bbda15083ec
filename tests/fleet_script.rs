//! Compares the script that keeps the shared records of a fleet with its model, on a real Redis.
//!
//! The processes, the time and all reports are random, but the same in each run. Both sides receive the same requests,
//! data is lost and damaged on both, and every reply, message and record must be equal.
#![expect(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may fail")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use breaker_runtime::fleet::protocol::{
    ForceKind, InstanceId, Policy, Push, REQUEST_TIME, RecordState, Reply, Report, ReportKind, Request,
    SharedName, SharedRecord,
};
use breaker_tests::ledger::Ledger;
use breaker_tests::redis_server::{self, RedisServer};
use fastrand::Rng;
use redis::{Connection, Value};

#[path = "fleet_script/answer.rs"]
mod answer;

const COMMON: &str = include_str!("../breaker-runtime/src/fleet/redis/common.lua");
const SYNC: &str = include_str!("../breaker-runtime/src/fleet/redis/sync.lua");
const READ: &str = include_str!("../breaker-runtime/src/fleet/redis/read.lua");

const KEYS: [&str; 5] = ["cb1:{t}:meta", "cb1:{t}:c", "cb1:{t}:log", "cb1:{t}:m", "cb1:{t}:cfg"];
const CHANNEL: &str = "cb1:{t}:ch";
const LIMIT: usize = 5;
/// The number of processes, for which ten make a quorum.
const CROWD: u64 = 130;

const COMMANDS_AT_ONCE: usize = 200;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

#[test]
fn the_script_does_what_its_model_does() {
    if !redis_server::is_available() {
        return;
    }
    let server = RedisServer::start(&[]);
    let client = redis::Client::open(server.unix_url()).expect("valid URL");
    let mut reached = Reached::default();
    for seed in 0..10 {
        let mut connection = client.get_connection().expect("the server runs");
        let mut listener = client.get_connection().expect("the server runs");
        listener.set_read_timeout(Some(Duration::from_secs(10))).expect("valid time");
        Comparison::new(seed, &mut connection, &mut reached).run(&mut connection, &mut listener);
    }
    reached.check();
}

/// How often the interesting cases occurred. Without them, the comparison would prove little.
#[derive(Debug, Default)]
struct Reached {
    stale: u32,
    opened_by_ten: u32,
    leases: u32,
    failed_rounds: u32,
    dissents: u32,
    commands: u32,
    closed_by_operator: u32,
    conflicts: u32,
    unreadable: u32,
    lost: u32,
    partial_replies: u32,
    messages: u32,
    forgotten: u32,
}

impl Reached {
    fn count(&mut self, expected: &Expected) {
        let Expected::Reply(reply) = expected else {
            self.stale += u32::from(matches!(expected, Expected::Stale));
            return;
        };
        for (_, record) in &reply.records {
            self.opened_by_ten += u32::from(record.state == RecordState::Open && record.votes.len() >= 10);
            self.leases += u32::from(record.lease.is_some());
            self.failed_rounds += u32::from(record.rounds > 0);
            self.dissents += u32::from(!record.dissents.is_empty());
            self.commands += u32::from(record.command.is_some());
            self.closed_by_operator += u32::from(record.is_closed_by_operator());
        }
        self.conflicts += u32::from(!reply.conflicts.is_empty());
        self.unreadable += u32::from(!reply.unreadable.is_empty());
        self.lost += u32::from(!reply.lost.is_empty());
        self.partial_replies += u32::from(reply.has_more);
    }

    fn check(&self) {
        let counts = [
            self.stale,
            self.opened_by_ten,
            self.leases,
            self.failed_rounds,
            self.dissents,
            self.commands,
            self.closed_by_operator,
            self.conflicts,
            self.unreadable,
            self.lost,
            self.partial_replies,
            self.messages,
            self.forgotten,
        ];
        assert!(counts.iter().all(|count| *count >= 20), "{self:?}");
    }
}

/// Returns a script whose last argument is the time.
fn with_argument_as_time(script: &str) -> String {
    let script = format!("{COMMON}\n{script}");
    assert_eq!(script.matches("redis.call('TIME')").count(), 1, "the script reads the time once");
    script.replace("redis.call('TIME')", "{0, ARGV[#ARGV] * 1000}")
}

/// What the server must answer to one command.
enum Expected {
    Stale,
    Reply(Reply),
    Nothing,
}

struct Comparison<'a> {
    seed: u64,
    reached: &'a mut Reached,
    random: Rng,
    now: u64,
    ledger: Ledger,
    instances: Vec<InstanceId>,
    names: Vec<SharedName>,
    messages: Vec<Push>,
    sync: redis::Cmd,
    read: redis::Cmd,
}

impl<'a> Comparison<'a> {
    fn new(seed: u64, connection: &mut Connection, reached: &'a mut Reached) -> Self {
        let instances = (0..CROWD).map(|number| InstanceId::new("pod a,{\u{e4}}", number)).collect();
        let names = ["pay", "a b/{c}\n", "-", "\u{1f980}", "x", "y", "z", "orders"];
        let mut eval = |script| {
            let script = with_argument_as_time(script);
            let hash: String = redis::cmd("SCRIPT").arg("LOAD").arg(script).query(connection).expect("valid");
            let mut command = redis::cmd("EVALSHA");
            command.arg(hash).arg(KEYS.len()).arg(&KEYS);
            command
        };
        Self {
            seed,
            reached,
            random: Rng::with_seed(seed),
            now: 1_700_000_000_000,
            ledger: Ledger::new(LIMIT),
            instances,
            names: names.iter().map(|name| SharedName::new(name, (*name == "x").then_some("key"))).collect(),
            messages: Vec::new(),
            sync: eval(SYNC),
            read: eval(READ),
        }
    }

    fn run(&mut self, connection: &mut Connection, listener: &mut Connection) {
        redis::cmd("FLUSHALL").exec(connection).expect("the server runs");
        let mut listener = listener.as_pubsub();
        listener.subscribe(CHANNEL).expect("the server runs");
        for round in 0..15 {
            let mut pipeline = redis::pipe();
            let mut expected = Vec::new();
            while expected.len() < COMMANDS_AT_ONCE {
                if self.random.u32(..1_000) == 0 {
                    self.crowd(&mut pipeline, &mut expected);
                }
                expected.push(self.step(&mut pipeline));
            }
            pipeline.cmd("PUBLISH").arg(CHANNEL).arg("end");
            let answers: Vec<Value> = pipeline.query(connection).expect("no script fails");
            for (number, (expected, answer)) in expected.iter().zip(answers).enumerate() {
                let context = format!("seed {}, round {round}, command {number}", self.seed);
                compare(expected, &answer, &context);
                self.reached.count(expected);
            }
            self.reached.messages += u32::from(!self.messages.is_empty());
            let mut messages = Vec::new();
            loop {
                let text: String = listener.get_message().expect("a message").get_payload().expect("text");
                if text == "end" {
                    break;
                }
                messages.push(Push::read(&text).unwrap_or_else(|| panic!("a message: {text}")));
            }
            assert_eq!(messages, self.messages, "seed {}, messages of round {round}", self.seed);
            self.messages.clear();
            let texts: BTreeMap<String, String> =
                redis::cmd("HGETALL").arg(KEYS[1]).query(connection).expect("a hash");
            assert_eq!(texts, self.ledger.texts(), "seed {}, records of round {round}", self.seed);
        }
    }

    /// Adds a random command, performs it on the model, and returns what the server must answer.
    fn step(&mut self, pipeline: &mut redis::Pipeline) -> Expected {
        self.now = match self.random.u32(..100) {
            0 => self.now - 1_000,
            1 => self.now + DAY_MS + 5_000,
            2..6 => self.now + 6_000,
            6..60 => self.now + self.random.u64(..300),
            _ => self.now,
        };
        match self.random.u32(..1_000) {
            0..30 => self.fault(pipeline),
            30..80 => {
                let cursor = self.cursor();
                let mut command = self.read.clone();
                command.arg(cursor).arg(LIMIT).arg(self.now);
                pipeline.add_command(command);
                Expected::Reply(self.ledger.read(self.now, cursor))
            }
            _ => {
                let request = self.request();
                self.sync(&request, pipeline)
            }
        }
    }

    /// Performs an exchange on the model, and adds it for the server.
    fn sync(&mut self, request: &Request, pipeline: &mut redis::Pipeline) -> Expected {
        pipeline.add_command(self.sync_command(request));
        let before = self.ledger.len();
        let Ok(reply) = self.ledger.sync(self.now, request) else {
            return Expected::Stale;
        };
        self.reached.forgotten += u32::from(self.ledger.len() < before);
        self.messages.extend(self.ledger.take_message());
        Expected::Reply(reply)
    }

    /// Lets all processes join, and then vote on a closed circuit, or dissent about an open one.
    fn crowd(&mut self, pipeline: &mut redis::Pipeline, expected: &mut Vec<Expected>) {
        let name = self.name();
        let is_open = self.ledger.record(&name).is_some_and(|record| record.state == RecordState::Open);
        for has_report in [false, true] {
            for instance in self.instances.clone() {
                let epoch = self.ledger.record(&name).map_or(0, |record| record.epoch);
                let kind = if is_open {
                    ReportKind::Dissent { policy: Policy::Quorum }
                } else {
                    let (reason, settings) = (Arc::from("a"), Arc::from("one"));
                    ReportKind::Vote { open: Duration::MAX, policy: Policy::Quorum, reason, settings }
                };
                let report = Report { name: name.clone(), epoch, kind };
                let reports = if has_report { vec![report] } else { Vec::new() };
                let request = Request {
                    instance,
                    deadline: 0,
                    patience: REQUEST_TIME,
                    cursor: self.now,
                    is_leaving: false,
                    reports,
                };
                expected.push(self.sync(&request, pipeline));
            }
        }
    }

    fn sync_command(&self, request: &Request) -> redis::Cmd {
        let mut command = self.sync.clone();
        command.arg(encode(request.instance.as_str())).arg(request.deadline).arg(request.cursor);
        command.arg(CHANNEL).arg(LIMIT).arg(u8::from(request.is_leaving));
        for report in &request.reports {
            command.arg(&report.arguments());
        }
        command.arg(self.now);
        command
    }

    /// Loses or damages data.
    fn fault(&mut self, pipeline: &mut redis::Pipeline) -> Expected {
        let evicted = match self.random.u32(..22) {
            0 => {
                self.ledger.flush();
                pipeline.cmd("FLUSHALL");
                return Expected::Nothing;
            }
            1 => {
                self.ledger.evict_meta();
                0
            }
            2 => {
                self.ledger.evict_records();
                1
            }
            3 => {
                self.ledger.evict_log();
                2
            }
            4 => {
                self.ledger.evict_members();
                3
            }
            5 | 6 => {
                let instance = self.instances[self.random.usize(..self.instances.len())].clone();
                let beyond = self.random.u64(44_990..45_010);
                let time = [self.now + beyond, u64::MAX, 0][self.random.usize(..3)];
                let score = if time == u64::MAX { "inf".to_owned() } else { time.to_string() };
                pipeline.cmd("ZADD").arg(KEYS[3]).arg(score).arg(encode(instance.as_str()));
                self.ledger.forge_heartbeat(instance, time);
                return Expected::Nothing;
            }
            _ => {
                let (name, text) = (self.name(), self.damaged_record());
                pipeline.cmd("HSET").arg(KEYS[1]).arg(name.as_str()).arg(&text);
                self.ledger.overwrite(name, &text);
                return Expected::Nothing;
            }
        };
        pipeline.cmd("DEL").arg(KEYS[evicted]);
        Expected::Nothing
    }

    fn damaged_record(&mut self) -> String {
        let now = self.now;
        let texts = [
            String::new(),
            "junk".to_owned(),
            "1 c 0 0 0 0 0 - 0 - 0 - - - -".to_owned(),
            "1 c 0 0 0 0 0 - 0 - 0 - - - - - -".to_owned(),
            "1 c -1 0 0 0 0 - 0 - 0 - - - - -".to_owned(),
            "1 c 1e3 0 0 0 0 - 0 - 0 - - - - -".to_owned(),
            "1 x 0 0 0 0 0 - 0 - 0 - - - - -".to_owned(),
            "2 c 0 0 0 0 0 - 0 - 0 - - - - -".to_owned(),
            "1 c 0 0 0 0 0 - 0 sleep 0 - - - - -".to_owned(),
            "1 c 0 0 0 0 0 - 0 - 0 - - %zz - -".to_owned(),
            "1 o 0 0 0 0 0 - 0 - 0 - - %FF - -".to_owned(),
            "1 o 0 0 0 0 0 - 0 - 0 - - %C3%A4%ED%A0%80 - -".to_owned(),
            "1 o 0 0 0 0 0 - 0 - 0 - - a,b - -".to_owned(),
            "1 c 0 0 0 0 0 - 0 - 0 - - a\nb - -".to_owned(),
            "1 c 0 0 0 0 0 - 0 - 0 - - a\0b - -".to_owned(),
            format!("1 o {} 0 0 0 0 - 0 - 0 - - - - -", 1_u64 << 52),
            format!("1 o {} 0 0 0 0 - 0 - 0 - - - - -", u64::MAX),
            format!("1 o 1 0 0 {} 0 - 0 - 0 - - - - -", 1_u64 << 31),
            // Records that can be read, in unusual states.
            format!("1 o {now} 0 0 0 0 - 0 - 0 - - %C3%A4%F0%9F%A6%80%E2%82%AC - -"),
            format!("1 o {now} 0 {now} 3 7 a 99999999999999 - 0 - - - - -"),
            format!("1 o {} 0 0 0 0 - 0 - 0 - - - - -", (1_u64 << 52) - 1_000_000),
            format!("1 c {now} 5 0 0 0 - 0 disabled {now} a b - c,d -"),
            format!("1 c {now} 5 0 0 0 - 0 - {now} a b - c,d -"),
            format!("1 o {now} 5 0 {} 0 - 0 - 0 - - - - a,b,c,d,e,f,g,h,i,j,k,l", (1_u64 << 31) - 9_999),
        ];
        texts[self.random.usize(..texts.len())].clone()
    }

    fn request(&mut self) -> Request {
        let deadline = match self.random.u32(..20) {
            0 => self.now - 1,
            1..5 => 0,
            5 => self.now,
            _ => self.now + 150,
        };
        Request {
            // Sometimes few instances, so that they meet, and sometimes more, so that three are needed.
            instance: {
                let most = if self.now % 40_000 < 20_000 { 4 } else { 25 };
                self.instances[self.random.usize(..most)].clone()
            },
            deadline,
            patience: REQUEST_TIME,
            cursor: self.cursor(),
            is_leaving: self.random.u32(..30) == 0,
            reports: (0..self.random.usize(..4)).map(|_| self.report()).collect(),
        }
    }

    fn cursor(&mut self) -> u64 {
        let version = self.ledger.read(self.now, u64::MAX - 1).version;
        match self.random.u32(..4) {
            0 => 0,
            1 => version,
            2 => version.saturating_sub(self.random.u64(..1_000)),
            _ => version.saturating_add(self.random.u64(..10)),
        }
    }

    fn name(&mut self) -> SharedName {
        self.names[self.random.usize(..self.names.len())].clone()
    }

    fn report(&mut self) -> Report {
        let name = self.name();
        let record = self.ledger.record(&name).cloned().unwrap_or_else(SharedRecord::closed);
        let epoch = match self.random.u32(..12) {
            0 => 0,
            1 => record.epoch + 1,
            2 => record.epoch.saturating_sub(1),
            3 => self.now,
            4 => u64::MAX,
            _ => record.epoch,
        };
        Report { name, epoch, kind: self.kind(&record) }
    }

    fn kind(&mut self, record: &SharedRecord) -> ReportKind {
        let reasons = ["", "-", "5 of 10 calls failed", "a,b\n\u{e4}\0"];
        let reason = Arc::from(reasons[self.random.usize(..reasons.len())]);
        let settings: Arc<str> = Arc::from(["one", "one", "one", ""][self.random.usize(..4)]);
        let durations = [0, 1, 100, 500, 2_000, u64::MAX];
        let duration = Duration::from_millis(durations[self.random.usize(..durations.len())]);
        let policy = if self.random.u32(..5) == 0 { Policy::First } else { Policy::Quorum };
        let token = if self.random.u32(..6) == 0 { self.random.u64(..) } else { record.token };
        match self.random.u32(..22) {
            0..6 => ReportKind::Vote { open: duration, policy, reason, settings },
            6 => ReportKind::Withdraw,
            7..10 => ReportKind::Dissent { policy },
            10..14 => ReportKind::AskLease { lease: duration, settings },
            14..16 => ReportKind::Passed { token },
            16..18 => ReportKind::Failed { token, open: duration, reason },
            18..20 => {
                let epoch = record.epoch + self.random.u64(..3);
                ReportKind::Assert { record: Box::new(SharedRecord { epoch, reason, ..record.clone() }) }
            }
            _ => {
                let kinds = [ForceKind::Open, ForceKind::Disabled, ForceKind::Closed, ForceKind::Release];
                let kind = kinds[self.random.usize(..4)];
                let lasts = self.random.bool().then_some(duration);
                ReportKind::Force { kind, lasts, by: Arc::from("ada \u{e4}"), why: reason }
            }
        }
    }
}

fn compare(expected: &Expected, answer: &Value, context: &str) {
    match expected {
        Expected::Nothing => {}
        Expected::Stale => {
            assert_eq!(answer, &Value::Array(vec![Value::BulkString(b"stale".to_vec())]), "{context}");
        }
        Expected::Reply(reply) => assert_eq!(&answer::read(answer), reply, "{context}"),
    }
}

/// Encodes an instance as a text of the protocol.
fn encode(instance: &str) -> String {
    SharedName::new(instance, None).as_str().to_owned()
}
