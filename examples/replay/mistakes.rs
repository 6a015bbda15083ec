//! Tests with files and command lines that have mistakes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic fails the test")]

use std::fs;
use std::path::Path;

use crate::csv_trace::read_csv;
use crate::nginx::read_nginx;
use crate::options::parse;
use crate::status::FailureStatuses;
use crate::tests::trace;
use crate::trace::Trace;

#[test]
fn times_that_are_too_large_for_milliseconds_are_refused() {
    let too_large = ["1e14", "1767225600000000", "1767225600000000000", "inf"];
    let lines = too_large.map(|time| format!("{time},0,success"));
    let trace = trace(&lines.each_ref().map(String::as_str));
    assert_eq!((trace.calls.len(), trace.broken.count), (0, 4));
    for (line, time) in trace.broken.to_string().lines().zip(too_large) {
        let problem = "is too large; convert microseconds and nanoseconds since 1970 to milliseconds";
        assert!(line.ends_with(&format!("column 1: the time {time:?} {problem}")), "{line}");
    }
}

#[test]
fn long_texts_are_cut_in_errors() {
    let long = "\u{202e}x".repeat(1000);
    let lines = [format!("{long},0,success"), format!("0,{long},success"), format!("0,0,{long}")];
    let trace = trace(&lines.each_ref().map(String::as_str));
    assert_eq!(trace.broken.count, 3);
    let time = "[29/Nov/2026:06:00:10 +0000]";
    let requests = [format!("{time} \"\" {long} 1 \"-\" 1"), format!("{time} \"\" 200 1 \"-\" {long}")];
    let read = read_nginx(requests.join("\n").as_bytes(), &FailureStatuses::default());
    assert_eq!(read.broken.count, 2);
    let of_status = FailureStatuses::parse(&long).unwrap_err();
    let of_range =
        [format!("{long}=1"), long].map(|text| parse(["--set", &text].map(Into::into)).unwrap_err());
    // The error of a setting lists all settings.
    for (text, length) in
        [(trace.broken.to_string(), 3000), (read.broken.to_string(), 2000), (of_status, 1000)]
            .into_iter()
            .chain(of_range.map(|text| (text, 2000)))
    {
        assert!(text.len() < length && !text.contains('\u{202e}'), "{text}");
    }
}

#[test]
fn a_carriage_return_in_a_line_hides_no_call() {
    let lines = [
        "time,duration,outcome\r",
        "0,1,success\r",
        "1,1,success\r2,1,failure",
        "# a comment\r3,1,failure",
        "4,1,success,\"a\rb\"\r", // a key
        "5,1,success,\"a\"\r6,1,failure",
    ];
    let csv = trace(&lines);
    assert_eq!((csv.calls.len(), csv.calls[1].key.as_deref()), (2, Some("a\rb")));
    let problem = "a carriage return in the line; end each line with a line feed";
    let expected = [3, 4, 6].map(|line| format!("line {line}: {problem}\n")).concat();
    assert_eq!(csv.broken.to_string(), expected);
    // A header does not hide the calls after it either.
    assert_eq!(trace(&["time,duration,outcome\r0,1,success"]).broken.count, 1);
    let request = "[29/Nov/2026:06:00:10 +0000] \"GET /\" 200 12 \"-\" \"curl\" 0.250";
    let log = read_nginx(format!("{request}\r{request}\r\n").as_bytes(), &FailureStatuses::default());
    assert_eq!((log.calls.len(), log.broken.to_string()), (0, format!("line 1: {problem}\n")));
}

#[test]
fn broken_lines_are_named_with_their_column_and_what_is_accepted() {
    let lines = [
        "\u{feff}time,duration,outcome\r",
        "# a comment",
        "x,1,success\r",
        "1,1h5,success",
        "1,1,maybe",
        "1,1",
        "-1,1,success",
        "1,1,success,key,more",
        "1,1,success\r",
        "",
        "2,1,\"fail",
    ];
    let trace = trace(&lines);
    assert_eq!((trace.calls.len(), trace.broken.count), (1, 7));
    let text = trace.broken.to_string();
    let expected = [
        "line 3: column 1: the time \"x\" is neither a number of seconds nor a time such as 2026-11-29T06:00:00Z",
        "line 4: column 2: the duration \"1h5\" has no unit after 5; write a number and a unit",
        "line 5: column 3: the outcome \"maybe\" is none of success, failure, timeout, ignored, cancelled and rejected",
        "line 6: column 3: the outcome is missing",
        "line 7: column 1: the time \"-1\" is out of range",
        "line 8: 5 columns; expected time,duration,outcome and an optional key",
        "line 11: column 3: the outcome \"fail\" is none of",
    ];
    for (line, expected) in text.lines().zip(expected) {
        assert!(line.starts_with(expected), "{line}");
    }
}

#[test]
fn a_key_may_contain_line_breaks_and_a_stray_quote_hides_no_other_line() {
    let lines = [
        "0,1,success,\"two\r", // a key of two lines
        "\u{feff} # \"\"lines\"\"\"",
        "1,1,success,\"stray",
        "2,1,success,\"eu\"",
        "3,1,success,\"stray",
        "4,1,success,\"a",
        "",
        " b\"",
        "5,1,success,5\" disk",
        "6,1,success,\"us\"",
        "7,1,success,\"not the end",
        "8,1,success",
    ];
    let trace = trace(&lines);
    let keys: Vec<_> = trace.calls.iter().map(|call| call.key.as_deref()).collect();
    let expected = [
        Some("two\r\n\u{feff} # \"lines\""),
        Some("stray"),
        Some("eu"),
        Some("stray"),
        Some("a\n\n b"),
        Some("5\" disk"),
        Some("us"),
        Some("not the end"),
        None,
    ];
    assert_eq!((keys.as_slice(), trace.broken.count), (expected.as_slice(), 0));
    let long = trace_of_long_key(1000);
    assert_eq!(long.calls.iter().filter(|call| call.key.as_deref() == Some("open")).count(), 1);
    assert_eq!((long.calls.len(), long.broken.count), (1001, 1));
}

/// Returns a trace with a quote that ends only after this number of calls.
fn trace_of_long_key(calls: usize) -> Trace {
    let lines = [vec!["0,0,success,\"open"], vec!["1,0,success"; calls], vec!["\""]].concat();
    trace(&lines)
}

#[test]
fn a_line_after_the_first_call_is_no_header() {
    for first in
        ["1,1,success,\"a\nb\"", "1,1,success,\"ab\"", "x", "time,duration,outcome", "1,1,success\rx"]
    {
        let read = trace(&["# a comment", "", first, "time,2,failure", "3,1,failure"]);
        assert!(read.broken.to_string().contains("the time \"time\" is neither"), "{first}: {}", read.broken);
    }
    let not_utf_8 = read_csv(b"\xff,1,success\ntime,2,failure\n".as_slice());
    assert_eq!(not_utf_8.broken.count, 2);
}

#[test]
fn numbers_with_a_plus_sign_are_refused() {
    let csv = trace(&["+1,1,success", "1,+1,success", "1,+1s,success", "1,1,success"]);
    assert_eq!((csv.calls.len(), csv.broken.count), (1, 3));
    for statuses in ["+5xx", "5xx,+429"] {
        assert!(FailureStatuses::parse(statuses).is_err(), "{statuses}");
    }
    for end in [r#"+503 0 "-" "-" 1"#, r#"503 0 "-" "-" +1"#] {
        let line = format!(r#"192.0.2.1 - - [29/Nov/2026:06:00:10 +0000] "GET / HTTP/1.1" {end}"#);
        assert_eq!(read_nginx(line.as_bytes(), &FailureStatuses::default()).broken.count, 1, "{end}");
    }
}

#[test]
fn only_the_first_broken_lines_are_shown() {
    let trace = trace(&["x"; 25]);
    let text = trace.broken.to_string();
    assert_eq!((text.lines().count(), trace.broken.count), (11, 25));
    assert!(text.ends_with("and 15 more lines that cannot be read\n"), "{text}");
}

#[test]
fn many_lines_with_a_stray_quote_each_are_read_by_themselves() {
    let broken = vec!["a\",\""; 500];
    let calls = ["0,0,success", "1,0,success", "2,0,failure"];
    let read = trace(&[broken.as_slice(), &calls].concat());
    assert_eq!((read.calls.len(), read.broken.count), (3, 500));
}

#[test]
fn a_trace_is_not_overwritten_and_a_setting_has_one_range() {
    let error = |arguments: &[&str]| parse(arguments.iter().map(Into::into)).unwrap_err();
    assert!(error(&["calls.csv", "--svg", "calls.csv"]).starts_with("--svg names the trace"));
    let twice = ["calls.csv", "--sweep", "window=20", "--sweep", "jitter=0", "--sweep", "window=50"];
    assert!(error(&twice).starts_with("two options --sweep for window"));
}

#[test]
fn a_trace_is_not_overwritten_under_another_path() {
    let folder = std::env::temp_dir().join(format!("breaker-replay-{}", std::process::id()));
    fs::create_dir_all(folder.join("images")).unwrap();
    let [trace, other] = ["calls.csv", "other.csv"].map(|name| folder.join(name));
    fs::write(&trace, "0,1,success\n").unwrap();
    fs::write(&other, "0,1,success\n").unwrap();
    let mut same = vec![folder.join("./calls.csv"), folder.join("images/../calls.csv")];
    #[cfg(unix)]
    {
        let links = ["symbolic.svg", "hard.svg"].map(|name| folder.join(name));
        std::os::unix::fs::symlink("calls.csv", &links[0]).unwrap();
        fs::hard_link(&trace, &links[1]).unwrap();
        same.extend(links);
    }
    let replay = |svg: &Path| parse(["--svg".into(), svg.into(), trace.clone().into_os_string()]);
    for path in same {
        let error = replay(&path).unwrap_err();
        assert!(error.starts_with("--svg names the trace"), "{}: {error}", path.display());
    }
    assert!(replay(&other).is_ok() && replay(&folder.join("new.svg")).is_ok());
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_bracket_in_the_name_of_a_user_of_nginx_changes_no_time() {
    let call = |user: &str| {
        let line =
            format!(r#"192.0.2.1 - {user} [29/Nov/2026:06:00:10 +0000] "GET /[a] HTTP/1.1" 200 1 "-" "[" 1"#);
        let log = read_nginx(line.as_bytes(), &FailureStatuses::default());
        assert_eq!(log.broken.to_string(), "", "{user}");
        log.calls
    };
    let usual = call("-");
    for user in ["[", "a[b]", "[x] ", "[30/Nov/2026:06:00:10 +0000]", r"[30/Nov/2026:06:00:10 +0000] \x22GET"]
    {
        assert_eq!(call(user), usual, "{user}");
    }
    let without_time = r#"192.0.2.1 - [29/Nov/2026:06:00:10 +0000] - "GET / HTTP/1.1" 200 1 "-" "-" 1"#;
    let log = read_nginx(without_time.as_bytes(), &FailureStatuses::default());
    assert_eq!(log.broken.to_string(), "line 1: no time in brackets before the request\n");
}
