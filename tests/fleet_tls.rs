//! TLS connections to Redis. A process chooses its crypto provider and its trusted certificates once, so each check runs
//! in a process of its own.
#![expect(clippy::expect_used, reason = "a test whose preconditions fail has failed")]

use std::path::Path;
use std::process::Command;

use breaker_runtime::fleet::protocol::{InstanceId, MAX_REQUEST_TIME, Reply, Request};
use breaker_runtime::fleet::{ProbeError, StoreErrorKind, StoreProbe};
use breaker_tests::programs;
use breaker_tests::redis_server::{self, Certificate, RedisServer};

/// The variables with the URLs of two servers, one with TLS and one without. They are set in a child process.
const TLS_URL: &str = "BREAKER_TLS_URL";
const PLAIN_URL: &str = "BREAKER_PLAIN_URL";

/// Runs a test of this file again in a child process that trusts one authority.
fn run_again(test: &str, authority: &Path, tls: &RedisServer, plain: &RedisServer) {
    let mut command = Command::new(std::env::current_exe().expect("this runs"));
    command.args(["--exact", test]).env("SSL_CERT_FILE", authority).env_remove("SSL_CERT_DIR");
    command.env(TLS_URL, tls.url()).env(PLAIN_URL, plain.url());
    let output = command.output().expect("this runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

fn is_available() -> bool {
    redis_server::is_available() && programs::is_installed("openssl")
}

fn url(variable: &str) -> Option<String> {
    std::env::var(variable).ok()
}

async fn sync(url: &str) -> Result<Reply, ProbeError> {
    let instance = InstanceId::new("pod", 1);
    let patience = MAX_REQUEST_TIME;
    let request =
        Request { instance, deadline: 0, patience, cursor: 0, is_leaving: false, reports: Vec::new() };
    StoreProbe::server(url, "shop").expect("valid URL").sync(&request).await
}

#[track_caller]
fn refused(answer: Result<Reply, ProbeError>, text: &str) -> StoreErrorKind {
    let error = answer.expect_err("an error");
    assert!(error.text.contains(text), "{error:?}");
    error.kind
}

#[tokio::test]
async fn tls_needs_a_provider_that_the_process_chooses() {
    let (Some(tls), Some(plain)) = (url(TLS_URL), url(PLAIN_URL)) else {
        if is_available() {
            let folder = redis_server::new_folder();
            let certificate = Certificate::create(&folder);
            let tls = RedisServer::start_tls(&certificate, &[]);
            let name = "tls_needs_a_provider_that_the_process_chooses";
            run_again(name, &certificate.authority, &tls, &RedisServer::start(&[]));
            std::fs::remove_dir_all(folder).expect("the folder exists");
        }
        return;
    };
    assert_eq!(refused(sync(&tls).await, "install_default()"), StoreErrorKind::Tls);
    rustls::crypto::ring::default_provider().install_default().expect("it is the first");
    sync(&tls).await.expect("the certificate is trusted");
    sync(&tls.replace("127.0.0.1", "localhost")).await.expect("the certificate is trusted");
    let tls_to_plain = plain.replace("redis:", "rediss:");
    assert_eq!(refused(sync(&tls_to_plain).await, "does it use TLS"), StoreErrorKind::TimedOut);
    let plain_to_tls = tls.replace("rediss:", "redis:");
    assert_eq!(refused(sync(&plain_to_tls).await, "rediss://"), StoreErrorKind::Unreachable);
}

#[tokio::test]
async fn tls_with_two_providers_needs_a_choice_between_them() {
    let Some(tls) = url(TLS_URL) else {
        if is_available() {
            let folder = redis_server::new_folder();
            let certificate = Certificate::create(&folder);
            let tls = RedisServer::start_tls(&certificate, &[]);
            let name = "tls_with_two_providers_needs_a_choice_between_them";
            run_again(name, &certificate.authority, &tls, &RedisServer::start(&[]));
            std::fs::remove_dir_all(folder).expect("the folder exists");
        }
        return;
    };
    let undecided = std::panic::catch_unwind(rustls::ClientConfig::builder);
    assert!(undecided.is_err(), "rustls panics where the client would use it");
    assert_eq!(refused(sync(&tls).await, "install_default()"), StoreErrorKind::Tls);
    rustls::crypto::aws_lc_rs::default_provider().install_default().expect("it is the first");
    sync(&tls).await.expect("the certificate is trusted");
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused() {
    let Some(tls) = url(TLS_URL) else {
        if is_available() {
            let folders = [redis_server::new_folder(), redis_server::new_folder()];
            let [own, other] = [&folders[0], &folders[1]].map(|folder| Certificate::create(folder));
            let tls = RedisServer::start_tls(&own, &[]);
            let name = "a_certificate_of_an_unknown_authority_is_refused";
            run_again(name, &other.authority, &tls, &RedisServer::start(&[]));
            for folder in folders {
                std::fs::remove_dir_all(folder).expect("the folder exists");
            }
        }
        return;
    };
    rustls::crypto::ring::default_provider().install_default().expect("it is the first");
    assert_eq!(refused(sync(&tls).await, "certificate"), StoreErrorKind::Tls);
}
