//! The Redis server of the example: a child process on a socket in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tokio::time::sleep;

/// Maximum time for the server to start.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running server. It ends when this value is dropped, or when this process ends in any other way.
pub(crate) struct Redis {
    /// Ends first, because the number of the server could be that of another process afterwards.
    _guard: Child,
    _child: Child,
    folder: PathBuf,
}

impl Redis {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let folder = std::env::temp_dir().join(format!("fleet-node-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let child = Command::new("redis-server")
            .args(["--port", "0", "--unixsocket", "redis.sock", "--save", "", "--appendonly", "no"])
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context(
                "redis-server cannot be started; install it, for example with: apt-get install redis-server",
            )?;
        let server = child.id().context("redis-server runs")?;
        let redis = Self { _guard: guard(server, &folder)?, _child: child, folder };
        redis.wait_until_ready().await?;
        Ok(redis)
    }

    pub(crate) fn url(&self) -> String {
        format!("unix:{}", self.socket().display())
    }

    fn socket(&self) -> PathBuf {
        self.folder.join("redis.sock")
    }

    async fn wait_until_ready(&self) -> anyhow::Result<()> {
        let start = Instant::now();
        while UnixStream::connect(self.socket()).await.is_err() {
            if start.elapsed() > PATIENCE {
                bail!("redis-server did not start within {PATIENCE:?}");
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

/// Starts a shell that ends the server when this process ends, which closes the pipe between them. A process that is
/// killed drops nothing.
fn guard(server: u32, folder: &Path) -> anyhow::Result<Child> {
    const SCRIPT: &str = "trap '' INT; read -r line; kill -KILL \"$1\"; rm -rf \"$2\"";
    let guard = Command::new("sh")
        .args(["-c", SCRIPT, "sh", &server.to_string()])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    Ok(guard)
}

impl Drop for Redis {
    fn drop(&mut self) {
        // The folder is in the system's temporary folder, so it does no harm if it stays.
        _ = std::fs::remove_dir_all(&self.folder);
    }
}
