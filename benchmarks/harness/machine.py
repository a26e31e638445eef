"""The machine that measured, named in the page."""

import os
import pathlib
import platform
import subprocess
import time


def describe():
    information = pathlib.Path("/proc/cpuinfo").read_text()
    fields = dict(map(str.strip, line.split(":", 1)) for line in information.splitlines() if ":" in line)
    flags = set(fields.get("flags", fields.get("Features", "")).split())
    instructions = [name for name in ("avx2", "avx512bw", "avx512_vbmi", "asimd") if name in flags]
    model = fields.get("model name", platform.machine())
    if "model" in fields:
        model += f" (family {fields.get('cpu family')}, model {fields['model']})"
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    return {"processor": model, "cores": len(os.sched_getaffinity(0)), "instructions": instructions,
            "memory": f"{memory:.0f} GiB", "system": f"Linux {platform.release().split('-')[0]}",
            "compiler": version(["rustc", "--version"]), "date": time.strftime("%Y-%m-%d", time.gmtime())}


def version(command):
    try:
        return " ".join(subprocess.run(command, capture_output=True, text=True).stdout.split()[:2])
    except OSError:
        return "unknown"


def sentence(machine):
    return (f"{machine['processor']}, {machine['cores']} cores, {', '.join(machine['instructions'])}, {machine['memory']}, "
            f"{machine['system']}, {machine['compiler']}, {machine['date']}")
