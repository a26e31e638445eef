//! Reading a request's body: the server's parser, and serde_json into owned structs.

use std::hint::black_box;

use anyhow::{Context, Result, anyhow, bail};

use crate::messages::RankRequest;

/// Reads the body once by both.
///
/// # Errors
/// One of them refuses the body.
pub fn check(body: &[u8]) -> Result<()> {
    served(body).context("the server refuses the body")?;
    owned(body).context("serde_json refuses the body")
}

/// `served COUNT` or `serde COUNT`: reads the body so many times.
///
/// # Errors
/// Another line, or a body that is refused.
pub fn act(body: &[u8], words: &[&str]) -> Result<()> {
    match words {
        ["served", count] => repeat(count.parse()?, || served(black_box(body))),
        ["serde", count] => repeat(count.parse()?, || owned(black_box(body))),
        _ => bail!("not understood"),
    }
}

fn repeat(count: u64, mut read: impl FnMut() -> Result<()>) -> Result<()> {
    (0..count).try_for_each(|_| read())
}

fn owned(body: &[u8]) -> Result<()> {
    let request: RankRequest = serde_json::from_slice(body)?;
    black_box(request);
    Ok(())
}

/// As the server reads it.
fn served(body: &[u8]) -> Result<()> {
    let request =
        searchop_server::api::body::parse_rank(body).map_err(|error| anyhow!(error.message))?;
    black_box(request);
    Ok(())
}
