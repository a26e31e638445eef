use std::io;

use searchop_artifacts::Sha256;
use searchop_ranking::catalogue::Product;
use searchop_ranking::catalogue_files::read_catalogue_records;
use searchop_ranking::events::{Event, Judgement, Search};
use searchop_ranking::generate::RowWriter;
use searchop_ranking::input::read_records;
use searchop_ranking::judgements::{GradeMap, read_judgement_records};
use tempfile::TempDir;

use super::*;
use crate::data::ParquetRows;

fn small(seed: u64) -> Settings {
    Settings {
        seed,
        products: 100,
        users: 50,
        events: 1_000,
        drift: Vec::new(),
    }
}

fn written(settings: &Settings) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(settings, folder.path(), &mut |_| ()).unwrap();
    folder
}

/// The rows that go into the files.
#[derive(Default)]
struct Rows {
    products: Vec<Product>,
    searches: Vec<Search>,
    events: Vec<Event>,
    judgements: Vec<Judgement>,
}

impl RowWriter for Rows {
    fn product(&mut self, product: &Product) -> io::Result<()> {
        self.products.push(product.clone());
        Ok(())
    }
    fn search(&mut self, search: &Search) -> io::Result<()> {
        self.searches.push(search.clone());
        Ok(())
    }
    fn event(&mut self, event: &Event) -> io::Result<()> {
        self.events.push(event.clone());
        Ok(())
    }
    fn judgement(&mut self, judgement: &Judgement) -> io::Result<()> {
        self.judgements.push(judgement.clone());
        Ok(())
    }
}

#[test]
fn what_is_written_reads_back_as_own_data_to_the_same_rows() {
    let settings = Settings {
        // More rows than one row group has.
        events: 60_000,
        ..small(42)
    };
    let mut expected = Rows::default();
    write_dataset(&settings, &mut expected, &mut |_| ()).unwrap();
    let folder = written(&settings);
    let rows = |name: &str| ParquetRows::open(name, &folder.path().join(name)).unwrap();

    let (catalogue, _) = read_catalogue_records(rows(FILES[0]), 0).unwrap();
    assert_eq!(catalogue.products(), expected.products);
    let mut searches = Vec::new();
    read_records::<Search, _>(rows(FILES[1]), |search| searches.push(search)).unwrap();
    assert!(searches == expected.searches, "other searches");
    let mut events = Vec::new();
    read_records::<Event, _>(rows(FILES[2]), |event| events.push(event)).unwrap();
    assert!(events == expected.events, "other events");
    let list = read_judgement_records(rows(FILES[3]), &GradeMap::whole_numbers(), 0).unwrap();
    let judged = list.queries().iter().flat_map(|query| {
        let items = query.items.iter();
        items.map(|item| (query.query.as_str(), item.item_id.as_str(), item.label))
    });
    let expected = expected.judgements.iter().map(|judgement| {
        let grade = u8::try_from(judgement.grade).unwrap();
        (judgement.query.as_str(), judgement.item_id.as_str(), grade)
    });
    let (mut judged, mut expected) = (Vec::from_iter(judged), Vec::from_iter(expected));
    judged.sort_unstable();
    expected.sort_unstable();
    assert_eq!(judged, expected);
}

#[test]
fn a_seed_means_the_same_bytes_on_every_machine() {
    let digest = |seed: u64| {
        let folder = written(&small(seed));
        let files = FILES.map(|name| std::fs::read(folder.path().join(name)).unwrap());
        Sha256::of(&files.concat()).to_string()
    };
    assert_eq!(
        digest(42),
        "fbd34962f96092cba0a6b0399a95a77a325c2436b8048cd3e199f3e4aaa129b1",
        "the files changed: of the same rows if only this test fails, as another version of zstd or \
         of the Parquet library writes them"
    );
    assert_ne!(digest(42), digest(43));
}

#[test]
fn a_folder_that_cannot_be_made_is_no_bad_data() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("file");
    std::fs::write(&file, "").unwrap();
    let failure = write(&small(1), &file, &mut |_| ()).expect_err("no folder");
    assert!(
        failure.message.starts_with("cannot write the dataset: "),
        "{failure}"
    );
}
