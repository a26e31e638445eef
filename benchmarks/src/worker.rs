//! Says `ready`, then answers each line of input with `done`. Whoever asks reads this process's CPU clock before and after.

use std::io::{BufRead, Write};

use anyhow::{Context, Result};

/// Answers until the input ends. `act` is given the words of each line.
///
/// # Errors
/// The first line that `act` refuses, with the line; or input or output fail.
pub fn answer_lines(
    input: impl BufRead,
    mut output: impl Write,
    mut act: impl FnMut(&[&str]) -> Result<()>,
) -> Result<()> {
    let mut say = |word: &str| writeln!(output, "{word}").and_then(|()| output.flush());
    say("ready")?;
    for line in input.lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        act(&words).with_context(|| format!("asked for {line:?}"))?;
        say("done")?;
    }
    Ok(())
}
