//! The number of annotated functions of a crate: the time of `cargo check` and of an optimized build, and the size
//! of the program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::curves::{Chart, Curve, Order, Point, Probe, Unit, seconds};
use super::samples::{ROWS, Row};

const FUNCTIONS: [u32; 4] = [10, 100, 500, 2000];

/// The runtime, as a library that programs can be linked with.
struct Runtime {
    library: PathBuf,
    folder: PathBuf,
}

/// One optimized build of a program.
struct Build {
    seconds: f64,
    bytes: f64,
}

/// Calls each function once, through a pointer, so that none is removed.
const MAIN: &str = "
fn poll(future: impl std::future::Future) {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    _ = std::pin::pin!(future).poll(&mut context);
}
fn main() {
    let order = std::env::args().next().unwrap_or_default();
    for call in CALLS { call(&order) }
}
";

pub(crate) fn charts() -> Vec<Chart> {
    let runtime = Runtime::build();
    let (bare, annotated) = (sample("bare_functions"), sample("breaker_functions"));
    let [bare_builds, annotated_builds] = [bare, annotated].map(|row| {
        FUNCTIONS
            .map(|functions| (functions, runtime.build_program(&write(row, functions, &program(functions)))))
    });
    let times = vec![
        runtime.checks("cargo check, without the attribute", bare),
        runtime.checks("cargo check, with the attribute", annotated),
        curve("optimized build, without the attribute", &bare_builds, |build| build.seconds),
        curve("optimized build, with the attribute", &annotated_builds, |build| build.seconds),
    ];
    let sizes = vec![
        curve("without the attribute", &bare_builds, |build| build.bytes),
        curve("with the attribute", &annotated_builds, |build| build.bytes),
    ];
    let axis = "functions of a crate";
    vec![
        Chart { title: "Compilation", axis, unit: Unit::Seconds, curves: times },
        Chart { title: "Optimized program", axis, unit: Unit::Bytes, curves: sizes },
    ]
}

fn curve(name: &'static str, builds: &[(u32, Build)], figure: fn(&Build) -> f64) -> Curve {
    let points = builds.iter().map(|(functions, build)| Point { x: *functions, y: figure(build) });
    Curve { name, order: Order::Linear, points: points.collect() }
}

fn sample(file: &str) -> &'static Row {
    ROWS.iter().find(|row| row.file == file).expect("a sample has this name")
}

fn write(row: &Row, functions: u32, rest: &str) -> PathBuf {
    let kind = if rest.is_empty() { "library" } else { "program" };
    let path = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let path = path.join(format!("growth_{kind}_{}_{functions}.rs", row.file));
    fs::write(&path, row.source_of(functions) + rest).expect("the target folder can be written to");
    path
}

fn program(functions: u32) -> String {
    let calls = (0..functions).map(|number| {
        // As in the samples, even functions are async.
        if number.is_multiple_of(2) {
            format!("|order| poll(function_{number}(order, 1)),\n")
        } else {
            format!("|order| _ = std::hint::black_box(function_{number}(order, 1)),\n")
        }
    });
    format!("{MAIN}static CALLS: [fn(&str); {functions}] = [\n{}];\n", calls.collect::<String>())
}

impl Runtime {
    /// Builds the runtime with optimizations.
    fn build() -> Self {
        let output = Command::new(env!("CARGO"))
            .args(["build", "--release", "--package", "breaker-runtime", "--features", "tokio"])
            .arg("--message-format=json")
            .output()
            .expect("cargo can be run");
        let text = String::from_utf8_lossy(&output.stdout);
        let library = text.lines().filter_map(|line| library(&serde_json::from_str(line).ok()?)).next_back();
        let library = library.ok_or_else(|| String::from_utf8_lossy(&output.stderr).into_owned());
        let library = library.expect("the runtime can be built");
        let folder = library.with_file_name("deps");
        Self { library, folder }
    }

    /// Measures `cargo check` of crates with this kind of functions.
    fn checks(&self, name: &'static str, row: &Row) -> Curve {
        let probes = FUNCTIONS.iter().map(|&functions| {
            let file = write(row, functions, "");
            Probe::new(functions, move || {
                seconds(|| self.compile(&file, &["--crate-type=lib", "--emit=metadata"]))
            })
        });
        Curve::measure_in(3, name, Order::Linear, probes.collect())
    }

    /// Builds the program in this file with optimizations.
    #[expect(clippy::cast_precision_loss, reason = "a program is far smaller than 2^52 bytes")]
    fn build_program(&self, file: &Path) -> Build {
        let program = file.with_extension("");
        let out = format!("-o{}", program.display());
        let arguments = ["--crate-type=bin", "-Copt-level=3", "-Cstrip=symbols", &out];
        let seconds = seconds(|| self.compile(file, &arguments));
        let bytes = fs::metadata(&program).expect("rustc writes the program").len();
        fs::remove_file(program).expect("the program can be removed");
        Build { seconds, bytes: bytes as f64 }
    }

    fn compile(&self, file: &Path, arguments: &[&str]) {
        let output = Command::new("rustc")
            .args(["--edition=2024", "--cap-lints=allow", "--out-dir", env!("CARGO_TARGET_TMPDIR")])
            .args(arguments)
            .arg(file)
            .arg(format!("--extern=breaker_runtime={}", self.library.display()))
            .arg(format!("-Ldependency={}", self.folder.display()))
            .output()
            .expect("rustc can be run");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{} does not compile: {errors}", file.display());
    }
}

/// Returns the path of the runtime from a message of cargo.
fn library(message: &Value) -> Option<PathBuf> {
    let is_runtime = message.get("target")?.get("name")? == "breaker_runtime";
    let files = message.get("filenames")?.as_array()?;
    let mut paths = files.iter().filter_map(Value::as_str).map(PathBuf::from);
    paths.find(|path| is_runtime && path.extension().is_some_and(|extension| extension == "rlib"))
}
