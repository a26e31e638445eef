//! The binary: a runtime, the library's `run`, its exit code.

use std::process::ExitCode;

fn main() -> anyhow::Result<ExitCode> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let code = runtime.block_on(searchop_trainer::run::run(std::env::args_os()));
    // Work that did not hear that it should end is not waited for.
    runtime.shutdown_background();
    Ok(ExitCode::from(code))
}
