//! Reading requests' bodies: the server's parser, and serde_json into owned structs.

use std::hint::black_box;

use anyhow::{Context, Result, anyhow, bail, ensure};

use crate::messages::RankRequest;

/// Bodies that are read in turn, so that no branch predictor learns one of them by heart.
#[derive(Debug)]
pub struct ParserWorker {
    bodies: Vec<Vec<u8>>,
    turn: usize,
}

impl ParserWorker {
    /// Reads each body once by both.
    ///
    /// # Errors
    /// There is none, or one of them is refused.
    pub fn new(bodies: Vec<Vec<u8>>) -> Result<Self> {
        ensure!(!bodies.is_empty(), "there is no body to read");
        for body in &bodies {
            served(body).context("the server refuses the body")?;
            owned(body).context("serde_json refuses the body")?;
        }
        Ok(Self { bodies, turn: 0 })
    }

    /// `served COUNT` or `serde COUNT`: reads so many bodies.
    ///
    /// # Errors
    /// Another line, or a body that is refused.
    pub fn act(&mut self, words: &[&str]) -> Result<()> {
        match words {
            ["served", count] => self.repeat(count.parse()?, served),
            ["serde", count] => self.repeat(count.parse()?, owned),
            _ => bail!("not understood"),
        }
    }

    fn repeat(&mut self, count: u64, read: impl Fn(&[u8]) -> Result<()>) -> Result<()> {
        for _ in 0..count {
            read(black_box(&self.bodies[self.turn]))?;
            self.turn = (self.turn + 1) % self.bodies.len();
        }
        Ok(())
    }
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
