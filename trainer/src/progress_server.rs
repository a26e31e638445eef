//! `GET /progress` for the operator: the Job's state as JSON on a port of the pod. It has no
//! other route, takes no input and ends with the process.

use std::net::{Ipv4Addr, SocketAddr};

use axum::routing::get;
use axum::{Json, Router};
use tokio::net::TcpListener;

use crate::failure::Failure;
use crate::progress::Progress;

/// The routes.
pub fn router(progress: Progress) -> Router {
    Router::new().route(
        "/progress",
        get(move || {
            let snapshot = progress.snapshot();
            async move { Json(snapshot) }
        }),
    )
}

/// Serves `progress` on `port` (0: any) until the process ends, and returns the address.
///
/// # Errors
/// The port cannot be bound: a fault of how the Job was started, not of its data.
pub async fn serve(port: u16, progress: Progress) -> Result<SocketAddr, Failure> {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port))
        .await
        .map_err(|error| {
            Failure::internal(format!("cannot serve progress on port {port}: {error}"))
        })?;
    let address = listener.local_addr().map_err(|error| {
        Failure::internal(format!("cannot serve progress on port {port}: {error}"))
    })?;
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router(progress)).await {
            tracing::warn!(%error, "progress is no longer served");
        }
    });
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Stage;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn progress_is_answered_as_json_while_the_job_runs() {
        let progress = Progress::silent();
        let address = serve(0, progress.clone()).await.expect("binds");
        for (iteration, expected) in [(5, "\"iteration\":5"), (6, "\"iteration\":6")] {
            progress.trained(iteration, 10);
            let mut stream = tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, address.port()))
                .await
                .expect("connects");
            stream
                .write_all(b"GET /progress HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
                .await
                .expect("sends");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.expect("answers");
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            assert!(
                answer.contains("\"stage\":\"train\"") && answer.contains(expected),
                "{answer}"
            );
        }
        progress.begin(Stage::Upload);
    }
}
