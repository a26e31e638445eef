//! Removes from a model text what says where and how it was trained but changes
//! neither a score nor how LightGBM loads it. Trees and header stay as they are.

/// Parameters that name a machine: threads, devices, networks, files, verbosity.
const MACHINE_PARAMETERS: [&str; 27] = [
    "config",
    "data",
    "device_type",
    "forcedbins_filename",
    "forcedsplits_filename",
    "gpu_device_id",
    "gpu_device_id_list",
    "gpu_platform_id",
    "gpu_use_dp",
    "histogram_pool_size",
    "initscore_filename",
    "input_model",
    "local_listen_port",
    "machine_list_filename",
    "machines",
    "num_gpu",
    "num_machines",
    "num_threads",
    "output_model",
    "output_result",
    "parser_config_file",
    "pre_partition",
    "save_binary",
    "snapshot_freq",
    "time_out",
    "valid",
    "verbosity",
];

/// The same model without thread counts, paths, devices and line-ending habits,
/// so that the same training gives the same bytes wherever it ran.
///
/// Drops those lines of the `parameters:` section, the `parser:` section (how a
/// data file was read), trailing blank lines and carriage returns. What remains
/// loads in LightGBM and gives the same scores; normalising it again changes
/// nothing. Any text is accepted: this does not check that it is a model.
#[must_use]
pub fn normalise(text: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut section = Section::Model;
    for line in text.lines() {
        let line = line.trim_end_matches('\r');
        match (section, line) {
            (Section::Model, "parameters:") => section = Section::Parameters,
            (Section::Parameters, "end of parameters") => section = Section::Model,
            (Section::Model, "parser:") => section = Section::Parser,
            (Section::Parser, "end of parser") => {
                section = Section::Model;
                continue;
            }
            _ => {}
        }
        let dropped = match section {
            Section::Model => false,
            Section::Parameters => {
                parameter_name(line).is_some_and(|name| MACHINE_PARAMETERS.contains(&name))
            }
            Section::Parser => true,
        };
        if !dropped {
            kept.push(line);
        }
    }
    while kept.last().is_some_and(|line| line.is_empty()) {
        kept.pop();
    }
    kept.push("");
    kept.join("\n")
}

#[derive(Clone, Copy)]
enum Section {
    Model,
    Parameters,
    Parser,
}

/// The name in a line like `[num_threads: 4]`.
fn parameter_name(line: &str) -> Option<&str> {
    line.strip_prefix('[')?
        .split_once(':')
        .map(|(name, _)| name)
}
