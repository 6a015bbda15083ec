//! The signal to shut down: Ctrl-C or, on Unix, SIGTERM. It stays set, so everything that waits for it later ends too.

use std::io;

use tokio::sync::watch::{self, Receiver};

/// Listens for the signal.
pub(crate) fn listen() -> io::Result<Receiver<bool>> {
    let (sender, receiver) = watch::channel(false);
    #[cfg(unix)]
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::spawn(async move {
        #[cfg(unix)]
        let terminated = terminate.recv();
        #[cfg(not(unix))]
        let terminated = std::future::pending::<Option<()>>();
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminated => {}
        }
        sender.send_replace(true);
    });
    Ok(receiver)
}

/// Waits for the signal.
pub(crate) async fn wait(mut shutdown: Receiver<bool>) {
    _ = shutdown.wait_for(|is_shutting_down| *is_shutting_down).await;
}
