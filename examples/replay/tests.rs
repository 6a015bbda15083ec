//! Small traces whose results are worked out by hand.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a panic fails the test")]

use std::fmt::Write as _;
use std::io::{self, ErrorKind, Write};
use std::time::Duration;

use breaker_runtime::{Config, ConfigBuilder, Setting};

use crate::csv_trace::read_csv;
use crate::nginx::read_nginx;
use crate::options::{Task, parse};
use crate::play::{Outage, Replay, play};
use crate::status::FailureStatuses;
use crate::sweep::{Range, sweep};
use crate::trace::{Trace, TracedOutcome};
use crate::{generate, run, summary, svg, table, write_result};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn trace(lines: &[&str]) -> Trace {
    read_csv(lines.join("\n").as_bytes())
}

fn settings() -> ConfigBuilder {
    Config::builder()
        .failure_threshold(2)
        .recovery_timeout(seconds(10))
        .success_threshold(1)
        .half_open_max_calls(1)
}

fn played(lines: &[&str], settings: ConfigBuilder) -> Replay {
    play(&trace(lines), &settings.build().unwrap()).unwrap()
}

#[test]
fn a_circuit_opens_at_the_end_of_the_failure_that_reaches_the_threshold_and_closes_after_a_trial() {
    let replay = played(
        &[
            "0,1,failure",   // ends at 1
            "0.5,2,failure", // ends at 2.5 and opens
            "2,1,success",   // admitted before the circuit opened
            "3,1,failure",   // spared
            "4,1,success",   // lost
            "5,1,ignored",
            "12.5,1,success", // the trial, which ends at 13.5
            "13,1,success",   // lost: one trial at a time
            "14,1,success",
        ],
        settings(),
    );
    let outage = Outage {
        key: None,
        opened: Duration::from_millis(2500),
        closed: Some(Duration::from_millis(13_500)),
        reason: "2 failures in a row (limit 2)".to_owned(),
        first_failure: Some(Duration::ZERO),
    };
    assert_eq!(replay.outages, [outage]);
    assert_eq!((replay.spared, replay.lost, replay.other_rejected, replay.admitted_failures), (1, 2, 1, 2));
}

#[test]
fn a_trial_that_fails_prolongs_the_outage() {
    let lines = ["0,0,failure", "1,0,failure", "11,0,failure", "12,0,success", "21,0,success"];
    let replay = played(&lines, settings());
    assert_eq!(replay.outages.len(), 1);
    assert_eq!((replay.outages[0].opened, replay.outages[0].closed), (seconds(1), Some(seconds(21))));
    assert_eq!((replay.spared, replay.lost), (0, 1));
}

#[test]
fn each_key_has_its_own_circuit() {
    let lines = ["0,0,failure,a", "1,0,failure,b", "2,0,failure,a", "3,0,failure,a", "4,0,success,b"];
    let replay = played(&lines, settings());
    assert_eq!(replay.outages.len(), 1);
    assert_eq!((replay.outages[0].key.as_deref(), replay.outages[0].closed), (Some("a"), None));
    assert_eq!((replay.spared, replay.lost), (1, 0));
}

#[test]
fn a_call_timeout_ends_longer_calls_as_failures() {
    let lines = ["0,5,success", "0,5,success", "2,0,success"];
    let replay = played(&lines, settings().call_timeout(seconds(1)));
    assert_eq!(replay.outages[0].opened, seconds(1));
    assert_eq!(replay.lost, 1);
}

#[test]
fn hang_has_no_effect() {
    let lines: Vec<_> = (1..20).map(|second| format!("{second},0.1,success")).collect();
    let calls: Vec<_> = std::iter::once("0,100,success").chain(lines.iter().map(String::as_str)).collect();
    let keyed: Vec<_> = calls.iter().map(|call| format!("{call},eu")).collect();
    let keyed: Vec<_> = keyed.iter().map(String::as_str).collect();
    for lines in [calls, keyed] {
        let replay = played(&lines, settings().hang(seconds(2)));
        assert_eq!((replay.outages.as_slice(), replay.lost), ([].as_slice(), 0));
    }
}

#[test]
fn a_cancelled_call_is_a_failure_if_it_had_run_for_cancelled_after() {
    let short = ["0,0.9,cancelled", "1,0.9,cancelled", "2,0,success"];
    assert_eq!(played(&short, settings()).outages, []);
    let long = ["0,1,cancelled", "1,1,cancelled", "3,0,success"];
    assert_eq!(played(&long, settings()).outages[0].opened, seconds(2));
}

#[test]
fn an_incident_begins_with_the_first_failure_after_twenty_calls_without_one() {
    let first_failure = |successes: usize| {
        let quiet = vec!["1,0,success"; successes];
        let lines = [vec!["0,0,failure"], quiet, vec!["2,0,failure", "3,0,failure"]].concat();
        played(&lines, settings()).outages[0].first_failure
    };
    assert_eq!((first_failure(19), first_failure(20)), (Some(Duration::ZERO), Some(seconds(2))));
}

#[test]
fn an_incident_begins_after_the_end_of_the_outage_before() {
    let first = ["0,0,failure", "1,0,failure", "11,0,success"]; // open from 1 to 11
    let second = ["12,0,success", "13,0,failure", "15,0,failure"];
    let replay = played(&[first, second].concat(), settings());
    let begun: Vec<_> = replay.outages.iter().map(|it| (it.first_failure, it.opened)).collect();
    assert_eq!(begun, [(Some(Duration::ZERO), seconds(1)), (Some(seconds(13)), seconds(15))]);
}

#[test]
fn an_incident_begins_with_a_call_that_the_settings_make_a_failure() {
    let timeouts = played(&["0,5,success", "1,5,success"], settings().call_timeout(seconds(2)));
    assert_eq!(timeouts.outages[0].first_failure, Some(Duration::ZERO));
    let lines = ["0,1,cancelled", "5,3,cancelled", "9,3,cancelled"];
    let cancelled = played(&lines, settings().cancelled_after(seconds(2)));
    assert_eq!(cancelled.outages[0].first_failure, Some(seconds(5)));
}

#[test]
fn calls_without_a_key_in_a_trace_with_keys_have_a_circuit_of_their_own() {
    let long = "k".repeat(256); // a key without a circuit of its own
    let of_long_key = format!("3,0,success,{long}");
    let lines = ["0,0,failure", "1,0,failure,eu", "2,0,failure", &of_long_key, "4,0,success,eu"];
    let replay = played(&lines, settings());
    let outages: Vec<_> = replay.outages.iter().map(|it| (it.key.as_deref(), it.first_failure)).collect();
    assert_eq!(outages, [(None, Some(Duration::ZERO))]);
    assert_eq!((replay.outages[0].opened, replay.lost), (seconds(2), 1));
}

#[test]
fn many_outages_of_several_keys_each_begin_with_their_own_failure() {
    let line = |call: u32| {
        format!("{call},0,{},k{}", if call.is_multiple_of(2) { "failure" } else { "success" }, call % 7)
    };
    let lines: Vec<_> = (0..20_000).map(line).collect();
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    let replay = played(&lines, settings().failure_threshold(1).recovery_timeout(Duration::from_millis(1)));
    assert!(replay.outages.len() > 9_000, "{}", replay.outages.len());
    assert!(replay.outages.iter().all(|it| it.first_failure == Some(it.opened)));
}

#[test]
fn calls_are_sorted_by_their_starts_and_counted_from_the_first() {
    let trace = trace(&[
        "time,duration,outcome,key",
        "1767225605,250ms,success",
        "2026-01-01T00:00:00Z,0.5,timeout,x",
    ]);
    let calls: Vec<_> = trace.calls.iter().map(|call| (call.start, call.duration, call.outcome)).collect();
    let expected = [
        (Duration::ZERO, Duration::from_millis(500), TracedOutcome::Failure),
        (seconds(5), Duration::from_millis(250), TracedOutcome::Success),
    ];
    assert_eq!(calls, expected);
    assert_eq!((trace.unsorted, trace.broken.count, trace.has_keys()), (1, 0, true));
}

#[test]
fn a_summary_names_one_call_and_one_line_in_the_singular() {
    let trace = trace(&["5,1,failure", "4,0,rejected", "x"]);
    let text = summary(&trace);
    for part in
        ["1 call, 1 of them failed", "without 1 rejected call,", "without 1 line that cannot be read:"]
    {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn every_call_that_started_before_the_one_of_an_earlier_line_is_counted() {
    let trace = trace(&["10,1,success", "1,1,success", "2,1,success", "3,1,success", "10,1,success"]);
    assert_eq!(trace.unsorted, 3);
    assert!(summary(&trace).contains("3 calls started before the one of an earlier line"));
}

#[test]
fn milliseconds_since_1970_are_recognized_by_their_size() {
    let trace = trace(&["1767225600000,0,success", "1767225601500,0,success"]);
    assert_eq!(trace.calls[1].start, Duration::from_millis(1500));
}

#[test]
fn calls_that_were_rejected_when_they_were_recorded_are_left_out() {
    let trace = trace(&["0,0,rejected", "1,0,success"]);
    assert_eq!((trace.calls.len(), trace.rejected, trace.calls[0].start), (1, 1, Duration::ZERO));
}

const NGINX: &str = r#"192.0.2.1 - - [29/Nov/2026:06:00:10 +0000] "GET / HTTP/1.1" 200 12 "-" "curl" 0.250
2001:db8::1 - bob [29/Nov/2026:07:00:12 +0100] "GET /\"quoted\\\" HTTP/1.1" 503 0 "-" "a \"b\" c" 2.000
192.0.2.1 - - [29/Nov/2026:06:00:13 +0000] "POST /x HTTP/1.1" 499 0 "-" "curl" 1.500
192.0.2.1 - - [29/Nov/2026:06:00:14 +0000] "GET / HTTP/1.1" 429 0 "-" "curl" 0.000

192.0.2.1 - - [29/Nov/2026:06:00:15 +0000] "GET / HTTP/1.1" 200 12 "-" "curl"
192.0.2.1 - - [yesterday] "GET / HTTP/1.1" 200 12 "-" "curl" 0.1
192.0.2.1 - - [29/Nov/2026:06:00:16 +0000] "GET / HTTP/1.1
"#;

#[test]
fn lines_of_nginx_are_calls_that_ended_at_their_time() {
    let trace = read_nginx(NGINX.as_bytes(), &FailureStatuses::default());
    let calls: Vec<_> = trace.calls.iter().map(|call| (call.start.as_millis(), call.outcome)).collect();
    let expected = [
        (0, TracedOutcome::Success),
        (250, TracedOutcome::Failure),
        (1750, TracedOutcome::Cancelled),
        (4250, TracedOutcome::Success),
    ];
    assert_eq!(calls, expected);
    let broken = trace.broken.to_string();
    let expected = [
        "line 6: no request time after the user agent; add $request_time to the log format",
        "line 7: the time \"yesterday\" does not have the form 29/Nov/2026:06:00:00 +0000",
        "line 8: no request in quotes after the time",
    ];
    assert_eq!(broken.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn the_statuses_that_fail_can_be_chosen() {
    let trace = read_nginx(NGINX.as_bytes(), &FailureStatuses::parse("5xx, 429").unwrap());
    assert_eq!(trace.calls.iter().filter(|call| call.outcome == TracedOutcome::Failure).count(), 2);
    for wrong in ["", "0xx", "5x", "abc", "500-599", "66000"] {
        assert!(FailureStatuses::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_log_that_is_not_utf_8_loses_only_its_broken_lines() {
    let mut bytes = NGINX.as_bytes().to_vec();
    bytes.splice(0..0, [0xff, 0xfe, b'\n']);
    assert_eq!(read_nginx(bytes.as_slice(), &FailureStatuses::default()).calls.len(), 4);
}

fn range(setting: Setting, values: &[&str]) -> Range {
    Range { setting, values: values.iter().map(|value| (*value).to_owned()).collect() }
}

#[test]
fn a_sweep_marks_the_settings_that_no_others_beat() {
    // Two failures: a threshold of 1 spares the second failure and loses the two successes after it.
    let trace = trace(&["0,0,failure", "1,0,failure", "2,0,success", "3,0,success", "20,0,success"]);
    let thresholds = range(Setting::FailureThreshold, &["1", "2", "3"]);
    let candidates = sweep(&trace, &settings(), &[thresholds]).unwrap();
    let rows: Vec<_> = candidates
        .iter()
        .map(|it| (it.label.as_str(), it.replay.spared, it.replay.lost, it.is_best))
        .collect();
    let expected = [
        ("failure_threshold = 1", 1, 2, true),
        ("failure_threshold = 2", 0, 2, false), // 3 loses less and spares as much
        ("failure_threshold = 3", 0, 0, true),
    ];
    assert_eq!(rows, expected);
    let table = table::comparison(&candidates);
    assert!(
        table.contains("* failure_threshold = 1") && table.contains("  failure_threshold = 2"),
        "{table}"
    );
}

#[test]
fn a_sweep_tries_all_combinations_and_refuses_too_many_and_invalid_ones() {
    let trace = trace(&["0,0,success"]);
    let timeouts = range(Setting::RecoveryTimeout, &["1s", "2s", "3s"]);
    let thresholds = range(Setting::FailureThreshold, &["1", "2"]);
    let candidates = sweep(&trace, &settings(), &[timeouts.clone(), thresholds]).unwrap();
    assert_eq!(candidates.len(), 6);
    assert_eq!(candidates[3].label, "recovery_timeout = 2s, failure_threshold = 2");
    let many = vec![timeouts.clone(); 7];
    assert!(sweep(&trace, &settings(), &many).unwrap_err().contains("more than 1000 combinations"));
    let wrong = range(Setting::Jitter, &["0.5", "2"]);
    assert!(sweep(&trace, &settings(), &[wrong]).unwrap_err().contains("jitter must be between 0.0 and 1.0"));
    let alone = range(Setting::FailureRate, &["0.5"]);
    assert!(sweep(&trace, &settings(), &[alone]).unwrap_err().contains("need a window"));
}

#[test]
fn the_timeline_escapes_texts_and_is_well_formed() {
    let lines = ["0,0,failure,<a href=\"x\">&\u{7}", "1,0,failure,<a href=\"x\">&\u{7}", "9,0,success,b"];
    let trace = trace(&lines);
    let mut candidates = sweep(&trace, &settings(), &[]).unwrap();
    candidates[0].label.push_str(" <&>\"");
    let image = svg::timeline(&trace, &candidates);
    assert!(image.contains("as given &lt;&amp;&gt;&quot;: 0 spared"), "{image}");
    assert_well_formed(&image);
}

#[test]
fn the_timeline_says_how_many_configurations_it_leaves_out() {
    let trace = trace(&["0,0,success"]);
    let image = |thresholds: u32| {
        let values: Vec<_> = (1..=thresholds).map(|value| value.to_string()).collect();
        let range = Range { setting: Setting::FailureThreshold, values };
        svg::timeline(&trace, &sweep(&trace, &settings(), &[range]).unwrap())
    };
    assert!(!image(20).contains("more configuration"));
    assert!(image(21).contains(">and 1 more configuration, which the table lists<"));
    let many = image(23);
    assert!(many.contains(">and 3 more configurations, which the table lists<"), "{many}");
    assert_well_formed(&many);
}

/// Checks that every element is closed in order and that no text contains a bare `&`.
fn assert_well_formed(image: &str) {
    let mut open = Vec::new();
    for part in image.split('<').skip(1) {
        let (tag, text) = part.split_once('>').unwrap();
        assert!(!text.contains('&') || text.contains(';'), "{text}");
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None if tag.ends_with('/') => {}
            None => open.push(tag.split(' ').next().unwrap()),
        }
    }
    assert_eq!(open, Vec::<&str>::new());
}

#[test]
fn the_generated_files_contain_the_same_incident() {
    let calls = generate::incident();
    let from_csv = read_csv(generate::csv(&calls).as_bytes());
    let from_log = read_nginx(generate::nginx_log(&calls).as_bytes(), &FailureStatuses::default());
    let failed = |trace: &Trace| trace.calls.iter().filter(|it| it.outcome == TracedOutcome::Failure).count();
    assert_eq!((from_csv.calls.len(), from_csv.broken.count), (calls.len(), 0));
    assert_eq!((from_log.calls.len(), from_log.broken.count), (calls.len(), 0));
    assert_eq!(failed(&from_csv), failed(&from_log));
    // The resolution of the log is a second, so the openings differ by little.
    let config = Config::builder().window_calls(100).failure_rate(0.5).build().unwrap();
    let opened = [from_csv, from_log].map(|trace| play(&trace, &config).unwrap().outages[0].opened);
    assert!(opened[0].abs_diff(opened[1]) < seconds(3), "{opened:?}");
}

#[test]
fn the_command_line_names_what_it_does_not_understand() {
    let error = |arguments: &[&str]| parse(arguments.iter().map(Into::into)).unwrap_err();
    assert!(error(&["t.csv", "--set", "failure_treshold=3"]).contains("expected one of failure_threshold, "));
    assert!(error(&["t.csv", "--set", "jitter"]).contains("is not of the form setting=value"));
    assert!(error(&["t.csv", "--set", "jitter=7"]).contains("jitter must be between 0.0 and 1.0"));
    assert!(error(&["t.csv", "--frob"]).contains("--frob"));
    assert!(error(&["t.csv", "u.csv"]).contains("u.csv"));
    assert!(error(&[]).contains("no trace"));
    let Ok(Task::Replay(options)) = parse(["t.csv", "--set", "window=60s", "--fail", "429"].map(Into::into))
    else {
        panic!("a task");
    };
    assert!(options.failures.contain(429) && !options.failures.contain(500));
}

#[test]
fn long_traces_are_played_in_the_order_of_starts_and_ends() {
    let mut text = String::new();
    for call in 0..20_000 {
        _ = writeln!(
            text,
            "{},{},{}",
            f64::from(call) / 100.0,
            0.5,
            if call % 7 == 0 { "failure" } else { "success" }
        );
    }
    let trace = read_csv(text.as_bytes());
    let config = Config::builder().window_calls(1000).failure_rate(0.5).build().unwrap();
    let replay = play(&trace, &config).unwrap();
    assert_eq!((replay.outages.len(), replay.admitted_failures), (0, 2858));
}

/// An output whose writes fail.
struct Refusing(ErrorKind);

impl Write for Refusing {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_that_has_read_enough_of_the_result_is_no_error() {
    assert_eq!(write_result(Refusing(ErrorKind::BrokenPipe), "table\n"), Ok(()));
    assert!(
        write_result(Refusing(ErrorKind::StorageFull), "table\n").unwrap_err().starts_with("the result: ")
    );
    let mut written = Vec::new();
    assert_eq!(write_result(&mut written, "table\n"), Ok(()));
    assert_eq!(written, b"table\n");
}

const PAGE: &str = include_str!("../../breaker-runtime/src/docs/thresholds.md");

#[test]
fn the_page_about_thresholds_shows_what_the_commands_write() {
    let folder = std::env::temp_dir().join(format!("breaker-replay-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut commands = 0;
    for command in PAGE.split("\n```").flat_map(|block| block.split("\n$ replay ").skip(1)) {
        let (arguments, shown) = command.split_once('\n').unwrap();
        let in_folder = |word: &str| {
            let is_file = [".csv", ".log", ".svg"].iter().any(|ending| word.ends_with(ending));
            if is_file { folder.join(word).into_os_string() } else { word.into() }
        };
        let written = run(parse(arguments.split(' ').map(in_folder)).unwrap()).unwrap();
        let written = written.replace(&format!("{}/", folder.display()), "");
        assert!(written.starts_with(shown.trim_end()), "{arguments}\n{written}");
        commands += 1;
    }
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(commands, 5);
}

#[test]
fn of_settings_that_spare_the_same_only_those_that_lose_least_are_marked() {
    let failures = (0..5).map(|tenth| format!("0.{},0,failure", tenth * 2));
    let lines: Vec<_> = failures.chain((1..=118).map(|second| format!("{second},0,success"))).collect();
    let trace = read_csv(lines.join("\n").as_bytes());
    let timeouts = range(Setting::RecoveryTimeout, &["10s", "50s"]);
    let candidates = sweep(&trace, &Config::builder(), &[timeouts]).unwrap();
    let rows: Vec<_> = candidates.iter().map(|it| (it.replay.spared, it.replay.lost, it.is_best)).collect();
    assert_eq!(rows, [(0, 10, true), (0, 50, false)]);
}
