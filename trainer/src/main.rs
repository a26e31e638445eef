//! The binary: how OpenMP's threads wait, a runtime, the library's `run`, its exit code.

use std::io::Write as _;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use searchop_trainer::threads::WAIT_POLICY;

/// Begins anew, as the same process, with OpenMP's threads sleeping where they wait.
///
/// By default they spin at the end of every parallel loop. Where threads have to share their
/// processors, as Jobs on a busy node do, one that spins takes the time that the one it waits for
/// needs. OpenMP reads the variable before `main` begins, so it cannot just be set here.
fn let_waiting_threads_sleep() {
    let (name, value) = WAIT_POLICY;
    if std::env::var_os(name).is_some() {
        return;
    }
    if let Ok(program) = std::env::current_exe() {
        // Comes back only when it failed; then training is slower, not wrong.
        let error = Command::new(program)
            .args(std::env::args_os().skip(1))
            .env(name, value)
            .exec();
        let _ = writeln!(
            std::io::stderr(),
            "warning: cannot set {name}={value}: {error}"
        );
    }
}

fn main() -> anyhow::Result<ExitCode> {
    let_waiting_threads_sleep();
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
