use searchop_ranking::{baselines::Baseline, catalogue::Catalogue, events, features::*, generate::*};
use std::io::Write;
use std::sync::Arc;
use std::time::Instant;
#[test]
fn scratch() {
    let s = Settings { events: std::env::var("EVENTS").map(|e| e.parse().unwrap()).unwrap_or(100_000), ..Settings::default() };
    let (mut c, mut q, mut e, mut j) = (vec![], vec![], vec![], vec![]);
    let t = Instant::now();
    let counts = write_dataset(&s, &mut Outputs { catalogue: &mut c, queries: &mut q, events: &mut e, judgements: &mut j }, &mut |_| ()).unwrap();
    println!("generate {:?} {counts:?} bytes {} {} {} {}", t.elapsed(), c.len(), q.len(), e.len(), j.len());
    for (n, d) in [("catalogue", &c), ("queries", &q), ("events", &e), ("judgements", &j)] { std::fs::write(format!("/tmp/rd-data/{n}.jsonl"), d).unwrap(); }
    let t = Instant::now();
    let cat = Arc::new(Catalogue::read(&c[..]).unwrap());
    let searches = events::read_searches(&q[..]).unwrap();
    let evs = events::read_events(&e[..]).unwrap();
    let js = events::read_judgements(&j[..]).unwrap();
    println!("read {:?}", t.elapsed());
    let t = Instant::now();
    let journal = Journal::new(&cat, &searches, &evs);
    println!("journal {:?} {:?}", t.elapsed(), journal.notes);
    let t = Instant::now();
    let ctx = FeatureContext::new(cat.clone());
    println!("context {:?}", t.elapsed());
    let t = Instant::now();
    let rows = training_rows(&ctx, &journal, &TrainingOptions::default());
    println!("rows {:?} {} searches {} noitems {} nofeedback {}", t.elapsed(), rows.len(), rows.searches.len(), rows.searches_without_items, rows.searches_without_feedback);
    let t = Instant::now();
    let table = journal.behaviour_before(&cat, journal.end());
    let mut b = vec![]; table.write(&cat, &mut b).unwrap();
    println!("table {:?} pairs {} bytes {}", t.elapsed(), table.pair_count(), b.len());
    let t = Instant::now();
    let idx = searchop_ranking::retrieval::RetrievalIndex::new(&cat).unwrap();
    println!("index {:?}", t.elapsed());
    let t = Instant::now();
    for q in &searches[..1000] { idx.search(&q.user_query, 100).unwrap(); }
    println!("1000 searches {:?}", t.elapsed());
    let out = |name: &str, v: &[f64]| { let mut f = std::fs::File::create(format!("/tmp/rd-data/{name}.f64")).unwrap(); let b: Vec<u8> = v.iter().flat_map(|x| x.to_le_bytes()).collect(); f.write_all(&b).unwrap(); };
    out("values", &rows.values);
    out("labels", &rows.labels.iter().map(|l| f64::from(*l)).collect::<Vec<_>>());
    out("groups", &rows.searches.iter().map(|s| s.rows as f64).collect::<Vec<_>>());
    for b in Baseline::EVERY { out(b.name(), &b.scores(&rows, &cat, 1)); }
    std::fs::write("/tmp/rd-data/names.txt", definitions().iter().map(|d| d.name).collect::<Vec<_>>().join("\n")).unwrap();
    // judged
    let (mut jv, mut jl, mut jg, mut jp, mut jb) = (vec![], vec![], vec![], vec![], vec![]);
    let mut i = 0;
    while i < js.len() {
        let mut k = i; while k < js.len() && js[k].query == js[i].query { k += 1; }
        let items: Vec<_> = js[i..k].iter().map(|x| cat.find(&x.item_id).unwrap()).collect();
        let v = ctx.compute(&ctx.analyse(&js[i].query), &items, &table);
        jb.extend(v.chunks(FEATURE_COUNT).map(|r| r[2]));
        jv.extend(v); jl.extend(js[i..k].iter().map(|x| f64::from(x.grade))); jg.push((k - i) as f64);
        jp.extend(items.iter().map(|x| cat.product(*x).popularity.unwrap_or(-1.0)));
        i = k;
    }
    out("jvalues", &jv); out("jlabels", &jl); out("jgroups", &jg); out("jpopularity", &jp); out("jbm25", &jb);
}
