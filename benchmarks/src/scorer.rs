//! The scorer as a worker, and its comparison with scores that LightGBM gave.

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use searchop_ranking::model::RankingModel;
use searchop_ranking::scorer::Scratch;

use crate::numbers::{read_doubles, write_doubles};

/// A model and documents for it.
#[derive(Debug)]
pub struct ScorerWorker {
    text: String,
    model: RankingModel,
    scratch: Scratch,
    documents: Vec<f64>,
    scores: Vec<f64>,
}

impl ScorerWorker {
    /// Reads a model's text and documents of its width.
    ///
    /// # Errors
    /// A file cannot be read, or is not what it should be.
    pub fn new(model: &Path, documents: &Path) -> Result<Self> {
        let text = read_text(model)?;
        let model = RankingModel::parse(&text)?;
        let documents = read_doubles(documents)?;
        let rows = documents.len() / model.feature_count();
        Ok(Self {
            text,
            scratch: model.scratch(),
            model,
            documents,
            scores: vec![0.0; rows],
        })
    }

    /// `score START COUNT BATCH`, `dump PATH COUNT` or `load`: see `peers/scorer/worker.py`.
    ///
    /// # Errors
    /// Another line, or numbers beyond the documents.
    pub fn act(&mut self, words: &[&str]) -> Result<()> {
        match words {
            ["score", start, count, batch] => {
                self.score(start.parse()?, count.parse()?, batch.parse()?)
            }
            ["dump", path, count] => {
                let scores = self.scores.get(..count.parse::<usize>()?);
                write_doubles(Path::new(path), scores.context("so many were not scored")?)
            }
            ["load"] => {
                self.model = black_box(RankingModel::parse(black_box(&self.text))?);
                Ok(())
            }
            _ => bail!("not understood"),
        }
    }

    fn score(&mut self, start: usize, count: usize, batch: usize) -> Result<()> {
        let width = self.model.feature_count();
        let rows = self.documents.get(start * width..(start + count) * width);
        let rows = rows.context("there are not so many documents")?;
        ensure!(batch > 0, "a batch has a document");
        let scores = &mut self.scores[..count];
        for (rows, scores) in rows.chunks(batch * width).zip(scores.chunks_mut(batch)) {
            self.model.score_rows(rows, &mut self.scratch, scores);
        }
        Ok(())
    }
}

/// How many scores were compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Comparison {
    /// Models.
    pub models: u64,
    /// Pairs of a model and a document.
    pub pairs: u64,
    /// Pairs whose scores differ in any bit.
    pub different: u64,
}

/// Compares with LightGBM's scores of every model of a folder: `N.txt`, `N.rows` and `N.scores`.
///
/// # Errors
/// A file is missing or is not what it should be.
pub fn compare(folder: &Path) -> Result<Comparison> {
    let mut comparison = Comparison::default();
    for entry in fs::read_dir(folder)? {
        let path: PathBuf = entry?.path();
        if path
            .extension()
            .is_none_or(|extension| extension != "scores")
        {
            continue;
        }
        let model = RankingModel::parse(&read_text(&path.with_extension("txt"))?)?;
        let rows = read_doubles(&path.with_extension("rows"))?;
        let expected = read_doubles(&path)?;
        let mut scores = vec![0.0; expected.len()];
        model.score_rows(&rows, &mut model.scratch(), &mut scores);
        comparison.models += 1;
        comparison.pairs += expected.len() as u64;
        comparison.different += scores
            .iter()
            .zip(&expected)
            .filter(|(score, expected)| score.to_bits() != expected.to_bits())
            .count() as u64;
    }
    Ok(comparison)
}

fn read_text(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("read {}", path.display()))
}
