//! The `searchop-server` command.

use std::process::ExitCode;

use clap::Parser;
use searchop_server::command::{Arguments, Command, LogFormat};
use searchop_server::{fetch, serve, shutdown};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("searchop-server: {error:#}");
            ExitCode::from(70)
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    start_log(&arguments)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let code = match arguments.command {
        Command::Serve(arguments) => {
            runtime.block_on(serve::run(&arguments))?;
            ExitCode::SUCCESS
        }
        Command::Fetch(arguments) => runtime.block_on(async {
            // The first process of a container is not ended by a signal that it does not handle.
            let stop = shutdown::termination()?;
            Ok::<_, std::io::Error>(ExitCode::from(fetch::run(&arguments, stop).await))
        })?,
    };
    // Scoring that is over its budget is not waited for.
    runtime.shutdown_background();
    Ok(code)
}

fn start_log(arguments: &Arguments) -> anyhow::Result<()> {
    let log = tracing_subscriber::fmt().with_env_filter(EnvFilter::try_new(&arguments.log)?);
    match arguments.log_format {
        LogFormat::Json => log.json().flatten_event(true).init(),
        LogFormat::Text => log.init(),
    }
    Ok(())
}
